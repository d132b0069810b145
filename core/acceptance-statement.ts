/**
 * A difference that people of one authority accept without being asked: who owns it, why, until when, and over which
 * values. It is bound to what every member showed when it was signed, and holds no more as soon as one of them shows
 * something else. Made again by every authority from the sealed inputs, so it depends on no order and no clock.
 */
import { z } from 'zod';
import type { RecordView } from './compare.js';
import { Digest, digestOf } from './digest.js';
import type { DatasetShape, DatasetType } from './federation/federation.js';
import { byCodeUnit, type Json } from './json.js';
import type { LongList } from './long-list.js';
import type { OpaqueRecord } from './opaque.js';
import { AuthorityId } from './record.js';

export const AcceptanceStatement = z.strictObject({
  kind: z.literal('accept'),
  authority: AuthorityId,
  type: z.string().max(200),
  key: z.string().max(500),
  /** null: the record as a whole, whether it is there and with all its fields. */
  field: z.string().max(200).nullable(),
  /** Of every member that was heard, the digest of what it showed. */
  values: z.record(AuthorityId, Digest),
  /** Who answers for the difference; free text, such as a team. */
  owner: z.string().min(1).max(200),
  reason: z.string().min(1).max(500),
  untilMs: z.int(),
});
export type AcceptanceStatement = z.infer<typeof AcceptanceStatement>;

/** As it stands: `id` is the digest of what was signed. */
export const StandingAcceptance = z.strictObject({
  ...AcceptanceStatement.omit({ kind: true }).shape,
  id: Digest,
  approver: z.string(),
});
export type StandingAcceptance = z.infer<typeof StandingAcceptance>;

/** What a plan input knows of one record, as far as an acceptance looks at it. */
export interface AcceptanceScene {
  readonly shape: DatasetShape;
  readonly incomplete: readonly { readonly authority: AuthorityId; readonly type: string }[];
  readonly views: Readonly<Record<string, LongList<RecordView>>>;
  readonly opaque?: readonly OpaqueRecord[];
}

/** What members show of the record, or of one field of it; who cannot be heard is left out. */
export function shownStates(
  scene: AcceptanceScene,
  record: { readonly type: string; readonly key: string; readonly field: string | null },
): Readonly<Record<AuthorityId, Digest>> {
  const type = scene.shape.types.find(({ taxonomy }) => taxonomy.type === record.type);
  if (!type) return {};
  const view = scene.views[record.type]?.find(({ key }) => key === record.key);
  return statesOf(scene, type, view, record);
}

function statesOf(
  { incomplete, opaque = [] }: AcceptanceScene,
  type: DatasetType,
  view: RecordView | undefined,
  { key, field }: { readonly key: string; readonly field: string | null },
): Readonly<Record<AuthorityId, Digest>> {
  const name = type.taxonomy.type;
  const states: Record<AuthorityId, Digest> = {};
  for (const authority of Object.keys(type.held).sort(byCodeUnit)) {
    const unseen = opaque.find((one) => one.authority === authority && one.type === name && one.key === key);
    const fields = view?.members[authority];
    let state: Json;
    if (unseen) state = { opaque: unseen.reason };
    else if (fields === undefined) {
      // Not read is neither there nor gone.
      if (incomplete.some((scope) => scope.authority === authority && scope.type === name)) continue;
      state = { gone: true };
    } else if (field === null) state = { fields: { ...fields } };
    else if (!type.held[authority]?.includes(field)) continue;
    else if (fields[field] === undefined) continue;
    else state = { value: fields[field] };
    states[authority] = digestOf({ authority, type: name, key, field, state });
  }
  return states;
}

/**
 * Those whose values are still the ones that were accepted. A member that cannot be heard now has moved nothing; one that
 * could not be heard then and can now, has. What a connector cannot represent and what changed since the last agreement
 * is not known to be what was accepted.
 */
export function holdingAcceptances(
  scene: AcceptanceScene,
  standing: readonly StandingAcceptance[],
): readonly StandingAcceptance[] {
  if (standing.length === 0) return [];
  return standing.filter((acceptance) => {
    const { type, key } = acceptance;
    if (scene.opaque?.some((one) => one.type === type && one.key === key && one.changed)) return false;
    const now = shownStates(scene, acceptance);
    return Object.entries(now).every(([authority, state]) => acceptance.values[authority] === state);
  });
}
