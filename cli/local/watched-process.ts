/**
 * A child process that cannot outlive us, not even when we are ended with kill -9.
 *
 * A small shell stands between. It starts the program with a standard input of its own and then reads a pipe that only we
 * hold open. When the pipe ends, because we closed it or because we are gone, it sends TERM and, after a grace, KILL. So
 * there is one way to stop a child, and the crash of the parent takes it too. The shell leads a session of its own: a
 * ctrl-C at the terminal reaches us and not the children, and we stop them in order.
 *
 * Needs a POSIX shell; on Windows use WSL. What is not covered: kill -9 of the shell itself leaves its reader behind,
 * which still ends the program when we end.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** $1 is the grace in seconds. File 3 is the pipe to the parent, file 4 tells it the process id of the program. */
const shellScript = `
grace=$1; shift
exec 3<&0
"$@" </dev/null 3<&- 4>&- &
program=$!
echo "$program" >&4; exec 4>&-
trap : TERM INT HUP
(
  trap - TERM INT HUP
  while read -r line; do :; done
  kill -TERM "$program"
  waited=0
  while [ "$waited" -lt "$grace" ] && kill -0 "$program"; do sleep 1; waited=$((waited + 1)); done
  kill -KILL "$program"
) <&3 >/dev/null 2>&1 &
watch=$!
exec 3<&-
while :; do
  wait "$program" 2>/dev/null; code=$?
  kill -0 "$program" 2>/dev/null || break
done
kill -KILL "$watch" 2>/dev/null
exit "$code"
`;

export interface WatchedProcessOptions {
  readonly command: string;
  readonly arguments: readonly string[];
  /** Exactly what the program gets; nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workingFolder?: string;
  /** How long the program has between TERM and KILL. Rounded up to seconds. */
  readonly graceMs?: number;
  readonly onStdoutLine?: (line: string) => void;
  readonly onStderrLine?: (line: string) => void;
}

export interface WatchedProcess {
  /** Of the program, not of the shell. */
  readonly pid: number;
  /** Resolves once the program has ended and all that it printed was read. 128 + n after signal n, as shells have it. */
  readonly exited: Promise<number>;
  /** TERM, then KILL after the grace. Resolves when the program is gone; safe to call twice. */
  stop(): Promise<void>;
}

/** Rejects with the system's error where the program cannot be started at all. */
export async function startWatched(options: WatchedProcessOptions): Promise<WatchedProcess> {
  const graceSeconds = Math.ceil((options.graceMs ?? 10_000) / 1_000);
  const shell = spawn(
    '/bin/sh',
    ['-c', shellScript, 'concordat-watch', String(graceSeconds), options.command, ...options.arguments],
    {
      env: { ...options.environment },
      ...(options.workingFolder === undefined ? {} : { cwd: options.workingFolder }),
      stdio: ['pipe', 'pipe', 'pipe', 'ignore', 'pipe'],
      detached: true,
    },
  );
  const { stdin, stdout, stderr } = shell;
  if (!stdin || !stdout || !stderr) throw new TypeError('all three were asked for as pipes');
  // A shell that has ended makes writing to it fail; its end is reported by `exited`.
  stdin.on('error', () => {});
  const exited = new Promise<number>((resolve, reject) => {
    shell.once('error', reject);
    shell.once('close', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 1)));
  });
  exited.catch(() => {});

  eachLine(stdout, options.onStdoutLine);
  eachLine(stderr, options.onStderrLine);

  const pid = await programId(shell.stdio[4] as Readable, exited);
  return {
    pid,
    exited,
    async stop() {
      stdin.end();
      await exited;
    },
  };
}

function eachLine(stream: Readable, take: ((line: string) => void) | undefined): void {
  if (!take) {
    stream.resume();
    return;
  }
  createInterface({ input: stream, crlfDelay: Infinity }).on('line', take);
}

async function programId(stream: Readable, exited: Promise<number>): Promise<number> {
  const text = new Promise<string>((resolve) => {
    let read = '';
    stream.setEncoding('utf8');
    stream.on('data', (part: string) => (read += part));
    stream.once('close', () => resolve(read));
  });
  const pid = Number.parseInt(await Promise.race([text, exited.then(() => text)]), 10);
  if (!Number.isInteger(pid)) throw new Error('the shell that watches the program did not start it');
  return pid;
}
