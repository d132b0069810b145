/**
 * Seals what a few changes leave of a seal. Only the segments that hold changed keys are read and written again, and of
 * those only the changed lines are made anew (splice-segment.ts).
 */
import { canonicalJson } from '../../core/digest.js';
import type { FieldGroup } from '../../core/federation/federation.js';
import type { Fields } from '../../core/record.js';
import { bucketCountFor, sealedGroups, type SealedSegment, type SealedType } from '../../core/sealed.js';
import type { ObjectStore } from '../store.js';
import { bucketBitsOf, bucketOfHigh } from './bucket.js';
import { entryShape } from './entry-buffer.js';
import { EntryEncoder } from './entry-encoder.js';
import { RecordLayout } from './record-layout.js';
import { putApart, putSegment } from './sealer.js';
import { buildSegment } from './segment-builder.js';
import type { SegmentReader } from './segment-reader.js';
import { splicedApart } from './splice-apart.js';
import { splicedSegment, type EntryChange } from './splice-segment.js';
import { Workspace } from './workspace.js';

const segmentsAtOnce = 4;

/** Null takes a record out; taking out what is not there changes nothing. */
export type RecordChanges = ReadonlyMap<string, Fields | null>;

export interface ResealOptions {
  readonly previous: SealedType;
  readonly changes: RecordChanges;
  /** Those that the result must be sealed under. */
  readonly groups: readonly FieldGroup[];
  /** Must look under every prefix where segments of `previous` lie: unchanged ones stay where they are. */
  readonly reader: SegmentReader;
  readonly store: ObjectStore;
  readonly prefix: string;
  /** Lines that are put may lie apart where the object of the others has so many bytes. Left out: every segment is one object. */
  readonly apartFromBytes?: number;
  /** Only tests give another number than the one that all members must use (core/sealed.ts). */
  readonly recordsPerSegmentMax?: number;
}

/**
 * The same SealedType, byte for byte, that a new seal of all resulting records would be, except for segments whose lines lie apart,
 * of which that is true of keys, groups and offsets. Null where only a new seal can
 * give it: the groups are others, or the number of buckets changes with the number of records.
 */
export async function resealChanged(options: ResealOptions): Promise<SealedType | null> {
  const { previous } = options;
  const layout = new RecordLayout(sealedGroups(options.groups));
  if (canonicalJson(layout.groups) !== canonicalJson(previous.groups)) return null;
  const byBucket = keysByBucket(options);
  const encoder = new EntryEncoder(layout, options.reader.hashKey);
  const workspace = new Workspace();
  const old = new Map(previous.segments.map((segment) => [segment.bucket, segment]));
  const changes = new Map([...byBucket].map(([bucket, keys]) => [bucket, encoded(options, keys, encoder)]));
  const apart = await apartSegments(options, layout, old, changes);
  const segments: SealedSegment[] = [];
  for (let bucket = 0; bucket < previous.bucketCount; bucket += 1) {
    const own = changes.get(bucket);
    const before = old.get(bucket);
    const after = own
      ? (apart.get(bucket) ?? (await rewritten(options, bucket, before, own, layout, workspace)))
      : before;
    if (after) segments.push(after);
  }
  const count = segments.reduce((sum, segment) => sum + segment.count, 0);
  if (bucketCountFor(count, options.recordsPerSegmentMax) !== previous.bucketCount) return null;
  return { ...previous, format: segments.some(({ later }) => later) ? 2 : 1, count, segments };
}

/** Those that can be written without their large object. Each is in memory with its columns only, so some are made side by side. */
async function apartSegments(
  { previous: sealed, reader, store, prefix, apartFromBytes }: ResealOptions,
  layout: RecordLayout,
  old: ReadonlyMap<number, SealedSegment>,
  changesByBucket: ReadonlyMap<number, readonly EntryChange[]>,
): Promise<ReadonlyMap<number, SealedSegment>> {
  const apart = new Map<number, SealedSegment>();
  if (apartFromBytes === undefined) return apart;
  const splice = async (bucket: number, changes: readonly EntryChange[]): Promise<void> => {
    const segment = old.get(bucket);
    if (!segment) return;
    const workspace = new Workspace();
    const built = await splicedApart({
      sealed,
      layout,
      segment,
      changes,
      reader,
      workspace,
      earlierBytesMin: apartFromBytes,
    });
    if (built === 'whole') return;
    apart.set(bucket, built === 'same' ? segment : await putApart(store, prefix, bucket, built));
  };
  const all = [...changesByBucket];
  for (let from = 0; from < all.length; from += segmentsAtOnce) {
    const some = all.slice(from, from + segmentsAtOnce).map(([bucket, changes]) => splice(bucket, changes));
    const failed = (await Promise.allSettled(some)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }
  return apart;
}

function encoded({ previous, changes, reader }: ResealOptions, keys: readonly string[], encoder: EntryEncoder) {
  return keys.map((key): EntryChange => {
    const fields = changes.get(key) ?? null;
    const entry = fields && encoder.encode(key, fields);
    if (fields && !entry)
      throw new Error(`a record of type ${previous.type} has a field that is in none of its groups`);
    return { key, hash: reader.hashKey(key), entry: entry && Buffer.from(entry) };
  });
}

function keysByBucket({ previous, changes, reader }: ResealOptions): ReadonlyMap<number, readonly string[]> {
  const bits = bucketBitsOf(previous.bucketCount);
  const byBucket = new Map<number, string[]>();
  for (const key of changes.keys()) {
    const bucket = bucketOfHigh(Number(reader.hashKey(key) >> 32n), bits);
    const inBucket = byBucket.get(bucket);
    if (inBucket) inBucket.push(key);
    else byBucket.set(bucket, [key]);
  }
  return byBucket;
}

async function rewritten(
  { previous: sealed, reader, store, prefix }: ResealOptions,
  bucket: number,
  segment: SealedSegment | undefined,
  changes: readonly EntryChange[],
  layout: RecordLayout,
  workspace: Workspace,
): Promise<SealedSegment | null> {
  const built = segment
    ? await splicedSegment({ sealed, layout, segment, changes, reader, workspace })
    : buildSegment(
        changes.flatMap(({ entry }) => entry ?? []),
        bucket,
        bucketBitsOf(sealed.bucketCount),
        entryShape(layout.groups.length),
        workspace,
      );
  if (built === 'same') return segment ?? null;
  return built ? await putSegment(store, prefix, bucket, built) : null;
}
