/** A map and its taxonomy type, made into lenses once and kept as long as both objects live. */
import type { TypeMap } from '../federation/map.js';
import type { TaxonomyType } from '../federation/taxonomy.js';
import { byCodeUnit } from '../json.js';
import { fieldLens, fieldMapProblem, type RoundTripLens } from '../lens.js';
import { untranslatable, refused } from './contract.js';

export interface CompiledField {
  readonly name: string;
  readonly lens: RoundTripLens;
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

/** Of these, the ones that a surface exposes. */
export function exposedOf(map: TypeMap, taxonomy: TaxonomyType, surface: readonly string[]): readonly CompiledField[] {
  const cached = exposed.get(surface);
  const all = compiledFields(map, taxonomy);
  if (cached?.all === all) return cached.fields;
  const fields = all.filter(({ name }) => surface.includes(name));
  exposed.set(surface, { all, fields });
  return fields;
}

// Only a memory of pure results: forgetting it changes nothing but time.
const memory = new WeakMap<TypeMap, { readonly taxonomy: TaxonomyType; readonly fields: readonly CompiledField[] }>();
const exposed = new WeakMap<
  readonly string[],
  { readonly all: readonly CompiledField[]; readonly fields: readonly CompiledField[] }
>();

function impossible(problem: string): RoundTripLens {
  return {
    get: () => untranslatable(problem),
    put: () => refused(problem),
    getAndPut: () => ({ got: untranslatable(problem), put: null }),
    roundTrip: () => undefined,
  };
}
