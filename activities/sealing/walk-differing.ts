/**
 * The compare's inner loop: walks the digest indexes of all participants side by side and yields what differs.
 *
 * Cost follows change. Seals with equal digests end at once, segments and columns with equal digests are not read, equal
 * stretches of columns are passed over with memcmp in blocks that double while they are equal, and only the bodies of
 * differing records are read and parsed. Memory is bounded by one segment's columns per participant and one batch of bodies.
 */
import type { FieldGroup } from '../../core/federation/federation.js';
import type { SealedSegment } from '../../core/sealed.js';
import { ColumnShare } from './column-share.js';
import { bucketBitsOf, bucketOfHigh } from './bucket.js';
import type { CandidateBatch } from './candidate-batch.js';
import { compareGroups, unanimityOf, type Comparison, type Participant, type Unanimity } from './participants.js';
import { RangeCursor } from './range-cursor.js';
import { readCandidates, type Differing } from './candidates.js';
import { RangeWalk } from './range-walk.js';
import type { SegmentReader } from './segment-reader.js';
import { RecordLayout } from './record-layout.js';
import type { UnanimousStretch } from './unanimous-stretches.js';

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
  /** Where it is given, what is unanimous is not yielded. */
  readonly unanimous?: Unanimous;
  /** Hears how many records of a stretch were unanimous. */
  readonly onUnanimous?: (count: number) => void;
  readonly signal?: AbortSignal;
}

/** Unanimous is a record that one participant lacks, and all others hold with equal digests of every group. */
export interface Unanimous {
  /** The participant that is to lack it. */
  readonly base: string;
  /** Key hashes of records that count as differing all the same. */
  readonly wanted: ReadonlySet<bigint>;
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
  for await (const step of walkSteps(options, true)) {
    if (step.kind === 'unanimous') options.onUnanimous?.(step.stretches.reduce((sum, { count }) => sum + count, 0));
    // Each by itself: what yield* costs more for a record is about what parsing one does.
    else
      for (const differing of await readCandidates(step.comparison, step.cursors, step.batch, options.reader))
        yield differing;
  }
}

export type WalkStep = { readonly comparison: Comparison; readonly cursors: readonly RangeCursor[] } & (
  | { readonly kind: 'candidates'; readonly batch: CandidateBatch }
  | { readonly kind: 'unanimous'; readonly stretches: readonly UnanimousStretch[] }
);

/**
 * One after the other: cursors and batch are good until the next step. `reusesColumns`: so are columns that somebody took of a
 * cursor, instead of for as long as they are held.
 */
export async function* walkSteps(options: WalkOptions, reusesColumns = false): AsyncGenerator<WalkStep> {
  const { reader, signal } = options;
  const comparison = compareGroups(options.participants, options.groups);
  const unanimity = options.unanimous ? unanimityOf(comparison, options.unanimous.base) : null;
  const share = new ColumnShare(reader, reusesColumns);
  const finest = rangeCountOf(comparison.participants);
  const bits = bucketBitsOf(finest);
  const wanted = unanimity ? wantedByRange(options.unanimous?.wanted ?? new Set(), bits) : new Map<number, bigint[]>();
  const { from, to } = options.ranges ?? { from: 0, to: finest };
  const cursors = comparison.participants.map(
    ({ sealed }) => new RangeCursor(sealed, new RecordLayout(sealed.groups), bits, share),
  );
  for (let bucket = from; bucket < to; bucket += 1) {
    signal?.throwIfAborted();
    cursors.forEach((cursor) => cursor.enter(bucket));
    if (cursors.every((cursor) => cursor.segment === undefined)) continue;
    if (allEqual(comparison, cursors)) continue;
    cursors.forEach((cursor, index) => {
      const id = comparison.participants[index]?.id;
      if (cursor.segment && id !== undefined) reader.expectUnder(id, [cursor.segment.body, ...cursor.digests()]);
    });
    const asked = wanted.get(bucket) ?? [];
    const whole = unanimity && asked.length === 0 ? wholeUnanimous(unanimity, cursors, finest) : null;
    if (whole) {
      yield { kind: 'unanimous', comparison, cursors, stretches: [whole] };
      continue;
    }
    share.keepOnly(cursors.flatMap((cursor) => cursor.digests()));
    await Promise.all(cursors.map((cursor) => cursor.loadKeys()));
    const walk = new RangeWalk(comparison, cursors, unanimity && { unanimity, wanted: asked });
    await walk.loadCompared();
    while (!walk.ended) {
      signal?.throwIfAborted();
      const batch = walk.collect();
      const stretches = walk.unanimous.take();
      if (stretches.length > 0) yield { kind: 'unanimous', comparison, cursors, stretches };
      if (batch.count > 0) yield { kind: 'candidates', comparison, cursors, batch };
      // Offsets are read once the first difference is found: many ranges of unlike bucket counts turn out to be equal.
      if (!walk.ended && !walk.bodiesReady) await walk.prepareBodies();
    }
  }
}

function wantedByRange(wanted: ReadonlySet<bigint>, bits: number): ReadonlyMap<number, readonly bigint[]> {
  const byRange = new Map<number, bigint[]>();
  for (const hash of [...wanted].sort((a, b) => (a < b ? -1 : 1))) {
    const range = bucketOfHigh(Number(hash >> 32n), bits);
    const known = byRange.get(range);
    if (known) known.push(hash);
    else byRange.set(range, [hash]);
  }
  return byRange;
}

/** Whether the manifests alone say that all of this range is unanimous. */
function wholeUnanimous(
  { base, members, shared }: Unanimity,
  cursors: readonly RangeCursor[],
  finest: number,
): UnanimousStretch | null {
  if (cursors[base]?.segment !== undefined) return null;
  const segments: (SealedSegment | undefined)[] = cursors.map(({ segment }) => segment);
  const first = segments[members[0] ?? 0];
  const isWhole =
    first !== undefined &&
    members.every((index) => cursors[index]?.bucketCount === finest && segments[index]?.keys === first.keys) &&
    shared.every(
      ({ left, leftColumn, right, rightColumn }) =>
        segments[left]?.groups[leftColumn] === segments[right]?.groups[rightColumn],
    );
  return isWhole ? { starts: cursors.map(() => 0), count: first.count } : null;
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
