// Reads a compose file as Docker Compose does, with the library that Docker Compose is built on, and names its services.
// For machines without Docker Compose; .ci/check-compose calls it.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	options, err := cli.NewProjectOptions(
		[]string{os.Args[1]},
		cli.WithOsEnv,
		cli.WithEnvFiles(os.Args[2]),
		cli.WithDotEnv,
		cli.WithName("concordat"),
	)
	if err == nil {
		project, loadError := options.LoadProject(context.Background())
		if loadError == nil {
			for _, name := range project.ServiceNames() {
				fmt.Println(name)
			}
			return
		}
		err = loadError
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
