/** Volume limits of an authority: tripping one raises the quorum; it never lets a change through by itself. */
import type { Authority } from './federation/authority.js';
import type { Operation } from './operation.js';

export interface TrippedBrake {
  readonly type: string;
  readonly limit: 'operationsMax' | 'percentMax' | 'deletionsMax';
  readonly allowed: number;
  readonly found: number;
}

/** Operations of each type in one mesh, and how many of them are deletions. */
export type BrakingCounts = Readonly<Record<string, { readonly all: number; readonly deletions: number }>>;

/** `held` is how many records of each type the mesh holds. Integers only: found × 100 > allowed × held. */
export function trippedBrakes(
  authority: Pick<Authority, 'constraints'>,
  operations: Iterable<Operation>,
  held: Readonly<Record<string, number>>,
): readonly TrippedBrake[] {
  const counts: Counting = {};
  for (const operation of operations) countBraking(counts, operation);
  return trippedBy(authority, counts, held);
}

type Counting = Record<string, { all: number; deletions: number }>;

/** Counts one more. */
export function countBraking(counts: Counting, { type, kind }: Pick<Operation, 'type' | 'kind'>): void {
  const own = (counts[type] ??= { all: 0, deletions: 0 });
  own.all += 1;
  if (kind === 'delete') own.deletions += 1;
}

/** The same of operations that were counted as they passed by. */
export function trippedBy(
  authority: Pick<Authority, 'constraints'>,
  counts: BrakingCounts,
  held: Readonly<Record<string, number>>,
): readonly TrippedBrake[] {
  const tripped: TrippedBrake[] = [];
  for (const [type, brake] of Object.entries(authority.constraints.brakes)) {
    const { all, deletions } = (Object.hasOwn(counts, type) ? counts[type] : undefined) ?? { all: 0, deletions: 0 };
    if (brake.operationsMax !== undefined && all > brake.operationsMax)
      tripped.push({ type, limit: 'operationsMax', allowed: brake.operationsMax, found: all });
    if (brake.deletionsMax !== undefined && deletions > brake.deletionsMax)
      tripped.push({ type, limit: 'deletionsMax', allowed: brake.deletionsMax, found: deletions });
    const heldHere = held[type] ?? 0;
    if (brake.percentMax !== undefined && heldHere > 0 && all * 100 > brake.percentMax * heldHere) {
      tripped.push({
        type,
        limit: 'percentMax',
        allowed: brake.percentMax,
        // Rounded up, so that what tripped never reads as equal to what is allowed.
        found: Math.ceil((all * 100) / heldHere),
      });
    }
  }
  return tripped;
}

export function quorumOf(authority: Pick<Authority, 'approval'>, braked: boolean): number {
  const { quorum, quorumWhenBraked } = authority.approval;
  // Never below the plain quorum: a brake that makes approval easier would be a trap.
  return braked ? Math.max(quorum, quorumWhenBraked ?? quorum + 1) : quorum;
}

/** Why a record may not be touched; null where it may. All of the fields named must be equal. */
export function protectionOf(
  authority: Authority,
  type: string,
  fields: Readonly<Record<string, unknown>>,
): string | null {
  const found = authority.constraints.protected.find(
    (rule) =>
      rule.type === type &&
      Object.entries(rule.where).every(([field, value]) => JSON.stringify(fields[field]) === JSON.stringify(value)),
  );
  return found?.reason ?? null;
}
