/** The operations that a permit releases to one authority, in the order of the plan and in the order in which they are written. */
import { amongIds } from '../../core/digest-list.js';
import type { Digest } from '../../core/digest.js';
import type { LongList } from '../../core/long-list.js';
import type { Operation } from '../../core/operation.js';
import type { Permit } from '../../core/permit.js';
import type { AuthorityId } from '../../core/record.js';
import { reviewScope } from '../../core/review.js';
import { inSlices, isSliceOver, letOthersRun } from '../event-loop.js';
import type { Recomputed } from '../recompute.js';
import { SortedList } from '../spilling/sorted-list.js';
import { SortedListWriter } from '../spilling/sorted-list-writer.js';

/** Those of the plan in its order, then those that choices released. In a file where the plan's are. */
export async function releasedTo(
  authority: AuthorityId,
  { plan }: Pick<Recomputed, 'plan'>,
  permit: Permit,
): Promise<LongList<Operation>> {
  const isReleased = amongIds(permit.operations[authority] ?? []);
  const { operations, conflicts } = reviewScope(plan, authority);
  const chosen = new Map<Digest, Operation>();
  for (const { candidates } of conflicts)
    for (const candidate of candidates)
      for (const operation of candidate.operations)
        if (operation.authority === authority && isReleased.has(operation.id)) chosen.set(operation.id, operation);
  const isIn = ({ id }: Operation): boolean => isReleased.has(id) && !chosen.has(id);
  if (!(operations instanceof SortedList)) return [...operations.filter(isIn), ...chosen.values()];
  const writer = new SortedListWriter((text) => JSON.parse(text) as Operation);
  let left = 0;
  for (const { text, item } of itemsOf(operations)) {
    if (isSliceOver()) await letOthersRun();
    if (isIn(item)) writer.put('', text);
    else left += 1;
  }
  for (const operation of chosen.values()) writer.put('', JSON.stringify(operation));
  const found = await inSlices(writer.finish());
  if (left + chosen.size > 0) return found;
  // All of them: the list of the plan has the same ones.
  found.discard();
  return operations;
}

/** Creations and updates with the types they refer to first, then deletions the other way round. */
export async function inWriteOrder(
  operations: LongList<Operation>,
  { messages }: Pick<Recomputed, 'messages'>,
): Promise<LongList<Operation>> {
  const order = new Map(messages.shape.types.map((type, position) => [type.taxonomy.type, position]));
  const rank = ({ kind, type }: Operation): number => {
    const position = order.get(type) ?? 0;
    return kind === 'delete' ? 1_000 + (1_000 - position) : position * 2 + (kind === 'create' ? 0 : 1);
  };
  if (!(operations instanceof SortedList))
    return [...operations].sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1));
  const writer = new SortedListWriter((text) => JSON.parse(text) as Operation);
  for (const { text, item } of itemsOf(operations)) {
    if (isSliceOver()) await letOthersRun();
    writer.put(`${String(rank(item)).padStart(6, '0')} ${item.id}`, text);
  }
  return inSlices(writer.finish());
}

function* itemsOf(operations: SortedList<Operation>): Generator<{ readonly text: string; readonly item: Operation }> {
  for (const text of operations.texts()) yield { text, item: JSON.parse(text) as Operation };
}
