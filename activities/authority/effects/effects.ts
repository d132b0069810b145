/**
 * Effects of one run: worked out here, in the authority's own worker, from native bodies that never leave it. What leaves
 * is the names of capabilities.
 */
import { isRecordKind } from '../../../core/federation/native-types.js';
import type { Capability } from '../../../core/effect/capability.js';
import { combineEffects, makeEffect, type Effect } from '../../../core/effect/effect.js';
import { effectLabels } from '../../../core/effect-labels.js';
import { hasEffect, hasPlaces, nativeTypesFor } from '../../../core/federation/effect-natives.js';
import { mapOf } from '../../../core/federation/federation.js';
import type { TypeMap } from '../../../core/federation/map.js';
import { byCodeUnit } from '../../../core/json.js';
import { referenceText } from '../../../core/lens/reference.js';
import type { RunInputs } from '../../../core/messages.js';
import { isProvisional, type FederatedRecord, type NativeObject } from '../../../core/record.js';
import type { AuthorityContext } from '../context.js';
import { storedPages } from '../pages.js';
import { awsEffects } from './aws-effects.js';
import { entraEffects } from './entra-effects.js';
import { keystoneEffects } from './keystone-effects.js';
import { placesIn } from './places.js';
import { partsOf, SeenObjects } from './seen-objects.js';

export class Effects {
  readonly #seen: SeenObjects;
  readonly #of: (object: NativeObject) => readonly Effect[];
  /** As `<native type>/<native id>`. */
  readonly #placesOf: (object: NativeObject) => readonly string[];
  /** Of each native type, the federated types that maps make of it. */
  readonly #types: ReadonlyMap<string, readonly string[]>;

  private constructor(
    seen: SeenObjects,
    of: (object: NativeObject) => readonly Effect[],
    places: (object: NativeObject) => readonly string[],
    types: ReadonlyMap<string, readonly string[]>,
  ) {
    this.#seen = seen;
    this.#of = of;
    this.#placesOf = places;
    this.#types = types;
  }

  /** null where no active map of this authority works anything out in this dataset: then nothing is held in memory. */
  static async of(context: AuthorityContext, inputs: RunInputs, types: readonly string[]): Promise<Effects | null> {
    const { federation, id, connector } = context;
    const all = types.flatMap((type) => mapOf(federation, id, type) ?? []);
    const maps = all.filter((map) => hasEffect(map) || hasPlaces(map));
    if (maps.length === 0) return null;
    const { kind } = connector.capabilities;
    const seen = new SeenObjects(nativeTypesFor(kind, maps));
    for await (const item of storedPages(context, inputs.dataset, inputs.run)) seen.take(item);
    const capabilities: readonly Capability[] = federation.capabilities ?? [];
    const worked = { 'aws-iam': awsEffects, entra: entraEffects, keystone: keystoneEffects };
    if (isRecordKind(kind)) return null;
    const federated = new Map<string, string[]>();
    for (const { native, type } of all) federated.set(native, [...(federated.get(native) ?? []), type]);
    return new Effects(seen, worked[kind](seen, capabilities), placesIn(seen), federated);
  }

  /** The record with what is worked out of it: what all native objects that are this record leave, and where, together. */
  added(
    record: FederatedRecord,
    map: TypeMap,
    nativeIds: readonly string[],
    exposed: readonly string[],
    resolve: (type: string, nativeId: string) => string | null,
  ): FederatedRecord {
    const worked = Object.entries(map.fields).flatMap(([field, place]) =>
      'from' in place && exposed.includes(field) ? [[field, place.from] as const] : [],
    );
    if (worked.length === 0) return record;
    const objects = nativeIds.flatMap((id) => this.#seen.one(map.native, id) ?? []);
    const values = worked.map(([field, from]) => [
      field,
      from === 'capabilities' ? this.#labels(objects) : this.#places(objects, resolve),
    ]);
    return { ...record, fields: { ...record.fields, ...Object.fromEntries(values) } };
  }

  #labels(objects: readonly NativeObject[]): readonly string[] {
    const effects = objects.map((object) => {
      const own = this.#of(object);
      return object.opaque === undefined ? own : own.map(atMost);
    });
    return effectLabels(combineEffects(...effects));
  }

  /** Scopes that are of the dataset, as references to federated records. */
  #places(
    objects: readonly NativeObject[],
    resolve: (type: string, nativeId: string) => string | null,
  ): readonly string[] {
    const places = objects.flatMap(this.#placesOf).flatMap((place) => {
      const [native, id] = partsOf(place);
      if (native === undefined || id === undefined) return [];
      return (this.#types.get(native) ?? []).flatMap((type) => {
        const key = resolve(type, id);
        return key === null || isProvisional(key) ? [] : [referenceText({ type, key })];
      });
    });
    return [...new Set(places)].sort(byCodeUnit);
  }
}

/** Of what is not fully represented, how much of it holds is not known. */
function atMost(effect: Effect): Effect {
  if (effect.reach === 'conditional' || effect.reach === 'unseen') return effect;
  return makeEffect(effect.capability, 'unseen', effect.through, [], effect.through);
}
