/**
 * Holds the entries of a seal until all have come: in memory while they are few, then in one temporary file, parted by
 * key hash so that a segment can be built from a few stretches of it.
 */
import { UnnamedFile } from '../unnamed-file.js';
import { bucketOfHigh } from './bucket.js';
import { jsonLength, type EntryShape } from './entry-buffer.js';
import type { Workspace } from './workspace.js';

const chunkBytes = 1024 * 1024;
const stagingBytesTotal = 16 * 1024 * 1024;
const stagingBytesMax = 64 * 1024;
const entriesBeforeGuess = 1_000;

interface Chunk {
  readonly bytes: Buffer;
  used: number;
}

export interface Room {
  readonly bytes: Buffer;
  readonly start: number;
}

interface Stretch {
  readonly start: number;
  readonly length: number;
}

interface Part {
  readonly staging: Buffer;
  used: number;
  readonly stretches: Stretch[];
}

export interface CollectorOptions {
  readonly shape: EntryShape;
  readonly memoryBytesMax: number;
  /** About how many entries will come: it decides only when the file is begun. Absent where nobody knows. */
  readonly expectedCount?: number;
  readonly spillFolder: string;
  /** The file is parted into 2^partBits parts; finer than the segments will be, so that memory is bounded by one of them. */
  readonly partBits: number;
}

export class EntryCollector {
  readonly #options: CollectorOptions;
  #chunks: Chunk[] = [];
  #memoryBytes = 0;
  #count = 0;
  #parts: readonly Part[] | undefined;
  #file: UnnamedFile | undefined;
  #fileBytes = 0;
  /** One for all: of a million entries each would else make one. */
  readonly #room: { bytes: Buffer; start: number } = { bytes: Buffer.alloc(0), start: 0 };
  #roomIn: { used: number } | undefined;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /**
   * Where an entry of at most so many bytes may be written, instead of adding it; `hashHigh` is what its key hash begins with.
   * The place counts once `keep` was called, and is another one's as soon as anything else is. Null where it must be added.
   */
  room(hashHigh: number, bytesMax: number): Room | null {
    const room = this.#room;
    if (!this.#parts) {
      if (bytesMax > chunkBytes / 16) return null;
      const chunk = this.#chunkFor(bytesMax);
      room.bytes = chunk.bytes;
      room.start = chunk.used;
      this.#roomIn = chunk;
      return room;
    }
    const part = this.#parts[bucketOfHigh(hashHigh, this.#options.partBits)];
    if (!part || bytesMax > part.staging.length) return null;
    if (part.used + bytesMax > part.staging.length) this.#flush(part);
    room.bytes = part.staging;
    room.start = part.used;
    this.#roomIn = part;
    return room;
  }

  /** An entry of so many bytes stands where there was room. */
  keep(bytes: number): void {
    if (!this.#roomIn) throw new Error('an entry was kept for which there was no room');
    this.#roomIn.used += bytes;
    this.#roomIn = undefined;
    if (!this.#parts) this.#countOne();
  }

  /** Copies the entry: the caller may use its buffer again. Writes to the page cache synchronously where it spills. */
  add(entry: Buffer): void {
    if (this.#parts) {
      this.#spill(this.#parts, entry);
      return;
    }
    const chunk = this.#chunkFor(entry.length);
    chunk.bytes.set(entry, chunk.used);
    chunk.used += entry.length;
    this.#countOne();
  }

  #countOne(): void {
    this.#count += 1;
    if (this.#memoryBytes > this.#options.memoryBytesMax) this.#startSpilling();
    else if (this.#count === entriesBeforeGuess) this.#spillWhatWillNotFit();
  }

  /** Going by the first entries: what is written in the end anyway is written once, and not kept until then. */
  #spillWhatWillNotFit(): void {
    const { expectedCount = 0, memoryBytesMax } = this.#options;
    const bytes = this.#chunks.reduce((sum, { used }) => sum + used, 0);
    if ((bytes / this.#count) * expectedCount > memoryBytesMax) this.#startSpilling();
  }

  #chunkFor(bytes: number): Chunk {
    const last = this.#chunks.at(-1);
    if (last && last.used + bytes <= last.bytes.length) return last;
    const size = this.#chunks.length === 0 ? chunkBytes / 16 : chunkBytes;
    const chunk = { bytes: Buffer.allocUnsafeSlow(Math.max(size, bytes)), used: 0 };
    this.#chunks.push(chunk);
    this.#memoryBytes += chunk.bytes.length;
    return chunk;
  }

  /** Buffers of whole entries, among which are all of one bucket of 2^bucketBits (and perhaps others). Good until the next call. */
  *buffersOf(bucket: number, bucketBits: number, workspace: Workspace): Generator<Buffer> {
    for (const chunk of this.#chunks) yield chunk.bytes.subarray(0, chunk.used);
    if (!this.#parts) return;
    const { partBits } = this.#options;
    const shift = partBits - bucketBits;
    const first = shift >= 0 ? bucket * 2 ** shift : bucket >>> -shift;
    const last = shift >= 0 ? first + 2 ** shift - 1 : first;
    for (let index = first; index <= last; index += 1) {
      const part = this.#parts[index];
      if (part) yield this.#readPart(part, workspace.take(`part ${index - first}`, partBytes(part)));
    }
  }

  /** Gives back memory and disk. Nothing can be added or read afterwards. */
  discard(): void {
    this.#chunks = [];
    this.#parts = undefined;
    this.#file?.close();
    this.#file = undefined;
  }

  #startSpilling(): void {
    const { spillFolder, partBits, shape } = this.#options;
    this.#file = new UnnamedFile('seal', spillFolder);
    const stagingBytes = Math.min(stagingBytesMax, Math.floor(stagingBytesTotal / 2 ** partBits));
    const parts = Array.from({ length: 2 ** partBits }, () => ({
      staging: Buffer.allocUnsafeSlow(stagingBytes),
      used: 0,
      stretches: [],
    }));
    this.#parts = parts;
    for (const chunk of this.#chunks) {
      for (let at = 0; at < chunk.used;) {
        const length = shape.headBytes + jsonLength(chunk.bytes, at, shape);
        this.#spill(parts, chunk.bytes.subarray(at, at + length));
        at += length;
      }
    }
    this.#chunks = [];
    this.#memoryBytes = 0;
  }

  #spill(parts: readonly Part[], entry: Buffer): void {
    const part = parts[bucketOfHigh(entry.readUInt32BE(0), this.#options.partBits)];
    if (!part) throw new Error('a part is missing');
    if (part.used + entry.length > part.staging.length) this.#flush(part);
    if (entry.length > part.staging.length) {
      this.#writeStretch(part, entry);
      return;
    }
    part.staging.set(entry, part.used);
    part.used += entry.length;
  }

  #flush(part: Part): void {
    this.#writeStretch(part, part.staging.subarray(0, part.used));
    part.used = 0;
  }

  #writeStretch(part: Part, bytes: Buffer): void {
    if (bytes.length === 0 || this.#file === undefined) return;
    const start = this.#fileBytes;
    this.#file.write(bytes, start);
    this.#fileBytes += bytes.length;
    part.stretches.push({ start, length: bytes.length });
  }

  #readPart(part: Part, bytes: Buffer): Buffer {
    let at = 0;
    for (const { start, length } of part.stretches) {
      this.#file?.read(bytes.subarray(at, at + length), start);
      at += length;
    }
    part.staging.copy(bytes, at, 0, part.used);
    return bytes;
  }
}

function partBytes(part: Part): number {
  return part.stretches.reduce((sum, stretch) => sum + stretch.length, part.used);
}
