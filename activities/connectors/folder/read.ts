/**
 * Opening one file as it is, and listing the files under a prefix.
 *
 * HAZARD: a file that changes under the reader must not look like records that were deleted: it is another one (cursorLost).
 */
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { ConcordatError } from '../../../core/errors.js';
import type { ListedObject, ObjectFile, OpenObject } from '../../record-objects/object-store.js';
import { bytesOf, codeOf, fingerprintOf, openFile, pathOf, wasChanged, type OpenFile } from './client.js';
import type { FolderMesh } from './config.js';

export interface OpenFolderFile extends OpenObject {
  readonly mode: number;
}

/** Throws ConcordatError. */
export async function openFolderFile(
  mesh: FolderMesh,
  file: ObjectFile,
  { etag }: { readonly etag?: string | undefined } = {},
): Promise<OpenFolderFile> {
  const opened = await openFile(mesh, file);
  const { handle, fingerprint, mode } = opened;
  if (etag !== undefined && etag !== fingerprint) {
    await handle.close();
    throw new ConcordatError('cursorLost', `${file.file} is not the file that the read began with`);
  }
  return {
    etag: fingerprint,
    mode,
    bytes: unchangedBytesOf(opened, file.file),
    close: () => void handle.close().catch(() => undefined),
  };
}

async function* unchangedBytesOf(opened: OpenFile, name: string): AsyncGenerator<Uint8Array> {
  yield* bytesOf(opened.handle);
  if (await wasChanged(opened)) throw new ConcordatError('cursorLost', `${name} was changed while it was read`);
}

/** Throws ConcordatError. What is gone before it is looked at is not there. */
export async function* listFiles(
  mesh: FolderMesh,
  prefix: string,
  signal?: AbortSignal,
): AsyncGenerator<readonly ListedObject[]> {
  const folders = [prefix];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    signal?.throwIfAborted();
    const files: ListedObject[] = [];
    for (const entry of await entriesOf(mesh, folder, folder === prefix)) {
      const name = folder + entry.name;
      // Ours are among them, and come and go.
      if (entry.name.startsWith('.')) continue;
      if (entry.isDirectory()) folders.push(`${name}/`);
      else files.push(...(await listed(mesh, name)));
    }
    yield files;
  }
}

async function entriesOf(mesh: FolderMesh, folder: string, isFirst: boolean): Promise<readonly Dirent[]> {
  try {
    return await readdir(pathOf(mesh, { file: folder }), { withFileTypes: true });
  } catch (error) {
    const code = codeOf(error);
    if (code === 'scopeNotFound' && !isFirst) return [];
    throw new ConcordatError(code, `${folder} cannot be listed`, { cause: error });
  }
}

async function listed(mesh: FolderMesh, name: string): Promise<readonly ListedObject[]> {
  try {
    const stats = await stat(pathOf(mesh, { file: name }), { bigint: true });
    const [bytes, changedAtMs] = [Number(stats.size), Number(stats.mtimeMs)];
    return [{ name, etag: fingerprintOf(stats), bytes, changedAtMs, version: null }];
  } catch (error) {
    const code = codeOf(error);
    if (code === 'scopeNotFound') return [];
    throw new ConcordatError(code, `${name} cannot be looked at`, { cause: error });
  }
}
