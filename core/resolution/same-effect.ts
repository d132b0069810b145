/**
 * `sameEffect` of a dataset: fields that may differ where what the members leave is the same. Of a field of the key that
 * means another record: it stands in for the one that its mesh lacks, and neither is missing, deleted or agreed on there.
 */
import type { RecordView } from '../compare.js';
import { areSameEffect } from '../effect-labels.js';
import { canonicalJson } from '../digest.js';
import type { DatasetType } from '../federation/federation.js';
import { effectFieldsOf } from '../federation/taxonomy.js';
import type { Json } from '../json.js';
import type { LongList } from '../long-list.js';
import type { AuthorityId, Fields } from '../record.js';

export type StandsIn = (key: string, member: AuthorityId) => boolean;

/** Undefined where the dataset declares nothing of the kind for keys of this type. */
export function standsIn(type: DatasetType, views: LongList<RecordView>): StandsIn | undefined {
  const { taxonomy, policy } = type;
  const { key = [] } = taxonomy;
  const exempt = (policy?.sameEffect ?? []).filter((field) => key.includes(field));
  if (exempt.length === 0) return undefined;
  const rest = key.filter((field) => !exempt.includes(field));
  /** By what else their keys hold: per record and member, the effect. */
  const byRest = new Map<string, { readonly key: string; readonly member: AuthorityId; readonly effect: Json }[]>();
  const restOf = (fields: Fields): string | null =>
    rest.every((field) => fields[field] !== undefined)
      ? canonicalJson(rest.map((field) => fields[field] ?? null))
      : null;
  const held = new Map<string, { readonly rest: string; readonly effects: Json[] }>();
  for (const view of views) {
    for (const [member, fields] of Object.entries(view.members)) {
      const name = fields && restOf(fields);
      if (!fields || name === null || name === undefined) continue;
      const effect = effectOf(type, fields) ?? null;
      const known = byRest.get(name) ?? [];
      byRest.set(name, known);
      known.push({ key: view.key, member, effect });
      const own = held.get(view.key) ?? { rest: name, effects: [] };
      held.set(view.key, own);
      own.effects.push(effect);
    }
  }
  return (recordKey, member) => {
    const own = held.get(recordKey);
    if (!own) return false;
    const there = (byRest.get(own.rest) ?? []).filter((one) => one.member === member);
    // Who holds the record itself needs no other one.
    if (there.some((one) => one.key === recordKey)) return false;
    return there.some(({ effect }) => own.effects.every((other) => areSameEffect(effect, other)));
  };
}

/** Whether a difference of this field counts for nothing: all that hold the record leave the same. */
export function isExempt(
  type: DatasetType,
  field: string,
  speaking: readonly AuthorityId[],
  view: RecordView,
): boolean {
  if (!type.policy?.sameEffect?.includes(field)) return false;
  const [first, ...others] = speaking.map((member) => effectOf(type, view.members[member] ?? {}));
  return others.length > 0 && others.every((effect) => areSameEffect(first, effect));
}

function effectOf({ taxonomy }: DatasetType, fields: Fields): Json | undefined {
  const [field] = effectFieldsOf(taxonomy);
  return field === undefined ? undefined : fields[field];
}
