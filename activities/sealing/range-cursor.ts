/**
 * Where a walk stands in the seal of one participant.
 *
 * A walk goes through the ranges of the finest bucket count among its participants. Powers of two nest, so each range
 * lies within one segment of every participant, and a coarser seal serves several ranges in turn.
 */
import type { Digest } from '../../core/digest.js';
import type { SealedSegment, SealedType } from '../../core/sealed.js';
import { bucketBitsOf, firstEntryOfBucket } from './bucket.js';
import type { ColumnShare } from './column-share.js';
import { digestBytes, hashBytes } from './entry-buffer.js';
import type { SharedGroup } from './participants.js';
import type { RecordLayout } from './record-layout.js';
import { SegmentColumns } from './segment-columns.js';

export class RangeCursor {
  readonly layout: RecordLayout;
  readonly bucketCount: number;
  columns: SegmentColumns | undefined;
  /** The next entry of this range that the walk has not passed, and the first beyond the range. */
  position = 0;
  end = 0;
  readonly #sealed: SealedType;
  readonly #finestBits: number;
  readonly #share: ColumnShare;
  #range = 0;
  #next = 0;

  constructor(sealed: SealedType, layout: RecordLayout, finestBits: number, share: ColumnShare) {
    this.#sealed = sealed;
    this.layout = layout;
    this.bucketCount = sealed.bucketCount;
    this.#finestBits = finestBits;
    this.#share = share;
  }

  get segment(): SealedSegment | undefined {
    return this.columns?.segment;
  }

  /** Ranges are entered in ascending order. */
  enter(range: number): void {
    this.#range = range;
    this.position = 0;
    this.end = 0;
    const bucket = range >>> (this.#finestBits - bucketBitsOf(this.bucketCount));
    if (this.segment?.bucket === bucket) return;
    this.columns = undefined;
    const { segments } = this.#sealed;
    while ((segments[this.#next]?.bucket ?? Infinity) < bucket) this.#next += 1;
    const segment = segments[this.#next];
    if (segment?.bucket !== bucket) return;
    this.columns = new SegmentColumns(this.#sealed, this.layout, segment, (digest, bytes) =>
      this.#share.read(digest, bytes),
    );
  }

  async loadKeys(): Promise<void> {
    if (!this.columns) return;
    const keys = await this.columns.loadKeys();
    const whole = this.#finestBits === bucketBitsOf(this.bucketCount);
    this.position = whole ? 0 : firstEntryOfBucket(keys, this.#range, this.#finestBits);
    this.end = whole ? keys.length / hashBytes : firstEntryOfBucket(keys, this.#range + 1, this.#finestBits);
  }

  /** The two halves of the key hash at which the walk stands. */
  hashHigh(): number {
    return columnsOf(this).keyWords.getUint32(this.position * hashBytes);
  }

  hashLow(): number {
    return columnsOf(this).keyWords.getUint32(this.position * hashBytes + 4);
  }

  digests(): readonly Digest[] {
    return this.segment ? [this.segment.keys, this.segment.offsets, ...this.segment.groups] : [];
  }
}

export function cursorAt(cursors: readonly RangeCursor[], index: number): RangeCursor {
  const cursor = cursors[index];
  if (!cursor) throw new Error('a group points at no participant');
  return cursor;
}

export function columnsOf(cursor: RangeCursor): SegmentColumns {
  if (!cursor.columns) throw new Error('a cursor without a segment was asked for its columns');
  return cursor.columns;
}

/** Whether two participants have one digest of a group that both hold, at the entry of each. */
export function digestsEqual(
  cursors: readonly RangeCursor[],
  pair: SharedGroup,
  leftEntry: number,
  rightEntry: number,
): boolean {
  const left = columnsOf(cursorAt(cursors, pair.left)).groupColumn(pair.leftColumn);
  const right = columnsOf(cursorAt(cursors, pair.right)).groupColumn(pair.rightColumn);
  const at = leftEntry * digestBytes;
  const other = rightEntry * digestBytes;
  // To ask Buffer.compare costs as much as looking at all of them; and unlike ones differ at once.
  for (let index = 0; index < digestBytes; index += 1) if (left[at + index] !== right[other + index]) return false;
  return true;
}
