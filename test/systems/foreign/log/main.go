// Checks what an authority's log shows with software that is not Concordat's: notes by golang.org/x/mod/sumdb/note,
// cosignatures by github.com/transparency-dev/formats, proofs by github.com/transparency-dev/merkle.
//
// Reads one JSON document on stdin and writes one: for each check its name and the error, empty where it holds.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	fnote "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

type input struct {
	Note       string
	LogKey     string
	Cosigners  []string
	Inclusions []struct {
		Entry string
		Index uint64
		Proof []string
	}
	Consistencies []struct {
		Note  string
		Proof []string
	}
}

func hashes(texts []string) [][]byte {
	all := make([][]byte, len(texts))
	for i, text := range texts {
		all[i], _ = hex.DecodeString(text)
	}
	return all
}

func checkpoint(text string) (uint64, []byte, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 {
		return 0, nil, fmt.Errorf("a checkpoint has three lines, this has %d", len(lines)-1)
	}
	size, err := strconv.ParseUint(lines[1], 10, 64)
	if err != nil {
		return 0, nil, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	return size, root, err
}

func main() {
	var in input
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		panic(err)
	}
	results := map[string]string{}
	tell := func(name string, err error) {
		results[name] = ""
		if err != nil {
			results[name] = err.Error()
		}
	}
	verifier, err := note.NewVerifier(in.LogKey)
	if err != nil {
		panic(err)
	}
	opened, err := note.Open([]byte(in.Note), note.VerifierList(verifier))
	tell("note", err)
	if err != nil {
		json.NewEncoder(os.Stdout).Encode(results)
		return
	}
	size, root, err := checkpoint(opened.Text)
	tell("checkpoint", err)
	for i, key := range in.Cosigners {
		cosigner, err := fnote.NewVerifierForCosignatureV1(key)
		if err == nil {
			_, err = note.Open([]byte(in.Note), note.VerifierList(cosigner))
		}
		tell(fmt.Sprintf("cosignature %d", i), err)
	}
	for i, one := range in.Inclusions {
		entry, _ := hex.DecodeString(one.Entry)
		leaf := rfc6962.DefaultHasher.HashLeaf(entry)
		tell(fmt.Sprintf("inclusion %d", i),
			proof.VerifyInclusion(rfc6962.DefaultHasher, one.Index, size, leaf, hashes(one.Proof), root))
	}
	for i, one := range in.Consistencies {
		earlier, err := note.Open([]byte(one.Note), note.VerifierList(verifier))
		if err == nil {
			var from uint64
			var fromRoot []byte
			from, fromRoot, err = checkpoint(earlier.Text)
			if err == nil && from == size && !bytes.Equal(fromRoot, root) {
				err = fmt.Errorf("two roots of one size")
			} else if err == nil {
				err = proof.VerifyConsistency(rfc6962.DefaultHasher, from, size, hashes(one.Proof), fromRoot, root)
			}
		}
		tell(fmt.Sprintf("consistency %d", i), err)
	}
	json.NewEncoder(os.Stdout).Encode(results)
}
