/** Rows of the table of records as bytes, in the order of their ids: made, read, found and put together. */
import type { PreviousHop } from '../../core/lineage/hop.js';
import { saltBytes } from '../../core/lineage/salted.js';

export const tableIdBytes = 16;
export const leafBytes = 32;
export const rowBytes = tableIdBytes + saltBytes + 4 + 4 + leafBytes;

export interface TableRow {
  readonly id: Buffer;
  readonly salt: Uint8Array;
  /** Null for a record whose salt is known and whose chain has not begun here. */
  readonly end: PreviousHop | null;
}

/** A copy: a row that is kept would keep its bucket. */
export function rowIn(bucket: Buffer, id: Buffer): TableRow | null {
  const row = firstNotBelow(bucket, id, 0);
  if (row === bucket.length / rowBytes || compareAt(bucket, row, id) !== 0) return null;
  return decodeRow(Buffer.from(bucket.subarray(row * rowBytes, (row + 1) * rowBytes)), 0);
}

export function encodeRows(rows: readonly TableRow[]): Buffer {
  const bytes = Buffer.alloc(rows.length * rowBytes);
  rows.forEach((row, at) => encodeRow(row, bytes, at));
  return bytes;
}

/** Into the place of the row with that number, which holds zeros. */
export function encodeRow({ id, salt, end }: TableRow, bytes: Buffer, row: number): void {
  const at = row * rowBytes;
  id.copy(bytes, at);
  bytes.set(salt, at + tableIdBytes);
  if (!end) return;
  bytes.writeUInt32BE(end.sequence, at + tableIdBytes + saltBytes);
  bytes.writeUInt32BE(end.index, at + tableIdBytes + saltBytes + 4);
  bytes.write(end.hop, at + tableIdBytes + saltBytes + 8, 'hex');
}

export function decodeRows(bytes: Buffer): readonly TableRow[] {
  return Array.from({ length: bytes.length / rowBytes }, (_, row) => decodeRow(bytes, row));
}

function decodeRow(bytes: Buffer, row: number): TableRow {
  const at = row * rowBytes;
  const afterSalt = at + tableIdBytes + saltBytes;
  const sequence = bytes.readUInt32BE(afterSalt);
  return {
    id: bytes.subarray(at, at + tableIdBytes),
    salt: bytes.subarray(at + tableIdBytes, afterSalt),
    end:
      sequence === 0
        ? null
        : {
            sequence,
            index: bytes.readUInt32BE(afterSalt + 4),
            hop: bytes.toString('hex', afterSalt + 8, afterSalt + 8 + leafBytes),
          },
  };
}

/** Of each bucket that has some, the numbers of its rows, ascending. */
export function* rowsByBucket(rows: Buffer, bits: number): Generator<readonly [bucket: number, own: Uint32Array]> {
  const count = rows.length / rowBytes;
  const bucketAt = (row: number): number => (bits === 0 ? 0 : rows.readUInt32BE(row * rowBytes) >>> (32 - bits));
  const ends = new Uint32Array(2 ** bits);
  for (let row = 0; row < count; row += 1) {
    const bucket = bucketAt(row);
    ends[bucket] = (ends[bucket] ?? 0) + 1;
  }
  for (let bucket = 1; bucket < ends.length; bucket += 1) ends[bucket] = (ends[bucket] ?? 0) + (ends[bucket - 1] ?? 0);
  const next = Uint32Array.from(ends, (_, bucket) => (bucket === 0 ? 0 : (ends[bucket - 1] ?? 0)));
  const order = new Uint32Array(count);
  for (let row = 0; row < count; row += 1) {
    const bucket = bucketAt(row);
    const at = next[bucket] ?? 0;
    next[bucket] = at + 1;
    order[at] = row;
  }
  for (let bucket = 0; bucket < ends.length; bucket += 1) {
    const own = order.subarray(bucket === 0 ? 0 : ends[bucket - 1], ends[bucket]);
    if (own.length > 0) yield [bucket, own];
  }
}

/** What was there, which is in order, and some rows more: sorted by id, the last of each. What no row touches is copied. */
export function mergeRows(before: Buffer, rows: Buffer, own: Uint32Array): Buffer {
  const merged = Buffer.allocUnsafeSlow(before.length + own.length * rowBytes);
  const order = inOrderOfIds(rows, own);
  let [from, length] = [0, 0];
  order.forEach((row, at) => {
    const next = order[at + 1];
    if (next !== undefined && compareRows(rows, row, next) === 0) return;
    const id = rows.subarray(row * rowBytes, row * rowBytes + tableIdBytes);
    const place = firstNotBelow(before, id, from);
    length += before.copy(merged, length, from * rowBytes, place * rowBytes);
    length += rows.copy(merged, length, row * rowBytes, (row + 1) * rowBytes);
    const isThere = place < before.length / rowBytes && compareAt(before, place, id) === 0;
    from = isThere ? place + 1 : place;
  });
  length += before.copy(merged, length, from * rowBytes);
  return merged.subarray(0, length);
}

/** Rows of one id stay in their order. */
function inOrderOfIds(rows: Buffer, own: Uint32Array): Uint32Array {
  // Numbers hold the first 53 bits exactly: hardly ever more has to be looked at.
  const firsts = Float64Array.from(own, (row) => {
    const at = row * rowBytes;
    return rows.readUInt32BE(at) * 2 ** 21 + (rows.readUInt32BE(at + 4) >>> 11);
  });
  const rowAt = (at: number): number => own[at] ?? 0;
  return Uint32Array.from(own.keys())
    .sort(
      (left, right) =>
        (firsts[left] ?? 0) - (firsts[right] ?? 0) || compareRows(rows, rowAt(left), rowAt(right)) || left - right,
    )
    .map(rowAt);
}

/** The number of the first row from `from` on whose id is not below this one; behind the last where there is none. */
function firstNotBelow(bucket: Buffer, id: Buffer, from: number): number {
  let [low, high] = [from, bucket.length / rowBytes];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareAt(bucket, middle, id) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compareRows(bytes: Buffer, left: number, right: number): number {
  const [at, other] = [left * rowBytes, right * rowBytes];
  return bytes.compare(bytes, other, other + tableIdBytes, at, at + tableIdBytes);
}

export function compareAt(bucket: Buffer, row: number, id: Buffer): number {
  return bucket.compare(id, 0, tableIdBytes, row * rowBytes, row * rowBytes + tableIdBytes);
}
