/** A plan in counts, taken while its parts pass by: memory follows the number of types, fields and members. */
import { isAccepted } from '../acceptance.js';
import { byCodeUnit } from '../json.js';
import type { Operation, Rule } from '../operation.js';
import type { Divergence } from '../plan.js';
import type { AuthorityId } from '../record.js';
import { CauseCounter, type OneCause } from './one-cause.js';

export interface Census {
  readonly operations: number;
  /** In which mesh, and what is done there. */
  readonly operationsBy: Readonly<Record<AuthorityId, Readonly<Record<Operation['kind'], number>>>>;
  /** Per authority and type, all operations and deletions alone: what brakes count. */
  readonly braking: Readonly<
    Record<AuthorityId, Readonly<Record<string, { readonly all: number; readonly deletions: number }>>>
  >;
  readonly divergences: number;
  readonly accepted: number;
  /** Divergences that nobody accepted, most frequent first, as all below. */
  readonly kinds: readonly { readonly kind: Divergence['kind']; readonly count: number }[];
  /** Of the same; null for a record as a whole. */
  readonly fields: readonly { readonly type: string; readonly field: string | null; readonly count: number }[];
  /** Why operations are proposed. */
  readonly causes: readonly { readonly rule: Rule; readonly because: readonly AuthorityId[]; readonly count: number }[];
  readonly conflicts: number;
  readonly oneCause: OneCause | null;
  /** The same for the operations of one authority alone. */
  readonly oneCauseOf: Readonly<Record<AuthorityId, OneCause>>;
}

export class PlanCensus {
  readonly #by = new Map<AuthorityId, Record<Operation['kind'], number>>();
  readonly #braking = new Map<AuthorityId, Map<string, { all: number; deletions: number }>>();
  readonly #kinds = new Tally<{ readonly kind: Divergence['kind'] }>();
  readonly #fields = new Tally<{ readonly type: string; readonly field: string | null }>();
  readonly #causes = new Tally<{ readonly rule: Rule; readonly because: readonly AuthorityId[] }>();
  readonly #cause = new CauseCounter();
  #operations = 0;
  #divergences = 0;
  #accepted = 0;
  #conflicts = 0;

  addOperation(operation: Operation): void {
    const { authority, type, kind, rule, because } = operation;
    this.#operations += 1;
    const by = this.#by.get(authority) ?? { create: 0, update: 0, delete: 0 };
    this.#by.set(authority, by);
    by[kind] += 1;
    const types = this.#braking.get(authority) ?? new Map<string, { all: number; deletions: number }>();
    this.#braking.set(authority, types);
    const counts = types.get(type) ?? { all: 0, deletions: 0 };
    types.set(type, counts);
    counts.all += 1;
    if (kind === 'delete') counts.deletions += 1;
    this.#causes.add(`${rule} ${because.join(' ')}`, { rule, because });
    this.#cause.add(operation);
  }

  addDivergence(divergence: Divergence): void {
    this.#divergences += 1;
    if (isAccepted(divergence)) {
      this.#accepted += 1;
      return;
    }
    const { kind, type, field } = divergence;
    this.#kinds.add(kind, { kind });
    this.#fields.add(`${type} ${field ?? ''}`, { type, field });
  }

  addConflict(): void {
    this.#conflicts += 1;
  }

  result(): Census {
    const authorities = [...this.#by.keys()].sort(byCodeUnit);
    return {
      operations: this.#operations,
      operationsBy: Object.fromEntries(
        authorities.map((id) => [id, this.#by.get(id) ?? { create: 0, update: 0, delete: 0 }]),
      ),
      braking: Object.fromEntries(authorities.map((id) => [id, Object.fromEntries(this.#braking.get(id) ?? [])])),
      divergences: this.#divergences,
      accepted: this.#accepted,
      kinds: this.#kinds.inOrder(),
      fields: this.#fields.inOrder(),
      causes: this.#causes.inOrder(),
      conflicts: this.#conflicts,
      oneCause: this.#cause.cause(),
      oneCauseOf: Object.fromEntries(
        authorities.flatMap((id) => {
          const cause = this.#cause.cause(id);
          return cause ? [[id, cause] as const] : [];
        }),
      ),
    };
  }
}

/** Divergences by kind, most frequent first; those that somebody accepted are not counted. */
export function kindCounts({ kinds }: Pick<Census, 'kinds'>): Readonly<Record<string, number>> {
  return Object.fromEntries(kinds.map(({ kind, count }) => [kind, count]));
}

class Tally<Of extends object> {
  readonly #counts = new Map<string, { readonly of: Of; count: number }>();

  add(name: string, of: Of): void {
    const known = this.#counts.get(name);
    if (known) known.count += 1;
    else this.#counts.set(name, { of, count: 1 });
  }

  inOrder(): readonly (Of & { readonly count: number })[] {
    return [...this.#counts]
      .sort(([left, a], [right, b]) => b.count - a.count || byCodeUnit(left, right))
      .map(([, { of, count }]) => ({ ...of, count }));
  }
}

/** Of a plan that is in memory as a whole. */
export function censusOf(plan: {
  readonly operations: Iterable<Operation>;
  readonly divergences: Iterable<Divergence>;
  readonly conflicts: readonly unknown[];
}): Census {
  const census = new PlanCensus();
  for (const operation of plan.operations) census.addOperation(operation);
  for (const divergence of plan.divergences) census.addDivergence(divergence);
  for (const _ of plan.conflicts) census.addConflict();
  return census.result();
}
