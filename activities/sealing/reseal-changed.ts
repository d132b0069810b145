/** Seals what a few changes leave of a seal: only the segments that hold changed keys are read and written again. */
import { canonicalJson } from '../../core/digest.js';
import type { FieldGroup } from '../../core/federation/federation.js';
import type { Fields } from '../../core/record.js';
import { bucketCountFor, sealedGroups, type SealedSegment, type SealedType } from '../../core/sealed.js';
import type { ObjectStore } from '../store.js';
import { bucketBitsOf, bucketOfHigh } from './bucket.js';
import { entryShape } from './entry-buffer.js';
import { EntryEncoder } from './entry-encoder.js';
import { readSegment } from './read-records.js';
import { RecordLayout } from './record-layout.js';
import { putSegment } from './sealer.js';
import { buildSegment } from './segment-builder.js';
import type { SegmentReader } from './segment-reader.js';
import { Workspace } from './workspace.js';

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
  /** Only tests give another number than the one that all members must use (core/sealed.ts). */
  readonly recordsPerSegmentMax?: number;
}

/**
 * The same SealedType, byte for byte, that a new seal of all resulting records would be. Null where only a new seal can
 * give it: the groups are others, or the number of buckets changes with the number of records.
 */
export async function resealChanged(options: ResealOptions): Promise<SealedType | null> {
  const { previous, reader } = options;
  const groups = sealedGroups(options.groups);
  if (canonicalJson(groups) !== canonicalJson(previous.groups)) return null;
  const byBucket = changesByBucket(options);
  const encoder = new EntryEncoder(new RecordLayout(groups), reader.hashKey);
  const workspace = new Workspace();
  const old = new Map(previous.segments.map((segment) => [segment.bucket, segment]));
  const segments: SealedSegment[] = [];
  for (let bucket = 0; bucket < previous.bucketCount; bucket += 1) {
    const changes = byBucket.get(bucket);
    const before = old.get(bucket);
    const after = changes ? await rewritten(options, bucket, before, changes, encoder, workspace) : before;
    if (after) segments.push(after);
  }
  const count = segments.reduce((sum, segment) => sum + segment.count, 0);
  if (bucketCountFor(count, options.recordsPerSegmentMax) !== previous.bucketCount) return null;
  return { ...previous, count, segments };
}

function changesByBucket({ previous, changes, reader }: ResealOptions): Map<number, Map<string, Fields | null>> {
  const bits = bucketBitsOf(previous.bucketCount);
  const byBucket = new Map<number, Map<string, Fields | null>>();
  for (const [key, fields] of changes) {
    const bucket = bucketOfHigh(Number(reader.hashKey(key) >> 32n), bits);
    const inBucket = byBucket.get(bucket) ?? new Map<string, Fields | null>();
    inBucket.set(key, fields);
    byBucket.set(bucket, inBucket);
  }
  return byBucket;
}

async function rewritten(
  options: ResealOptions,
  bucket: number,
  before: SealedSegment | undefined,
  changes: RecordChanges,
  encoder: EntryEncoder,
  workspace: Workspace,
): Promise<SealedSegment | null> {
  const { previous, reader, store, prefix } = options;
  const entries: Buffer[] = [];
  const add = (key: string, fields: Fields): void => {
    const entry = encoder.encode(key, fields);
    if (entry === null) throw new Error(`a record of type ${previous.type} has a field that is in none of its groups`);
    entries.push(Buffer.from(entry));
  };
  if (before)
    for await (const bodies of readSegment(previous, before, reader))
      for (const { key, fields } of bodies) if (!changes.has(key)) add(key, fields);
  for (const [key, fields] of changes) if (fields !== null) add(key, fields);
  const shape = entryShape(previous.groups.length);
  const built = buildSegment([Buffer.concat(entries)], bucket, bucketBitsOf(previous.bucketCount), shape, workspace);
  return built ? await putSegment(store, prefix, bucket, built) : null;
}
