/** Sorts the entries of one bucket and lays them out as body and columns. */
import { byCodeUnit } from '../../core/json.js';
import { bucketOfHigh } from './bucket.js';
import { digestBytes, hashBytes, jsonLength, offsetBytes, type EntryShape } from './entry-buffer.js';
import type { Workspace } from './workspace.js';

export interface SegmentBytes {
  readonly count: number;
  /** The keys of entries that repeat the one before, as often as they do. Where there are any the rest is of no use. */
  readonly repeated: readonly string[];
  readonly body: Buffer;
  readonly keys: Buffer;
  readonly groups: readonly Buffer[];
  readonly offsets: Buffer;
}

/** A double holds 53 bits exactly: 29 of the hash above 24 that number the entry. Sorting doubles natively is what makes this fast. */
const indexLimit = 2 ** 24;
const packedHashShift = 3;
const lineExtraBytes = 2 * hashBytes + 2;
const bodyBytesMax = 2 ** 32 - 1;

interface Entries {
  readonly buffers: readonly Buffer[];
  readonly bufferOf: Uint16Array | Uint32Array;
  readonly startOf: Uint32Array;
  readonly highOf: Uint32Array;
  readonly count: number;
  readonly jsonBytes: number;
}

/** Null where the bucket is empty. The bytes lie in the workspace: they are good until it builds the next segment. */
export function buildSegment(
  source: Iterable<Buffer>,
  bucket: number,
  bucketBits: number,
  shape: EntryShape,
  workspace: Workspace,
): SegmentBytes | null {
  const entries = findEntries([...source], bucket, bucketBits, shape);
  if (entries.count === 0) return null;
  return layOut(entries, sortedOrder(entries, shape), shape, workspace);
}

function findEntries(buffers: readonly Buffer[], bucket: number, bucketBits: number, shape: EntryShape): Entries {
  let capacity = 1024;
  let bufferOf = new Uint32Array(capacity);
  let startOf = new Uint32Array(capacity);
  let highOf = new Uint32Array(capacity);
  let count = 0;
  let jsonBytes = 0;
  buffers.forEach((buffer, bufferIndex) => {
    for (let at = 0; at < buffer.length;) {
      const length = jsonLength(buffer, at, shape);
      const high = buffer.readUInt32BE(at);
      if (bucketOfHigh(high, bucketBits) === bucket) {
        if (count === capacity) {
          capacity *= 2;
          bufferOf = grown(bufferOf, capacity);
          startOf = grown(startOf, capacity);
          highOf = grown(highOf, capacity);
        }
        bufferOf[count] = bufferIndex;
        startOf[count] = at;
        highOf[count] = high;
        count += 1;
        jsonBytes += length;
      }
      at += shape.headBytes + length;
    }
  });
  if (count >= indexLimit) throw new Error(`a bucket of ${count} records is larger than this format allows`);
  return { buffers, bufferOf, startOf, highOf, count, jsonBytes };
}

function grown(array: Uint32Array, capacity: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(capacity);
  larger.set(array);
  return larger;
}

function sortedOrder(entries: Entries, shape: EntryShape): Uint32Array {
  const { count, highOf } = entries;
  const packed = new Float64Array(count);
  for (let index = 0; index < count; index += 1)
    packed[index] = ((highOf[index] ?? 0) >>> packedHashShift) * indexLimit + index;
  packed.sort();
  const order = new Uint32Array(count);
  for (let position = 0; position < count; position += 1) order[position] = (packed[position] ?? 0) % indexLimit;
  // The packed part of the hash ties now and then, and a whole hash may: those runs are sorted by (hash, key).
  for (let start = 0; start < count;) {
    const tied = (highOf[order[start] ?? 0] ?? 0) >>> packedHashShift;
    let end = start + 1;
    while (end < count && (highOf[order[end] ?? 0] ?? 0) >>> packedHashShift === tied) end += 1;
    if (end - start > 1) sortRun(order.subarray(start, end), entries, shape);
    start = end;
  }
  return order;
}

function sortRun(run: Uint32Array, entries: Entries, shape: EntryShape): void {
  const rows = Array.from(run, (index) => ({
    index,
    hash: bufferAt(entries, index).readBigUInt64BE(entries.startOf[index] ?? 0),
    key: keyAt(entries, index, shape),
  }));
  rows.sort((a, b) => (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : byCodeUnit(a.key, b.key)));
  rows.forEach(({ index }, position) => {
    run[position] = index;
  });
}

function layOut(entries: Entries, order: Uint32Array, shape: EntryShape, workspace: Workspace): SegmentBytes {
  const { count } = entries;
  const bodyBytes = entries.jsonBytes + count * lineExtraBytes;
  if (bodyBytes > bodyBytesMax) throw new Error(`a segment of ${bodyBytes} bytes is larger than its offsets reach`);
  const body = workspace.take('body', bodyBytes);
  const keys = workspace.take('keys', count * hashBytes);
  const groups = Array.from({ length: shape.groupCount }, (_, group) =>
    workspace.take(`group ${group}`, count * digestBytes),
  );
  const offsets = workspace.take('offsets', count * offsetBytes);
  const repeated: string[] = [];
  let at = 0;
  for (let position = 0; position < count; position += 1) {
    const index = order[position] ?? 0;
    const source = bufferAt(entries, index);
    const start = entries.startOf[index] ?? 0;
    copyShort(source, start, keys, position * hashBytes, hashBytes);
    for (let group = 0; group < groups.length; group += 1)
      copyShort(
        source,
        start + hashBytes + group * digestBytes,
        columnAt(groups, group),
        position * digestBytes,
        digestBytes,
      );
    offsets.writeUInt32BE(at, position * offsetBytes);
    at = writeHex(body, at, source, start);
    body[at] = 0x09;
    const json = start + shape.headBytes;
    const length = jsonLength(source, start, shape);
    source.copy(body, at + 1, json, json + length);
    at += 1 + length;
    body[at] = 0x0a;
    at += 1;
    if (position > 0 && sameHash(keys, position)) {
      const before = order[position - 1] ?? 0;
      const key = keyAt(entries, index, shape);
      if (key === keyAt(entries, before, shape)) repeated.push(key);
    }
  }
  return { count, repeated, body, keys, groups, offsets };
}

/** Buffer.copy makes an object for each stretch that it copies, which costs more than these few bytes. */
function copyShort(source: Buffer, from: number, target: Buffer, to: number, bytes: number): void {
  for (let index = 0; index < bytes; index += 1) target[to + index] = source[from + index] ?? 0;
}

function columnAt(groups: readonly Buffer[], group: number): Buffer {
  const column = groups[group];
  if (!column) throw new Error('a group has no column');
  return column;
}

const hexDigits = Buffer.from('0123456789abcdef', 'latin1');

function writeHex(target: Buffer, at: number, source: Buffer, start: number): number {
  for (let index = 0; index < hashBytes; index += 1) {
    const byte = source[start + index] ?? 0;
    target[at + 2 * index] = hexDigits[byte >>> 4] ?? 0;
    target[at + 2 * index + 1] = hexDigits[byte & 15] ?? 0;
  }
  return at + 2 * hashBytes;
}

function sameHash(keys: Buffer, position: number): boolean {
  const at = position * hashBytes;
  return (
    keys.readUInt32BE(at) === keys.readUInt32BE(at - hashBytes) &&
    keys.readUInt32BE(at + 4) === keys.readUInt32BE(at - hashBytes + 4)
  );
}

function bufferAt(entries: Entries, index: number): Buffer {
  const buffer = entries.buffers[entries.bufferOf[index] ?? 0];
  if (!buffer) throw new Error('an entry points outside its buffers');
  return buffer;
}

function keyAt(entries: Entries, index: number, shape: EntryShape): string {
  const buffer = bufferAt(entries, index);
  const start = entries.startOf[index] ?? 0;
  const json = start + shape.headBytes;
  const parsed = JSON.parse(buffer.toString('utf8', json, json + jsonLength(buffer, start, shape))) as { key: string };
  return parsed.key;
}
