/**
 * What changed of objects of records: nothing, where an object is the one that was read, by everything that its store says
 * of its version, and where the parts of a type are those that were listed. What changed is read whole; objects keep no
 * list of their changes.
 *
 * HAZARD: no digest is made of what is read, so an object whose version the store tells as the same is believed to be the
 * same. The full read on schedule does not believe it.
 */
import { ConcordatError } from '../../core/errors.js';
import type { ChangeItem, ChangePosition, Changes } from '../connectors/connector.js';
import { fileOf, placeNameOf, type ObjectFile, type ObjectStore, type ObjectVersion } from './object-store.js';
import { listParts, markOf } from './parts.js';

/** `nameOf`: where the object lies: another bucket or account is another object, whatever it says of itself. */
export interface ObjectChangesOptions extends Pick<ObjectStore, 'files' | 'nameOf' | 'list'> {
  readonly fullReadEvery: number;
  /** Null where there is none, or it may not be seen. Throws ConcordatError where the store cannot be asked. */
  versionOf(file: ObjectFile, signal?: AbortSignal): Promise<ObjectVersion | null>;
}

const unseen = 'the object is not there, or may not be seen';

export function objectChanges(options: ObjectChangesOptions): Changes {
  /** Of parts a digest, so that it does not grow with them. */
  const versionNow = async (type: string, signal: AbortSignal | undefined): Promise<readonly unknown[] | null> => {
    const file = fileOf(options.files, type);
    if ('parts' in file) {
      const listed = await orNull(() => listParts(options, file, signal));
      return (
        listed && [
          markOf(
            listed.map(({ name, etag, bytes, changedAtMs, version }) => [name, etag, bytes, changedAtMs, version]),
          ),
        ]
      );
    }
    const version = await options.versionOf(file, signal);
    return version && [version.etag, version.bytes, version.changedAtMs, version.version];
  };
  const cursorNow = async (type: string, signal: AbortSignal | undefined): Promise<string | null> => {
    const file = fileOf(options.files, type);
    const version = await versionNow(type, signal);
    // What rows are depends on how they are read, too.
    return version && JSON.stringify([options.nameOf({ file: placeNameOf(file) }), file, ...version]);
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

/** Null where the store says that there is no such object, that nobody like us may see it, or shows a list in motion. */
export async function orNull<Result>(ask: () => Promise<Result>): Promise<Result | null> {
  try {
    return await ask();
  } catch (error) {
    const unseenCodes: readonly string[] = ['scopeNotFound', 'forbidden', 'listChanged'];
    if (error instanceof ConcordatError && unseenCodes.includes(error.code)) return null;
    throw error;
  }
}
