/** Reads sealed records back: all of them in order, or one by key. Every body is held to its index entry. */
import { createHash } from 'node:crypto';
import type { FederatedRecord } from '../../core/record.js';
import type { SealedSegment, SealedType } from '../../core/sealed.js';
import { openBodies, openBody, readBytesMax, type OpenBody } from './body.js';
import { bucketBitsOf, bucketOfHigh, firstEntryWithHash } from './bucket.js';
import { byCodeUnit } from '../../core/json.js';
import { hashBytes } from './entry-buffer.js';
import { RecordLayout } from './record-layout.js';
import { bodyPiece, wholeBody } from './segment-body.js';
import { notAuthentic, SegmentColumns, type ReadColumn } from './segment-columns.js';
import type { SegmentReader } from './segment-reader.js';

const bodiesAtOnce = 1_000;

/**
 * Streams all records in order of (key hash, key), a megabyte of bodies at a time. Throws inputNotAuthentic at the first
 * body that is not what its index says, so a caller must not act on records before the last one came.
 */
export async function* readAll(sealed: SealedType, reader: SegmentReader): AsyncGenerator<FederatedRecord> {
  for (const segment of sealed.segments)
    for await (const bodies of readSegment(sealed, segment, reader))
      for (const { key, fields } of bodies) yield { type: sealed.type, key, fields };
}

/** The records of one segment in order, some thousands at a time. */
export function readSegment(
  sealed: SealedType,
  segment: SealedSegment,
  reader: SegmentReader,
): AsyncGenerator<readonly OpenBody[]> {
  return bodiesInOrder(new SegmentColumns(sealed, new RecordLayout(sealed.groups), segment, readWith(reader)), reader);
}

/** Undefined where there is no record of that key. Keeps columns in the reader's cache for the next call. */
export async function readOne(
  sealed: SealedType,
  key: string,
  reader: SegmentReader,
): Promise<FederatedRecord | undefined> {
  for await (const record of readMany(sealed, [key], reader)) return record;
  return undefined;
}

/** The records of these keys that there are, in order of their hashes. Of each segment the columns are looked through once. */
export async function* readMany(
  sealed: SealedType,
  keys: Iterable<string>,
  reader: SegmentReader,
): AsyncGenerator<FederatedRecord> {
  const bits = bucketBitsOf(sealed.bucketCount);
  const wanted = new Map<number, Map<string, bigint>>();
  for (const key of keys) {
    const hash = reader.hashKey(key);
    const bucket = bucketOfHigh(Number(hash >> 32n), bits);
    wanted.set(bucket, (wanted.get(bucket) ?? new Map<string, bigint>()).set(key, hash));
  }
  for (const segment of sealed.segments) {
    const inBucket = wanted.get(segment.bucket);
    if (!inBucket) continue;
    const columns = new SegmentColumns(sealed, new RecordLayout(sealed.groups), segment, keptReadWith(reader));
    const hashes = await columns.loadKeys();
    const entries = new Set<number>();
    for (const hash of inBucket.values())
      for (let entry = firstEntryWithHash(hashes, hash); entry < segment.count; entry += 1) {
        if (hashes.readBigUInt64BE(entry * hashBytes) !== hash) break;
        entries.add(entry);
      }
    if (entries.size === 0) continue;
    await columns.loadAll();
    const ascending = Uint32Array.from(entries).sort();
    for (let from = 0; from < ascending.length; from += bodiesAtOnce) {
      for (const { key, fields } of await openBodies(
        columns,
        [...ascending.subarray(from, from + bodiesAtOnce)],
        reader,
      ))
        if (inBucket.has(key)) yield { type: sealed.type, key, fields };
    }
  }
}

/**
 * Checks a seal wholly, as an authority does with a peer's: columns against their digests, order and buckets, every body
 * against its entry, the whole body against its digest. Throws inputNotAuthentic, or storeFault where an object is missing.
 */
export async function verifySealed(sealed: SealedType, reader: SegmentReader): Promise<void> {
  for (const segment of sealed.segments) {
    for await (const bodies of readSegment(sealed, segment, reader)) void bodies;
    await verifyBodyDigest(segment, reader);
  }
}

function readWith(reader: SegmentReader): ReadColumn {
  return (digest, bytes) => reader.whole(digest, bytes);
}

function keptReadWith(reader: SegmentReader): ReadColumn {
  return (digest, bytes) => reader.wholeKept(digest, bytes);
}

async function* bodiesInOrder(columns: SegmentColumns, reader: SegmentReader): AsyncGenerator<readonly OpenBody[]> {
  await columns.loadAll();
  const { segment } = columns;
  const { count } = segment;
  let before: { readonly entry: number; readonly key: string } | undefined;
  for (let from = 0; from < count;) {
    const start = columns.bodyStart(from);
    let to = from + 1;
    while (to < count && columns.bodyStart(to + 1) - start <= readBytesMax) to += 1;
    const first = from;
    const bodies = await bodyPiece(segment, start, columns.bodyStart(to) - start, reader, (bytes) =>
      Array.from({ length: to - first }, (_, index) => openBody(columns, first + index, bytes, start, reader)),
    );
    bodies.forEach(({ key }, index) => {
      const entry = first + index;
      if (before && sameHash(columns.keys, before.entry, entry) && byCodeUnit(before.key, key) >= 0)
        throw notAuthentic('keys of one hash are out of order or repeated');
      before = { entry, key };
    });
    yield bodies;
    from = to;
  }
}

function sameHash(keys: Buffer, left: number, right: number): boolean {
  const at = left * hashBytes;
  const other = right * hashBytes;
  return keys.compare(keys, other, other + hashBytes, at, at + hashBytes) === 0;
}

async function verifyBodyDigest(segment: SealedSegment, reader: SegmentReader): Promise<void> {
  if (segment.later) {
    await wholeBody(segment, reader);
    return;
  }
  const hash = createHash('sha256');
  for (let start = 0; start < segment.bodyBytes; start += readBytesMax) {
    const length = Math.min(readBytesMax, segment.bodyBytes - start);
    await reader.piece(segment.body, start, length, (bytes) => void hash.update(bytes));
  }
  if (hash.digest('hex') !== segment.body) throw notAuthentic('its body does not have its digest');
}
