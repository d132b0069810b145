/**
 * Putting a file anew: the copy lies beside it, and takes its place in one step.
 *
 * HAZARD: a file system has no write that fails where the file changed. Workers of Concordat take turns by a lock file;
 * of anybody else, a change is seen up to the moment before the new file takes its place.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { ConcordatError } from '../../../core/errors.js';
import type { Copy, ObjectFile, PutAnswer } from '../../record-objects/object-store.js';
import { codeOf, fingerprintOf, pathOf } from './client.js';
import type { FolderMesh } from './config.js';
import type { OpenFolderFile } from './read.js';

/** On the same file system, so that it can take the place of the file. Throws ConcordatError. */
export async function copyFolder(mesh: FolderMesh, file: ObjectFile): Promise<string> {
  try {
    return await mkdtemp(path.join(path.dirname(pathOf(mesh, file)), '.concordat-copy-'));
  } catch (error) {
    throw new ConcordatError(codeOf(error), `${file.file} cannot be written`, { cause: error });
  }
}

export async function putFile(
  mesh: FolderMesh,
  file: ObjectFile,
  { etag, mode }: OpenFolderFile,
  copy: Copy,
): Promise<PutAnswer> {
  return putInPlace(mesh, file, mode, copy, async (name) =>
    // As late as can be: what was copied must be what stands there now.
    fingerprintOf(await stat(name, { bigint: true })) === etag ? 'applied' : 'again',
  );
}

/** Under a name that nothing had. */
export async function putNewFile(
  mesh: FolderMesh,
  file: ObjectFile,
  { mode }: OpenFolderFile,
  copy: Copy,
): Promise<PutAnswer> {
  return putInPlace(mesh, file, mode, copy, (name) =>
    stat(name).then(
      () => 'again',
      (error: unknown) => {
        if (codeOf(error) === 'scopeNotFound') return 'applied';
        throw error;
      },
    ),
  );
}

async function putInPlace(
  mesh: FolderMesh,
  file: ObjectFile,
  mode: number,
  copy: Copy,
  mayTakePlace: (name: string) => Promise<'applied' | 'again'>,
): Promise<PutAnswer> {
  const name = pathOf(mesh, file);
  try {
    const handle = await open(copy.name, 'r+');
    try {
      await handle.chmod(mode & 0o7777);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if ((await mayTakePlace(name)) === 'again') return 'again';
    await rename(copy.name, name);
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    return { kind: 'refused', code: codeOf(error), detail: `${file.file} cannot be written` };
  }
  try {
    await syncFolder(path.dirname(name));
  } catch {
    return { kind: 'unknown', code: 'effectUnknown', detail: `whether ${file.file} lasts is not known` };
  }
  return 'applied';
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const lockTries = 400;
const lockPauseMs = 25;
/** Longer than any rewrite: whoever left a lock for so long is gone. */
const lockLastsMs = 60_000;

/** Throws ConcordatError where the lock cannot be had. */
export async function withLock<Answer>(
  mesh: FolderMesh,
  file: ObjectFile,
  act: () => Promise<Answer>,
): Promise<Answer> {
  const name = pathOf(mesh, file);
  const digest = createHash('sha256').update(path.basename(name)).digest('hex').slice(0, 16);
  const lock = path.join(path.dirname(name), `.concordat-${digest}.lock`);
  for (let tries = 0; ; tries += 1) {
    try {
      await (await open(lock, 'wx')).close();
      break;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST'))
        throw new ConcordatError(codeOf(error), `${file.file} cannot be written`, { cause: error });
      if (tries >= lockTries)
        throw new ConcordatError('throttled', 'another worker is writing the file', { cause: error });
      const held = await stat(lock).catch(() => null);
      if (held && Date.now() - held.mtimeMs > lockLastsMs) await rm(lock, { force: true });
      else await new Promise((resolve) => setTimeout(resolve, lockPauseMs));
    }
  }
  try {
    return await act();
  } finally {
    await rm(lock, { force: true });
  }
}
