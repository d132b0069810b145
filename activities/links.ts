/**
 * An authority's own table of which native object is which federated record. Native ids never leave it: peers see a
 * keyed digest. Links that agreement made are compacted into one head; links made by a creation are put one by one, so
 * that a crash right after a write loses nothing.
 */
import { z } from 'zod';
import { sha256Hex } from '../core/digest.js';
import { byCodeUnit } from '../core/json.js';
import { ConcordatError } from '../core/errors.js';
import { Hmac } from './log/hmac.js';
import { LinkPairs } from './link-pairs.js';
import { linkTableBytes, parseLinkTable } from './link-table-json.js';
import type { ObjectStore } from './store.js';

const CreatedLink = z.strictObject({ type: z.string(), nativeId: z.string(), key: z.string() });
type CreatedLink = z.infer<typeof CreatedLink>;

export class Links {
  readonly #pairs: Map<string, LinkPairs>;
  readonly #hmac: Hmac;
  readonly #dataset: string;

  /** `table`: type → native id → federated key, or such a table as it is kept. */
  constructor(
    table: Readonly<Record<string, Readonly<Record<string, string>>>> | Uint8Array,
    hmacKey: Uint8Array,
    dataset: string,
  ) {
    this.#hmac = new Hmac(hmacKey);
    this.#dataset = dataset;
    this.#pairs = table instanceof Uint8Array ? parseLinkTable(table) : new Map<string, LinkPairs>();
    if (!(table instanceof Uint8Array))
      for (const [type, links] of Object.entries(table))
        for (const [nativeId, key] of Object.entries(links)) this.set(type, nativeId, key);
  }

  set(type: string, nativeId: string, key: string): void {
    const known = this.#pairs.get(type);
    const pairs = known ?? new LinkPairs();
    if (!known) this.#pairs.set(type, pairs);
    pairs.set(nativeId, key);
  }

  /** All links of a type that has none yet. Not copied: whoever gave them changes them no more. */
  take(type: string, pairs: LinkPairs): void {
    if ((this.#pairs.get(type)?.size ?? 0) > 0) throw new Error(`links of ${type} were there already`);
    this.#pairs.set(type, pairs);
  }

  hasAny(type: string): boolean {
    return (this.#pairs.get(type)?.size ?? 0) > 0;
  }

  remove(type: string, nativeId: string): void {
    this.#pairs.get(type)?.remove(nativeId);
  }

  /** The federated key, or the provisional one: the same for the same object in every run. */
  keyOf(type: string, nativeId: string): string {
    return this.#pairs.get(type)?.keyOf(nativeId) ?? this.provisionalKeyOf(type, nativeId);
  }

  isLinked(type: string, nativeId: string): boolean {
    return this.#pairs.get(type)?.has(nativeId) ?? false;
  }

  nativeIdOf(type: string, key: string): string | null {
    return this.#pairs.get(type)?.nativeIdOf(key) ?? null;
  }

  provisionalKeyOf(type: string, nativeId: string): string {
    return `~${this.#hmac.hexOfText(`${this.#dataset}\n${type}\n${nativeId}`)}`;
  }

  /** In code unit order of the native ids. */
  entries(type: string): readonly (readonly [nativeId: string, key: string])[] {
    return this.#pairs.get(type)?.sorted() ?? [];
  }

  /** Those whose key is one of some, in code unit order of the native ids. */
  linkedTo(type: string, isOne: (key: string) => boolean): readonly (readonly [nativeId: string, key: string])[] {
    const found: (readonly [string, string])[] = [];
    for (const pair of this.#pairs.get(type)?.entries() ?? []) if (isOne(pair[1])) found.push(pair);
    return found.sort(([left], [right]) => byCodeUnit(left, right));
  }

  /** As they are kept. */
  bytes(): Buffer {
    return linkTableBytes([...this.#pairs].sort(([left], [right]) => byCodeUnit(left, right)));
  }
}

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
  const links = new Links(head?.bytes ?? {}, hmacKey, dataset);
  const together = new Map<string, string>();
  for (const { type, nativeId, key } of await createdGroups(store, dataset)) {
    together.set(`${type} ${key}`, nativeId);
    links.set(type, nativeId, key);
  }
  for (const name of await store.list(createdPrefix(dataset))) {
    const bytes = await store.get(name);
    if (!bytes) continue;
    const { type, nativeId, key } = CreatedLink.parse(JSON.parse(new TextDecoder().decode(bytes)));
    // One by itself is later than the one of a group for the same record (keepCreatedLinks).
    const earlier = together.get(`${type} ${key}`);
    if (earlier !== undefined && earlier !== nativeId) links.remove(type, earlier);
    links.set(type, nativeId, key);
  }
  return links;
}

/** As keepCreatedLink, for creations that were made together. */
export async function keepCreatedLinks(
  store: ObjectStore,
  dataset: string,
  links: readonly CreatedLink[],
): Promise<void> {
  const known = new Set((await createdGroups(store, dataset)).map(({ type, key }) => `${type} ${key}`));
  const prefix = createdPrefix(dataset);
  for (const name of await store.list(prefix)) {
    const [type, key] = name.slice(prefix.length).split('/');
    known.add(`${type} ${key}`);
  }
  const again = links.filter(({ type, key }) => known.has(`${type} ${key}`));
  const fresh = links.filter(({ type, key }) => !known.has(`${type} ${key}`));
  for (const { type, nativeId, key } of again) await keepCreatedLink(store, dataset, type, nativeId, key);
  if (fresh.length === 0) return;
  const bytes = new TextEncoder().encode(JSON.stringify({ links: fresh }));
  await store.putIfAbsent(`${createdGroupsPrefix(dataset)}${sha256Hex(new TextDecoder().decode(bytes))}`, bytes);
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

/** Writes the whole table as the new head, then drops what it has taken in. */
export async function saveLinks(store: ObjectStore, dataset: string, links: Links): Promise<void> {
  const created = [...(await store.list(createdPrefix(dataset))), ...(await store.list(createdGroupsPrefix(dataset)))];
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const head = await store.readHead(`links/${dataset}`);
    const bytes = links.bytes();
    if (head && bytes.equals(head.bytes)) return;
    if (await store.compareAndSetHead(`links/${dataset}`, head?.version ?? 0, bytes)) {
      for (const name of created) await store.remove(name);
      return;
    }
  }
  throw new ConcordatError('storeFault', `the links of ${dataset} are being written by somebody else`);
}
