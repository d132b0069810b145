/** Walks one range of key hashes over all participants: passes over what is equal, collects what may differ. */
import { firstEntryWithHash } from './bucket.js';
import { CandidateBatch } from './candidate-batch.js';
import { digestBytes, hashBytes } from './entry-buffer.js';
import { equalEntries } from './equal-entries.js';
import type { Comparison, SharedGroup, Unanimity } from './participants.js';
import { columnsOf, cursorAt, digestsEqual, type RangeCursor } from './range-cursor.js';
import { wordsOf } from './segment-columns.js';
import { UnanimousStretches } from './unanimous-stretches.js';

interface ColumnPair {
  readonly left: RangeCursor;
  readonly leftColumn: Buffer;
  readonly right: RangeCursor;
  readonly rightColumn: Buffer;
  readonly width: number;
  /** The same bytes, word by word. */
  readonly leftWords: DataView;
  readonly rightWords: DataView;
}

/** From so many entries on asking for all of their bytes at once costs less than a look at each word. */
const blockMin = 128;
const blockMax = 8192;
/** So many are looked at word by word before the next column is: what lies behind a difference is looked at for nothing. */
const wordsMost = 32;

/** What is looked for beside differences. */
export interface UnanimousSearch {
  readonly unanimity: Unanimity;
  /** Key hashes in this range that count as differing even so, ascending. */
  readonly wanted: readonly bigint[];
}

export class RangeWalk {
  ended = false;
  bodiesReady = false;
  /** What it passed over that all but the base hold alike, and the base not at all. */
  readonly unanimous: UnanimousStretches;
  readonly #comparison: Comparison;
  readonly #cursors: readonly RangeCursor[];
  readonly #search: UnanimousSearch | null;
  /** Those that are held against each other: without the base where it has nothing in this range. */
  #walked: readonly RangeCursor[];
  /** Positions of the first of these at which passing on has to stop. */
  #stops: readonly number[] = [];
  #pairs: readonly ColumnPair[] | undefined;
  constructor(comparison: Comparison, cursors: readonly RangeCursor[], search: UnanimousSearch | null = null) {
    this.#comparison = comparison;
    this.#cursors = cursors;
    this.#search = search;
    this.#walked = cursors;
    this.unanimous = new UnanimousStretches(search?.unanimity.members ?? []);
  }

  /** Loads the columns that passing over equal stretches needs: none where every record is looked at anyway. */
  async loadCompared(): Promise<void> {
    const { everyRecord } = this.#comparison;
    const passes = this.#search && isPassed(cursorAt(this.#cursors, this.#search.unanimity.base)) ? this.#search : null;
    const { linked, shared } = passes ? { linked: true, shared: passes.unanimity.shared } : this.#comparison;
    if (passes) this.#walked = passes.unanimity.members.map((index) => cursorAt(this.#cursors, index));
    const [first] = this.#walked;
    if (everyRecord || !linked || !first) return;
    if (this.#walked.some(isPassed)) return;
    if (passes) this.#stops = stopsOf(first, passes.wanted);
    // Where all keys are the same, a column with one digest among its holders is equal without being read.
    const aligned = this.#walked.every(
      (cursor) =>
        cursor.segment?.keys === first.segment?.keys && cursor.position === first.position && cursor.end === first.end,
    );
    const pairs: ColumnPair[] = [];
    if (!aligned)
      for (const right of this.#walked.slice(1)) {
        const columns = { leftColumn: columnsOf(first).keys, rightColumn: columnsOf(right).keys };
        pairs.push(pairOf(first, columns.leftColumn, right, columns.rightColumn, hashBytes));
      }
    for (const group of shared) {
      const left = cursorAt(this.#cursors, group.left);
      const right = cursorAt(this.#cursors, group.right);
      const same = left.segment?.groups[group.leftColumn] === right.segment?.groups[group.rightColumn];
      if (aligned && same) continue;
      const [leftColumn, rightColumn] = await Promise.all([
        columnsOf(left).loadGroup(group.leftColumn),
        columnsOf(right).loadGroup(group.rightColumn),
      ]);
      pairs.push(pairOf(left, leftColumn, right, rightColumn, digestBytes));
    }
    this.#pairs = pairs;
  }

  async prepareBodies(): Promise<void> {
    await Promise.all(this.#cursors.map(async (cursor) => await cursor.columns?.loadAll()));
    this.bodiesReady = true;
  }

  /** Up to one batch. Stops before the first candidate until bodies are ready; sets `ended` after the last. */
  collect(): CandidateBatch {
    const batch = new CandidateBatch(this.#cursors);
    while (!batch.isFull) {
      this.#passEqual();
      if (this.#cursors.every(isPassed)) {
        this.ended = true;
        break;
      }
      if (!this.bodiesReady) break;
      this.#takeRun(batch);
    }
    return batch;
  }

  /** Moves every cursor to its first entry that is not equal to those of the others. */
  #passEqual(): void {
    if (!this.#pairs) return;
    let room = this.#roomToStop();
    for (const cursor of this.#walked) room = Math.min(room, cursor.end - cursor.position);
    for (let looked = 0; looked < blockMin && room > 0; looked += wordsMost) {
      const size = Math.min(wordsMost, room);
      if (!this.#passWords(this.#pairs, size)) return;
      room -= size;
    }
    let block = blockMin;
    let isGrowing = true;
    while (room > 0) {
      const size = Math.min(block, room);
      if (isGrowing ? size >= wordsMost : size > wordsMost) {
        const isEqual = this.#equalBlock(this.#pairs, size);
        if (isEqual) this.#pass(size);
        isGrowing &&= isEqual;
        block = isGrowing ? Math.min(block * 2, blockMax) : Math.max(wordsMost, isEqual ? block : size >>> 1);
        if (isEqual) room -= size;
      } else {
        if (!this.#passWords(this.#pairs, size)) return;
        room -= size;
      }
    }
  }

  /** Moves on word by word to the first that differs of so many entries. Whether there is none. */
  #passWords(pairs: readonly ColumnPair[], size: number): boolean {
    let equal = size;
    for (const { left, leftWords, right, rightWords, width } of pairs)
      equal = equalEntries(leftWords, left.position, rightWords, right.position, width, equal);
    if (equal > 0) this.#pass(equal);
    return equal === size;
  }

  #pass(size: number): void {
    if (this.#walked !== this.#cursors)
      this.unanimous.add(
        this.#cursors.map(({ position }) => position),
        size,
      );
    for (const cursor of this.#walked) cursor.position += size;
  }

  #roomToStop(): number {
    if (this.#stops.length === 0) return Infinity;
    const at = this.#walked[0]?.position ?? 0;
    return (this.#stops.find((stop) => stop >= at) ?? Infinity) - at;
  }

  #equalBlock(pairs: readonly ColumnPair[], size: number): boolean {
    for (const { left, leftColumn, right, rightColumn, width } of pairs) {
      const at = left.position * width;
      const other = right.position * width;
      const bytes = size * width;
      if (leftColumn === rightColumn && at === other) continue;
      if (leftColumn.compare(rightColumn, other, other + bytes, at, at + bytes) !== 0) return false;
    }
    return true;
  }

  /** Takes the entries with the lowest key hash from every cursor that stands at it. */
  #takeRun(batch: CandidateBatch): void {
    let high = 0xffff_ffff;
    let low = 0xffff_ffff;
    for (const cursor of this.#cursors) {
      if (cursor.position === cursor.end) continue;
      const nextHigh = cursor.hashHigh();
      if (nextHigh > high) continue;
      const nextLow = cursor.hashLow();
      if (nextHigh === high && nextLow >= low) continue;
      high = nextHigh;
      low = nextLow;
    }
    let single = true;
    for (let index = 0; index < this.#cursors.length; index += 1) {
      const cursor = cursorAt(this.#cursors, index);
      const start = cursor.position;
      while (cursor.position < cursor.end && cursor.hashHigh() === high && cursor.hashLow() === low)
        cursor.position += 1;
      batch.setRun(index, start, cursor.position);
      if (cursor.position - start > 1) single = false;
    }
    if (single && this.#isUnanimous(batch, high, low)) {
      this.unanimous.add(
        this.#cursors.map((_, index) => batch.startOf(index)),
        1,
      );
      return;
    }
    if (single) this.#shareBodies(batch);
    batch.add(single);
  }

  /** HAZARD: as with bodies, equal digests mean equal keys, and equal key hashes alone do not. */
  #isUnanimous(batch: CandidateBatch, high: number, low: number): boolean {
    if (!this.#search) return false;
    const { base, members, shared } = this.#search.unanimity;
    if (batch.hasRun(base) || !members.every((index) => batch.hasRun(index))) return false;
    if (this.#search.wanted.length > 0 && this.#search.wanted.includes((BigInt(high) << 32n) | BigInt(low)))
      return false;
    return this.#areEqual(shared, batch);
  }

  /** Of the run that is being put together. */
  #areEqual(pairs: readonly SharedGroup[], batch: CandidateBatch): boolean {
    for (const pair of pairs)
      if (!digestsEqual(this.#cursors, pair, batch.startOf(pair.left), batch.startOf(pair.right))) return false;
    return true;
  }

  /**
   * Lets the body of one participant serve others that are equal and hold no more.
   * HAZARD: equal digests mean equal keys, because the key is hashed with every group; equal key hashes do not.
   */
  #shareBodies(batch: CandidateBatch): void {
    const { byBreadth, covers } = this.#comparison;
    for (let next = 1; next < byBreadth.length; next += 1) {
      const to = byBreadth[next] ?? 0;
      if (!batch.hasRun(to)) continue;
      for (let before = 0; before < next; before += 1) {
        const from = byBreadth[before] ?? 0;
        const pairs = covers[from]?.[to];
        if (!pairs || !batch.opens(from)) continue;
        if (!this.#areEqual(pairs, batch)) continue;
        batch.setBodyFrom(to, from);
        break;
      }
    }
  }
}

function isPassed({ position, end }: RangeCursor): boolean {
  return position === end;
}

function pairOf(
  left: RangeCursor,
  leftColumn: Buffer,
  right: RangeCursor,
  rightColumn: Buffer,
  width: number,
): ColumnPair {
  return {
    left,
    leftColumn,
    right,
    rightColumn,
    width,
    leftWords: wordsOf(leftColumn),
    rightWords: wordsOf(rightColumn),
  };
}

function stopsOf(cursor: RangeCursor, wanted: readonly bigint[]): readonly number[] {
  return wanted.map((hash) => firstEntryWithHash(columnsOf(cursor).keys, hash));
}
