/**
 * Natural keys of very many objects, straight through: of nearly each of a million one text is made and one digest, and no record
 * (core/straight-translation.ts).
 */
import type { TypeMap } from '../../core/federation/map.js';
import type { TaxonomyType } from '../../core/federation/taxonomy.js';
import type { Json } from '../../core/json.js';
import type { References } from '../../core/lens/contract.js';
import { naturalKeysOf } from '../../core/natural-key.js';
import type { NativeObject } from '../../core/record.js';
import { straightTranslation } from '../../core/straight-translation.js';
import { sha256Hex } from '../sealing/sha256.js';

/** Null where that says nothing of an object, and NaturalKeys.keyed must be asked. Throws as `translate` does. */
export function straightKeys(
  taxonomy: TaxonomyType,
  map: TypeMap,
  told: readonly string[],
): (object: NativeObject, resolve: References['resolve']) => string | null {
  const straight = straightTranslation(map, taxonomy, told, map.native);
  const keyOf = naturalKeysOf(taxonomy, straight.names, sha256Hex);
  const values: (Json | undefined)[] = straight.names.map(() => undefined);
  return ({ type, body }, resolve) =>
    type === map.native && straight.values(body, resolve, values) !== null ? keyOf(values) : null;
}
