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
import { fileOf, type ObjectFile, type ObjectStore } from '../../record-objects/object-store.js';
import { partsOf } from '../../record-objects/parts.js';
import { bytesOf, openFile, wasChanged } from './client.js';
import type { FolderMesh } from './config.js';

const FileState = z.strictObject({ fingerprint: z.string(), digest: z.string() });
/** By the name of the file. */
const FileStates = z.record(z.string(), FileState);
type FileState = z.infer<typeof FileState>;
type FileStates = z.infer<typeof FileStates>;

export function folderChanges(mesh: FolderMesh, store: Pick<ObjectStore, 'list'>): Changes | undefined {
  if (!mesh.changes) return undefined;
  return {
    fullReadEvery: mesh.changes.fullReadEvery,
    async positions(nativeTypes, signal) {
      const positions: Record<string, ChangePosition> = {};
      for (const type of nativeTypes) positions[type] = await positionOf(mesh, store, type, signal);
      return positions;
    },
    async *changesSince(cursors, signal): AsyncGenerator<ChangeItem> {
      const next: Record<string, string> = {};
      for (const [nativeType, cursor] of Object.entries(cursors)) {
        const states = statesIn(cursor);
        const now = states && (await statesNow(mesh, store, nativeType, states, signal));
        if (!now) yield untold(nativeType, 'expired', 'the file cannot be opened, or was read in another way');
        else if (!isSame(states, now)) yield untold(nativeType, 'many', 'the file changed');
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

async function positionOf(
  mesh: FolderMesh,
  store: Pick<ObjectStore, 'list'>,
  type: string,
  signal: AbortSignal | undefined,
): Promise<ChangePosition> {
  const states = await statesNow(mesh, store, type, {}, signal);
  return states
    ? { kind: 'cursor', cursor: JSON.stringify(states) }
    : { kind: 'none', why: 'doubtful', detail: 'the file cannot be opened, or changes at this moment' };
}

function statesIn(cursor: string): FileStates | null {
  try {
    return FileStates.safeParse(JSON.parse(cursor)).data ?? null;
  } catch {
    return null;
  }
}

function isSame(states: FileStates, now: FileStates): boolean {
  const names = Object.keys(now);
  return (
    names.length === Object.keys(states).length &&
    names.every((name) => states[name] !== undefined && states[name].digest === now[name]?.digest)
  );
}

/** Null where a file is not there, or changes while it is looked at. */
async function statesNow(
  mesh: FolderMesh,
  store: Pick<ObjectStore, 'list'>,
  type: string,
  known: FileStates,
  signal: AbortSignal | undefined,
): Promise<FileStates | null> {
  const states = new Map<string, FileState>();
  try {
    for (const { file } of (await partsOf(store, fileOf(mesh.files, type), signal)).parts) {
      const state = await stateNow(mesh, file, known[file.file], signal);
      if (!state) return null;
      states.set(file.file, state);
    }
  } catch (error) {
    if (error instanceof ConcordatError && error.code !== 'providerFault') return null;
    throw error;
  }
  return Object.fromEntries(states);
}

async function stateNow(
  mesh: FolderMesh,
  file: ObjectFile,
  known: FileState | undefined,
  signal: AbortSignal | undefined,
): Promise<FileState | null> {
  const opened = await openFile(mesh, file);
  try {
    if (known && known.fingerprint === opened.fingerprint) return known;
    const hash = createHash('sha256');
    for await (const bytes of bytesOf(opened.handle)) {
      signal?.throwIfAborted();
      hash.update(bytes);
    }
    return (await wasChanged(opened)) ? null : { fingerprint: opened.fingerprint, digest: hash.digest('hex') };
  } finally {
    await opened.handle.close();
  }
}
