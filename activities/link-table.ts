/**
 * Which native object is which federated record, as an authority's table of links says it, and what was changed of it since it
 * was loaded (links.ts keeps it).
 */
import { byCodeUnit } from '../core/json.js';
import { LinkBuckets, type AskedKeys, type Link } from './link-buckets.js';
import { LinkPairs } from './link-pairs.js';
import { linkTableBytes, parseLinkTable } from './link-table-json.js';
import { Hmac } from './log/hmac.js';

/** Since a table was loaded. */
export type LinkChange =
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

/** Of more of them only the table as a whole is known, where it is known. */
const changesMax = 50_000;

/** Of one type what can be told without its whole table: all of these native ids and keys. */
interface Narrow {
  /** As the buckets have them. */
  readonly kept: LinkPairs;
  /** With what was changed since. */
  readonly pairs: LinkPairs;
  readonly nativeIds: ReadonlySet<string>;
  readonly hasKey: (key: string) => boolean;
  /** All that was asked about keys: what cannot be listed is known by being the same question. */
  readonly asked: ReadonlySet<unknown>;
}

/**
 * A small table is parsed when something is asked. Of one that lies in buckets only that is told at once what was read before
 * (`narrow`, `readWhole`): any other question throws, because an answer without the table would look like one. Some questions read
 * for themselves.
 */
export class Links {
  readonly #hmac: Hmac;
  readonly #dataset: string;
  /** A small table as it was kept. */
  readonly #bytes: Uint8Array | null;
  readonly #buckets: LinkBuckets | null;
  /** Of types whose links are all known. */
  readonly #pairs = new Map<string, LinkPairs>();
  #isParsed = false;
  readonly #narrow = new Map<string, Narrow>();
  /** What was loaded beside the table comes first. */
  readonly #changes: LinkChange[] = [];
  /** Of a table in buckets what became of native ids, by type. */
  readonly #edits = new Map<string, Map<string, string | null>>();
  #loaded = 0;
  #isLogFull = false;

  /** `table`: type → native id → federated key, or such a table as it is kept. */
  constructor(
    table: Readonly<Record<string, Readonly<Record<string, string>>>> | Uint8Array | LinkBuckets,
    hmacKey: Uint8Array,
    dataset: string,
  ) {
    this.#hmac = new Hmac(hmacKey);
    this.#dataset = dataset;
    this.#bytes = table instanceof Uint8Array ? table : null;
    this.#buckets = table instanceof LinkBuckets ? table : null;
    if (table instanceof Uint8Array || table instanceof LinkBuckets) return;
    this.#isParsed = true;
    for (const [type, links] of Object.entries(table))
      for (const [nativeId, key] of Object.entries(links)) this.set(type, nativeId, key);
  }

  /**
   * From here on these native ids and keys are told too; the same is told of them whatever is set and removed meanwhile. Throws
   * storeFault where a bucket cannot be read.
   */
  async narrow(type: string, nativeIds: ReadonlySet<string>, keys: ReadonlySet<string> | AskedKeys): Promise<void> {
    if (!this.#buckets || this.#known(type)) return;
    const before = this.#narrow.get(type);
    const asked = 'list' in keys ? keys : { has: (key: string) => keys.has(key), list: keys };
    const newIds = new Set<string>();
    for (const id of nativeIds) if (before?.nativeIds.has(id) !== true) newIds.add(id);
    const isAskedAgain = before?.asked.has(keys) === true;
    const newKeys = before && (isAskedAgain || asked.list) ? without(asked.list ?? [], before.hasKey) : asked.list;
    if (before && newIds.size === 0 && newKeys?.size === 0) return;
    const kept = before?.kept ?? new LinkPairs();
    const isNewKey = newKeys ? (key: string): boolean => newKeys.has(key) : asked.has;
    for (const [nativeId, key] of await this.#buckets.find(type, newIds, { has: isNewKey, list: newKeys }))
      // All holders of a key come in their order once it is asked for; one that is only asked for by itself may not become its last.
      if (isNewKey(key) || !kept.has(nativeId)) kept.set(nativeId, key);
    const hadKey = before?.hasKey;
    this.#narrow.set(type, {
      kept,
      pairs: this.#withChanges(type, kept),
      nativeIds: before ? new Set([...before.nativeIds, ...newIds]) : newIds,
      hasKey: hadKey ? (key) => hadKey(key) || isNewKey(key) : isNewKey,
      asked: new Set([...(before?.asked ?? []), keys]),
    });
  }

  /** From here on everything is told of a type. HAZARD: that takes some hundred bytes of memory a link. */
  async readWhole(type: string): Promise<void> {
    if (!this.#buckets || this.#known(type)) return;
    const pairs = await this.#buckets.whole(type);
    this.#pairs.set(type, pairs);
    for (const change of this.#changes) if (change.type === type) apply(this.#pairs, change);
    this.#narrow.delete(type);
  }

  set(type: string, nativeId: string, key: string): void {
    const known = this.#known(type);
    const narrow = known ? undefined : this.#narrow.get(type);
    const isTold = known !== undefined || narrow?.nativeIds.has(nativeId) === true;
    const isMoved = !isTold || (known ?? narrow?.pairs)?.has(nativeId) === true;
    this.#change({ kind: 'set', type, nativeId, key, isMoved });
  }

  /** All links of a type that has none yet. Not copied: whoever gave them changes them no more. */
  take(type: string, pairs: LinkPairs): void {
    if (this.mayHaveAny(type)) throw new Error(`links of ${type} were there already`);
    this.#change({ kind: 'taken', type, pairs });
  }

  /** Of a table in buckets also where all of its links have gone since it was loaded. */
  mayHaveAny(type: string): boolean {
    const known = this.#buckets && !this.#known(type) ? null : this.#whole(type);
    return known ? known.size > 0 : true;
  }

  remove(type: string, nativeId: string): void {
    this.#change({ kind: 'removed', type, nativeId });
  }

  /** The federated key, or the provisional one: the same for the same object in every run. */
  keyOf(type: string, nativeId: string): string {
    return this.#ofNative(type, nativeId).keyOf(nativeId) ?? this.provisionalKeyOf(type, nativeId);
  }

  isLinked(type: string, nativeId: string): boolean {
    return this.#ofNative(type, nativeId).has(nativeId);
  }

  /** Null where it is linked to nothing. Reads what was not read before, and holds little of it. */
  async linkedKeyOf(type: string, nativeId: string): Promise<string | null> {
    if (!this.#buckets || this.#known(type)) return this.#whole(type).keyOf(nativeId) ?? null;
    const edited = this.#edits.get(type)?.get(nativeId);
    return edited === undefined ? await this.#buckets.keyOf(type, nativeId) : edited;
  }

  nativeIdOf(type: string, key: string): string | null {
    const narrow = this.#narrow.get(type);
    return (narrow?.hasKey(key) ? narrow.pairs : this.#whole(type)).nativeIdOf(key) ?? null;
  }

  provisionalKeyOf(type: string, nativeId: string): string {
    return `~${this.#hmac.hexOfText(`${this.#dataset}\n${type}\n${nativeId}`)}`;
  }

  /** In code unit order of the native ids. */
  entries(type: string): readonly Link[] {
    return this.#whole(type).sorted();
  }

  /** All of a type in any order, some at a time. */
  async *stream(type: string): AsyncGenerator<readonly Link[]> {
    if (!this.#buckets || this.#known(type)) {
      yield [...this.#whole(type).entries()];
      return;
    }
    const edits = this.#edits.get(type) ?? new Map<string, string | null>();
    for await (const links of this.#buckets.stream(type)) yield links.filter(([nativeId]) => !edits.has(nativeId));
    yield [...edits].flatMap(([nativeId, key]): Link[] => (key === null ? [] : [[nativeId, key]]));
  }

  /** Those whose key is one of some, in code unit order of the native ids. Reads what was not read before. */
  async linkedTo(type: string, keys: ReadonlySet<string> | AskedKeys): Promise<readonly Link[]> {
    await this.narrow(type, new Set(), keys);
    const found: Link[] = [];
    for (const pair of (this.#narrow.get(type)?.pairs ?? this.#whole(type)).entries())
      if (keys.has(pair[1])) found.push(pair);
    return found.sort(([left], [right]) => byCodeUnit(left, right));
  }

  /** How many there are; of a table in buckets as it was loaded. */
  get size(): number {
    const types = this.#buckets?.types ?? [];
    if (this.#buckets) return types.reduce((sum, type) => sum + (this.#buckets?.count(type) ?? 0), 0);
    return [...this.#parsed().values()].reduce((sum, pairs) => sum + pairs.size, 0);
  }

  /** All links of every type; not to be asked of a table in buckets. */
  whole(): ReadonlyMap<string, LinkPairs> {
    return this.#parsed();
  }

  /** The same without what was changed since it was loaded. */
  wholeAsLoaded(): ReadonlyMap<string, LinkPairs> {
    const pairs = this.#bytes ? parseLinkTable(this.#bytes) : new Map<string, LinkPairs>();
    for (const change of this.loadedBeside) apply(pairs, change);
    return pairs;
  }

  /** As a small table is kept. */
  bytes(): Buffer {
    return linkBytes(this.whole());
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

  #ofNative(type: string, nativeId: string): LinkPairs {
    const narrow = this.#narrow.get(type);
    return narrow?.nativeIds.has(nativeId) ? narrow.pairs : this.#whole(type);
  }

  /** Throws storeFault where what was kept is no table. */
  #parsed(): Map<string, LinkPairs> {
    if (this.#buckets) throw new Error('the whole of a table in buckets is asked for');
    if (this.#isParsed) return this.#pairs;
    for (const [type, pairs] of this.#bytes ? parseLinkTable(this.#bytes) : []) this.#pairs.set(type, pairs);
    for (const change of this.#changes) apply(this.#pairs, change);
    this.#isParsed = true;
    return this.#pairs;
  }

  /** Throws where that was not read. */
  #whole(type: string): LinkPairs {
    const pairs = this.#buckets ? this.#known(type) : (this.#parsed().get(type) ?? noLinks);
    if (!pairs) throw new Error(`links of ${type} are asked for that were not read`);
    return pairs;
  }

  /** All links of a type, where that takes no reading. */
  #known(type: string): LinkPairs | undefined {
    if (!this.#buckets) return this.#isParsed ? (this.#pairs.get(type) ?? noLinks) : undefined;
    const pairs = this.#pairs.get(type);
    if (pairs || this.#buckets.count(type) > 0) return pairs;
    const fresh = new LinkPairs();
    this.#pairs.set(type, fresh);
    return fresh;
  }

  #withChanges(type: string, kept: LinkPairs): LinkPairs {
    const changes = this.#changes.filter((change) => change.type === type);
    if (changes.length === 0) return kept;
    const pairs = new LinkPairs();
    for (const [nativeId, key] of kept.entries()) pairs.set(nativeId, key);
    const table = new Map([[type, pairs]]);
    for (const change of changes) apply(table, change);
    return pairs;
  }

  #change(change: LinkChange): void {
    const { type } = change;
    const known = this.#known(type);
    const narrow = known ? undefined : this.#narrow.get(type);
    if (isThere(known ?? (narrow && isTold(narrow, change) ? narrow.pairs : undefined), change)) return;
    // Of a table in buckets every change is needed: nothing else says what to write.
    this.#isLogFull ||= !this.#buckets && this.#changes.length >= changesMax;
    if (this.#isLogFull) {
      apply(this.#parsed(), change);
      return;
    }
    this.#changes.push(change);
    if (this.#buckets && change.kind !== 'taken') this.#edit(change);
    if (known) apply(this.#pairs, change);
    else if (narrow) this.#narrow.set(type, changed(narrow, change));
  }

  #edit(change: Exclude<LinkChange, { kind: 'taken' }>): void {
    const edits = this.#edits.get(change.type) ?? new Map<string, string | null>();
    this.#edits.set(change.type, edits);
    addEdit(edits, change);
  }
}

/** The last one of a native id counts, and comes last. */
export function addEdit(edits: Map<string, string | null>, change: Exclude<LinkChange, { kind: 'taken' }>): void {
  edits.delete(change.nativeId);
  edits.set(change.nativeId, change.kind === 'set' ? change.key : null);
}

export function linkBytes(table: ReadonlyMap<string, LinkPairs>): Buffer {
  return linkTableBytes([...table].sort(([left], [right]) => byCodeUnit(left, right)));
}

const noLinks = new LinkPairs();

function without(keys: Iterable<string>, isKnown: (key: string) => boolean): ReadonlySet<string> {
  const others = new Set<string>();
  for (const key of keys) if (!isKnown(key)) others.add(key);
  return others;
}

/** What the buckets have stays as it is: where the same pairs stood for both, they are parted. */
function changed(narrow: Narrow, change: LinkChange): Narrow {
  let { pairs } = narrow;
  if (pairs === narrow.kept) {
    pairs = new LinkPairs();
    for (const [nativeId, key] of narrow.kept.entries()) pairs.set(nativeId, key);
  }
  apply(new Map([[change.type, pairs]]), change);
  return { ...narrow, pairs };
}

/** Whether all that a change can move is known. */
function isTold({ nativeIds, hasKey }: Narrow, change: LinkChange): boolean {
  return change.kind === 'set' && nativeIds.has(change.nativeId) && hasKey(change.key);
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
