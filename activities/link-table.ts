/**
 * Which native object is which federated record, as an authority's table of links says it, and what was changed of it since it
 * was loaded (links.ts keeps it).
 */
import { byCodeUnit } from '../core/json.js';
import { LinkPairs } from './link-pairs.js';
import { linksIn, linkTableBytes, parseLinkTable } from './link-table-json.js';
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
    const known = this.#narrow.get(type);
    if (known && isWithin(nativeIds, known.nativeIds) && isWithin(keys, known.keys)) return;
    const { pairs, isEmpty } = linksIn(this.#kept, type, nativeIds, keys);
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

function isWithin(some: ReadonlySet<string>, all: ReadonlySet<string>): boolean {
  if (some.size > all.size) return false;
  for (const one of some) if (!all.has(one)) return false;
  return true;
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
