/** Which of some values permits least, by what the taxonomy declares of a field. */
import { byCodeUnit, type Json } from '../json.js';
import { sameJson } from '../lens/same-json.js';
import type { Privileges } from '../federation/privileges.js';

export type Narrowest =
  | { readonly kind: 'one'; readonly value: Json }
  /** None permits less than all others: these are the widest that permit no more than any of them. */
  | { readonly kind: 'several'; readonly below: readonly Json[] }
  /** The taxonomy does not say what one of the values permits. */
  | { readonly kind: 'unranked' };

/** At least one value. The result permits no more than any of them, and does not depend on their order. */
export function narrowest(privileges: Privileges, values: readonly Json[]): Narrowest {
  return 'order' in privileges ? byOrder(privileges.order, values) : byCapabilities(privileges.capabilities, values);
}

/** Whether `left` permits no more than `right`; false where the taxonomy does not say. */
export function permitsNoMore(privileges: Privileges, left: Json, right: Json): boolean {
  const found = narrowest(privileges, [left, right]);
  return found.kind === 'one' && sameJson(found.value, left);
}

function byOrder(order: readonly Json[], values: readonly Json[]): Narrowest {
  const ranks = values.map((value) => order.findIndex((one) => sameJson(one, value)));
  if (ranks.includes(-1)) return { kind: 'unranked' };
  return { kind: 'one', value: order[Math.min(...ranks)] ?? null };
}

function byCapabilities(declared: Readonly<Record<string, readonly string[]>>, values: readonly Json[]): Narrowest {
  const sets: (readonly string[])[] = [];
  for (const value of values) {
    if (typeof value !== 'string' || !Object.hasOwn(declared, value)) return { kind: 'unranked' };
    sets.push(declared[value] ?? []);
  }
  const common = new Set(sets[0]?.filter((capability) => sets.every((set) => set.includes(capability))));
  const isBelow = (capabilities: readonly string[]): boolean => capabilities.every((one) => common.has(one));
  const below = Object.entries(declared).filter(([, capabilities]) => isBelow(capabilities));
  const sizeOf = (capabilities: readonly string[]): number => new Set(capabilities).size;
  const exact = below.filter(([, capabilities]) => sizeOf(capabilities) === common.size).map(([value]) => value);
  // Of several names for the same capabilities one that is held already counts, if it is the only one.
  const held = exact.filter((value) => values.includes(value));
  const [only] = held.length > 0 ? held : exact;
  if (only !== undefined && (held.length === 1 || exact.length === 1)) return { kind: 'one', value: only };
  const widest = below.filter(([, own]) =>
    below.every(([, other]) => sizeOf(other) <= sizeOf(own) || !own.every((one) => other.includes(one))),
  );
  return { kind: 'several', below: widest.map(([value]) => value).sort(byCodeUnit) };
}
