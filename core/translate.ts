/** Native object → federated record: what the active map and the surface of an authority let peers see, and nothing else. */
import { ConcordatError } from './errors.js';
import type { TypeMap } from './federation/map.js';
import type { TaxonomyType } from './federation/taxonomy.js';
import type { Json, JsonObject } from './json.js';
import { exposedOf } from './lens/compiled-map.js';
import type { FieldLens, GotAndPut, References } from './lens/contract.js';
import { sameJson } from './lens/same-json.js';
import { unmappedProperties } from './lens/unmapped.js';
import type { FederatedRecord, NativeObject } from './record.js';

export interface TranslateRequest {
  readonly object: NativeObject;
  readonly map: TypeMap;
  readonly taxonomy: TaxonomyType;
  /** The fields of this type that the authority exposes. */
  readonly surface: readonly string[];
  /** The federated key of the object, provisional where no link joins it yet. */
  readonly key: string;
  /** The federated key of a native id, provisional for an object in scope without a link; null for any other. */
  readonly resolve: (type: string, nativeId: string) => string | null;
}

export type Translation =
  | {
      readonly kind: 'record';
      readonly record: FederatedRecord;
      /** Native properties that the map neither uses nor ignores, as dotted names. */
      readonly unmapped: readonly string[];
      /** Per field, how many native elements or values are not of the dataset and stay native. */
      readonly setAside: Readonly<Record<string, number>>;
      /** Whether putting the record back onto the object it came from changes nothing. */
      readonly roundTrips: boolean;
    }
  | {
      /** The object is not of the dataset: a field of its natural key leads outside of it. */
      readonly kind: 'setAside';
      readonly field: string;
      readonly reason: string;
      /** The federated type in which it was looked for, where it is a reference. */
      readonly type: string | null;
    }
  | {
      readonly kind: 'untranslatable';
      /** The first such field, in code unit order. */
      readonly field: string;
      /** Names no value. */
      readonly reason: string;
    };

/** Throws only where the caller paired what does not belong together (invalidFederation). */
export function translate(request: TranslateRequest): Translation {
  const { object, map, taxonomy, surface, key, resolve } = request;
  assertPaired(map, taxonomy, object.type);
  const body = object.body;
  // A put onto the object that the value came from needs no new reference.
  const references: References = { resolve, resolveBack: () => null };
  const fields: Record<string, Json> = {};
  const setAside: Record<string, number> = {};
  let after: JsonObject | null = body;
  for (const { name, lens } of exposedOf(map, taxonomy, surface)) {
    // As long as nothing changed, what is put back onto is what was read.
    const { got, put }: GotAndPut =
      after === body ? lens.getAndPut(body, references) : putOnto(after, lens, body, references);
    if (got.kind === 'untranslatable') return { kind: 'untranslatable', field: name, reason: got.reason };
    if (got.kind === 'outside') {
      if (taxonomy.key?.includes(name))
        return { kind: 'setAside', field: name, reason: got.reason, type: got.type ?? null };
      // The rest of the record is of the dataset; this field stays native, as one that was not read.
      setAside[name] = 1;
      continue;
    }
    if (got.kind === 'absent') continue;
    fields[name] = got.value;
    if (got.setAside !== undefined) setAside[name] = got.setAside;
    after = put?.kind === 'value' ? put.value : null;
  }
  return {
    kind: 'record',
    record: { type: map.type, key, fields },
    unmapped: unmappedProperties(body, map),
    setAside,
    roundTrips: after !== null && sameJson(after, body),
  };
}

function putOnto(after: JsonObject | null, lens: FieldLens, body: JsonObject, references: References): GotAndPut {
  const got = lens.get(body, references);
  return { got, put: got.kind === 'value' && after !== null ? lens.put(got.value, after, references) : null };
}

export function assertPaired(map: TypeMap, taxonomy: TaxonomyType, native: string): void {
  if (map.type !== taxonomy.type) {
    throw new ConcordatError('invalidFederation', `a map of ${map.type} was given the taxonomy of ${taxonomy.type}`);
  }
  if (map.native !== native) {
    throw new ConcordatError('invalidFederation', `a map of the native type ${map.native} was given a ${native}`);
  }
}
