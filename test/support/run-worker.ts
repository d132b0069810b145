/** Runs a worker that is expected to end by itself, and says how it ended. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { builtProgram } from './temporal.js';

export async function runWorker(
  given: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly code: number; readonly stderr: string }> {
  const program = path.join(await builtProgram(), 'workers', 'main.js');
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, ...given],
      { env: { PATH: process.env['PATH'], ...environment }, timeout: 60_000 },
      (error, _stdout, stderr) => resolve({ code: error ? Number(error.code ?? 1) : 0, stderr }),
    );
  });
}
