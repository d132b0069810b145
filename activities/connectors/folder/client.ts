/** The files themselves: opening one, telling whether it is still the same, and what the file system's answers mean. */
import type { BigIntStats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import type { FileMesh, FolderMesh } from './config.js';

export interface OpenFile {
  readonly handle: FileHandle;
  readonly fingerprint: string;
}

export function fileOf({ files }: FolderMesh, type: string): FileMesh {
  const file = Object.hasOwn(files, type) ? files[type] : undefined;
  if (!file) throw new ConcordatError('unexpectedAnswer', `the folder declares no file for the native type ${type}`);
  return file;
}

export function pathOf(mesh: FolderMesh, file: FileMesh): string {
  return path.join(mesh.path, ...file.file.split('/'));
}

/** Changes whenever the bytes may have: a file that was replaced is another file. */
export function fingerprintOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join('-');
}

export function codeOf(error: unknown): ErrorCode {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return 'scopeNotFound';
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return 'forbidden';
  return 'providerFault';
}

/** Throws ConcordatError. Reads go on over the same bytes while somebody replaces the file under its name. */
export async function openFile(mesh: FolderMesh, file: FileMesh): Promise<OpenFile> {
  try {
    const handle = await open(pathOf(mesh, file), 'r');
    return { handle, fingerprint: fingerprintOf(await handle.stat({ bigint: true })) };
  } catch (error) {
    throw new ConcordatError(codeOf(error), `${file.file} cannot be opened`, { cause: error });
  }
}

const chunkBytes = 256 * 1024;

/** Each chunk is overwritten by the next. */
export async function* bytesOf(handle: FileHandle): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(chunkBytes);
  let position = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, chunkBytes, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
