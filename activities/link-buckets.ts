/** Links that lie in buckets, as one head names them: of a question only the buckets are read that may hold an answer. */
import { ConcordatError } from '../core/errors.js';
import { isSliceOver, letOthersRun } from './event-loop.js';
import { bucketName, noBuckets, type BucketKind, type LinkManifest, type TypeBuckets } from './link-manifest.js';
import { LinkPairs } from './link-pairs.js';
import { eachLink, linksIn } from './link-table-json.js';
import { xxh32 } from './sealing/key-hash.js';
import { sideBySide } from './side-by-side.js';
import type { ObjectStore } from './store.js';

export type Link = readonly [nativeId: string, key: string];

/** Keys that are asked for; `list` is null where they can only be told apart. */
export interface AskedKeys {
  readonly has: (key: string) => boolean;
  readonly list: ReadonlySet<string> | null;
}

/** Reads at a time: a bucket has some tens of kilobytes. */
const readsAtOnce = 8;
const keptBytesMax = 8 * 1024 * 1024;
/** Of a native id in a bucket by ids: its hash, and that of its key. */
export const idEntryBytes = 8;

export class LinkBuckets {
  readonly #store: ObjectStore;
  readonly #dataset: string;
  readonly #manifest: LinkManifest;
  /** Of questions for one native id at a time: all buckets by ids, 8 bytes a link, and some by keys. */
  readonly #ids = new Map<string, Uint8Array>();
  readonly #kept = new Map<string, Uint8Array>();
  #keptBytes = 0;

  constructor(store: ObjectStore, dataset: string, manifest: LinkManifest) {
    this.#store = store;
    this.#dataset = dataset;
    this.#manifest = manifest;
  }

  get types(): readonly string[] {
    return Object.keys(this.#manifest.types);
  }

  of(type: string): TypeBuckets {
    return this.#manifest.types[type] ?? noBuckets;
  }

  count(type: string): number {
    return this.of(type).count;
  }

  /** Those that have one of these native ids or keys; of one key in the order in which they were set. Throws storeFault. */
  async find(type: string, nativeIds: ReadonlySet<string>, keys: AskedKeys): Promise<readonly Link[]> {
    const found: Link[] = [];
    if (this.count(type) === 0) return found;
    if (!keys.list) {
      for await (const links of this.stream(type))
        for (const link of links) if (nativeIds.has(link[0]) || keys.has(link[1])) found.push(link);
      return found;
    }
    const wanted = new Map<number, { readonly ids: Set<string>; readonly keys: Set<string> }>();
    const at = (index: number): { readonly ids: Set<string>; readonly keys: Set<string> } => {
      const known = wanted.get(index) ?? { ids: new Set(), keys: new Set() };
      wanted.set(index, known);
      return known;
    };
    const { byKey } = this.of(type);
    for (const key of keys.list) at(bucketOf(xxh32(key), byKey.length)).keys.add(key);
    for (const [nativeId, hashes] of await this.keyHashesOf(type, nativeIds))
      for (const hash of hashes) at(bucketOf(hash, byKey.length)).ids.add(nativeId);
    const parts = await sideBySide([...wanted], readsAtOnce, async ([index, asked]) => {
      const bytes = await this.read(type, 'keys', index);
      if (isSliceOver()) await letOthersRun();
      return bytes ? [...linksIn(bytes, type, asked.ids, asked.keys).entries()] : [];
    });
    for (const part of parts) for (const link of part) found.push(link);
    return found;
  }

  /** Null where it is linked to nothing. */
  async keyOf(type: string, nativeId: string): Promise<string | null> {
    if (this.count(type) === 0) return null;
    const { byKey, byId } = this.of(type);
    const index = bucketOf(xxh32(nativeId), byId.length);
    const name = `${type} ${index}`;
    let entries = this.#ids.get(name);
    if (!entries) {
      entries = (await this.read(type, 'ids', index)) ?? new Uint8Array(0);
      this.#ids.set(name, entries);
    }
    const id = new Set([nativeId]);
    for (const hash of keyHashesIn(entries, xxh32(nativeId))) {
      const bytes = await this.#readKept(type, bucketOf(hash, byKey.length));
      const key = bytes && linksIn(bytes, type, id, none).keyOf(nativeId);
      if (key) return key;
    }
    return null;
  }

  /** All, a bucket at a time. */
  async *stream(type: string): AsyncGenerator<readonly Link[]> {
    const { byKey } = this.of(type);
    for (let from = 0; from < byKey.length; from += readsAtOnce) {
      const indices = byKey.slice(from, from + readsAtOnce).map((_, at) => from + at);
      const read = await sideBySide(indices, readsAtOnce, (index) => this.read(type, 'keys', index));
      for (const bytes of read) {
        if (isSliceOver()) await letOthersRun();
        if (bytes) yield linksOf(bytes);
      }
    }
  }

  async whole(type: string): Promise<LinkPairs> {
    const pairs = new LinkPairs();
    for await (const links of this.stream(type)) for (const [nativeId, key] of links) pairs.set(nativeId, key);
    return pairs;
  }

  /** Under which hashes of keys native ids may be found: nearly always one, none where they are linked to nothing. */
  async keyHashesOf(type: string, nativeIds: Iterable<string>): Promise<ReadonlyMap<string, readonly number[]>> {
    const { byId } = this.of(type);
    const byBucket = new Map<number, string[]>();
    for (const nativeId of nativeIds) {
      const index = bucketOf(xxh32(nativeId), byId.length);
      const known = byBucket.get(index);
      if (known) known.push(nativeId);
      else byBucket.set(index, [nativeId]);
    }
    const hashes = new Map<string, readonly number[]>();
    await sideBySide([...byBucket], readsAtOnce, async ([index, ids]) => {
      const entries = await this.read(type, 'ids', index);
      for (const id of ids) hashes.set(id, entries ? keyHashesIn(entries, xxh32(id)) : []);
    });
    return hashes;
  }

  /** Null where it holds nothing. */
  async read(type: string, kind: BucketKind, index: number): Promise<Uint8Array | null> {
    const { byKey, byId } = this.of(type);
    const bucket = (kind === 'keys' ? byKey : byId)[index] ?? '';
    if (bucket === '') return null;
    const name = bucketName(this.#dataset, type, kind, bucket);
    const bytes = await this.#store.get(name);
    // Two saves after the head that names it was read, it is gone.
    if (!bytes)
      throw new ConcordatError('storeFault', `${name} is missing: links were written by somebody else meanwhile`);
    return bytes;
  }

  async #readKept(type: string, index: number): Promise<Uint8Array | null> {
    const name = `${type} ${index}`;
    const known = this.#kept.get(name);
    if (known) return known;
    const bytes = await this.read(type, 'keys', index);
    if (!bytes) return null;
    this.#keptBytes += bytes.length;
    this.#kept.set(name, bytes);
    for (const [oldest, old] of this.#kept) {
      if (this.#keptBytes <= keptBytesMax || oldest === name) break;
      this.#kept.delete(oldest);
      this.#keptBytes -= old.length;
    }
    return bytes;
  }
}

const none: ReadonlySet<string> = new Set();

/** `buckets`: how many there are, a power of two. */
export function bucketOf(hash: number, buckets: number): number {
  return hash & (buckets - 1);
}

export function linksOf(bytes: Uint8Array): readonly Link[] {
  const links: Link[] = [];
  eachLink(bytes, (_type, nativeId, key) => links.push([nativeId, key]));
  return links;
}

/** Entries stand in the order of their hashes. */
function keyHashesIn(bytes: Uint8Array, idHash: number): readonly number[] {
  const entries = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.byteLength / idEntryBytes;
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries.getUint32(middle * idEntryBytes) < idHash) low = middle + 1;
    else high = middle;
  }
  const hashes: number[] = [];
  for (; low < count && entries.getUint32(low * idEntryBytes) === idHash; low += 1)
    hashes.push(entries.getUint32(low * idEntryBytes + 4));
  return hashes;
}
