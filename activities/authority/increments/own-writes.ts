/**
 * What this authority writes to a store that tells its changes late, kept before the write leaves: the next run reads these
 * objects by key, whether the store tells them by then or not.
 *
 * HAZARD: without it a row that was just created would look deleted by the store's people, and a value that was just
 * written would look changed back; all members would be told to do the same.
 */
import { z } from 'zod';
import { digestOf, type Digest } from '../../../core/digest.js';
import type { NativeObject } from '../../../core/record.js';
import type { ChangeItem, NativeWrite } from '../../connectors/connector.js';
import type { AuthorityContext } from '../context.js';

/** Native type and id. */
const Written = z.array(z.tuple([z.string(), z.string()]));

/** Under the pages, so that an erasure takes it along with them. What it is good for goes too: the next run reads everything. */
export const ownWritesFolder = 'written';
const prefixOf = (dataset: string): string => `pages/${dataset}/${ownWritesFolder}/`;

/** Durable before it returns. Nothing is kept for a store that tells its changes at once, or none. */
export async function keepOwnWrites(
  context: AuthorityContext,
  dataset: string,
  permit: Digest,
  writes: readonly NativeWrite[],
): Promise<void> {
  const idWritten = context.connector.changes?.idWritten;
  if (!idWritten) return;
  const written = writes.flatMap((write) => {
    const id = idWritten(write);
    return id === null ? [] : [[write.type, id]];
  });
  if (written.length === 0) return;
  // One of another permit was perhaps read by now, and goes.
  const name = `${prefixOf(dataset)}${permit}-${digestOf(written)}`;
  await context.privateStore.putIfAbsent(name, new TextEncoder().encode(JSON.stringify(written)));
}

export async function ownWrites(context: AuthorityContext, dataset: string): Promise<readonly string[]> {
  if (!context.connector.changes?.idWritten) return [];
  return context.privateStore.list(prefixOf(dataset));
}

const objectsOfItem = 500;

/** As they are now, read by key: of these types only. */
export async function* tellOwnWrites(
  context: AuthorityContext,
  names: readonly string[],
  nativeTypes: ReadonlySet<string>,
): AsyncGenerator<ChangeItem> {
  const { connector, privateStore } = context;
  const idsOf = new Map<string, Set<string>>();
  for (const name of names) {
    const bytes = await privateStore.get(name);
    for (const [type, id] of bytes ? Written.parse(JSON.parse(new TextDecoder().decode(bytes))) : [])
      if (nativeTypes.has(type)) idsOf.set(type, (idsOf.get(type) ?? new Set<string>()).add(id));
  }
  for (const [nativeType, set] of idsOf) {
    const all = [...set];
    for (let from = 0; from < all.length; from += objectsOfItem) {
      const ids = all.slice(from, from + objectsOfItem);
      const found = connector.batches
        ? await connector.batches.readMany(nativeType, ids)
        : await readOneByOne(ids, (id) => connector.readOne(nativeType, id));
      const objects = ids.flatMap((id) => found.get(id) ?? []);
      const gone = ids.filter((id) => !found.has(id));
      if (objects.length > 0) yield { kind: 'objects', objects };
      if (gone.length > 0) yield { kind: 'gone', nativeType, ids: gone };
    }
  }
}

async function readOneByOne(
  ids: readonly string[],
  readOne: (id: string) => Promise<NativeObject | null>,
): Promise<ReadonlyMap<string, NativeObject>> {
  const found = new Map<string, NativeObject>();
  for (const id of ids) {
    const object = await readOne(id);
    if (object) found.set(id, object);
  }
  return found;
}

/** Of writes that an earlier run, sealed and gone on from, has read. */
export async function forgetOwnWrites(context: AuthorityContext, names: readonly string[]): Promise<void> {
  for (const name of names) await context.privateStore.remove(name);
}
