/** What `concordat doctor` learns: whether each file can be opened, and its folder written. Never throws. */
import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import { placeNameOf, type ObjectStore } from '../../record-objects/object-store.js';
import { partsOf } from '../../record-objects/parts.js';
import type { ProbeResult } from '../connector.js';
import { folderCapabilities } from './capabilities.js';
import { codeOf, pathOf } from './client.js';
import type { FolderMesh } from './config.js';

export async function probeFolder(mesh: FolderMesh, store: Pick<ObjectStore, 'list'>): Promise<ProbeResult> {
  const { read, write } = folderCapabilities(mesh).permissions;
  try {
    await access(mesh.path, constants.R_OK | constants.X_OK);
  } catch (error) {
    const all = [...read, ...write].map((permission) => ({ permission, held: 'notChecked' as const }));
    const detail = 'the folder that the authority file names cannot be opened';
    return { reachable: false, authenticated: false, permissions: all, code: codeOf(error), detail };
  }
  const nativeTypes = await Promise.all(
    Object.entries(mesh.files).map(async ([type, declared]) => {
      const parts = (await partsOf(store, declared).catch(() => null))?.parts ?? [];
      const names = parts.map(({ file }) => pathOf(mesh, file));
      return {
        type,
        read: names.length > 0 && (await all(names, constants.R_OK)),
        write: await all([...new Set(names.map((name) => path.dirname(name)))], constants.W_OK),
        detail: placeNameOf(declared),
      };
    }),
  );
  const missing = nativeTypes.filter((each) => !each.read).map(({ detail }) => detail);
  return {
    reachable: true,
    authenticated: true,
    identity: `the folder ${path.basename(mesh.path)}`,
    permissions: [
      ...read.map((permission) => ({
        permission,
        held: missing.length === 0,
        ...(missing.length === 0 ? {} : { detail: `not readable: ${missing.join(', ')}` }),
      })),
      ...write.map((permission) => ({ permission, held: nativeTypes.every((each) => each.write) })),
    ],
    nativeTypes,
    ...(missing.length === 0 ? {} : { code: 'scopeNotFound' as const, detail: `not readable: ${missing.join(', ')}` }),
  };
}

async function all(names: readonly string[], mode: number): Promise<boolean> {
  for (const name of names) if (!(await can(name, mode))) return false;
  return true;
}

async function can(name: string, mode: number): Promise<boolean> {
  return access(name, mode).then(
    () => true,
    () => false,
  );
}
