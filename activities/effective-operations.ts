/** The operations of a large plan that had an effect, found record by record in the file where the plan lies. */
import { amongIds, type Ids } from '../core/digest-list.js';
import type { Digest } from '../core/digest.js';
import type { DatasetShape } from '../core/federation/federation.js';
import type { EffectiveOperations } from '../core/next-base.js';
import type { Operation } from '../core/operation.js';
import { typeOrderOf } from '../core/plan-builder.js';
import { recordPlace } from '../core/plan-gathering.js';
import { reviewScope } from '../core/review.js';
import type { MadePlan } from '../core/plan.js';
import { SortedList } from './spilling/sorted-list.js';

/** Null where the plan is held in memory. `ids`: of operations of this plan. */
export function effectiveInFile(
  plan: Pick<MadePlan, 'operations' | 'conflicts'>,
  shape: DatasetShape,
  ids: Ids,
): EffectiveOperations | null {
  if (!(plan.operations instanceof SortedList)) return null;
  const had = amongIds(ids);
  const typeOrder = typeOrderOf(shape);
  const planned = shape.members.flatMap((authority) => {
    const { operations } = reviewScope(plan, authority);
    // Each looks into its own part, so that the block that was read last is where its next record stands too.
    return operations instanceof SortedList ? [{ operations, placeOf: recordPlace(authority, typeOrder) }] : [];
  });
  const chosen = chosenByRecord(plan, had);
  return {
    of: (type, key) => {
      const found = new Map<Digest, Operation>();
      for (const { operations, placeOf } of planned)
        for (const { item } of (operations as SortedList<Operation>).startingWith(placeOf(type, key)))
          if (had.has(item.id)) found.set(item.id, item);
      for (const operation of chosen.get(`${type} ${key}`) ?? []) found.set(operation.id, operation);
      return [...found.values()];
    },
  };
}

function chosenByRecord(
  { conflicts }: Pick<MadePlan, 'conflicts'>,
  had: Pick<ReadonlySet<Digest>, 'has'>,
): ReadonlyMap<string, readonly Operation[]> {
  const chosen = new Map<string, Operation[]>();
  for (const { candidates } of conflicts)
    for (const { operations } of candidates)
      for (const operation of operations) {
        if (!had.has(operation.id)) continue;
        const record = `${operation.type} ${operation.key}`;
        const known = chosen.get(record);
        if (known) known.push(operation);
        else chosen.set(record, [operation]);
      }
  return chosen;
}
