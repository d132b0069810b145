/**
 * For each record of a dataset, one authority's end of its chain and the salt that all members share: where
 * `concordat lineage` begins, and what the next hop goes on from.
 *
 * Bucketed by the hash of the record's name like sealed segments, in smaller pieces. Of a large table, rows that a few changes
 * bring wait in one object beside the buckets, until there are so many that the buckets are worth writing. Buckets are content-addressed under the authority's prefix; the head in its private
 * store says which of them count, and a copy of it is published.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import type { RecordName } from '../../core/lineage/salted.js';
import type { AuthorityId } from '../../core/record.js';
import { parsePublished } from '../exchange.js';
import { sha256Binary } from '../sealing/sha256.js';
import { sideBySide } from '../side-by-side.js';
import type { ObjectStore } from '../store.js';
import {
  compareAt,
  decodeRows,
  encodeRows,
  mergeRows,
  rowBytes,
  rowIn,
  rowsByBucket,
  tableIdBytes,
  type TableRow,
} from './table-rows.js';
import { isInPass, passBitsFor, passBytesUsually, rowsOfPass, type PiecedRows } from './row-passes.js';

const rowsPerBucket = 2_048;
const bitsMax = 12;
/** From so many buckets on, a run that changes few records would write most of them. */
const recentFromBits = 6;
/** At least so many times as many rows as wait lie in buckets. */
const bucketsOverRecent = 16;
/** What a store takes longest for is to make an object durable. */
const bucketsAtOnce = 8;

export const TableManifest = z.strictObject({
  /** The base that the last adopted hops belong to; 0 before the first. */
  sequence: z.int().nonnegative(),
  /** Of rows in buckets. */
  count: z.int().nonnegative(),
  /** `2 ** bits` buckets, by the top bits of the name's hash; null for an empty one. */
  bits: z.int().min(0).max(bitsMax),
  buckets: z.array(Digest.nullable()),
  /** Rows that count instead of those of their ids in the buckets, in the order of ids; left out where there are none. */
  recent: z.strictObject({ count: z.int().positive(), rows: Digest }).optional(),
});
export type TableManifest = z.infer<typeof TableManifest>;

export const emptyManifest: TableManifest = { sequence: 0, count: 0, bits: 0, buckets: [null] };

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
  #recent: Promise<Buffer> | null = null;

  constructor(exchange: ObjectStore, prefix: string, manifest: TableManifest) {
    this.#exchange = exchange;
    this.#prefix = prefix;
    this.manifest = manifest;
  }

  async rowOf(id: Buffer): Promise<TableRow | null> {
    return rowIn(await this.#recentRows(), id) ?? rowIn(await this.#bucket(bucketOf(id, this.manifest.bits)), id);
  }

  /** The same for those who ask in the order of ids: of a thousand spread rows the buckets are the whole table. */
  async rowInOrder(id: Buffer): Promise<TableRow | null> {
    const recent = rowIn(await this.#recentRows(), id);
    if (recent) return recent;
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
    const { bits, count, recent } = this.manifest;
    if (count === 0 && !recent) return ids;
    const waiting = await this.#recentRows();
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
      if (rowIn(waiting, id)) continue;
      length += id.copy(ids, length);
    }
    return ids.subarray(0, length);
  }

  /** Writes the buckets that these rows touch, or one object where they are few, and says what the table then is. A row replaces the one of its id. */
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
    { count: own, read, bytesMax = passBytesUsually }: PiecedRows,
    sequence: number,
    fromBits = recentFromBits,
  ): Promise<TableManifest> {
    const { manifest } = this;
    const added = own + (manifest.recent?.count ?? 0);
    if (manifest.bits >= fromBits && added * bucketsOverRecent <= manifest.count)
      return { ...manifest, sequence, ...(await this.#withRecent(read)) };
    // Counted as if all were new: a bucket half as full as it may be does no harm.
    const bits = bitsFor(manifest.count + added, manifest.bits);
    const grows = bits !== manifest.bits;
    const passBits = passBitsFor((added + (grows ? manifest.count : 0)) * rowBytes, bytesMax, bits);
    const buckets = grows ? Array.from<Digest | null>({ length: 2 ** bits }).fill(null) : [...manifest.buckets];
    let count = grows ? 0 : manifest.count;
    for (let pass = 0; pass < 2 ** passBits; pass += 1) {
      const rows = await this.#rowsOfPass(read, grows, pass, passBits);
      await sideBySide([...rowsByBucket(rows, bits)], bucketsAtOnce, async ([bucket, rowsOfBucket]) => {
        // Kept by nobody: of a thousand spread rows these are all buckets.
        const before = grows ? Buffer.alloc(0) : (this.#buckets.get(bucket) ?? (await this.#readBucket(bucket)));
        const merged = mergeRows(before, rows, rowsOfBucket);
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
    take(await this.#recentRows());
    for await (const rows of read()) take(rows);
    const [only] = parts;
    return parts.length === 1 && only ? only : Buffer.concat(parts);
  }

  /** Those that wait, with these; of a large table these are few. */
  async #withRecent(read: PiecedRows['read']): Promise<Pick<TableManifest, 'recent'>> {
    const parts: Buffer[] = [];
    for await (const rows of read()) parts.push(rows);
    const rows = Buffer.concat(parts);
    const merged = mergeRows(
      await this.#recentRows(),
      rows,
      Uint32Array.from({ length: rows.length / rowBytes }, (_, row) => row),
    );
    return this.#putRecent(merged);
  }

  async #putRecent(rows: Buffer): Promise<Pick<TableManifest, 'recent'>> {
    const digest = await this.#put(rows);
    return digest === null ? {} : { recent: { count: rows.length / rowBytes, rows: digest } };
  }

  /** Writes the bucket of one record without it, and those that wait. The same manifest where it has no row. */
  async without(id: Buffer): Promise<TableManifest> {
    const { manifest } = this;
    const bucket = bucketOf(id, manifest.bits);
    const [before, waiting] = [decodeRows(await this.#bucket(bucket)), decodeRows(await this.#recentRows())];
    const [after, stillWaiting] = [before, waiting].map((rows) => rows.filter((row) => !row.id.equals(id)));
    if (!after || !stillWaiting || after.length + stillWaiting.length === before.length + waiting.length)
      return manifest;
    const { recent: _, ...others } = manifest;
    const buckets = [...manifest.buckets];
    buckets[bucket] = await this.#put(encodeRows(after));
    const count = manifest.count - before.length + after.length;
    return { ...others, count, buckets, ...(await this.#putRecent(encodeRows(stillWaiting))) };
  }

  /** Every bucket that lies here and all rows that waited, also those that a worker left behind which died before it took them away. */
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
    there: readonly (Digest | null)[] = objectsOf(this.manifest),
  ): Promise<void> {
    const kept = new Set(objectsOf(manifest));
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

  #recentRows(): Promise<Buffer> {
    this.#recent ??= this.#read(this.manifest.recent?.rows ?? null);
    return this.#recent;
  }

  async #readBucket(bucket: number): Promise<Buffer> {
    return this.#read(this.manifest.buckets[bucket] ?? null);
  }

  async #read(digest: Digest | null): Promise<Buffer> {
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

function objectsOf({ buckets, recent }: TableManifest): readonly (Digest | null)[] {
  return recent ? [...buckets, recent.rows] : buckets;
}

function bitsFor(count: number, atLeast: number): number {
  let bits = atLeast;
  while (bits < bitsMax && count > rowsPerBucket * 2 ** bits) bits += 1;
  return bits;
}

function bucketOf(id: Buffer, bits: number): number {
  return bits === 0 ? 0 : id.readUInt32BE(0) >>> (32 - bits);
}
