/**
 * Records that all members show alike and the base does not hold yet: at first contact of equal copies that is every one.
 * Nothing is planned for them and the next base takes them over as they are shown, so nobody has to look at each.
 */
import type { DatasetType } from './federation/federation.js';
import { referredTypes } from './federation/taxonomy.js';
import { byCodeUnit, type Json } from './json.js';
import { sameJson } from './lens/same-json.js';
import { setElements } from './operation.js';
import type { AuthorityId, Fields } from './record.js';

/**
 * Whether that holds for a type whatever its records say. It does not where one record is held against others (links,
 * references, unique fields, effects that stand in for each other), or where more than the members' values decides.
 */
export function takesUnanimous(type: DatasetType, types: readonly DatasetType[]): boolean {
  const { taxonomy, policy, digests, absent } = type;
  const kinds = Object.values(taxonomy.fields);
  // Without a natural key records are joined, and what is joined already takes part in joining the rest.
  if (taxonomy.key === undefined) return false;
  if (kinds.some((kind) => kind.kind === 'effect' || referredTypes(kind).length > 0)) return false;
  if (types.some((other) => Object.values(other.taxonomy.fields).some((kind) => refersTo(kind, taxonomy.type))))
    return false;
  // Under which key the next base holds digests is read from the records.
  if (digests.length > 0) return false;
  if ((policy?.unique ?? []).length > 0 || (policy?.sameEffect ?? []).length > 0) return false;
  // Who is not heard can decide a field, or keep others from deciding it.
  return absent.length === 0 || Object.keys(policy?.fields ?? {}).length === 0;
}

function refersTo(kind: Parameters<typeof referredTypes>[0], type: string): boolean {
  return referredTypes(kind).includes(type);
}

/** Fields of which a base says "no elements" where members say null. */
export function setFields({ taxonomy }: Pick<DatasetType, 'taxonomy'>): readonly string[] {
  return Object.entries(taxonomy.fields).flatMap(([field, kind]) => (kind.kind === 'set' ? [field] : []));
}

/** The fields of such a record as the next base says them: sets in their order, and none where a member says null. */
export function agreedAsShown(fields: Fields, type: Pick<DatasetType, 'taxonomy'>): Fields {
  const agreed: Record<string, Json> = { ...fields };
  for (const field of setFields(type))
    if (fields[field] !== undefined) agreed[field] = [...new Set(setElements(fields[field]))].sort(byCodeUnit);
  return agreed;
}

/**
 * Whether the base says of a record what all that hold it show, in its own words: the digests differ, and nothing follows. Without
 * asking, each record with an empty set that a member calls null would be looked at in every run.
 */
export function isAsAgreed(
  shown: Readonly<Record<AuthorityId, Fields | undefined>>,
  base: Fields | undefined,
  type: Pick<DatasetType, 'taxonomy' | 'held'>,
): boolean {
  return (
    base !== undefined &&
    Object.entries(type.held).every(([member, held]) => {
      const fields = shown[member];
      if (fields === undefined) return false;
      const said = agreedAsShown(fields, type);
      return held.every((field) => {
        const [here, there] = [said[field], base[field]];
        // Who could not read a field says nothing of it.
        return here === undefined || (there !== undefined && sameJson(here, there));
      });
    })
  );
}
