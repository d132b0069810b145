/** Walks one range of key hashes over all participants: passes over what is equal, collects what may differ. */
import { digestBytes, hashBytes } from './entry-buffer.js';
import type { Comparison, SharedGroup } from './participants.js';
import type { RangeCursor } from './range-cursor.js';
import type { SegmentColumns } from './segment-columns.js';

/** All entries with one key hash. Keys are known only once bodies are open, and in theory several can have one hash. */
export interface Candidate {
  /** Per participant, its entries from start up to end. */
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  /** Per participant, whose body tells its fields: its own, or that of one that is equal and holds at least as much. */
  readonly bodyFrom: readonly number[];
}

interface ColumnPair {
  readonly left: RangeCursor;
  readonly leftColumn: Buffer;
  readonly right: RangeCursor;
  readonly rightColumn: Buffer;
  readonly width: number;
}

const blockMin = 4;
const blockMax = 8192;
const candidatesMax = 2048;
const bodyBytesMax = 4 * 1024 * 1024;

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
      const leftColumn = await columnsOf(left).loadGroup(group.leftColumn);
      const rightColumn = await columnsOf(right).loadGroup(group.rightColumn);
      pairs.push({ left, leftColumn, right, rightColumn, width: digestBytes });
    }
    this.#pairs = pairs;
  }

  async prepareBodies(): Promise<void> {
    for (const cursor of this.#cursors) await cursor.columns?.loadAll();
    this.bodiesReady = true;
  }

  /** Up to one batch. Stops before the first candidate until bodies are ready; sets `ended` after the last. */
  collect(): readonly Candidate[] {
    const candidates: Candidate[] = [];
    let bodyBytes = 0;
    while (candidates.length < candidatesMax && bodyBytes < bodyBytesMax) {
      this.#passEqual();
      if (this.#cursors.every((cursor) => cursor.position === cursor.end)) {
        this.ended = true;
        break;
      }
      if (!this.bodiesReady) break;
      const candidate = this.#takeRun();
      candidates.push(candidate);
      bodyBytes += bytesToRead(candidate, this.#cursors);
    }
    return candidates;
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
        if (growing) block = Math.min(block * 2, blockMax);
        else block >>>= 1;
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
  #takeRun(): Candidate {
    const hash = lowestHash(this.#cursors);
    const starts: number[] = [];
    const ends: number[] = [];
    let single = true;
    for (const cursor of this.#cursors) {
      starts.push(cursor.position);
      while (cursor.position < cursor.end && hasHash(columnsOf(cursor).keys, cursor.position, hash))
        cursor.position += 1;
      ends.push(cursor.position);
      if (cursor.position - (starts.at(-1) ?? 0) > 1) single = false;
    }
    return { starts, ends, bodyFrom: single ? this.#bodySources(starts, ends) : starts.map((_, index) => index) };
  }

  /** HAZARD: equal digests mean equal keys, because the key is hashed with every group; equal key hashes do not. */
  #bodySources(starts: readonly number[], ends: readonly number[]): readonly number[] {
    const { byBreadth, covers } = this.#comparison;
    const sources = starts.map((_, index) => index);
    const opened: number[] = [];
    for (const to of byBreadth) {
      if (starts[to] === ends[to]) continue;
      const from = opened.find((candidate) => {
        const pairs = covers[candidate]?.[to];
        return pairs?.every((pair) =>
          digestsEqual(this.#cursors, pair, starts[pair.left] ?? 0, starts[pair.right] ?? 0),
        );
      });
      if (from === undefined) opened.push(to);
      else sources[to] = from;
    }
    return sources;
  }
}

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
  return left.compare(right, other, other + digestBytes, at, at + digestBytes) === 0;
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

interface HashHalves {
  readonly high: number;
  readonly low: number;
}

function lowestHash(cursors: readonly RangeCursor[]): HashHalves {
  let lowest: HashHalves = { high: Infinity, low: Infinity };
  for (const cursor of cursors) {
    if (cursor.position === cursor.end) continue;
    const { keys } = columnsOf(cursor);
    const high = keys.readUInt32BE(cursor.position * hashBytes);
    const low = keys.readUInt32BE(cursor.position * hashBytes + 4);
    if (high < lowest.high || (high === lowest.high && low < lowest.low)) lowest = { high, low };
  }
  return lowest;
}

function hasHash(keys: Buffer, entry: number, { high, low }: HashHalves): boolean {
  return keys.readUInt32BE(entry * hashBytes) === high && keys.readUInt32BE(entry * hashBytes + 4) === low;
}

function bytesToRead(candidate: Candidate, cursors: readonly RangeCursor[]): number {
  let bytes = 0;
  cursors.forEach((cursor, index) => {
    const start = candidate.starts[index] ?? 0;
    const end = candidate.ends[index] ?? 0;
    if (end > start && candidate.bodyFrom[index] === index)
      bytes += columnsOf(cursor).bodyStart(end) - columnsOf(cursor).bodyStart(start);
  });
  return bytes;
}
