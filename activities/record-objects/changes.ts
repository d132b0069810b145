/**
 * What changed of objects of records: nothing, where an object is the one that was read, by everything that its store says
 * of its version. One that changed is read whole; objects keep no list of their changes.
 *
 * HAZARD: no digest is made of what is read, so an object whose version the store tells as the same is believed to be the
 * same. The full read on schedule does not believe it.
 */
import { ConcordatError } from '../../core/errors.js';
import type { ChangeItem, ChangePosition, Changes } from '../connectors/connector.js';
import { fileOf, type ObjectFile } from './object-store.js';

/** What a store says of one version of an object without sending it; a part that it does not tell is null. */
export interface ObjectVersion {
  readonly etag: string;
  readonly bytes: number | null;
  readonly changedAtMs: number | null;
  /** Where the store keeps versions. */
  readonly version: string | null;
}

export interface ObjectChangesOptions {
  readonly files: Readonly<Record<string, ObjectFile>>;
  readonly fullReadEvery: number;
  /** Where the object lies: another bucket or account is another object, whatever it says of itself. */
  nameOf(file: ObjectFile): string;
  /** Null where there is none, or it may not be seen. Throws ConcordatError where the store cannot be asked. */
  versionOf(file: ObjectFile, signal?: AbortSignal): Promise<ObjectVersion | null>;
}

const unseen = 'the object is not there, or may not be seen';

export function objectChanges(options: ObjectChangesOptions): Changes {
  const cursorNow = async (type: string, signal: AbortSignal | undefined): Promise<string | null> => {
    const file = fileOf(options.files, type);
    const version = await options.versionOf(file, signal);
    if (version === null) return null;
    const { etag, bytes, changedAtMs, version: id } = version;
    // What rows are depends on how they are read, too.
    return JSON.stringify([options.nameOf(file), file, etag, bytes, changedAtMs, id]);
  };
  return {
    fullReadEvery: options.fullReadEvery,
    async positions(nativeTypes, signal) {
      const positions: Record<string, ChangePosition> = {};
      for (const type of nativeTypes) {
        const cursor = await cursorNow(type, signal);
        positions[type] =
          cursor === null ? { kind: 'none', why: 'doubtful', detail: unseen } : { kind: 'cursor', cursor };
      }
      return positions;
    },
    async *changesSince(cursors, signal): AsyncGenerator<ChangeItem> {
      const next: Record<string, string> = {};
      for (const [nativeType, cursor] of Object.entries(cursors)) {
        const now = await cursorNow(nativeType, signal);
        if (now === cursor) next[nativeType] = now;
        else if (now === null) yield { kind: 'untold', nativeType, why: 'doubtful', detail: unseen };
        else yield { kind: 'untold', nativeType, why: 'many', detail: 'the object changed' };
      }
      yield { kind: 'end', cursors: next };
    },
    release: () => Promise.resolve(),
  };
}

/** Null where the store says that there is no such object, or that nobody like us may see it. */
export async function versionOrNull(ask: () => Promise<ObjectVersion>): Promise<ObjectVersion | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ConcordatError && (error.code === 'scopeNotFound' || error.code === 'forbidden')) return null;
    throw error;
  }
}
