/** A map and its taxonomy type, made into lenses once and kept as long as both objects live. */
import type { TypeMap } from '../federation/map.js';
import type { TaxonomyType } from '../federation/taxonomy.js';
import { byCodeUnit } from '../json.js';
import { fieldLens, fieldMapProblem, type FieldLens } from '../lens.js';
import { untranslatable, refused } from './contract.js';

export interface CompiledField {
  readonly name: string;
  readonly lens: FieldLens;
}

/** Fields in code unit order. A field that the map or taxonomy gets wrong has a lens that says so and does nothing else. */
export function compiledFields(map: TypeMap, taxonomy: TaxonomyType): readonly CompiledField[] {
  const cached = memory.get(map);
  if (cached?.taxonomy === taxonomy) return cached.fields;
  const fields = Object.entries(map.fields)
    .sort(([left], [right]) => byCodeUnit(left, right))
    .map(([name, field]): CompiledField => {
      const kind = Object.hasOwn(taxonomy.fields, name) ? taxonomy.fields[name] : undefined;
      const problem = kind ? fieldMapProblem(field, kind) : 'the taxonomy has no such field';
      const lens =
        kind && problem === null ? fieldLens(field, kind, map.native) : impossible(problem ?? 'the map is wrong');
      return { name, lens };
    });
  memory.set(map, { taxonomy, fields });
  return fields;
}

// Only a memory of pure results: forgetting it changes nothing but time.
const memory = new WeakMap<TypeMap, { readonly taxonomy: TaxonomyType; readonly fields: readonly CompiledField[] }>();

function impossible(problem: string): FieldLens {
  return { get: () => untranslatable(problem), put: () => refused(problem) };
}
