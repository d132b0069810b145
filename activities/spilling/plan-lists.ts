/** Operations and divergences of a plan that has too many of them for memory: gathered in files, in the order of the plan. */
import { canonicalJson } from '../../core/digest.js';
import { byCodeUnit } from '../../core/json.js';
import type { LongList } from '../../core/long-list.js';
import type { Operation } from '../../core/operation.js';
import { divergencePlace, operationPlace, type Gathering, type PlanGathering } from '../../core/plan-gathering.js';
import type { Divergence } from '../../core/plan.js';
import type { AuthorityId } from '../../core/record.js';
import { inSlices, letOthersRun } from '../event-loop.js';
import { SortedList } from './sorted-list.js';
import { SortedListWriter } from './sorted-list-writer.js';

/** What they hold is what was put: it is kept as canonical JSON and parsed again. */
export function planLists(typeOrder: ReadonlyMap<string, number>): PlanGathering {
  return { operations: operationsInFiles(typeOrder), divergences: inOneFile<Divergence>(divergencePlace) };
}

function inOneFile<Item extends object>(placeOf: (item: Item) => string): Gathering<Item> {
  const writer = new SortedListWriter<Item>((text) => JSON.parse(text) as Item);
  return {
    put: (item) => writer.put(placeOf(item), canonicalJson(item)),
    finish: () => writer.finish(),
  };
}

/** Those of which the id is none of these. */
export async function listWithout(
  operations: LongList<Operation>,
  ids: Pick<ReadonlySet<string>, 'has' | 'size'>,
): Promise<LongList<Operation>> {
  if (ids.size === 0) return operations;
  if (!(operations instanceof SortedList)) return operations.filter(({ id }) => !ids.has(id));
  const writer = new SortedListWriter((text) => JSON.parse(text) as Operation);
  for (const { key, text } of operations.entries()) {
    await letOthersRun();
    if (!ids.has((JSON.parse(text) as Operation).id)) writer.put(key, text);
  }
  return inSlices(writer.finish());
}

/**
 * Records are walked in order, and each gives operations of several authorities, which stand apart in a plan. In a file of its own
 * each authority's are in order as they come, so nothing but copying them one after the other is left in the end.
 */
function operationsInFiles(typeOrder: ReadonlyMap<string, number>): Gathering<Operation> {
  const placeOf = operationPlace(typeOrder);
  const parse = (text: string): Operation => JSON.parse(text) as Operation;
  const writers = new Map<AuthorityId, SortedListWriter<Operation>>();
  return {
    put(operation) {
      const { authority } = operation;
      const writer = writers.get(authority) ?? new SortedListWriter(parse);
      writers.set(authority, writer);
      writer.put(placeOf(operation), canonicalJson(operation));
    },
    *finish() {
      const all = new SortedListWriter(parse);
      for (const [, writer] of [...writers].sort(([left], [right]) => byCodeUnit(left, right))) {
        const own = yield* writer.finish();
        for (const { key, text } of own.entries()) {
          all.put(key, text);
          yield;
        }
        own.discard();
      }
      return yield* all.finish();
    },
  };
}
