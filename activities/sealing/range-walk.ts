/** Walks one range of key hashes over all participants: passes over what is equal, collects what may differ. */
import { CandidateBatch } from './candidate-batch.js';
import { digestBytes, hashBytes } from './entry-buffer.js';
import type { Comparison } from './participants.js';
import { columnsOf, cursorAt, digestsEqual, type RangeCursor } from './range-cursor.js';

interface ColumnPair {
  readonly left: RangeCursor;
  readonly leftColumn: Buffer;
  readonly right: RangeCursor;
  readonly rightColumn: Buffer;
  readonly width: number;
}

const blockMin = 4;
const blockMax = 8192;

export class RangeWalk {
  ended = false;
  bodiesReady = false;
  readonly #comparison: Comparison;
  readonly #cursors: readonly RangeCursor[];
  #pairs: readonly ColumnPair[] | undefined;
  #block = 256;

  constructor(comparison: Comparison, cursors: readonly RangeCursor[]) {
    this.#comparison = comparison;
    this.#cursors = cursors;
  }

  /** Loads the columns that passing over equal stretches needs: none where every record is looked at anyway. */
  async loadCompared(): Promise<void> {
    const { everyRecord, linked, shared } = this.#comparison;
    const [first] = this.#cursors;
    if (everyRecord || !linked || !first) return;
    if (this.#cursors.some((cursor) => cursor.position === cursor.end)) return;
    // Where all keys are the same, a column with one digest among its holders is equal without being read.
    const aligned = this.#cursors.every(
      (cursor) =>
        cursor.segment?.keys === first.segment?.keys && cursor.position === first.position && cursor.end === first.end,
    );
    const pairs: ColumnPair[] = [];
    if (!aligned)
      for (const right of this.#cursors.slice(1)) {
        const columns = { leftColumn: columnsOf(first).keys, rightColumn: columnsOf(right).keys };
        pairs.push({ left: first, right, ...columns, width: hashBytes });
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
      pairs.push({ left, leftColumn, right, rightColumn, width: digestBytes });
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
      if (this.#cursors.every((cursor) => cursor.position === cursor.end)) {
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
    let room = Infinity;
    for (const cursor of this.#cursors) room = Math.min(room, cursor.end - cursor.position);
    let block = this.#block;
    let passed = 0;
    let growing = true;
    while (block >= 1 && room > 0) {
      const size = Math.min(block, room);
      if (this.#equalBlock(this.#pairs, size)) {
        for (const cursor of this.#cursors) cursor.position += size;
        room -= size;
        passed += size;
        block = growing ? Math.min(block * 2, blockMax) : block >>> 1;
      } else {
        growing = false;
        block = size >>> 1;
      }
    }
    this.#block = Math.max(blockMin, Math.min(blockMax, passed >>> 1));
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
    let high = Infinity;
    let low = Infinity;
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
    if (single) this.#shareBodies(batch);
    batch.add();
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
        const equal = pairs.every((pair) =>
          digestsEqual(this.#cursors, pair, batch.startOf(pair.left), batch.startOf(pair.right)),
        );
        if (!equal) continue;
        batch.setBodyFrom(to, from);
        break;
      }
    }
  }
}
