/**
 * Whether one thing explains a plan: one field of one type that the same members changed, and whether old and new values are
 * all apart by one factor or one distance, as they are where somebody changed a unit or a zone.
 */
import type { Operation } from '../operation.js';
import { byCodeUnit, type Json } from '../json.js';
import { decimalText, dividedExactly, parseDecimal, type Decimal } from '../lens/decimal.js';
import { epochSeconds } from '../lens/instant.js';
import type { AuthorityId } from '../record.js';

/** Below these a cause explains little, and a factor is chance. */
const sharePercentMin = 90;
const operationsMin = 20;
/** Factors and distances remembered of one group: where there are more, none of them is the one. */
const relationsMax = 64;

export type Relation =
  /** New is old times this. As a fraction of two whole numbers where it is no finite decimal: `5000/11023`. */
  | { readonly kind: 'factor'; readonly by: string }
  /** New is old plus this. */
  | { readonly kind: 'offset'; readonly by: string }
  /** New is old plus so many seconds. */
  | { readonly kind: 'seconds'; readonly by: number }
  /** There was something, and now there is nothing. */
  | { readonly kind: 'emptied' };

export interface OneCause {
  readonly type: string;
  /** null: records as a whole, made or gone. */
  readonly field: string | null;
  readonly kind: Operation['kind'];
  /** The members whose state led to it. */
  readonly because: readonly AuthorityId[];
  /** Operations that it explains, of how many. */
  readonly count: number;
  readonly of: number;
  /** How old and new values are apart, in at least nine of ten of them; null where they are not by one measure. */
  readonly relation: (Relation & { readonly count: number }) | null;
}

interface Group extends Pick<OneCause, 'type' | 'field' | 'kind' | 'because'> {
  readonly authority: AuthorityId;
  count: number;
  readonly relations: Map<string, { readonly relation: Relation; count: number }>;
}

/** Memory follows the number of fields and of members, not of operations. */
export class CauseCounter {
  readonly #groups = new Map<string, Group>();
  readonly #totals = new Map<AuthorityId, number>();

  add({ authority, type, kind, changes, because }: Operation): void {
    this.#totals.set(authority, (this.#totals.get(authority) ?? 0) + 1);
    const [only, ...more] = kind === 'update' ? changes : [];
    // What touches several fields at once is explained by none of them.
    if (more.length > 0) return;
    const field = only?.field ?? null;
    const name = JSON.stringify([authority, type, kind, field, because]);
    const group = this.#groups.get(name) ?? { authority, type, field, kind, because, count: 0, relations: new Map() };
    if (group.count === 0) this.#groups.set(name, group);
    group.count += 1;
    if (only?.kind === 'value') for (const relation of relationsOf(only.before, only.after)) remember(group, relation);
  }

  /** What explains at least nine in ten operations of this authority, or of all where none is named. */
  cause(authority?: AuthorityId): OneCause | null {
    const totals = [...this.#totals].filter(([id]) => authority === undefined || id === authority);
    const of = totals.reduce((sum, [, count]) => sum + count, 0);
    if (of < operationsMin) return null;
    const joined = new Map<string, Group>();
    for (const group of this.#groups.values()) {
      if (authority !== undefined && group.authority !== authority) continue;
      const { type, field, kind, because } = group;
      const name = JSON.stringify([type, field, kind, because]);
      const known = joined.get(name) ?? { ...group, count: 0, relations: new Map() };
      joined.set(name, known);
      known.count += group.count;
      for (const [by, { relation, count }] of group.relations)
        known.relations.set(by, { relation, count: (known.relations.get(by)?.count ?? 0) + count });
    }
    const [first] = [...joined.values()].sort((a, b) => b.count - a.count || byCodeUnit(a.type, b.type));
    if (!first || first.count * 100 < of * sharePercentMin) return null;
    const { type, field, kind, because, count, relations } = first;
    return { type, field, kind, because, count, of, relation: commonOf(relations.values(), count) };
  }
}

function remember({ relations }: Group, relation: Relation): void {
  const name = relation.kind === 'emptied' ? relation.kind : `${relation.kind} ${relation.by}`;
  const known = relations.get(name);
  if (known) known.count += 1;
  else if (relations.size < relationsMax) relations.set(name, { relation, count: 1 });
}

function commonOf(
  relations: Iterable<{ readonly relation: Relation; readonly count: number }>,
  of: number,
): OneCause['relation'] {
  const [first] = [...relations].sort((a, b) => b.count - a.count || byCodeUnit(a.relation.kind, b.relation.kind));
  return first && first.count * 100 >= of * sharePercentMin ? { ...first.relation, count: first.count } : null;
}

function relationsOf(before: Json, after: Json): readonly Relation[] {
  if (before !== null && after === null) return [{ kind: 'emptied' }];
  const [old, now] = [textOf(before), textOf(after)];
  if (old === null || now === null || old === now) return [];
  const [left, right] = [parseDecimal(old), parseDecimal(now)];
  if (left && right) return [...factorOf(left, right), { kind: 'offset', by: decimalText(difference(right, left)) }];
  const [from, to] = [epochSeconds(old), epochSeconds(now)];
  return from === null || to === null ? [] : [{ kind: 'seconds', by: to - from }];
}

/** Longer texts are no measures. */
function textOf(value: Json): string | null {
  return typeof value === 'string' && value.length <= 64 ? value : null;
}

function factorOf(old: Decimal, now: Decimal): readonly Relation[] {
  if (old.unscaled === 0n) return [];
  const exact = dividedExactly(now, old);
  if (exact) return [{ kind: 'factor', by: decimalText(exact) }];
  const above = now.unscaled * 10n ** BigInt(old.scale);
  const below = old.unscaled * 10n ** BigInt(now.scale);
  const common = commonDivisor(above < 0n ? -above : above, below < 0n ? -below : below);
  const sign = below < 0n ? -1n : 1n;
  return [{ kind: 'factor', by: `${(sign * above) / common}/${(sign * below) / common}` }];
}

function commonDivisor(left: bigint, right: bigint): bigint {
  let [larger, smaller] = [left, right];
  while (smaller !== 0n) [larger, smaller] = [smaller, larger % smaller];
  return larger;
}

function difference(left: Decimal, right: Decimal): Decimal {
  const scale = left.scale > right.scale ? left.scale : right.scale;
  const unscaled =
    left.unscaled * 10n ** BigInt(scale - left.scale) - right.unscaled * 10n ** BigInt(scale - right.scale);
  return { unscaled, scale };
}
