/** Buckets of links as the next head is to name them. What did not change stays where it is; nothing that a head names is touched. */
import { sha256Hex } from './sealing/sha256.js';
import { isSliceOver, letOthersRun } from './event-loop.js';
import { bucketOf, idEntryBytes, linksOf, type Link, type LinkBuckets } from './link-buckets.js';
import { bucketName, bucketPart, isOfDigest, noBuckets, type BucketKind, type TypeBuckets } from './link-manifest.js';
import { LinkPairs } from './link-pairs.js';
import { linkTableBytes } from './link-table-json.js';
import { xxh32 } from './sealing/key-hash.js';
import { sideBySide } from './side-by-side.js';
import type { ObjectStore } from './store.js';

/** What becomes of native ids, in the order in which they were last set; null where the link goes. */
export type LinkEdits = ReadonlyMap<string, string | null>;

/** Of links by ids four times as many: an entry takes some bytes. */
const idsOverKeys = 4;
const writesAtOnce = 8;

interface IdEntry {
  readonly idHash: number;
  readonly keyHash: number;
}
interface IdEdits {
  readonly removed: IdEntry[];
  readonly added: IdEntry[];
}

export class BucketWriter {
  readonly #store: ObjectStore;
  readonly #dataset: string;
  readonly #version: number;
  readonly #bucketLinks: number;

  /** `version`: of the head that is to name them. `bucketLinks`: how many links a bucket should hold. */
  constructor(store: ObjectStore, dataset: string, version: number, bucketLinks: number) {
    this.#store = store;
    this.#dataset = dataset;
    this.#version = version;
    this.#bucketLinks = bucketLinks;
  }

  /** All links of a type anew. Beside them it takes 16 bytes a link. */
  async whole(type: string, pairs: LinkPairs): Promise<TypeBuckets> {
    const count = pairs.size;
    if (count === 0) return noBuckets;
    const linkAt = pairs.placed();
    const [idHashes, keyHashes] = [new Uint32Array(count), new Uint32Array(count)];
    for (let place = 0; place < count; place += 1) {
      if (isSliceOver()) await letOthersRun();
      const [nativeId, key] = linkAt(place);
      idHashes[place] = xxh32(nativeId);
      keyHashes[place] = xxh32(key);
    }
    const byKey = emptyBuckets(count / this.#bucketLinks);
    // What a store takes longest for is to make an object durable.
    await sideBySide([...inGroups(keyHashes, byKey.length)], writesAtOnce, async ([index, places]) => {
      if (isSliceOver()) await letOthersRun();
      byKey[index] = await this.#putLinks(type, index, Array.from(places, linkAt), '');
    });
    const byId = emptyBuckets(count / this.#bucketLinks / idsOverKeys);
    await sideBySide([...inGroups(idHashes, byId.length)], writesAtOnce, async ([index, places]) => {
      if (isSliceOver()) await letOthersRun();
      const entries = Array.from(places, (place) => ({ idHash: idHashes[place] ?? 0, keyHash: keyHashes[place] ?? 0 }));
      byId[index] = await this.#put(type, 'ids', index, entriesBytes(entries), '');
    });
    return { count, byKey, byId };
  }

  /** What `before` says with some edits. Reads and writes only buckets that these touch, but where the links have outgrown their buckets. */
  async edited(type: string, before: LinkBuckets, edits: LinkEdits): Promise<TypeBuckets> {
    const known = before.of(type);
    if (edits.size === 0) return known;
    const hashes = await before.keyHashesOf(type, edits.keys());
    const touched = new Map<number, string[]>();
    const touch = (hash: number, nativeId: string): void => {
      const index = bucketOf(hash, known.byKey.length);
      const ids = touched.get(index);
      if (!ids) touched.set(index, [nativeId]);
      else if (ids.at(-1) !== nativeId) ids.push(nativeId);
    };
    for (const [nativeId, key] of edits) {
      for (const hash of hashes.get(nativeId) ?? []) touch(hash, nativeId);
      if (key !== null) touch(xxh32(key), nativeId);
    }
    const most = known.count + edits.size;
    const growth = growthOf(known.byKey.length, most / this.#bucketLinks);
    const byKey = growth === 1 ? [...known.byKey] : emptyBuckets(known.byKey.length * growth);
    const ids = new Map<number, IdEdits>();
    let { count } = known;
    const indices = growth === 1 ? touched.keys() : known.byKey.keys();
    await sideBySide([...indices], writesAtOnce, async (index) => {
      if (isSliceOver()) await letOthersRun();
      const bytes = await before.read(type, 'keys', index);
      const pairs = new LinkPairs();
      for (const [nativeId, key] of bytes ? linksOf(bytes) : []) pairs.set(nativeId, key);
      count -= pairs.size;
      for (const nativeId of touched.get(index) ?? [])
        this.#edit(pairs, nativeId, edits.get(nativeId) ?? null, { index, known, ids });
      count += pairs.size;
      const groups = Array.from({ length: growth }, (): Link[] => []);
      for (const link of pairs.entries())
        groups[Math.floor(bucketOf(xxh32(link[1]), byKey.length) / known.byKey.length)]?.push(link);
      for (const [group, links] of groups.entries()) {
        const place = index + group * known.byKey.length;
        byKey[place] = await this.#putLinks(type, place, links, known.byKey[index] ?? '');
      }
    });
    return count === 0 ? noBuckets : { count, byKey, byId: await this.#editedIds(type, before, ids, most) };
  }

  /** In one bucket by keys. */
  #edit(
    pairs: LinkPairs,
    nativeId: string,
    key: string | null,
    { index, known, ids }: { index: number; known: TypeBuckets; ids: Map<number, IdEdits> },
  ): void {
    const idHash = xxh32(nativeId);
    const before = pairs.keyOf(nativeId);
    const isHere = key !== null && bucketOf(xxh32(key), known.byKey.length) === index;
    if (isHere) pairs.set(nativeId, key);
    else pairs.remove(nativeId);
    if (before === (isHere ? key : undefined)) return;
    const at = bucketOf(idHash, known.byId.length);
    const edits = ids.get(at) ?? { removed: [], added: [] };
    ids.set(at, edits);
    if (before !== undefined) edits.removed.push({ idHash, keyHash: xxh32(before) });
    if (isHere) edits.added.push({ idHash, keyHash: xxh32(key) });
  }

  async #editedIds(
    type: string,
    before: LinkBuckets,
    ids: ReadonlyMap<number, IdEdits>,
    most: number,
  ): Promise<string[]> {
    const known = before.of(type).byId;
    const growth = growthOf(known.length, most / this.#bucketLinks / idsOverKeys);
    const byId = growth === 1 ? [...known] : emptyBuckets(known.length * growth);
    await sideBySide([...(growth === 1 ? ids.keys() : known.keys())], writesAtOnce, async (index) => {
      const entries = entriesIn((await before.read(type, 'ids', index)) ?? new Uint8Array(0));
      for (const { idHash, keyHash } of ids.get(index)?.removed ?? []) {
        const at = entries.findIndex((entry) => entry.idHash === idHash && entry.keyHash === keyHash);
        if (at !== -1) entries.splice(at, 1);
      }
      entries.push(...(ids.get(index)?.added ?? []));
      for (let group = 0; group < growth; group += 1) {
        const place = index + group * known.length;
        const here = entries.filter(({ idHash }) => bucketOf(idHash, byId.length) === place);
        byId[place] = await this.#put(type, 'ids', place, entriesBytes(here), known[index] ?? '');
      }
    });
    return byId;
  }

  async #putLinks(type: string, index: number, links: readonly Link[], before: string): Promise<string> {
    if (links.length === 0) return '';
    return await this.#put(
      type,
      'keys',
      index,
      linkTableBytes([[type, { size: links.length, entries: () => links }]]),
      before,
    );
  }

  /** `before`: what lies there now. */
  async #put(type: string, kind: BucketKind, index: number, bytes: Uint8Array, before: string): Promise<string> {
    if (bytes.length === 0) return '';
    const digest = sha256Hex(bytes);
    if (isOfDigest(before, digest)) return before;
    const bucket = bucketPart(this.#version, index, digest);
    await this.#store.putIfAbsent(bucketName(this.#dataset, type, kind, bucket), bytes);
    return bucket;
  }
}

function emptyBuckets(wanted: number): string[] {
  return Array.from({ length: 2 ** Math.max(0, Math.ceil(Math.log2(wanted))) }, () => '');
}

/** By how much buckets are to be split: not before they hold twice what they should. */
function growthOf(buckets: number, wanted: number): number {
  return wanted > buckets * 2 ? 2 ** Math.ceil(Math.log2(wanted / buckets)) : 1;
}

/** Places in the order in which they came, by the bucket of their hash. */
function* inGroups(hashes: Uint32Array, buckets: number): Generator<readonly [index: number, places: Uint32Array]> {
  const starts = new Uint32Array(buckets + 1);
  for (const hash of hashes) starts[bucketOf(hash, buckets) + 1] = (starts[bucketOf(hash, buckets) + 1] ?? 0) + 1;
  for (let index = 0; index < buckets; index += 1) starts[index + 1] = (starts[index + 1] ?? 0) + (starts[index] ?? 0);
  const next = starts.slice();
  const order = new Uint32Array(hashes.length);
  hashes.forEach((hash, place) => {
    const index = bucketOf(hash, buckets);
    order[next[index] ?? 0] = place;
    next[index] = (next[index] ?? 0) + 1;
  });
  for (let index = 0; index < buckets; index += 1) yield [index, order.subarray(starts[index], starts[index + 1])];
}

function entriesIn(bytes: Uint8Array): IdEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.byteLength / idEntryBytes }, (_, at) => ({
    idHash: view.getUint32(at * idEntryBytes),
    keyHash: view.getUint32(at * idEntryBytes + 4),
  }));
}

function entriesBytes(entries: readonly IdEntry[]): Uint8Array {
  const bytes = new Uint8Array(entries.length * idEntryBytes);
  const view = new DataView(bytes.buffer);
  const sorted = [...entries].sort((left, right) => left.idHash - right.idHash || left.keyHash - right.keyHash);
  for (const [at, { idHash, keyHash }] of sorted.entries()) {
    view.setUint32(at * idEntryBytes, idHash);
    view.setUint32(at * idEntryBytes + 4, keyHash);
  }
  return bytes;
}
