/**
 * The translation of very many objects by one map, straight through: what is prepared once is prepared once, and nothing is
 * made for an object but the values of its record. It knows one outcome, the one that nearly every object has; for any other
 * it says nothing, and `translate` must be asked. A property test holds the one to the other.
 */
import type { TypeMap } from './federation/map.js';
import type { TaxonomyType } from './federation/taxonomy.js';
import type { Json, JsonObject } from './json.js';
import { exposedOf } from './lens/compiled-map.js';
import type { References } from './lens/contract.js';
import { unmappedFinder } from './lens/unmapped.js';
import { assertPaired } from './translate.js';

export interface StraightTranslation {
  /** The fields that a record has, in code unit order. */
  readonly names: readonly string[];
  /**
   * Fills `values` in the order of the names and gives the unmapped properties, where `translate` gives a record of just
   * these fields that round-trips and of which nothing is set aside; else null, and `values` hold nothing of use.
   */
  readonly values: (
    body: JsonObject,
    resolve: References['resolve'],
    values: (Json | undefined)[],
  ) => readonly string[] | null;
}

/** Throws as `translate` does. `native`: the native type of the objects. */
export function straightTranslation(
  map: TypeMap,
  taxonomy: TaxonomyType,
  surface: readonly string[],
  native: string,
): StraightTranslation {
  assertPaired(map, taxonomy, native);
  const nothing: References = { resolve: () => null, resolveBack: () => null };
  // Of what is worked out when the snapshot is sealed, translation gives nothing.
  const fields = exposedOf(map, taxonomy, surface).filter(
    ({ name, lens }) => !('from' in (map.fields[name] ?? {}) && lens.get({}, nothing).kind === 'absent'),
  );
  const lenses = fields.map(({ lens }) => lens);
  const unmappedIn = unmappedFinder(map);
  let references = nothing;
  return {
    names: fields.map(({ name }) => name),
    values: (body, resolve, values) => {
      if (references.resolve !== resolve) references = { resolve, resolveBack: () => null };
      for (let at = 0; at < lenses.length; at += 1) {
        const value = lenses[at]?.roundTrip(body, references);
        if (value === undefined) return null;
        values[at] = value;
      }
      return unmappedIn(body);
    },
  };
}
