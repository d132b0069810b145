/**
 * A table of links as the next head has it: whole, or where it is large as buckets that the head names. Buckets are durable before the
 * head that names them, and go when neither it nor the one before names them.
 */
import { ConcordatError } from '../core/errors.js';
import { byCodeUnit } from '../core/json.js';
import { BucketWriter, type LinkEdits } from './link-bucket-writer.js';
import { LinkBuckets } from './link-buckets.js';
import {
  bucketsPrefix,
  manifestBytes,
  manifestIn,
  namesIn,
  versionOfBucket,
  type LinkManifest,
  type TypeBuckets,
} from './link-manifest.js';
import type { LinkPairs } from './link-pairs.js';
import { addEdit, linkBytes, type LinkChange, type Links } from './link-table.js';
import type { Head, ObjectStore } from './store.js';

const usualLinksInBucket = 1_024;
/** A table of more buckets than these does not stay in its head. */
const wholeBucketsMax = 4;
const attemptsMax = 5;

/** Links that a bucket should hold. */
function linksInBucket(store: ObjectStore): number {
  return store.linksInBucket ?? usualLinksInBucket;
}

function maxInHead(store: ObjectStore): number {
  return linksInBucket(store) * wholeBucketsMax;
}

/** Whether a table in one head is certainly too large for that: written by a worker that knew no buckets. */
export function isOutgrown(store: ObjectStore, head: Uint8Array): boolean {
  return head.byteLength > maxInHead(store) * bytesOfLinkMax;
}
/** Most links take half of that. */
const bytesOfLinkMax = 256;

/** Throws storeFault where somebody else writes them all the time. */
export async function writeLinks(
  store: ObjectStore,
  dataset: string,
  links: Links,
  which: 'asLoaded' | 'asNow',
): Promise<void> {
  const name = `links/${dataset}`;
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const head = await store.readHead(name);
    const manifest = head && manifestIn(head.bytes);
    const bytes = await nextHead(store, dataset, head, manifest, links, which);
    if (head && Buffer.compare(bytes, head.bytes) === 0) return;
    if (!(await store.compareAndSetHead(name, head?.version ?? 0, bytes))) continue;
    // Who has read the head before this one may still ask for its buckets.
    await dropBuckets(store, dataset, (head?.version ?? 0) + 1, [manifest, manifestIn(bytes)]);
    return;
  }
  throw new ConcordatError('storeFault', `the links of ${dataset} are being written by somebody else`);
}

async function nextHead(
  store: ObjectStore,
  dataset: string,
  head: Head | null,
  manifest: LinkManifest | null,
  links: Links,
  which: 'asLoaded' | 'asNow',
): Promise<Uint8Array> {
  const writer = new BucketWriter(store, dataset, (head?.version ?? 0) + 1, linksInBucket(store));
  const changes = which === 'asLoaded' ? links.loadedBeside : [...links.loadedBeside, ...(links.changes ?? [])];
  if (manifest && links.changes !== null) return await editedHead(writer, store, dataset, manifest, changes);
  const table = which === 'asLoaded' ? links.wholeAsLoaded() : links.whole();
  const size = [...table.values()].reduce((sum, pairs) => sum + pairs.size, 0);
  if (size <= maxInHead(store)) return linkBytes(table);
  const types = new Map<string, TypeBuckets>();
  for (const [type, pairs] of [...table].sort(([left], [right]) => byCodeUnit(left, right)))
    types.set(type, await writer.whole(type, pairs));
  return manifestBytes(types);
}

/** What others wrote since the links were loaded stays, but for what is changed here too. */
async function editedHead(
  writer: BucketWriter,
  store: ObjectStore,
  dataset: string,
  manifest: LinkManifest,
  changes: readonly LinkChange[],
): Promise<Uint8Array> {
  const before = new LinkBuckets(store, dataset, manifest);
  const types = new Map(Object.entries(manifest.types));
  for (const [type, { taken, edits }] of editsIn(changes))
    types.set(type, taken ? await writer.whole(type, taken) : await writer.edited(type, before, edits));
  return manifestBytes(types);
}

/** Pairs that were taken have all that was set and removed after. */
function editsIn(changes: readonly LinkChange[]): ReadonlyMap<string, { taken: LinkPairs | null; edits: LinkEdits }> {
  const byType = new Map<string, { taken: LinkPairs | null; edits: Map<string, string | null> }>();
  for (const change of changes) {
    const known = byType.get(change.type) ?? { taken: null, edits: new Map<string, string | null>() };
    byType.set(change.type, known);
    if (change.kind === 'taken') known.taken = change.pairs;
    else addEdit(known.edits, change);
  }
  return byType;
}

/**
 * HAZARD: only those that were meant for this version of the head or an earlier one. Whoever put them for an earlier one cannot set
 * it any more; for a later one somebody may be about to.
 */
export async function dropBuckets(
  store: ObjectStore,
  dataset: string,
  version: number,
  named: readonly (LinkManifest | null)[],
): Promise<void> {
  const kept = named.flatMap((manifest) => (manifest ? [namesIn(dataset, manifest)] : []));
  for (const name of await store.list(bucketsPrefix(dataset)))
    if (versionOfBucket(name) <= version && !kept.some((names) => names.has(name))) await store.remove(name);
}

/**
 * Of a table in buckets: without those links, everywhere. The head moves in any case, so that whatever somebody who died left for its
 * next version can go. Throws as writeLinks.
 */
export async function eraseLinks(
  store: ObjectStore,
  dataset: string,
  type: string,
  isErased: (nativeId: string, key: string) => boolean,
): Promise<void> {
  const name = `links/${dataset}`;
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const head = await store.readHead(name);
    const manifest = head && manifestIn(head.bytes);
    if (!head || !manifest) return;
    const before = new LinkBuckets(store, dataset, manifest);
    const edits = new Map<string, null>();
    for await (const links of before.stream(type))
      for (const [nativeId, key] of links) if (isErased(nativeId, key)) edits.set(nativeId, null);
    const version = head.version + 1;
    const writer = new BucketWriter(store, dataset, version, linksInBucket(store));
    const types = new Map(Object.entries(manifest.types));
    if (edits.size > 0) types.set(type, await writer.edited(type, before, edits));
    const bytes = manifestBytes(types);
    if (!(await store.compareAndSetHead(name, head.version, bytes))) continue;
    // HAZARD: a bucket of before holds what is erased, and so may one that no head ever named.
    await dropBuckets(store, dataset, version, [manifestIn(bytes)]);
    return;
  }
  throw new ConcordatError('storeFault', `the links of ${dataset} are being written by somebody else`);
}
