/** From the changes of a base to the hops of one authority, and the tree over them: one input gives one root. */
import { utf8ToBytes, bytesToHex } from '@noble/hashes/utils.js';
import type { Digest } from '../digest.js';
import { byCodeUnit } from '../json.js';
import { sameJson } from '../lens/same-json.js';
import { appendLeaves, emptyFrontier, rootOf } from '../log/frontier.js';
import { leafHash, type Sha256 } from '../log/tree.js';
import type { Fields } from '../record.js';
import { hopText, type Cause, type PreviousHop, type SaltedFields } from './hop.js';
import { fieldSalt, opaqueId, valueDigest, type HmacSha256, type RecordName } from './salted.js';

/** One agreed record that changed, as one authority saw it. */
export interface AgreedChange extends RecordName {
  /** The agreed fields that this authority holds, before and after; null is "no record". */
  readonly before: Fields | null;
  readonly after: Fields | null;
  readonly salt: Uint8Array;
  readonly native: Digest | null;
  readonly cause: Cause;
  readonly previous: PreviousHop | null;
}

export interface MadeHop {
  readonly change: AgreedChange;
  readonly text: string;
  readonly leaf: Uint8Array;
}

export interface MadeHops {
  /** In the order of the leaves. */
  readonly hops: readonly MadeHop[];
  readonly root: Digest;
}

export interface Hashing {
  readonly sha256?: Sha256;
  readonly hmac?: HmacSha256;
}

/** What a hop is called, which orders it among those of its run, and its body. */
export interface HopDraft {
  readonly record: Digest;
  readonly text: string;
}

/** Null for a change in which nothing that the authority holds became another: it makes no hop. */
export function draftHop(change: AgreedChange, hmac?: HmacSha256): HopDraft | null {
  const { type, salt, native, cause, previous } = change;
  const names = changedFields(change.before, change.after);
  if (names.length === 0 && change.before !== null && change.after !== null) return null;
  const before: Record<string, Digest> | null = change.before && {};
  const after: Record<string, Digest> | null = change.after && {};
  for (const name of names) {
    const ofField = fieldSalt(salt, type, name, hmac);
    put(before, name, change.before, ofField, hmac);
    put(after, name, change.after, ofField, hmac);
  }
  const record = opaqueId(salt, change, hmac);
  return { record, text: hopText({ record, type, native, before, after, cause, previous }) };
}

/** All at once; where they are many, activities/lineage/sorted-hops.ts puts them into this order piece by piece. */
export function makeHops(changes: Iterable<AgreedChange>, { sha256, hmac }: Hashing = {}): MadeHops {
  const drafts: (HopDraft & { readonly change: AgreedChange })[] = [];
  for (const change of changes) {
    const draft = draftHop(change, hmac);
    if (draft) drafts.push({ ...draft, change });
  }
  drafts.sort((left, right) => byCodeUnit(left.record, right.record));
  const hops = drafts.map(({ change, text }) => ({ change, text, leaf: leafHash(utf8ToBytes(text), sha256) }));
  const frontier = appendLeaves(
    emptyFrontier,
    hops.map(({ leaf }) => leaf),
    sha256,
  );
  return { hops, root: bytesToHex(rootOf(frontier, sha256)) };
}

function put(
  digests: Record<string, Digest> | null,
  name: string,
  fields: Fields | null,
  ofField: Uint8Array,
  hmac: HmacSha256 | undefined,
): void {
  const value = fields?.[name];
  if (digests && value !== undefined) digests[name] = valueDigest(ofField, value, hmac);
}

/** By code unit, which is the order of members in canonical JSON. */
function changedFields(before: Fields | null, after: Fields | null): readonly string[] {
  const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  return [...names].filter((name) => !sameJson(before?.[name], after?.[name])).sort(byCodeUnit);
}

/** Whether values are what a hop's digests say; names of those that are not, or that the hop does not have. */
export function differingFields(
  digests: SaltedFields,
  fields: Fields,
  { type, salt }: { readonly type: string; readonly salt: Uint8Array },
  hmac?: HmacSha256,
): readonly string[] {
  return Object.entries(digests)
    .filter(([name, digest]) => {
      const value = fields[name];
      return value === undefined || valueDigest(fieldSalt(salt, type, name, hmac), value, hmac) !== digest;
    })
    .map(([name]) => name);
}
