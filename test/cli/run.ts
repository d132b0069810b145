/** Runs a command line in this process, with streams that remember what was said. */
import { PassThrough } from 'node:stream';
import { main } from '../../cli/main.js';
import type { Sink } from '../../cli/output/output.js';

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly workingFolder?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Whether stdout and stderr say that they are terminals. */
  readonly terminal?: boolean;
}

function sink(terminal: boolean): { readonly stream: Sink; readonly text: () => string } {
  const pieces: Buffer[] = [];
  const stream: Sink = Object.assign(new PassThrough(), terminal ? { isTTY: true, columns: 80 } : {});
  stream.on('data', (piece: Buffer) => pieces.push(piece));
  return { stream, text: () => Buffer.concat(pieces).toString('utf8') };
}

export async function run(argv: readonly string[], options: RunOptions = {}): Promise<Said> {
  const [out, error] = [sink(options.terminal ?? false), sink(options.terminal ?? false)];
  const code = await main(argv, {
    stdout: out.stream,
    stderr: error.stream,
    stdin: new PassThrough(),
    environment: options.environment ?? {},
    workingFolder: options.workingFolder ?? '/',
    signal: new AbortController().signal,
  });
  // What was written reaches the listeners in a later turn.
  await new Promise((resolve) => setImmediate(resolve));
  return { code, stdout: out.text(), stderr: error.text() };
}
