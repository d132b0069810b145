/** Runs a command line inside the test's own process, as a person without a terminal would. */
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { main } from '../../cli/main.js';

export interface CommandRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function runCommand(
  argv: readonly string[],
  options: {
    readonly workingFolder: string;
    readonly environment?: Readonly<Record<string, string>>;
    readonly signal?: AbortSignal;
  },
): Promise<CommandRun> {
  const [stdout, stderr, stdin] = [new PassThrough(), new PassThrough(), new PassThrough()];
  stdin.end();
  const code = main(argv, {
    stdout,
    stderr,
    stdin,
    environment: { HOME: options.workingFolder, ...options.environment },
    workingFolder: options.workingFolder,
    signal: options.signal ?? new AbortController().signal,
  }).finally(() => {
    stdout.end();
    stderr.end();
  });
  const [read, readErrors] = await Promise.all([text(stdout), text(stderr)]);
  return { code: await code, stdout: read, stderr: readErrors };
}
