/** Builds dist/ for tests that start the program as processes of their own. A stale dist/ would test yesterday's code. */
import { execFile } from 'node:child_process';
import { readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const sources = ['core', 'workflows', 'activities', 'workers', 'cli', 'sandbox'];
const settings = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];

/** The absolute path of dist/, built from the sources as they are now. Rejects with what the compiler says. */
export async function buildIfStale(): Promise<string> {
  const dist = join(root, 'dist');
  const mark = join(dist, '.built-for-tests');
  const changed = Math.max(
    ...(await Promise.all([
      ...sources.map((folder) => newestChangeMs(join(root, folder))),
      ...settings.map((file) => changedMs(join(root, file))),
    ])),
  );
  if ((await changedMs(mark)) >= changed) return dist;
  const startedAt = new Date();
  await quietly('node', [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'tsconfig.build.json')]);
  await quietly('node', [join(dist, 'workers/bundle-workflows.js')]);
  await writeFile(mark, '');
  // A source saved during the build must count as changed.
  await utimes(mark, startedAt, startedAt);
  return dist;
}

async function quietly(command: string, given: readonly string[]): Promise<void> {
  try {
    await run(command, given, { cwd: root, maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`the program cannot be built for the tests:\n${stdout}${stderr}`, { cause: error });
  }
}

async function changedMs(path: string): Promise<number> {
  return stat(path).then(
    (found) => found.mtimeMs,
    () => 0,
  );
}

async function newestChangeMs(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const times = await Promise.all(
    // The time of a folder changes when a file in it is removed.
    [folder, ...entries.map((entry) => join(entry.parentPath, entry.name))].map(changedMs),
  );
  return Math.max(0, ...times);
}
