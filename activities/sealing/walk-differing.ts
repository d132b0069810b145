/**
 * The compare's inner loop: walks the digest indexes of all participants side by side and yields what differs.
 *
 * Cost follows change. Seals with equal digests end at once, segments and columns with equal digests are not read, equal
 * stretches of columns are passed over with memcmp in blocks that double while they are equal, and only the bodies of
 * differing records are read and parsed. Memory is bounded by one segment's columns per participant and one batch of bodies.
 */
import type { FieldGroup } from '../../core/federation/federation.js';
import type { SealedSegment } from '../../core/sealed.js';
import { bucketBitsOf } from './bucket.js';
import { ColumnShare } from './column-share.js';
import { compareGroups, type Comparison, type Participant } from './participants.js';
import { RangeCursor } from './range-cursor.js';
import { readCandidates, type Differing } from './candidates.js';
import { RangeWalk } from './range-walk.js';
import type { SegmentReader } from './segment-reader.js';
import { RecordLayout } from './record-layout.js';

export type { Participant } from './participants.js';
export type { Differing } from './candidates.js';

export interface WalkOptions {
  /** In any order: it does not show in what is yielded. */
  readonly participants: readonly Participant[];
  /** The groups of the type in the configuration in force (DatasetType). */
  readonly groups: readonly FieldGroup[];
  readonly reader: SegmentReader;
  /** Only these of all ranges (rangeCountOf): what is yielded for one after the other is what is yielded for all. */
  readonly ranges?: Ranges;
  readonly signal?: AbortSignal;
}

export interface Ranges {
  readonly from: number;
  /** The first that is not walked. */
  readonly to: number;
}

/** Into how many ranges of key hashes a walk parts its work: the buckets of the participant that has most. */
export function rangeCountOf(participants: readonly Participant[]): number {
  return Math.max(...participants.map(({ sealed }) => sealed.bucketCount));
}

/**
 * Yields, in order of (key hash, key), every record that some participant lacks, or in which the holders of some field
 * group differ. `present` has each participant's fields, undefined where it lacks the record. Where a seal was made
 * under other groups than those in force, every record is yielded. Where there is no base yet, pass an empty one.
 *
 * Throws inputNotAuthentic where an index or a body is not what its manifest says, storeFault where an object is missing.
 */
export async function* walkDiffering(options: WalkOptions): AsyncGenerator<Differing> {
  const { reader, signal } = options;
  const comparison = compareGroups(options.participants, options.groups);
  const share = new ColumnShare(reader);
  const finest = rangeCountOf(comparison.participants);
  const { from, to } = options.ranges ?? { from: 0, to: finest };
  const cursors = comparison.participants.map(
    ({ sealed }) => new RangeCursor(sealed, new RecordLayout(sealed.groups), bucketBitsOf(finest), share),
  );
  for (let bucket = from; bucket < to; bucket += 1) {
    signal?.throwIfAborted();
    cursors.forEach((cursor) => cursor.enter(bucket));
    if (cursors.every((cursor) => cursor.segment === undefined)) continue;
    if (allEqual(comparison, cursors)) continue;
    share.keepOnly(cursors.flatMap((cursor) => cursor.digests()));
    await Promise.all(cursors.map((cursor) => cursor.loadKeys()));
    const walk = new RangeWalk(comparison, cursors);
    await walk.loadCompared();
    while (!walk.ended) {
      signal?.throwIfAborted();
      const batch = walk.collect();
      if (batch.count > 0) yield* await readCandidates(comparison, cursors, batch, reader);
      // Offsets are read once the first difference is found: many ranges of unlike bucket counts turn out to be equal.
      if (!walk.ended && !walk.bodiesReady) await walk.prepareBodies();
    }
  }
}

/** Whether the manifests alone say that nothing differs in this range. */
function allEqual(comparison: Comparison, cursors: readonly RangeCursor[]): boolean {
  if (comparison.everyRecord || !comparison.linked) return false;
  const segments: SealedSegment[] = [];
  for (const cursor of cursors) {
    if (!cursor.segment || cursor.bucketCount !== cursors[0]?.bucketCount) return false;
    segments.push(cursor.segment);
  }
  return (
    segments.every((segment) => segment.keys === segments[0]?.keys) &&
    comparison.shared.every(
      ({ left, leftColumn, right, rightColumn }) =>
        segments[left]?.groups[leftColumn] === segments[right]?.groups[rightColumn],
    )
  );
}
