/** Where a plan gathers what it may hold very many of: in memory, unless whoever makes it gives another place. */
import { byAuthority, sortedBy } from './in-one-order.js';
import type { LongList } from './long-list.js';
import type { Operation } from './operation.js';
import type { Divergence } from './plan.js';
import type { AuthorityId } from './record.js';

export interface Gathering<Item> {
  put(item: Item): void;
  /** All of them in the order of a plan, in steps. Nothing is put afterwards. */
  finish(): Generator<void, LongList<Item>>;
}

export interface PlanGathering {
  readonly operations: Gathering<Operation>;
  readonly divergences: Gathering<Divergence>;
}

/** Where the items of one plan stand among each other; `typeOrder`: of the dataset. */
export function operationPlace(typeOrder: ReadonlyMap<string, number>): (operation: Operation) => string {
  return ({ authority, type, key, kind, id }) => `${authority} ${typeOrder.get(type) ?? 0} ${key} ${kind} ${id}`;
}

/** What the places of all operations of one record at one authority begin with. */
export function recordPlace(
  authority: AuthorityId,
  typeOrder: ReadonlyMap<string, number>,
): (type: string, key: string) => string {
  return (type, key) => `${authority} ${typeOrder.get(type) ?? 0} ${key} `;
}

export function divergencePlace({ type, key, field, kind }: Divergence): string {
  return `${type} ${key} ${field ?? ''} ${kind}`;
}

export function gatheringInMemory(typeOrder: ReadonlyMap<string, number>): PlanGathering {
  const operations: Operation[] = [];
  const divergences: Divergence[] = [];
  return {
    operations: {
      put: (item) => void operations.push(item),
      finish: () => atOnce(sortedBy(byAuthority(operations), operationPlace(typeOrder))),
    },
    divergences: {
      put: (item) => void divergences.push(item),
      finish: () => atOnce(sortedBy(divergences, divergencePlace)),
    },
  };
}

function* atOnce<Value>(value: Value): Generator<void, Value> {
  yield* [];
  return value;
}
