/** The native objects behind operations, out of the pages that this run read: all at once, or one after the other as the pages have them. */
import type { RunInputs } from '../../core/messages.js';
import type { Operation } from '../../core/operation.js';
import type { NativeObject } from '../../core/record.js';
import type { SortedList } from '../spilling/sorted-list.js';
import type { OwnRecords } from './own-records.js';

/** Records of several objects: so many are held while all pages are read once more. */
const severalAtOnce = 50_000;

/** An operation with the objects of its record, none where it has none yet. */
export interface WithBodies {
  readonly operation: Operation;
  readonly objects: readonly NativeObject[];
}

/** In the order of the operations. */
export async function* withBodies(
  inputs: RunInputs,
  own: OwnRecords,
  operations: readonly Operation[],
): AsyncGenerator<WithBodies> {
  const bodies = await nativeBodies(inputs, own, operations);
  for (const operation of operations)
    yield { operation, objects: bodies.get(`${operation.type} ${operation.key}`) ?? [] };
}

/**
 * The same in the order of the pages, and what has no object or several last: memory follows the operations, and not what the
 * mesh holds of their records.
 */
export async function* withBodiesAsRead(
  inputs: RunInputs,
  own: OwnRecords,
  operations: readonly Operation[],
): AsyncGenerator<WithBodies> {
  const waiting = new Map<string, Operation[]>();
  for (const operation of operations) {
    const record = `${operation.type} ${operation.key}`;
    const known = waiting.get(record);
    if (known) known.push(operation);
    else waiting.set(record, [operation]);
  }
  for await (const object of own.objects(inputs)) {
    const type = own.typeOfNative(object.type);
    if (type === undefined) continue;
    const key = own.keyOf(type, object.id);
    const found = waiting.get(`${type} ${key}`);
    const [only, ...more] = found ? own.nativeIdsOf(type, key) : [];
    if (!found || only !== object.id || more.length > 0) continue;
    waiting.delete(`${type} ${key}`);
    for (const operation of found) yield { operation, objects: [object] };
  }
  yield* withBodies(inputs, own, [...waiting.values()].flat());
}

/**
 * As withBodiesAsRead, of operations that lie in a file: each is looked for as its object passes by, and a bit of each is held.
 * `placeOf` is what the keys of a record's operations begin with in the list.
 */
export async function* withBodiesOfMany(
  inputs: RunInputs,
  own: OwnRecords,
  operations: SortedList<Operation>,
  placeOf: (type: string, key: string) => string,
): AsyncGenerator<WithBodies> {
  const seen = new Uint8Array(operations.length);
  for await (const object of own.objects(inputs)) {
    const type = own.typeOfNative(object.type);
    if (type === undefined) continue;
    const key = own.keyOf(type, object.id);
    const found = operations.startingWith(placeOf(type, key)).filter(({ place }) => seen[place] === 0);
    const [only, ...more] = found.length > 0 ? own.nativeIdsOf(type, key) : [];
    if (only !== object.id || more.length > 0) continue;
    for (const { item, place } of found) {
      seen[place] = 1;
      yield { operation: item, objects: [object] };
    }
  }
  let place = 0;
  let waiting: Operation[] = [];
  for (const operation of operations) {
    if (seen[place++] === 1) continue;
    // What has no object needs no page to be read again for it.
    if (own.nativeIdsOf(operation.type, operation.key).length === 0) {
      yield { operation, objects: [] };
      continue;
    }
    waiting.push(operation);
    if (waiting.length < severalAtOnce) continue;
    yield* withBodies(inputs, own, waiting);
    waiting = [];
  }
  if (waiting.length > 0) yield* withBodies(inputs, own, waiting);
}

async function nativeBodies(
  inputs: RunInputs,
  own: OwnRecords,
  operations: readonly Operation[],
): Promise<ReadonlyMap<string, readonly NativeObject[]>> {
  const wanted = new Map<string, readonly string[]>();
  const recordOf = new Map<string, string>();
  for (const { type, key } of operations) {
    const nativeIds = own.nativeIdsOf(type, key);
    wanted.set(`${type} ${key}`, nativeIds);
    for (const nativeId of nativeIds) recordOf.set(`${type} ${nativeId}`, `${type} ${key}`);
  }
  const read = new Map<string, NativeObject>();
  for await (const object of own.objects(inputs)) {
    const name = `${own.typeOfNative(object.type) ?? ''} ${object.id}`;
    if (recordOf.has(name)) read.set(name, object);
  }
  return new Map(
    [...wanted].map(([record, nativeIds]) => {
      const type = record.slice(0, record.indexOf(' '));
      return [record, nativeIds.flatMap((nativeId) => read.get(`${type} ${nativeId}`) ?? [])];
    }),
  );
}
