/**
 * The federation of a worker that runs for months: read again where a manifest or a pin changed, so that a narrower
 * surface or a revoked key counts from the next run on and nobody has to start anything anew.
 */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Federation } from '../../core/federation/federation.js';
import { manifestsFolder } from '../../core/federation/manifest-files.js';
import { rememberManifests } from '../manifests/seen-manifests.js';
import type { ObjectStore } from '../store.js';

export interface LivingFederation {
  /** As it was read last. */
  current(): Federation;
  /**
   * Reads the folder again where its manifests changed or one has run out. Throws what `read` throws, and
   * manifestRolledBack; the one read before then stays current, and whoever asked must not go on.
   */
  refresh(): Promise<void>;
}

export async function openLivingFederation(options: {
  readonly folder: string;
  /** Verifies everything. Throws invalidFederation or notSigned. */
  readonly read: () => Promise<Federation>;
  /** Where an authority remembers what it saw; the coordinator has no such place. */
  readonly privateStore?: ObjectStore;
  readonly now: () => number;
  /** What `read` gave a moment ago; it is asked where absent. */
  readonly initial?: Federation;
}): Promise<LivingFederation> {
  const { folder, read, privateStore, now } = options;
  const accept = async (federation: Federation): Promise<Federation> => {
    // Every time: another worker of this authority may have seen a newer one meanwhile.
    if (privateStore) await rememberManifests(privateStore, federation.manifests ?? {});
    return federation;
  };
  let version = await versionOf(folder);
  let current = await accept(options.initial ?? (await read()));
  return {
    current: () => current,
    refresh: async () => {
      const found = await versionOf(folder);
      const manifests = Object.values(current.manifests ?? {});
      const ranOut = manifests.some(({ expiresMs, pins }) =>
        [expiresMs, ...Object.values(pins).map((pin) => pin.expiresMs)].some((atMs) => atMs <= now()),
      );
      if (found === version && !ranOut) return void (await accept(current));
      current = await accept(await read());
      version = found;
    },
  };
}

/** Changes with every file that is written, replaced or removed. */
async function versionOf(folder: string): Promise<string> {
  const root = path.join(folder, manifestsFolder);
  const names = (await readdir(root, { recursive: true }).catch(() => []))
    .filter((name) => name.endsWith('.jwt'))
    .sort();
  const states = await Promise.all(
    names.map(async (name) => {
      const { mtimeMs, size, ino } = await stat(path.join(root, name));
      return `${name} ${mtimeMs} ${size} ${ino}`;
    }),
  );
  return states.join('\n');
}
