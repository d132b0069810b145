/** A private Python environment in the cache folder: made once, used by every later test run of this machine. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { oneAtATime } from './one-at-a-time.js';
import { systemsFolder } from './systems-folder.js';

const run = promisify(execFile);
const makingTimeMaxMs = 480_000;

export type PythonEnvironment =
  { readonly kind: 'ready'; readonly binFolder: string } | { readonly kind: 'missing'; readonly reason: string };

/**
 * Installs `requirements` (exact versions, as pip writes them) into an environment named after `name` and the
 * requirements. The scripts of an environment hold its path, so it is made where it stays and marked when it is whole;
 * a second process waits for the first.
 */
export async function pythonEnvironment(
  name: string,
  requirements: readonly string[],
  python = 'python3',
): Promise<PythonEnvironment> {
  const key = createHash('sha256')
    .update(JSON.stringify([python, ...requirements]))
    .digest('hex')
    .slice(0, 12);
  const folder = path.join(systemsFolder(), `${name}-${key}`);
  const binFolder = path.join(folder, 'bin');
  const complete = path.join(folder, 'complete');
  return oneAtATime(path.basename(folder), async () => {
    if (await exists(complete)) return { kind: 'ready', binFolder };
    try {
      await rm(folder, { recursive: true, force: true });
      await run(python, ['-m', 'venv', folder]);
      const pip = path.join(binFolder, 'pip');
      // What is never imported need not be compiled.
      const options = ['--quiet', '--disable-pip-version-check', '--no-compile'];
      await run(pip, ['install', ...options, ...requirements], { timeout: makingTimeMaxMs });
      await mkdir(complete);
      return { kind: 'ready', binFolder };
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      return { kind: 'missing', reason: String(error instanceof Error ? error.message : error).split('\n')[0] ?? '' };
    }
  });
}

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => null)) !== null;
}
