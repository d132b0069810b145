/**
 * Seals what all members hold alike, from the seal of one of them: its segments as they are, or their lines as they are
 * where something else lies between them. Nothing is parsed that is known to be right, and nothing is kept beyond a segment.
 */
import { createHash } from 'node:crypto';
import type { Fields } from '../../core/record.js';
import { bucketCountFor, type SealedSegment, type SealedType } from '../../core/sealed.js';
import type { ObjectStore } from '../store.js';
import { openBody, readBytesMax } from './body.js';
import { bucketBitsOf, bucketOfHigh } from './bucket.js';
import { digestBytes, entryShape, hashBytes } from './entry-buffer.js';
import { EntryEncoder } from './entry-encoder.js';
import { verifySealed } from './read-records.js';
import { RecordLayout } from './record-layout.js';
import { putSegment } from './sealer.js';
import { buildSegment } from './segment-builder.js';
import type { SegmentColumns } from './segment-columns.js';
import { segmentName, type SegmentReader } from './segment-reader.js';
import { walkUnanimous, type Entries, type UnanimousWalk } from './walk-unanimous.js';
import { Workspace } from './workspace.js';

export interface SealUnanimousOptions {
  /** Its base participant must hold nothing. */
  readonly walk: UnanimousWalk;
  /** A participant that holds all groups. */
  readonly source: string;
  /** How many records are unanimous. */
  readonly count: number;
  /** What is sealed besides; none of them is unanimous. */
  readonly puts: ReadonlyMap<string, Fields>;
  /** Whether the bytes of this segment need no proof: whoever seals has made them itself, or they decide nothing here. */
  readonly isTrusted: (segment: SealedSegment) => boolean;
  /** Set fields: a base says "no elements" where a member says null. */
  readonly setFields: readonly string[];
  readonly normalised: (fields: Fields) => Fields;
  readonly store: ObjectStore;
  readonly prefix: string;
  /** Whether segments that are taken as they are must lie under the prefix too. */
  readonly keepsCopies: boolean;
  readonly heartbeat?: () => void;
  /** Only tests give another number than the one that all members must use (core/sealed.ts). */
  readonly recordsPerSegmentMax?: number;
}

/** The same SealedType, byte for byte, that a new seal of these records would be. Null where only a new seal can give it. */
export async function sealUnanimous(options: SealUnanimousOptions): Promise<SealedType | null> {
  const { walk, source, puts, recordsPerSegmentMax } = options;
  const sealed = walk.participants.find(({ id }) => id === source)?.sealed;
  const count = options.count + puts.size;
  if (!sealed || bucketCountFor(count, recordsPerSegmentMax) !== sealed.bucketCount) return null;
  const sealing = new BucketSealing(options, sealed);
  const segments: SealedSegment[] = [];
  const seal = async (bucket: number, columns: SegmentColumns | null, stretches: readonly Entries[]): Promise<void> => {
    const segment = await sealing.segment(bucket, columns, stretches);
    if (segment) segments.push(segment);
    options.heartbeat?.();
  };
  let open: { readonly columns: SegmentColumns; readonly stretches: Entries[] } | null = null;
  let next = 0;
  /** All buckets before this one. */
  const sealUpTo = async (bucket: number): Promise<void> => {
    for (; next < bucket; next += 1) {
      const own = open?.columns.segment.bucket === next ? open : null;
      await seal(next, own?.columns ?? null, own?.stretches ?? []);
    }
  };
  for await (const { columns, stretches } of walkUnanimous(walk, [source])) {
    const [own] = columns;
    if (!own) throw new Error(`${source} takes no part in what it is said to hold`);
    if (open?.columns.segment !== own.segment) {
      await sealUpTo(own.segment.bucket);
      open = { columns: own, stretches: [] };
    }
    for (const stretch of stretches[0] ?? []) open.stretches.push(stretch);
  }
  await sealUpTo(sealed.bucketCount);
  if (segments.reduce((sum, segment) => sum + segment.count, 0) !== count)
    throw new Error(`of ${count} records of type ${sealed.type} some were not sealed`);
  return { ...sealed, count, segments };
}

class BucketSealing {
  readonly #options: SealUnanimousOptions;
  readonly #sealed: SealedType;
  readonly #bits: number;
  readonly #encoder: EntryEncoder;
  readonly #workspace = new Workspace();
  readonly #puts = new Map<number, [string, Fields][]>();
  readonly #nulls: readonly Buffer[];

  constructor(options: SealUnanimousOptions, sealed: SealedType) {
    const { walk, puts, setFields } = options;
    this.#options = options;
    this.#sealed = sealed;
    this.#bits = bucketBitsOf(sealed.bucketCount);
    this.#encoder = new EntryEncoder(new RecordLayout(sealed.groups), walk.reader.hashKey);
    for (const put of puts) {
      const bucket = bucketOfHigh(Number(walk.reader.hashKey(put[0]) >> 32n), this.#bits);
      const known = this.#puts.get(bucket);
      if (known) known.push(put);
      else this.#puts.set(bucket, [put]);
    }
    // In canonical JSON this is how such a member is written; within a text the quotes are escaped.
    this.#nulls = setFields.map((field) => Buffer.from(`${JSON.stringify(field)}:null`));
  }

  async segment(
    bucket: number,
    columns: SegmentColumns | null,
    stretches: readonly Entries[],
  ): Promise<SealedSegment | null> {
    const { store, prefix } = this.#options;
    const puts = this.#puts.get(bucket) ?? [];
    if (columns && puts.length === 0 && countOf(stretches) === columns.segment.count) {
      const asItIs = await this.#asItIs(columns.segment);
      if (asItIs) return asItIs;
    }
    const entries = columns ? await this.#entries(columns, stretches) : [];
    for (const [key, fields] of puts) entries.push(this.#encoded(key, fields));
    const shape = entryShape(this.#sealed.groups.length);
    const built = buildSegment(entries, bucket, this.#bits, shape, this.#workspace);
    if (built && built.repeated.length > 0) throw new Error(`a record of type ${this.#sealed.type} was sealed twice`);
    return built ? await putSegment(store, prefix, bucket, built) : null;
  }

  /** Null where the base would say it in other words. */
  async #asItIs(segment: SealedSegment): Promise<SealedSegment | null> {
    const { walk, isTrusted, store, prefix, keepsCopies } = this.#options;
    if (!isTrusted(segment))
      await verifySealed({ ...this.#sealed, count: segment.count, segments: [segment] }, walk.reader);
    if (await this.#showsNull(segment)) return null;
    if (keepsCopies) await keepCopy(segment, store, prefix, walk.reader);
    return segment;
  }

  async #showsNull({ body, bodyBytes }: SealedSegment): Promise<boolean> {
    const longest = Math.max(0, ...this.#nulls.map((text) => text.length));
    if (longest === 0) return false;
    for (let start = 0; start < bodyBytes; start += readBytesMax) {
      // What stands across the end of one piece is found in the next.
      const from = Math.max(0, start - longest);
      const length = Math.min(bodyBytes, start + readBytesMax) - from;
      const { reader } = this.#options.walk;
      if (await reader.piece(body, from, length, (bytes) => this.#nulls.some((text) => bytes.includes(text))))
        return true;
    }
    return false;
  }

  /** Those of the stretches as they wait for a segment (entry-buffer.ts), a megabyte of bodies each. */
  async #entries(columns: SegmentColumns, stretches: readonly Entries[]): Promise<Buffer[]> {
    await columns.loadAll();
    const raw = this.#options.isTrusted(columns.segment) ? await this.#rawEntries(columns, stretches) : null;
    return raw ?? (await this.#provenEntries(columns, stretches));
  }

  /** HAZARD: lines are taken unread, so the whole body is held to its digest. Null where it has another one. */
  async #rawEntries(columns: SegmentColumns, stretches: readonly Entries[]): Promise<Buffer[] | null> {
    const { body, count } = columns.segment;
    const { reader } = this.#options.walk;
    const entries: Buffer[] = [];
    const hash = createHash('sha256');
    for (const piece of piecesOf(columns, [{ from: 0, to: count }])) {
      const start = columns.bodyStart(piece.from);
      await reader.piece(body, start, columns.bodyStart(piece.to) - start, (bytes) => {
        hash.update(bytes);
        const hasNull = this.#nulls.some((text) => bytes.includes(text));
        for (const { from, to } of within(piece, stretches))
          if (hasNull) this.#open(columns, { from, to }, bytes, start, entries);
          else entries.push(rawEntries(columns, from, to, bytes, start));
      });
    }
    return hash.digest('hex') === body ? entries : null;
  }

  async #provenEntries(columns: SegmentColumns, stretches: readonly Entries[]): Promise<Buffer[]> {
    const { body } = columns.segment;
    const entries: Buffer[] = [];
    for (const piece of piecesOf(columns, stretches)) {
      const start = columns.bodyStart(piece.from);
      await this.#options.walk.reader.piece(body, start, columns.bodyStart(piece.to) - start, (bytes) => {
        const opened: Buffer[] = [];
        this.#open(columns, piece, bytes, start, opened);
        entries.push(...opened);
      });
    }
    return entries;
  }

  #open(columns: SegmentColumns, { from, to }: Entries, bytes: Buffer, start: number, entries: Buffer[]): void {
    for (let entry = from; entry < to; entry += 1) {
      const { key, fields } = openBody(columns, entry, bytes, start, this.#options.walk.reader);
      entries.push(this.#encoded(key, this.#options.normalised(fields)));
    }
  }

  #encoded(key: string, fields: Fields): Buffer {
    const entry = this.#encoder.encode(key, fields);
    if (entry === null)
      throw new Error(`a record of type ${this.#sealed.type} has a field that is in none of its groups`);
    return Buffer.from(entry);
  }
}

function countOf(stretches: readonly Entries[]): number {
  return stretches.reduce((sum, { from, to }) => sum + to - from, 0);
}

/** What of the stretches lies in a piece; both ascend. */
function within(piece: Entries, stretches: readonly Entries[]): readonly Entries[] {
  return stretches.flatMap((stretch) => {
    const from = Math.max(piece.from, stretch.from);
    const to = Math.min(piece.to, stretch.to);
    return from < to ? [{ from, to }] : [];
  });
}

/** No longer than what is read at once. */
function* piecesOf(columns: SegmentColumns, stretches: readonly Entries[]): Generator<Entries> {
  for (const { from, to } of stretches)
    for (let first = from; first < to;) {
      let last = first + 1;
      while (last < to && columns.bodyStart(last + 1) - columns.bodyStart(first) <= readBytesMax) last += 1;
      yield { from: first, to: last };
      first = last;
    }
}

/** Lines and index entries, byte for byte. */
function rawEntries(columns: SegmentColumns, from: number, to: number, bytes: Buffer, pieceStart: number): Buffer {
  const groups = columns.segment.groups.length;
  const { headBytes } = entryShape(groups);
  const lineHeadBytes = 2 * hashBytes + 1;
  const size = columns.bodyStart(to) - columns.bodyStart(from) + (to - from) * (headBytes - lineHeadBytes - 1);
  const result = Buffer.allocUnsafe(size);
  let at = 0;
  for (let entry = from; entry < to; entry += 1) {
    copy(columns.keys, entry * hashBytes, result, at, hashBytes);
    at += hashBytes;
    for (let group = 0; group < groups; group += 1) {
      copy(columns.groupColumn(group), entry * digestBytes, result, at, digestBytes);
      at += digestBytes;
    }
    const start = columns.bodyStart(entry) - pieceStart + lineHeadBytes;
    const end = columns.bodyStart(entry + 1) - pieceStart - 1;
    result.writeUInt32BE(end - start, at);
    bytes.copy(result, at + 4, start, end);
    at += 4 + end - start;
  }
  return result;
}

function copy(source: Buffer, from: number, target: Buffer, to: number, bytes: number): void {
  for (let index = 0; index < bytes; index += 1) target[to + index] = source[from + index] ?? 0;
}

async function keepCopy(
  segment: SealedSegment,
  store: ObjectStore,
  prefix: string,
  reader: SegmentReader,
): Promise<void> {
  const { count, body, bodyBytes, keys, groups, offsets } = segment;
  const objects: readonly (readonly [digest: string, bytes: number])[] = [
    [body, bodyBytes],
    [keys, count * hashBytes],
    ...groups.map((group) => [group, count * digestBytes] as const),
    [offsets, count * 4],
  ];
  for (const [digest, bytes] of objects) {
    const name = segmentName(prefix, digest);
    const isThere = store.size ? (await store.size(name)) !== null : (await store.get(name)) !== null;
    if (!isThere) await store.putIfAbsent(name, await reader.whole(digest, bytes));
  }
}
