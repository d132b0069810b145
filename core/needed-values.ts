/**
 * Which clear values of `digest` fields a plan needs to be told, by whom and to whom. A pure function of plan and sealed
 * records: who discloses, who receives and who checks compute the same.
 */
import { byCodeUnit } from './json.js';
import type { RecordView } from './compare.js';
import type { LongList } from './long-list.js';
import type { Operation } from './operation.js';
import type { MadePlan } from './plan.js';
import type { AuthorityId } from './record.js';
import { isSealedValue, type SealedValue } from './sealed-value.js';
import { sameJson } from './lens/same-json.js';

export interface NeededValue {
  /** Of those that hold the value, the first by id. */
  readonly from: AuthorityId;
  /** The authority that would write it, and nobody else. */
  readonly to: AuthorityId;
  readonly type: string;
  readonly key: string;
  readonly field: string;
  readonly sealed: SealedValue;
}

/** Operations that only a choice releases count too: nobody can choose for their mesh what they may not see. */
export function neededValues(
  plan: Pick<MadePlan, 'operations' | 'conflicts'>,
  views: Readonly<Record<string, LongList<RecordView>>>,
): readonly NeededValue[] {
  const isNeeding = ({ kind, changes }: Operation): boolean =>
    kind !== 'delete' && changes.some((change) => sealedAfter(change) !== null);
  const chosen = plan.conflicts.flatMap(({ candidates }) => candidates.flatMap((candidate) => candidate.operations));
  const writing = [...plan.operations.filter(isNeeding), ...chosen.filter(isNeeding)];
  if (writing.length === 0) return [];
  const wanted = new Set(writing.map(({ type, key }) => `${type} ${key}`));
  const viewOf = new Map<string, RecordView>();
  for (const [type, records] of Object.entries(views))
    for (const view of records) if (wanted.has(`${type} ${view.key}`)) viewOf.set(`${type} ${view.key}`, view);
  const needed = new Map<string, NeededValue>();
  for (const { authority, type, key, changes } of writing) {
    const members = viewOf.get(`${type} ${key}`)?.members ?? {};
    for (const change of changes) {
      const sealed = sealedAfter(change);
      if (sealed === null) continue;
      const [from] = Object.keys(members)
        .filter((member) => member !== authority && sameJson(members[member]?.[change.field], sealed))
        .sort(byCodeUnit);
      if (from !== undefined)
        needed.set(`${authority} ${sealed.hmac}`, { from, to: authority, type, key, field: change.field, sealed });
    }
  }
  return [...needed.entries()].sort(([one], [other]) => byCodeUnit(one, other)).map(([, value]) => value);
}

function sealedAfter(change: Operation['changes'][number]): SealedValue | null {
  return change.kind === 'value' && isSealedValue(change.after) ? change.after : null;
}
