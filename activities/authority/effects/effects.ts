/**
 * Effects of one run: worked out here, in the authority's own worker, from native bodies that never leave it. What leaves
 * is the names of capabilities.
 */
import { isRecordKind } from '../../../core/federation/native-types.js';
import type { Capability } from '../../../core/effect/capability.js';
import { combineEffects, makeEffect, type Effect } from '../../../core/effect/effect.js';
import { effectLabels } from '../../../core/effect-labels.js';
import { hasEffect, nativeTypesFor } from '../../../core/federation/effect-natives.js';
import { mapOf } from '../../../core/federation/federation.js';
import type { TypeMap } from '../../../core/federation/map.js';
import type { RunInputs } from '../../../core/messages.js';
import type { FederatedRecord, NativeObject } from '../../../core/record.js';
import type { AuthorityContext } from '../context.js';
import { storedPages } from '../pages.js';
import { awsEffects } from './aws-effects.js';
import { entraEffects } from './entra-effects.js';
import { keystoneEffects } from './keystone-effects.js';
import { SeenObjects } from './seen-objects.js';

export class Effects {
  readonly #seen: SeenObjects;
  readonly #of: (object: NativeObject) => readonly Effect[];

  private constructor(seen: SeenObjects, of: (object: NativeObject) => readonly Effect[]) {
    this.#seen = seen;
    this.#of = of;
  }

  /** null where no active map of this authority has an effect in this dataset: then nothing is held in memory. */
  static async of(context: AuthorityContext, inputs: RunInputs, types: readonly string[]): Promise<Effects | null> {
    const { federation, id, connector } = context;
    const maps = types.flatMap((type) => mapOf(federation, id, type) ?? []).filter(hasEffect);
    if (maps.length === 0) return null;
    const { kind } = connector.capabilities;
    const seen = new SeenObjects(nativeTypesFor(kind, maps));
    for await (const item of storedPages(context, inputs.dataset, inputs.run)) seen.take(item);
    const capabilities: readonly Capability[] = federation.capabilities ?? [];
    const worked = { 'aws-iam': awsEffects, entra: entraEffects, keystone: keystoneEffects };
    if (isRecordKind(kind)) return null;
    return new Effects(seen, worked[kind](seen, capabilities));
  }

  /** The record with its effect: what all native objects that are this record leave together. */
  added(
    record: FederatedRecord,
    map: TypeMap,
    nativeIds: readonly string[],
    exposed: readonly string[],
  ): FederatedRecord {
    const fields = Object.keys(map.fields).filter((field) => {
      const place = map.fields[field];
      return place !== undefined && 'from' in place && exposed.includes(field);
    });
    if (fields.length === 0) return record;
    const effects = nativeIds.flatMap((id) => {
      const object = this.#seen.one(map.native, id);
      if (!object) return [];
      const own = this.#of(object);
      return [object.opaque === undefined ? own : own.map(atMost)];
    });
    const labels = effectLabels(combineEffects(...effects));
    return { ...record, fields: { ...record.fields, ...Object.fromEntries(fields.map((field) => [field, labels])) } };
  }
}

/** Of what is not fully represented, how much of it holds is not known. */
function atMost(effect: Effect): Effect {
  if (effect.reach === 'conditional' || effect.reach === 'unseen') return effect;
  return makeEffect(effect.capability, 'unseen', effect.through, [], effect.through);
}
