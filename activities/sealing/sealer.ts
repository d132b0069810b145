/** Seals records into content-addressed segments while they are read, in memory that does not grow with their number. */
import { tmpdir } from 'node:os';
import { ConcordatError } from '../../core/errors.js';
import type { FieldGroup } from '../../core/federation/federation.js';
import type { Json } from '../../core/json.js';
import { fieldsOf, type FederatedRecord } from '../../core/record.js';
import { bucketCountFor, sealedGroups, type SealedSegment, type SealedType } from '../../core/sealed.js';
import type { ObjectStore } from '../store.js';
import { bucketBitsOf } from './bucket.js';
import { EntryCollector } from './entry-collector.js';
import { entryShape } from './entry-buffer.js';
import { EntryEncoder } from './entry-encoder.js';
import { xxh64, type KeyHash } from './key-hash.js';
import { RecordLayout } from './record-layout.js';
import { placeBytes } from './line-places.js';
import { buildSegment, type SegmentBytes } from './segment-builder.js';
import { segmentName } from './segment-reader.js';
import { sha256Hex } from './sha256.js';
import type { ApartBytes } from './splice-apart.js';
import { StraightEncoder } from './straight-encoder.js';
import { Workspace } from './workspace.js';

export interface SealerOptions {
  readonly store: ObjectStore;
  /** Whose part of the store is written: an authority's id, or `federation`. */
  readonly prefix: string;
  readonly type: string;
  /** The groups that this holder holds. Every field of a record must be in one of them. */
  readonly groups: readonly FieldGroup[];
  /** Decides only when a temporary file is begun and how it is parted. The result does not depend on it. */
  readonly expectedCount: number;
  /** Beyond this many bytes of records a temporary file is used. Default 64 MiB. */
  readonly memoryBytesMax?: number;
  readonly spillFolder?: string;
  readonly hashKey?: KeyHash;
  /** Only tests give another number than the one that all members must use (core/sealed.ts). */
  readonly recordsPerSegmentMax?: number;
}

export interface Sealer {
  /** Throws on a field that no group holds and on a value that is not JSON. The record is copied. */
  add(record: FederatedRecord): void;
  /** As `add`, of very many records whose values stand in the order of `names`, which is that of code units. */
  adder(names: readonly string[]): AddValues;
  /** Writes the segments. Throws RepeatedKeys where two records had one key. Can be called once. */
  finish(): Promise<SealedType>;
  /** Gives back memory and disk without sealing. Does no harm after finish. */
  discard(): void;
}

/** undefined: the record does not have the field. The values are copied. */
export type AddValues = (key: string, values: readonly (Json | undefined)[]) => void;

/** Nothing was sealed. Of the segments that were put, none holds one of these keys. */
export class RepeatedKeys extends ConcordatError {
  readonly keys: ReadonlySet<string>;

  constructor(type: string, count: number, repeated: readonly string[]) {
    super('keyRepeated', `${repeated.length} of ${count} records of type ${type} repeat a key`);
    this.keys = new Set(repeated);
  }
}

export function createSealer(options: SealerOptions): Sealer {
  if (options.groups.length === 0) throw new Error(`nothing of type ${options.type} would be sealed: it has no fields`);
  return new SegmentSealer(options);
}

class SegmentSealer implements Sealer {
  readonly #options: SealerOptions;
  readonly #layout: RecordLayout;
  readonly #collector: EntryCollector;
  readonly #encoder: EntryEncoder;
  #count = 0;
  #state: 'open' | 'ended' = 'open';

  constructor(options: SealerOptions) {
    this.#options = options;
    this.#layout = new RecordLayout(sealedGroups(options.groups));
    this.#encoder = new EntryEncoder(this.#layout, options.hashKey ?? xxh64);
    const shape = entryShape(this.#layout.groups.length);
    this.#collector = new EntryCollector({
      shape,
      memoryBytesMax: options.memoryBytesMax ?? 64 * 1024 * 1024,
      expectedCount: options.expectedCount,
      spillFolder: options.spillFolder ?? tmpdir(),
      partBits: Math.min(12, Math.max(6, bucketBitsOf(bucketCountFor(options.expectedCount)) + 2)),
    });
  }

  add(record: FederatedRecord): void {
    if (this.#state !== 'open') throw new Error('this sealer has ended');
    if (record.type !== this.#options.type)
      throw new Error(`a record of type ${record.type} came to the seal of ${this.#options.type}`);
    const entry = this.#encoder.encode(record.key, record.fields);
    if (entry === null) throw new Error(`a record of type ${record.type} has a field that is in none of its groups`);
    this.#collector.add(entry);
    this.#count += 1;
  }

  adder(names: readonly string[]): AddValues {
    const { type, hashKey } = this.#options;
    const straight = StraightEncoder.of(this.#layout, hashKey ?? xxh64, names, this.#collector);
    return (key, values) => {
      if (straight === null || this.#state !== 'open' || !straight.add(key, values))
        this.add({ type, key, fields: fieldsOf(names, values) });
      else this.#count += 1;
    };
  }

  async finish(): Promise<SealedType> {
    if (this.#state !== 'open') throw new Error('this sealer has ended');
    this.#state = 'ended';
    try {
      return await this.#seal();
    } finally {
      this.#collector.discard();
    }
  }

  discard(): void {
    this.#state = 'ended';
    this.#collector.discard();
  }

  async #seal(): Promise<SealedType> {
    const { type, recordsPerSegmentMax } = this.#options;
    const bucketCount = bucketCountFor(this.#count, recordsPerSegmentMax);
    const bucketBits = bucketBitsOf(bucketCount);
    const shape = entryShape(this.#layout.groups.length);
    const segments: SealedSegment[] = [];
    const workspace = new Workspace();
    const repeated: string[] = [];
    for (let bucket = 0; bucket < bucketCount; bucket += 1) {
      const source = this.#collector.buffersOf(bucket, bucketBits, workspace);
      const built = buildSegment(source, bucket, bucketBits, shape, workspace);
      for (const key of built?.repeated ?? []) repeated.push(key);
      if (built && repeated.length === 0)
        segments.push(await putSegment(this.#options.store, this.#options.prefix, bucket, built));
    }
    if (repeated.length > 0) throw new RepeatedKeys(type, this.#count, repeated);
    return { format: 1, type, count: this.#count, bucketCount, groups: this.#layout.groups, segments };
  }
}

/** Puts the objects of a segment, side by side: most of a put is waiting until it is durable. Those that are there already cost a look. */
export async function putSegment(
  store: ObjectStore,
  prefix: string,
  bucket: number,
  built: SegmentBytes,
): Promise<SealedSegment> {
  const objects = new SegmentObjects();
  const body = objects.named(built.body);
  const columns = objects.columns(built);
  await objects.put(store, prefix);
  return { bucket, count: built.count, bodyBytes: built.body.length, body, ...columns };
}

/** The same, of a segment of which only the later lines are put; the object of the earlier ones stays where it lies. */
export async function putApart(
  store: ObjectStore,
  prefix: string,
  bucket: number,
  { count, bodyBytes, earlier, laterBody, places, ...built }: ApartBytes,
): Promise<SealedSegment> {
  const objects = new SegmentObjects();
  const columns = objects.columns(built);
  const later = {
    earlierBytes: earlier.bytes,
    body: objects.named(laterBody),
    bodyBytes: laterBody.length,
    places: objects.named(places),
    placesCount: places.length / placeBytes,
  };
  await objects.put(store, prefix);
  return { bucket, count, bodyBytes, body: earlier.body, ...columns, later };
}

class SegmentObjects {
  /** Columns of a small segment can be one and the same object, which is put once. */
  readonly #objects = new Map<string, Buffer>();

  named(bytes: Buffer): string {
    const digest = sha256Hex(bytes);
    this.#objects.set(digest, bytes);
    return digest;
  }

  columns({ keys, groups, offsets }: Pick<SegmentBytes, 'keys' | 'groups' | 'offsets'>) {
    return {
      keys: this.named(keys),
      groups: groups.map((group) => this.named(group)),
      offsets: this.named(offsets),
    };
  }

  async put(store: ObjectStore, prefix: string): Promise<void> {
    // All have ended before one is told of: they lie in memory that the next segment takes.
    const puts = await Promise.allSettled(
      [...this.#objects].map(([digest, bytes]) => store.putIfAbsent(segmentName(prefix, digest), bytes)),
    );
    const failed = puts.find((put) => put.status === 'rejected');
    if (failed) throw failed.reason;
  }
}
