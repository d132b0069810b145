/**
 * Values of unique fields in records on which all members and the base agree. Such records are in no view, so the base
 * itself is read: once in every recompute, only for types of which the dataset declares a field unique.
 *
 * Memory stays bounded: eight bytes a record to find what is doubled, and the records themselves only where something is.
 */
import type { RecordView } from '../core/compare.js';
import type { DatasetShape } from '../core/federation/federation.js';
import { byCodeUnit } from '../core/json.js';
import type { LongList } from '../core/long-list.js';
import type { Base } from '../core/messages.js';
import type { AgreedValue } from '../core/resolution/unique.js';
import type { SealedType } from '../core/sealed.js';
import { letOthersRun } from './event-loop.js';
import { xxh64 } from './sealing/key-hash.js';
import { readAll } from './sealing/read-records.js';
import { createSegmentReader, type SegmentReader } from './sealing/segment-reader.js';
import type { ObjectStore } from './store.js';

/** Only values that differing records hold too, and those that several agreed records hold. Sorted. */
export async function agreedValues(
  shape: DatasetShape,
  base: Base | null,
  views: Readonly<Record<string, LongList<RecordView>>>,
  exchange: ObjectStore,
): Promise<readonly AgreedValue[]> {
  const found: AgreedValue[] = [];
  for (const { taxonomy, policy } of shape.types) {
    const fields = policy?.unique ?? [];
    const sealed = base?.types.find((one) => one.type === taxonomy.type);
    if (fields.length === 0 || !sealed) continue;
    const reader = createSegmentReader({ store: exchange, prefixes: shape.members });
    const ofType = views[taxonomy.type] ?? [];
    for (const field of [...new Set(fields)].sort(byCodeUnit))
      found.push(...(await valuesOfField(sealed, reader, ofType, field)));
  }
  return found;
}

async function valuesOfField(
  sealed: SealedType,
  reader: SegmentReader,
  views: LongList<RecordView>,
  field: string,
): Promise<readonly AgreedValue[]> {
  const differing = new Set(views.map(({ key }) => key));
  const wanted = new Set(views.flatMap(({ members }) => Object.values(members).map((fields) => fields?.[field])));
  const keys = new Map<string, string[]>();
  const hashes = new BigUint64Array(sealed.count);
  let count = 0;
  for await (const [key, value] of agreedRecords(sealed, reader, differing, field)) {
    hashes[count++] = xxh64(value);
    if (wanted.has(value)) note(keys, value, key);
  }
  const repeated = repeatedIn(hashes.subarray(0, count));
  if (repeated.size > 0)
    for await (const [key, value] of agreedRecords(sealed, reader, differing, field))
      if (!wanted.has(value) && repeated.has(xxh64(value))) note(keys, value, key);
  return [...keys]
    .filter(([value, holders]) => wanted.has(value) || holders.length > 1)
    .map(([value, holders]): AgreedValue => ({ type: sealed.type, field, value, keys: holders.sort(byCodeUnit) }))
    .sort((left, right) => byCodeUnit(left.value, right.value));
}

async function* agreedRecords(
  sealed: SealedType,
  reader: SegmentReader,
  differing: ReadonlySet<string>,
  field: string,
): AsyncGenerator<readonly [key: string, value: string]> {
  for await (const { key, fields } of readAll(sealed, reader)) {
    await letOthersRun();
    const value = fields[field];
    if (typeof value === 'string' && value !== '' && !differing.has(key)) yield [key, value];
  }
}

function repeatedIn(hashes: BigUint64Array): ReadonlySet<bigint> {
  const repeated = new Set<bigint>();
  hashes.sort();
  for (let at = 1; at < hashes.length; at += 1) {
    const hash = hashes[at];
    if (hash !== undefined && hash === hashes[at - 1]) repeated.add(hash);
  }
  return repeated;
}

function note(keys: Map<string, string[]>, value: string, key: string): void {
  const known = keys.get(value);
  if (known) known.push(key);
  else keys.set(value, [key]);
}
