/**
 * An authority's own table of which native object is which federated record. Native ids never leave it: peers see a
 * keyed digest. Links that agreement made are compacted into one head, or where they are many into buckets that it names; links
 * made by a creation are put one by one, so that a crash right after a write loses nothing. Some links more of a large table lie
 * beside it, as those of creations do.
 */
import { z } from 'zod';
import { sha256Hex } from '../core/digest.js';
import { LinkBuckets } from './link-buckets.js';
import { manifestIn } from './link-manifest.js';
import { Links, type LinkChange } from './link-table.js';
import { isOutgrown, writeLinks } from './link-write.js';
import type { ObjectStore } from './store.js';

const CreatedLink = z.strictObject({ type: z.string(), nativeId: z.string(), key: z.string() });
type CreatedLink = z.infer<typeof CreatedLink>;

export { Links };

function createdPrefix(dataset: string): string {
  return `created-links/${dataset}/`;
}

/** Of creations that were made together: one object for all of their links. */
export function createdGroupsPrefix(dataset: string): string {
  return `created-link-groups/${dataset}/`;
}

const CreatedGroup = z.strictObject({ links: z.array(CreatedLink) });

async function createdGroups(store: ObjectStore, dataset: string): Promise<readonly CreatedLink[]> {
  const links: CreatedLink[] = [];
  for (const name of await store.list(createdGroupsPrefix(dataset))) {
    const bytes = await store.get(name);
    if (bytes) links.push(...CreatedGroup.parse(JSON.parse(new TextDecoder().decode(bytes))).links);
  }
  return links;
}

export async function loadLinks(store: ObjectStore, dataset: string, hmacKey: Uint8Array): Promise<Links> {
  const head = await store.readHead(`links/${dataset}`);
  const manifest = head && manifestIn(head.bytes);
  const links = new Links(manifest ? new LinkBuckets(store, dataset, manifest) : (head?.bytes ?? {}), hmacKey, dataset);
  const together = new Map<string, string>();
  for (const { type, nativeId, key } of await createdGroups(store, dataset)) {
    together.set(`${type} ${key}`, nativeId);
    links.set(type, nativeId, key);
  }
  const single: CreatedLink[] = [];
  for (const name of await store.list(createdPrefix(dataset))) {
    const bytes = await store.get(name);
    if (bytes) single.push(CreatedLink.parse(JSON.parse(new TextDecoder().decode(bytes))));
  }
  // One by itself is later than those of groups for the same record or native id (keepCreatedLinks).
  for (const { type, nativeId, key } of single) {
    const earlier = together.get(`${type} ${key}`);
    if (earlier !== undefined && earlier !== nativeId) links.remove(type, earlier);
  }
  for (const { type, nativeId, key } of single) links.set(type, nativeId, key);
  links.asLoaded();
  return links;
}

/** As keepCreatedLink, for creations that were made together. */
export async function keepCreatedLinks(
  store: ObjectStore,
  dataset: string,
  links: readonly CreatedLink[],
): Promise<void> {
  const known = new Set((await createdGroups(store, dataset)).flatMap(beside));
  const prefix = createdPrefix(dataset);
  for (const name of await store.list(prefix)) {
    const [type = '', key = '', digest = ''] = name.slice(prefix.length).split('/');
    const outdated = links.some(
      (link) => link.type === type && link.key !== key && digestName(link.nativeId) === digest,
    );
    // Its object went and another record has its native id now: nothing says which of two such links is the later one.
    if (outdated) await store.remove(name);
    known.add(`key ${type} ${key}`);
  }
  const isKnown = (link: CreatedLink): boolean => beside(link).some((name) => known.has(name));
  const again = links.filter(isKnown);
  const fresh = links.filter((link) => !isKnown(link));
  for (const { type, nativeId, key } of again) await keepCreatedLink(store, dataset, type, nativeId, key);
  if (fresh.length === 0) return;
  const bytes = new TextEncoder().encode(JSON.stringify({ links: fresh }));
  await store.putIfAbsent(`${createdGroupsPrefix(dataset)}${sha256Hex(new TextDecoder().decode(bytes))}`, bytes);
}

function beside({ type, nativeId, key }: CreatedLink): readonly string[] {
  return [`key ${type} ${key}`, `id ${type} ${nativeId}`];
}

/** Durable before it returns; called right after a creation is known to have happened. */
export async function keepCreatedLink(
  store: ObjectStore,
  dataset: string,
  type: string,
  nativeId: string,
  key: string,
): Promise<void> {
  const prefix = `${createdPrefix(dataset)}${type}/${key}/`;
  // A record that was deleted and comes back has a new native object; its old link must not outlive it.
  for (const name of await store.list(prefix))
    if (name !== `${prefix}${digestName(nativeId)}`) await store.remove(name);
  await store.putIfAbsent(
    `${prefix}${digestName(nativeId)}`,
    new TextEncoder().encode(JSON.stringify({ type, nativeId, key })),
  );
}

function formerPrefix(dataset: string, type: string, key: string): string {
  return `former-links/${dataset}/${type}/${key}/`;
}

/** Under which native id a record was here that all have let go: an undo can ask for that very object. The last one stands. */
export async function keepFormerLink(
  store: ObjectStore,
  dataset: string,
  type: string,
  nativeId: string,
  key: string,
): Promise<void> {
  const prefix = formerPrefix(dataset, type, key);
  const name = `${prefix}${digestName(nativeId)}`;
  await store.putIfAbsent(name, new TextEncoder().encode(JSON.stringify({ type, nativeId, key })));
  for (const other of await store.list(prefix)) if (other !== name) await store.remove(other);
}

export async function formerIdOf(
  store: ObjectStore,
  dataset: string,
  type: string,
  key: string,
): Promise<string | null> {
  for (const name of await store.list(formerPrefix(dataset, type, key))) {
    const bytes = await store.get(name);
    if (bytes) return CreatedLink.parse(JSON.parse(new TextDecoder().decode(bytes))).nativeId;
  }
  return null;
}

/** Native ids may hold characters that names of objects may not. */
function digestName(nativeId: string): string {
  return sha256Hex(nativeId).slice(0, 16);
}

/** So many objects with links beside the table, and so many links in them; beyond, they are taken in. */
const besideMax = { objects: 64, links: 25_000 };

/**
 * Keeps what was changed: some links more of a large table beside it, everything else in the table. A large table in the old form, one
 * head, is written into buckets.
 */
export async function saveLinks(store: ObjectStore, dataset: string, links: Links): Promise<void> {
  const { changes, loadedBeside } = links;
  // In the order in which they may go: one by itself counts over a group.
  const created = [...(await store.list(createdGroupsPrefix(dataset))), ...(await store.list(createdPrefix(dataset)))];
  const head = await store.readHead(`links/${dataset}`);
  const isLarge = head !== null && manifestIn(head.bytes) !== null;
  if (changes?.length === 0 && created.length === 0 && head && (isLarge || !isOutgrown(store, head.bytes))) return;
  const meetsLoaded = changes === null || meetsAnother(changes, loadedBeside);
  const added = changes?.flatMap((change) => (change.kind === 'set' && !change.isMoved ? [change] : [])) ?? [];
  const mayLieBeside =
    isLarge &&
    !meetsLoaded &&
    added.length === changes.length &&
    created.length < besideMax.objects &&
    loadedBeside.length + added.length <= besideMax.links;
  if (mayLieBeside) {
    const additions = added.map(({ type, nativeId, key }) => ({ type, nativeId, key }));
    if (additions.length > 0) await keepCreatedLinks(store, dataset, additions);
    return;
  }
  // HAZARD: what lies beside the table counts over it. Died in between, a link that was moved would be moved back: so what was
  // loaded is taken in first.
  if (meetsLoaded && created.length > 0) await takeIn(store, dataset, links, 'asLoaded', created);
  await takeIn(store, dataset, links, 'asNow', created);
}

/** Into the table; then drops what it has taken in. */
async function takeIn(
  store: ObjectStore,
  dataset: string,
  links: Links,
  which: 'asLoaded' | 'asNow',
  created: readonly string[],
): Promise<void> {
  await writeLinks(store, dataset, links, which);
  for (const name of created) await store.remove(name);
}

/** Whether a change names a native id or a key that another one names, or one of those that came before them. */
function meetsAnother(changes: readonly LinkChange[], before: readonly LinkChange[]): boolean {
  const named = new Set(before.flatMap(namesOf));
  for (const change of changes) {
    const names = namesOf(change);
    if (change.kind === 'taken' || names.some((name) => named.has(name))) return true;
    for (const name of names) named.add(name);
  }
  return false;
}

function namesOf(change: LinkChange): readonly string[] {
  return [
    ...('nativeId' in change ? [`id ${change.type} ${change.nativeId}`] : []),
    ...('key' in change ? [`key ${change.type} ${change.key}`] : []),
  ];
}
