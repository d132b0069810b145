/** The one order of a plan's lists, in which everybody makes the same of them. */
import { byCodeUnit } from './json.js';
import type { Operation } from './operation.js';
import type { AuthorityId } from './record.js';

/** By the key of each, by code unit; of equal keys the first stays first. */
export function sortedBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[] {
  if (isInOrder(items, keyOf)) return [...items];
  return items
    .map((item) => ({ item, key: keyOf(item) }))
    .sort((a, b) => byCodeUnit(a.key, b.key))
    .map(({ item }) => item);
}

/** Records are walked in the order of their keys, so most lists are made in theirs: then no key has to be kept. */
function isInOrder<Item>(items: readonly Item[], keyOf: (item: Item) => string): boolean {
  let last: string | undefined;
  for (const item of items) {
    const key = keyOf(item);
    if (last !== undefined && key < last) return false;
    last = key;
  }
  return true;
}

/** Those of each authority together: often that is their order already. */
export function byAuthority(operations: readonly Operation[]): readonly Operation[] {
  const own = new Map<AuthorityId, Operation[]>();
  for (const operation of operations) {
    const known = own.get(operation.authority);
    if (known) known.push(operation);
    else own.set(operation.authority, [operation]);
  }
  return [...own].sort(([a], [b]) => byCodeUnit(a, b)).flatMap(([, of]) => of);
}
