/** A private Python environment in the cache folder: made once, used by every later test run of this machine. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const makingTimeMaxMs = 480_000;

export type PythonEnvironment =
  { readonly kind: 'ready'; readonly binFolder: string } | { readonly kind: 'missing'; readonly reason: string };

/** Where test systems keep what they install: `$XDG_CACHE_HOME/concordat/test-systems`. */
export function systemsFolder(): string {
  const cache = process.env['XDG_CACHE_HOME'];
  return path.join(cache ? cache : path.join(homedir(), '.cache'), 'concordat', 'test-systems');
}

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
  const lock = `${folder}.making`;
  await mkdir(systemsFolder(), { recursive: true });
  for (;;) {
    if (await exists(complete)) return { kind: 'ready', binFolder };
    if (await takeLock(lock)) break;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
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
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

/** Creating a folder is the one step that only one process can win. A lock older than any making is a dead one's. */
async function takeLock(lock: string): Promise<boolean> {
  try {
    await mkdir(lock);
    return true;
  } catch {
    const made = await stat(lock).catch(() => null);
    if (made !== null && Date.now() - made.mtimeMs > makingTimeMaxMs + 60_000) {
      await rm(lock, { recursive: true, force: true });
    }
    return false;
  }
}

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => null)) !== null;
}
