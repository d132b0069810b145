/** A package of the registry in the cache folder, apart from ours: installed once, used by every later run. */
import { execFile } from 'node:child_process';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { oneAtATime } from './one-at-a-time.js';
import { systemsFolder } from './systems-folder.js';

const run = promisify(execFile);

export type NodePackage =
  { readonly kind: 'ready'; readonly folder: string } | { readonly kind: 'missing'; readonly reason: string };

/** `version` is exact. The folder holds `node_modules`. */
export async function nodePackage(name: string, version: string): Promise<NodePackage> {
  const folder = path.join(systemsFolder(), `${name.replace(/[^a-z0-9]+/g, '-')}-${version}`);
  const complete = path.join(folder, 'complete');
  return oneAtATime(path.basename(folder), async () => {
    if (await stat(complete).catch(() => null)) return { kind: 'ready', folder };
    try {
      await mkdir(folder, { recursive: true });
      await writeFile(path.join(folder, 'package.json'), '{"private":true}\n');
      const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--silent'];
      await run('npm', ['install', ...options, `${name}@${version}`], { cwd: folder, timeout: 240_000 });
      await mkdir(complete);
      return { kind: 'ready', folder };
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      return { kind: 'missing', reason: String(error instanceof Error ? error.message : error).split('\n')[0] ?? '' };
    }
  });
}
