/** The files themselves: opening one, telling whether it is still the same, and what the file system's answers mean. */
import type { BigIntStats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import type { ObjectFile } from '../../record-objects/object-store.js';
import type { FolderMesh } from './config.js';

export interface OpenFile {
  readonly handle: FileHandle;
  readonly fingerprint: string;
  readonly mode: number;
}

export function pathOf(mesh: Pick<FolderMesh, 'path'>, { file }: Pick<ObjectFile, 'file'>): string {
  return path.join(mesh.path, ...file.split('/'));
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
export async function openFile(mesh: FolderMesh, file: Pick<ObjectFile, 'file'>): Promise<OpenFile> {
  let handle: FileHandle;
  try {
    handle = await open(pathOf(mesh, file), 'r');
  } catch (error) {
    throw new ConcordatError(codeOf(error), `${file.file} cannot be opened`, { cause: error });
  }
  const stats = await handle.stat({ bigint: true });
  if (!stats.isDirectory()) return { handle, fingerprint: fingerprintOf(stats), mode: Number(stats.mode) };
  await handle.close();
  throw new ConcordatError('scopeNotFound', `${file.file} is a folder`);
}

/** A file that was only replaced under its name is as it was: its change time moves, its size and modification time do not. */
export async function wasChanged({ handle, fingerprint }: Pick<OpenFile, 'handle' | 'fingerprint'>): Promise<boolean> {
  const [, , size, modified] = fingerprint.split('-');
  const now = await handle.stat({ bigint: true });
  return String(now.size) !== size || String(now.mtimeNs) !== modified;
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
