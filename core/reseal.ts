/**
 * A base after the digest key was replaced: its values stand under an old key, and what members show stands under the new
 * one. Each member says which of its values are no longer those of the base, and for all others its own digest is what
 * the base would hold under the new key. Nobody but the members can tell, and no value and no key is needed here.
 */
import type { RecordView } from './compare.js';
import { sameJson } from './lens/same-json.js';
import type { AuthorityId, Fields } from './record.js';
import { isSealedValue, type DigestKeyId } from './sealed-value.js';

/**
 * Of one record, the fields whose value at `member` is another than the one that the base holds under key `from`.
 * Undefined where the member says nothing of that key: it does not have it any more, or never had it.
 */
export type ChangedSince = (member: AuthorityId, from: DigestKeyId) => readonly string[] | undefined;

/**
 * The base of a view as it would be sealed under `to`; undefined where nothing of it is to be replaced.
 *
 * HAZARD: what a member says of its own value is believed no further than others bear it out. Who shows the same digest
 * under the new key holds the same value, and must say the same of the base; where they do not, or where two digests are
 * said to be the one of the base, the base stays as it is, equal to nothing, and people decide.
 */
export function resealedBase(
  { members, base }: Pick<RecordView, 'members' | 'base'>,
  digests: readonly string[],
  to: DigestKeyId,
  changedSince: ChangedSince,
): Fields | undefined {
  if (base === undefined) return undefined;
  const replaced: Record<string, Fields[string]> = {};
  for (const field of digests) {
    const old = base[field];
    if (!isSealedValue(old) || old.key === to) continue;
    const speaking = Object.keys(members).flatMap((member) => {
      const value = members[member]?.[field];
      const changed = changedSince(member, old.key);
      return value === undefined || changed === undefined ? [] : [{ value, isOfBase: !changed.includes(field) }];
    });
    const [first] = speaking.filter(({ isOfBase }) => isOfBase);
    if (!first || !isSealedValue(first.value) || first.value.key !== to) continue;
    const { value } = first;
    if (speaking.every((one) => one.isOfBase === sameJson(one.value, value))) replaced[field] = value;
  }
  return Object.keys(replaced).length > 0 ? { ...base, ...replaced } : undefined;
}

/** The keys under which values of a record are sealed. */
export function sealedUnder(fields: Fields, digests: readonly string[]): readonly DigestKeyId[] {
  return digests.flatMap((field) => {
    const value = fields[field];
    return isSealedValue(value) ? [value.key] : [];
  });
}
