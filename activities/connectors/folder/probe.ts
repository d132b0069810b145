/** What `concordat doctor` learns: whether each file can be opened, and its folder written. Never throws. */
import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import type { ProbeResult } from '../connector.js';
import { folderCapabilities } from './capabilities.js';
import { codeOf, pathOf } from './client.js';
import type { FolderMesh } from './config.js';

export async function probeFolder(mesh: FolderMesh): Promise<ProbeResult> {
  const { read, write } = folderCapabilities(mesh).permissions;
  try {
    await access(mesh.path, constants.R_OK | constants.X_OK);
  } catch (error) {
    const all = [...read, ...write].map((permission) => ({ permission, held: 'notChecked' as const }));
    const detail = 'the folder that the authority file names cannot be opened';
    return { reachable: false, authenticated: false, permissions: all, code: codeOf(error), detail };
  }
  const nativeTypes = await Promise.all(
    Object.entries(mesh.files).map(async ([type, file]) => ({
      type,
      read: await can(pathOf(mesh, file), constants.R_OK),
      write: await can(path.dirname(pathOf(mesh, file)), constants.W_OK),
      detail: file.file,
    })),
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

async function can(name: string, mode: number): Promise<boolean> {
  return access(name, mode).then(
    () => true,
    () => false,
  );
}
