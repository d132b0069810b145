/** In words, what one plan says that another does not: for whoever refuses a plan that they cannot make again. */
import { canonicalJson } from './digest.js';
import { byCodeUnit } from './json.js';
import type { Operation } from './operation.js';
import type { Plan } from './plan.js';

/**
 * The first operation that only one of them holds, how many more there are, or else in which parts they differ. Names
 * operations by id, kind, type and authority: no key of a record and no value.
 */
export function planDifference(own: Plan, named: Plan): string {
  const invented = only(named.operations, own.operations);
  const leftOut = only(own.operations, named.operations);
  const [first] = invented;
  if (first) return `${operationText(first)} does not follow from them${more(invented.length + leftOut.length - 1)}`;
  const [missing] = leftOut;
  if (missing) return `${operationText(missing)} is left out${more(leftOut.length - 1)}`;
  const parts = Object.keys({ ...own, ...named })
    .filter(
      (part) => canonicalJson(own[part as keyof Plan] ?? null) !== canonicalJson(named[part as keyof Plan] ?? null),
    )
    .sort(byCodeUnit);
  return `every operation is the same, and they differ in ${parts.join(', ')}`;
}

/** Whole operations: one that keeps its id and says something else is another one. */
function only(those: readonly Operation[], these: readonly Operation[]): readonly Operation[] {
  const known = new Set(these.map((operation) => canonicalJson(operation)));
  return those.filter((operation) => !known.has(canonicalJson(operation)));
}

function operationText({ id, kind, type, authority }: Operation): string {
  return `operation ${id.slice(0, 12)} (${kind} ${type} at ${authority})`;
}

function more(count: number): string {
  return count > 0 ? `, and ${count} more differ` : '';
}
