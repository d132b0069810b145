/**
 * What changed of a folder of files: nothing, where a file is the one that was read, by size, times and place, or by
 * its digest where only those moved. A file that changed is read whole; files keep no list of their changes.
 *
 * HAZARD: a program that writes in place and sets the time of change back is not seen. The full read on schedule sees it.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ConcordatError } from '../../../core/errors.js';
import type { ChangeItem, ChangePosition, Changes } from '../connector.js';
import { bytesOf, fileOf, openFile } from './client.js';
import type { FolderMesh } from './config.js';

const FileState = z.strictObject({ fingerprint: z.string(), digest: z.string() });
type FileState = z.infer<typeof FileState>;

export function folderChanges(mesh: FolderMesh): Changes | undefined {
  if (!mesh.changes) return undefined;
  return {
    fullReadEvery: mesh.changes.fullReadEvery,
    async positions(nativeTypes, signal) {
      const positions: Record<string, ChangePosition> = {};
      for (const type of nativeTypes) positions[type] = await positionOf(mesh, type, signal);
      return positions;
    },
    async *changesSince(cursors, signal): AsyncGenerator<ChangeItem> {
      const next: Record<string, string> = {};
      for (const [nativeType, cursor] of Object.entries(cursors)) {
        const state = stateIn(cursor);
        const now = state && (await stateNow(mesh, nativeType, state, signal));
        if (!now) yield untold(nativeType, 'expired', 'the file cannot be opened, or was read in another way');
        else if (now.digest !== state.digest) yield untold(nativeType, 'many', 'the file changed');
        else next[nativeType] = JSON.stringify(now);
      }
      yield { kind: 'end', cursors: next };
    },
    release: () => Promise.resolve(),
  };
}

function untold(nativeType: string, why: 'expired' | 'many', detail: string): ChangeItem {
  return { kind: 'untold', nativeType, why, detail };
}

async function positionOf(mesh: FolderMesh, type: string, signal: AbortSignal | undefined): Promise<ChangePosition> {
  const state = await stateNow(mesh, type, null, signal);
  return state
    ? { kind: 'cursor', cursor: JSON.stringify(state) }
    : { kind: 'none', why: 'doubtful', detail: 'the file cannot be opened, or changes at this moment' };
}

function stateIn(cursor: string): FileState | null {
  try {
    return FileState.safeParse(JSON.parse(cursor)).data ?? null;
  } catch {
    return null;
  }
}

/** Null where the file is not there, or changes while it is looked at. */
async function stateNow(
  mesh: FolderMesh,
  type: string,
  known: FileState | null,
  signal: AbortSignal | undefined,
): Promise<FileState | null> {
  try {
    const file = await openFile(mesh, fileOf(mesh, type));
    try {
      if (known && known.fingerprint === file.fingerprint) return known;
      const hash = createHash('sha256');
      for await (const bytes of bytesOf(file.handle)) {
        signal?.throwIfAborted();
        hash.update(bytes);
      }
      const after = await file.handle.stat({ bigint: true });
      const [, , size, modified] = file.fingerprint.split('-');
      if (String(after.size) !== size || String(after.mtimeNs) !== modified) return null;
      return { fingerprint: file.fingerprint, digest: hash.digest('hex') };
    } finally {
      await file.handle.close();
    }
  } catch (error) {
    if (error instanceof ConcordatError && error.code !== 'providerFault') return null;
    throw error;
  }
}
