/**
 * An authority's own table of which native object is which federated record. Native ids never leave it: peers see a
 * keyed digest. Links that agreement made are compacted into one head; links made by a creation are put one by one, so
 * that a crash right after a write loses nothing. Some links more of a large table lie beside it, as those of creations do.
 */
import { z } from 'zod';
import { sha256Hex } from '../core/digest.js';
import { byCodeUnit } from '../core/json.js';
import { ConcordatError } from '../core/errors.js';
import { Hmac } from './log/hmac.js';
import { LinkPairs } from './link-pairs.js';
import { linksIn, linkTableBytes, parseLinkTable } from './link-table-json.js';
import type { ObjectStore } from './store.js';

const CreatedLink = z.strictObject({ type: z.string(), nativeId: z.string(), key: z.string() });
type CreatedLink = z.infer<typeof CreatedLink>;

/** Since a table was loaded. */
type LinkChange =
  /** `isMoved`: the native id may have been linked to another key. */
  | {
      readonly kind: 'set';
      readonly type: string;
      readonly nativeId: string;
      readonly key: string;
      readonly isMoved: boolean;
    }
  | { readonly kind: 'removed'; readonly type: string; readonly nativeId: string }
  | { readonly kind: 'taken'; readonly type: string; readonly pairs: LinkPairs };

/** Of more of them only the table as a whole is known. */
const changesMax = 50_000;

/** Of one type what can be told without its whole table: all of these native ids and keys. */
interface Narrow {
  readonly pairs: LinkPairs;
  readonly nativeIds: ReadonlySet<string>;
  readonly keys: ReadonlySet<string>;
  readonly isEmpty: boolean;
}

/** A table that was kept is parsed when something is asked that cannot be told without: of a million links that is most of the cost. */
export class Links {
  readonly #hmac: Hmac;
  readonly #dataset: string;
  readonly #kept: Uint8Array | null;
  #pairs: Map<string, LinkPairs> | null;
  readonly #narrow = new Map<string, Narrow>();
  /** What was loaded beside the table comes first. */
  readonly #changes: LinkChange[] = [];
  #loaded = 0;
  #isLogFull = false;

  /** `table`: type → native id → federated key, or such a table as it is kept. */
  constructor(
    table: Readonly<Record<string, Readonly<Record<string, string>>>> | Uint8Array,
    hmacKey: Uint8Array,
    dataset: string,
  ) {
    this.#hmac = new Hmac(hmacKey);
    this.#dataset = dataset;
    this.#kept = table instanceof Uint8Array ? table : null;
    this.#pairs = table instanceof Uint8Array ? null : new Map();
    if (!(table instanceof Uint8Array))
      for (const [type, links] of Object.entries(table))
        for (const [nativeId, key] of Object.entries(links)) this.set(type, nativeId, key);
  }

  /**
   * From here on these native ids and keys are told without the whole table, which is gone through once; the same is told of them
   * whatever is set and removed meanwhile.
   */
  narrow(type: string, nativeIds: ReadonlySet<string>, keys: ReadonlySet<string>): void {
    if (this.#pairs || !this.#kept) return;
    const isWanted = (nativeId: string, key: string): boolean => nativeIds.has(nativeId) || keys.has(key);
    const { pairs, isEmpty } = linksIn(this.#kept, type, isWanted);
    const byType = new Map([[type, pairs]]);
    for (const change of this.#changes) if (change.type === type) apply(byType, change);
    this.#narrow.set(type, { pairs, nativeIds, keys, isEmpty });
  }

  set(type: string, nativeId: string, key: string): void {
    const narrow = this.#pairs ? undefined : this.#narrow.get(type);
    const isKnown = this.#pairs !== null || narrow?.nativeIds.has(nativeId) === true;
    const isMoved = !isKnown || (narrow?.pairs ?? this.#pairs?.get(type))?.has(nativeId) === true;
    this.#change({ kind: 'set', type, nativeId, key, isMoved });
  }

  /** All links of a type that has none yet. Not copied: whoever gave them changes them no more. */
  take(type: string, pairs: LinkPairs): void {
    if (this.hasAny(type)) throw new Error(`links of ${type} were there already`);
    this.#change({ kind: 'taken', type, pairs });
  }

  hasAny(type: string): boolean {
    const narrow = this.#narrow.get(type);
    if (!this.#pairs && narrow && (narrow.pairs.size > 0 || narrow.isEmpty)) return narrow.pairs.size > 0;
    return (this.#whole().get(type)?.size ?? 0) > 0;
  }

  remove(type: string, nativeId: string): void {
    this.#change({ kind: 'removed', type, nativeId });
  }

  /** The federated key, or the provisional one: the same for the same object in every run. */
  keyOf(type: string, nativeId: string): string {
    return this.#ofNative(type, nativeId)?.keyOf(nativeId) ?? this.provisionalKeyOf(type, nativeId);
  }

  isLinked(type: string, nativeId: string): boolean {
    return this.#ofNative(type, nativeId)?.has(nativeId) ?? false;
  }

  nativeIdOf(type: string, key: string): string | null {
    const narrow = this.#pairs ? undefined : this.#narrow.get(type);
    const pairs = narrow?.keys.has(key) ? narrow.pairs : this.#whole().get(type);
    return pairs?.nativeIdOf(key) ?? null;
  }

  provisionalKeyOf(type: string, nativeId: string): string {
    return `~${this.#hmac.hexOfText(`${this.#dataset}\n${type}\n${nativeId}`)}`;
  }

  /** In code unit order of the native ids. */
  entries(type: string): readonly (readonly [nativeId: string, key: string])[] {
    return this.#whole().get(type)?.sorted() ?? [];
  }

  /** Those whose key is one of some, in code unit order of the native ids. */
  linkedTo(type: string, keys: ReadonlySet<string>): readonly (readonly [nativeId: string, key: string])[] {
    const narrow = this.#pairs ? undefined : this.#narrow.get(type);
    const isTold = narrow !== undefined && [...keys].every((key) => narrow.keys.has(key));
    const found: (readonly [string, string])[] = [];
    for (const pair of (isTold ? narrow.pairs : this.#whole().get(type))?.entries() ?? [])
      if (keys.has(pair[1])) found.push(pair);
    return found.sort(([left], [right]) => byCodeUnit(left, right));
  }

  /** As they are kept. */
  bytes(): Buffer {
    return linkTableBytes([...this.#whole()].sort(([left], [right]) => byCodeUnit(left, right)));
  }

  /** The same without what was changed since. */
  bytesAsLoaded(): Buffer {
    const pairs = this.#kept ? parseLinkTable(this.#kept) : new Map<string, LinkPairs>();
    for (const change of this.loadedBeside) apply(pairs, change);
    return linkTableBytes([...pairs].sort(([left], [right]) => byCodeUnit(left, right)));
  }

  /** What was changed so far was kept beside the table. */
  asLoaded(): void {
    this.#loaded = this.#changes.length;
  }

  get loadedBeside(): readonly LinkChange[] {
    return this.#changes.slice(0, this.#loaded);
  }

  /** Since it was loaded; null where they are too many to be told. */
  get changes(): readonly LinkChange[] | null {
    return this.#isLogFull ? null : this.#changes.slice(this.#loaded);
  }

  #ofNative(type: string, nativeId: string): LinkPairs | undefined {
    const narrow = this.#pairs ? undefined : this.#narrow.get(type);
    return narrow?.nativeIds.has(nativeId) ? narrow.pairs : this.#whole().get(type);
  }

  /** Throws storeFault where what was kept is no table. */
  #whole(): Map<string, LinkPairs> {
    if (this.#pairs) return this.#pairs;
    const pairs = this.#kept ? parseLinkTable(this.#kept) : new Map<string, LinkPairs>();
    for (const change of this.#changes) apply(pairs, change);
    this.#narrow.clear();
    this.#pairs = pairs;
    return pairs;
  }

  #change(change: LinkChange): void {
    const { type } = change;
    const narrow = this.#narrow.get(type);
    if (isThere(this.#pairs?.get(type) ?? (narrow && isTold(narrow, change) ? narrow.pairs : undefined), change))
      return;
    this.#isLogFull ||= this.#changes.length >= changesMax;
    if (this.#isLogFull) {
      apply(this.#whole(), change);
      return;
    }
    this.#changes.push(change);
    if (this.#pairs) apply(this.#pairs, change);
    // Of pairs that are taken this keeps none: then the whole table tells.
    else if (narrow && change.kind === 'taken') this.#narrow.delete(type);
    else if (narrow) apply(new Map([[type, narrow.pairs]]), change);
  }
}

/** Whether all that a change can move is known. */
function isTold({ nativeIds, keys }: Narrow, change: LinkChange): boolean {
  return change.kind === 'set' && nativeIds.has(change.nativeId) && keys.has(change.key);
}

/** Whether a link is set that is there, and found by its key: that changes nothing. */
function isThere(pairs: LinkPairs | undefined, change: LinkChange): boolean {
  return (
    change.kind === 'set' &&
    pairs?.keyOf(change.nativeId) === change.key &&
    pairs.nativeIdOf(change.key) === change.nativeId
  );
}

function apply(table: Map<string, LinkPairs>, change: LinkChange): void {
  if (change.kind === 'taken') {
    table.set(change.type, change.pairs);
    return;
  }
  const known = table.get(change.type);
  if (change.kind === 'removed') {
    known?.remove(change.nativeId);
    return;
  }
  const pairs = known ?? new LinkPairs();
  if (!known) table.set(change.type, pairs);
  pairs.set(change.nativeId, change.key);
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
  links.asLoaded();
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

/** A table of more bytes is not written anew for some links more. */
const rewrittenBytesMax = 1024 * 1024;
/** So many objects with links beside the table, and so many links in them; beyond, they are taken in. */
const besideMax = { objects: 64, links: 25_000 };

/** Keeps what was changed: some links more of a large table beside it, everything else by writing the whole table anew. */
export async function saveLinks(
  store: ObjectStore,
  dataset: string,
  links: Links,
  smallBytesMax = rewrittenBytesMax,
): Promise<void> {
  const { changes, loadedBeside } = links;
  // In the order in which they may go: one by itself counts over a group.
  const created = [...(await store.list(createdGroupsPrefix(dataset))), ...(await store.list(createdPrefix(dataset)))];
  const head = await store.readHead(`links/${dataset}`);
  if (changes?.length === 0 && created.length === 0 && head) return;
  const isLarge = (head?.bytes.length ?? 0) > smallBytesMax;
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
  if (meetsLoaded && created.length > 0) await writeWhole(store, dataset, links.bytesAsLoaded(), created);
  await writeWhole(store, dataset, links.bytes(), created);
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

/** As the new head; then drops what it has taken in. */
async function writeWhole(
  store: ObjectStore,
  dataset: string,
  bytes: Buffer,
  created: readonly string[],
): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const head = await store.readHead(`links/${dataset}`);
    const isSame = head !== null && bytes.equals(head.bytes);
    if (isSame || (await store.compareAndSetHead(`links/${dataset}`, head?.version ?? 0, bytes))) {
      for (const name of created) await store.remove(name);
      return;
    }
  }
  throw new ConcordatError('storeFault', `the links of ${dataset} are being written by somebody else`);
}
