/**
 * For each record of a dataset, one authority's end of its chain and the salt that all members share: where
 * `concordat lineage` begins, and what the next hop goes on from.
 *
 * Bucketed by the hash of the record's name like sealed segments, in smaller pieces, because a run that changes ten
 * records writes ten buckets anew. Buckets are content-addressed under the authority's prefix; the head in its private
 * store says which of them count, and a copy of it is published.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import type { PreviousHop } from '../../core/lineage/hop.js';
import { saltBytes, type RecordName } from '../../core/lineage/salted.js';
import type { AuthorityId } from '../../core/record.js';
import { parsePublished } from '../exchange.js';
import { sha256Binary } from '../sealing/sha256.js';
import { sideBySide } from '../side-by-side.js';
import type { ObjectStore } from '../store.js';
import { isInPass, passBitsFor, passBytesUsually, rowsOfPass, type PiecedRows } from './row-passes.js';

export const tableIdBytes = 16;
export const leafBytes = 32;
export const rowBytes = tableIdBytes + saltBytes + 4 + 4 + leafBytes;
const rowsPerBucket = 2_048;
const bitsMax = 12;
/** What a store takes longest for is to make an object durable. */
const bucketsAtOnce = 8;

export const TableManifest = z.strictObject({
  /** The base that the last adopted hops belong to; 0 before the first. */
  sequence: z.int().nonnegative(),
  count: z.int().nonnegative(),
  /** `2 ** bits` buckets, by the top bits of the name's hash; null for an empty one. */
  bits: z.int().min(0).max(bitsMax),
  buckets: z.array(Digest.nullable()),
});
export type TableManifest = z.infer<typeof TableManifest>;

export const emptyManifest: TableManifest = { sequence: 0, count: 0, bits: 0, buckets: [null] };

export interface TableRow {
  readonly id: Buffer;
  readonly salt: Uint8Array;
  /** Null for a record whose salt is known and whose chain has not begun here. */
  readonly end: PreviousHop | null;
}

/** The first 16 bytes of SHA-256 over type and key: orders and finds, and proves nothing. */
export function tableId({ type, key }: Pick<RecordName, 'type' | 'key'>): Buffer {
  return writeTableId(type, key, Buffer.allocUnsafe(tableIdBytes));
}

/** Into a buffer of just that length, for those who need one id after another. */
export function writeTableId(type: string, key: string, id: Buffer): Buffer {
  id.write(sha256Binary(`${type}\n${key}`), 0, tableIdBytes, 'latin1');
  return id;
}

export function lineagePrefix(authority: AuthorityId, dataset: string): string {
  return `${authority}/lineage/${dataset}`;
}

/** Null where the authority has published none. Throws inputNotAuthentic where what it published is no table. */
export async function readPublishedTable(
  exchange: ObjectStore,
  authority: AuthorityId,
  dataset: string,
): Promise<RecordTable | null> {
  const prefix = lineagePrefix(authority, dataset);
  const name = `${prefix}/table`;
  const head = await exchange.readHead(name);
  return head ? new RecordTable(exchange, prefix, parsePublished(name, head.bytes, TableManifest)) : null;
}

export class RecordTable {
  readonly manifest: TableManifest;
  readonly #exchange: ObjectStore;
  readonly #prefix: string;
  readonly #buckets = new Map<number, Buffer>();
  #last: { readonly number: number; readonly bytes: Buffer } | null = null;

  constructor(exchange: ObjectStore, prefix: string, manifest: TableManifest) {
    this.#exchange = exchange;
    this.#prefix = prefix;
    this.manifest = manifest;
  }

  async rowOf(id: Buffer): Promise<TableRow | null> {
    return rowIn(await this.#bucket(bucketOf(id, this.manifest.bits)), id);
  }

  /** The same for those who ask in the order of ids: of a thousand spread rows the buckets are the whole table. */
  async rowInOrder(id: Buffer): Promise<TableRow | null> {
    const number = bucketOf(id, this.manifest.bits);
    if (this.#last?.number !== number) {
      this.#last = null;
      this.#last = { number, bytes: this.#buckets.get(number) ?? (await this.#readBucket(number)) };
    }
    return rowIn(this.#last.bytes, id);
  }

  /**
   * Those of these ids that have no row here. They stand one behind another in the order of Buffer.compare, and the answer
   * stands in their memory. Holds one bucket at a time, however many there are.
   */
  async lacking(ids: Buffer): Promise<Buffer> {
    const { bits, count } = this.manifest;
    if (count === 0) return ids;
    let length = 0;
    let bucket: Buffer = Buffer.alloc(0);
    let bucketNumber = -1;
    let row = 0;
    for (let at = 0; at < ids.length; at += tableIdBytes) {
      const id = ids.subarray(at, at + tableIdBytes);
      if (bucketOf(id, bits) !== bucketNumber) {
        bucketNumber = bucketOf(id, bits);
        bucket = await this.#readBucket(bucketNumber);
        row = 0;
      }
      while (row < bucket.length / rowBytes && compareAt(bucket, row, id) < 0) row += 1;
      if (row < bucket.length / rowBytes && compareAt(bucket, row, id) === 0) continue;
      length += id.copy(ids, length);
    }
    return ids.subarray(0, length);
  }

  /** Writes the buckets that these rows touch and says what the table then is. A row replaces the one of its id. */
  async with(rows: readonly TableRow[], sequence: number): Promise<TableManifest> {
    return this.withRows(encodeRows(rows), sequence);
  }

  /** The same, of rows one behind another as encodeRows lays them. Holds little more than them and what is there. */
  async withRows(rows: Buffer, sequence: number): Promise<TableManifest> {
    return this.withPieces({ count: rows.length / rowBytes, read: () => [rows] }, sequence);
  }

  /**
   * The same, of rows that lie in pieces, gone over as often as it takes: of millions only those of some buckets are held at once.
   * A row of a later piece replaces one of its id.
   */
  async withPieces(
    { count: added, read, bytesMax = passBytesUsually }: PiecedRows,
    sequence: number,
  ): Promise<TableManifest> {
    const { manifest } = this;
    // Counted as if all were new: a bucket half as full as it may be does no harm.
    const bits = bitsFor(manifest.count + added, manifest.bits);
    const grows = bits !== manifest.bits;
    const passBits = passBitsFor((added + (grows ? manifest.count : 0)) * rowBytes, bytesMax, bits);
    const buckets = grows ? Array.from<Digest | null>({ length: 2 ** bits }).fill(null) : [...manifest.buckets];
    let count = grows ? 0 : manifest.count;
    for (let pass = 0; pass < 2 ** passBits; pass += 1) {
      const rows = await this.#rowsOfPass(read, grows, pass, passBits);
      await sideBySide([...rowsByBucket(rows, bits)], bucketsAtOnce, async ([bucket, own]) => {
        // Kept by nobody: of a thousand spread rows these are all buckets.
        const before = grows ? Buffer.alloc(0) : (this.#buckets.get(bucket) ?? (await this.#readBucket(bucket)));
        const merged = mergeRows(before, rows, own);
        count += (merged.length - before.length) / rowBytes;
        buckets[bucket] = await this.#put(merged);
      });
    }
    return { sequence, count, bits, buckets };
  }

  /** Those whose ids begin with the bits of the pass; where the table grows old rows first, so that a new one of the same id replaces it. */
  async #rowsOfPass(read: PiecedRows['read'], grows: boolean, pass: number, passBits: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    const take = (rows: Buffer): void => {
      const own = passBits === 0 ? rows : rowsOfPass(rows, rowBytes, pass, passBits);
      if (own.length > 0) parts.push(own);
    };
    if (grows)
      for (const bucket of this.manifest.buckets.keys())
        if (isInPass(bucket, this.manifest.bits, pass, passBits)) take(await this.#readBucket(bucket));
    for await (const rows of read()) take(rows);
    const [only] = parts;
    return parts.length === 1 && only ? only : Buffer.concat(parts);
  }

  /** Writes the bucket of one record without it. The same manifest where it has no row. */
  async without(id: Buffer): Promise<TableManifest> {
    const { manifest } = this;
    const bucket = bucketOf(id, manifest.bits);
    const before = decodeRows(await this.#bucket(bucket));
    const after = before.filter((row) => !row.id.equals(id));
    if (after.length === before.length) return manifest;
    const buckets = [...manifest.buckets];
    buckets[bucket] = await this.#put(encodeRows(after));
    return { ...manifest, count: manifest.count - 1, buckets };
  }

  /** Every bucket that lies here, also those that a worker left behind which died before it took them away. */
  async bucketsThere(): Promise<readonly Digest[]> {
    const folder = `${this.#prefix}/table/`;
    return (await this.#exchange.list(folder))
      .map((name) => name.slice(folder.length))
      .filter((name) => Digest.safeParse(name).success);
  }

  /**
   * Takes buckets away that another manifest no longer names: with them goes every copy of what was erased.
   *
   * HAZARD: `there` must have been listed before the head moved to that manifest. Listed later, it may hold what another
   * worker has written for the head that comes next.
   */
  async removeAllBut(
    manifest: TableManifest,
    there: readonly (Digest | null)[] = this.manifest.buckets,
  ): Promise<void> {
    const kept = new Set(manifest.buckets);
    const gone = [...new Set(there)].filter((bucket) => bucket !== null && !kept.has(bucket));
    await sideBySide(gone, bucketsAtOnce, (bucket) => this.#exchange.remove(`${this.#prefix}/table/${bucket}`));
  }

  async #put(bytes: Buffer): Promise<Digest | null> {
    if (bytes.length === 0) return null;
    const digest = createHash('sha256').update(bytes).digest('hex');
    await this.#exchange.putIfAbsent(`${this.#prefix}/table/${digest}`, bytes);
    return digest;
  }

  async #bucket(bucket: number): Promise<Buffer> {
    const known = this.#buckets.get(bucket) ?? (this.#last?.number === bucket ? this.#last.bytes : undefined);
    if (known) return known;
    const bytes = await this.#readBucket(bucket);
    this.#buckets.set(bucket, bytes);
    return bytes;
  }

  async #readBucket(bucket: number): Promise<Buffer> {
    const digest = this.manifest.buckets[bucket] ?? null;
    let bytes = Buffer.alloc(0);
    if (digest !== null) {
      const found = await this.#exchange.get(`${this.#prefix}/table/${digest}`);
      if (!found) throw new ConcordatError('storeFault', `a bucket of ${this.#prefix}/table is missing`);
      if (createHash('sha256').update(found).digest('hex') !== digest || found.length % rowBytes !== 0)
        throw new ConcordatError('inputNotAuthentic', `a bucket of ${this.#prefix}/table does not hash to its name`);
      bytes = Buffer.from(found);
    }
    return bytes;
  }
}

/** A copy: a row that is kept would keep its bucket. */
function rowIn(bucket: Buffer, id: Buffer): TableRow | null {
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
function* rowsByBucket(rows: Buffer, bits: number): Generator<readonly [bucket: number, own: Uint32Array]> {
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
function mergeRows(before: Buffer, rows: Buffer, own: Uint32Array): Buffer {
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

function bitsFor(count: number, atLeast: number): number {
  let bits = atLeast;
  while (bits < bitsMax && count > rowsPerBucket * 2 ** bits) bits += 1;
  return bits;
}

function bucketOf(id: Buffer, bits: number): number {
  return bits === 0 ? 0 : id.readUInt32BE(0) >>> (32 - bits);
}

function compareAt(bucket: Buffer, row: number, id: Buffer): number {
  return bucket.compare(id, 0, tableIdBytes, row * rowBytes, row * rowBytes + tableIdBytes);
}
