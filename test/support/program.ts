/** The built program as a process of its own, listened to, interrupted, and looked for once it is gone. */
import { execFile, spawn } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, vi } from 'vitest';

export interface StartedProgram {
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves once either stream holds the text; rejects where the program ends without it. */
  says(text: string): Promise<void>;
  /** As Ctrl-C does; also where it is held. */
  interrupt(): void;
  /** Stops it where it is, so that it cannot go on to its end while what it started is looked at. */
  hold(): void;
  /** The exit code, once all output was read. */
  readonly ended: Promise<number | null>;
}

export function startProgram(
  dist: string,
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
): StartedProgram {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [path.join(dist, 'cli', 'main.js'), ...argv], {
    env: { PATH, HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  const listeners = new Set<() => void>();
  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
      tell();
    });
  let over = false;
  const ended = new Promise<number | null>((resolve) =>
    child.once('close', (code) => {
      over = true;
      resolve(code);
      tell();
    }),
  );
  onTestFinished(async () => {
    child.kill('SIGTERM');
    child.kill('SIGCONT');
    await ended;
  });
  return {
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    says: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (said.stdout.includes(text) || said.stderr.includes(text)) resolve();
          else if (over) reject(new Error(`it ended without "${text}":\n${said.stdout}\n${said.stderr}`));
          else return;
          listeners.delete(look);
        };
        listeners.add(look);
        look();
      }),
    interrupt: () => {
      child.kill('SIGINT');
      child.kill('SIGCONT');
    },
    hold: () => void child.kill('SIGSTOP'),
    ended,
  };
}

/** Running processes whose command line or environment holds this text, such as the TMPDIR that a program was given. */
export async function processesNaming(text: string): Promise<readonly string[]> {
  const { stdout } = await promisify(execFile)('ps', ['axeww', '-o', 'args='], { maxBuffer: 64 * 1024 * 1024 });
  return stdout.split('\n').filter((line) => line.includes(text));
}

/** The shells that watch over processes sleep for up to a second after them. */
export async function noneLeft(text: string): Promise<void> {
  await vi.waitFor(async () => expect(await processesNaming(text)).toEqual([]), { timeout: 5_000, interval: 200 });
}
