/** The columns of one segment, read when they are first needed, and checked so that a walk over them can trust their order. */
import { ConcordatError } from '../../core/errors.js';
import type { Digest } from '../../core/digest.js';
import type { SealedSegment, SealedType } from '../../core/sealed.js';
import { bucketBitsOf } from './bucket.js';
import { digestBytes, hashBytes, offsetBytes } from './entry-buffer.js';
import type { RecordLayout } from './record-layout.js';

export type ReadColumn = (digest: Digest, bytes: number) => Promise<Buffer>;

export class SegmentColumns {
  readonly segment: SealedSegment;
  readonly layout: RecordLayout;
  readonly #bucketBits: number;
  readonly #read: ReadColumn;
  #keys: Buffer | undefined;
  #offsets: Buffer | undefined;
  readonly #groups: (Buffer | undefined)[];

  constructor(sealed: SealedType, layout: RecordLayout, segment: SealedSegment, read: ReadColumn) {
    this.segment = segment;
    this.layout = layout;
    this.#bucketBits = bucketBitsOf(sealed.bucketCount);
    this.#read = read;
    this.#groups = segment.groups.map(() => undefined);
  }

  async loadKeys(): Promise<Buffer> {
    if (this.#keys) return this.#keys;
    const keys = await this.#read(this.segment.keys, this.segment.count * hashBytes);
    checkKeys(keys, this.segment, this.#bucketBits);
    this.#keys = keys;
    return keys;
  }

  async loadGroup(group: number): Promise<Buffer> {
    const digest = this.segment.groups[group];
    if (digest === undefined) throw new Error('a segment was asked for a group that it does not have');
    const column = this.#groups[group] ?? (await this.#read(digest, this.segment.count * digestBytes));
    this.#groups[group] = column;
    return column;
  }

  /** Everything that opening a body needs. */
  async loadAll(): Promise<void> {
    await Promise.all([this.loadKeys(), this.loadOffsets(), ...this.#groups.map((_, group) => this.loadGroup(group))]);
  }

  async loadOffsets(): Promise<void> {
    if (this.#offsets) return;
    const offsets = await this.#read(this.segment.offsets, this.segment.count * offsetBytes);
    checkOffsets(offsets, this.segment);
    this.#offsets = offsets;
  }

  get keys(): Buffer {
    return loaded(this.#keys);
  }

  get offsets(): Buffer {
    return loaded(this.#offsets);
  }

  groupColumn(group: number): Buffer {
    return loaded(this.#groups[group]);
  }

  /** Whether a group's digest of an entry is the given one (sha256Binary). */
  isDigestAt(group: number, entry: number, digest: string): boolean {
    const column = loaded(this.#groups[group]);
    const at = entry * digestBytes;
    for (let index = 0; index < digestBytes; index += 1)
      if (column[at + index] !== digest.charCodeAt(index)) return false;
    return true;
  }

  bodyStart(entry: number): number {
    return entry === this.segment.count
      ? this.segment.bodyBytes
      : loaded(this.#offsets).readUInt32BE(entry * offsetBytes);
  }
}

function loaded(column: Buffer | undefined): Buffer {
  if (!column) throw new Error('a column is used before it was loaded');
  return column;
}

/** A column out of order would let a walk pass by a record. */
function checkKeys(keys: Buffer, segment: SealedSegment, bucketBits: number): void {
  let high = 0;
  let low = 0;
  const view = new DataView(keys.buffer, keys.byteOffset, keys.byteLength);
  for (let at = 0; at < view.byteLength; at += hashBytes) {
    const nextHigh = view.getUint32(at);
    const nextLow = view.getUint32(at + 4);
    if (nextHigh < high || (nextHigh === high && nextLow < low)) throw notAuthentic('its keys are out of order');
    high = nextHigh;
    low = nextLow;
  }
  const inBucket = (at: number): boolean =>
    bucketBits === 0 || keys.readUInt32BE(at) >>> (32 - bucketBits) === segment.bucket;
  if (!inBucket(0) || !inBucket(keys.length - hashBytes)) throw notAuthentic('its keys lie outside its bucket');
}

function checkOffsets(offsets: Buffer, segment: SealedSegment): void {
  const view = new DataView(offsets.buffer, offsets.byteOffset, offsets.byteLength);
  if (view.getUint32(0) !== 0) throw notAuthentic('its offsets do not begin at the beginning');
  let before = -1;
  for (let at = 0; at < view.byteLength; at += offsetBytes) {
    const offset = view.getUint32(at);
    if (offset <= before) throw notAuthentic('its offsets do not ascend');
    before = offset;
  }
  if (before >= segment.bodyBytes) throw notAuthentic('its offsets lie outside its body');
}

export function notAuthentic(why: string): ConcordatError {
  return new ConcordatError('inputNotAuthentic', `a sealed segment is not what its manifest says: ${why}`);
}
