/** Which brakes of an authority what it is asked could trip. */
import { countBraking, trippedBy, type TrippedBrake } from '../../core/brakes.js';
import type { Authority } from '../../core/federation/authority.js';
import type { Operation } from '../../core/operation.js';
import type { ReviewScope } from '../../core/review.js';
import { isSliceOver, letOthersRun } from '../event-loop.js';

/**
 * The brakes that the gate could find tripped. It counts what choices released too, so people must hear of the larger
 * quorum before they choose: of each conflict the candidate counts that writes, or deletes, most here.
 */
export async function brakesOfScope(
  authority: Authority,
  { operations, conflicts }: ReviewScope,
  held: Readonly<Record<string, number>>,
): Promise<readonly TrippedBrake[]> {
  const isDeletion = ({ kind }: Operation): boolean => kind === 'delete';
  const most = (size: (own: readonly Operation[]) => number): readonly Operation[] =>
    conflicts.flatMap(({ candidates }) =>
      candidates
        .map((candidate) => candidate.operations.filter((operation) => operation.authority === authority.authority))
        .reduce((largest, own) => (size(own) > size(largest) ? own : largest), []),
    );
  const asked: Record<string, { all: number; deletions: number }> = {};
  for (const operation of operations) {
    if (isSliceOver()) await letOthersRun();
    countBraking(asked, operation);
  }
  const trippedWith = (more: readonly Operation[]): readonly TrippedBrake[] => {
    const counts = Object.fromEntries(Object.entries(asked).map(([type, count]) => [type, { ...count }]));
    for (const operation of more) countBraking(counts, operation);
    return trippedBy(authority, counts, held);
  };
  const byWrites = trippedWith(most((own) => own.length));
  const byDeletions = trippedWith(most((own) => own.filter(isDeletion).length));
  const known = new Set(byWrites.map(({ type, limit }) => `${type} ${limit}`));
  return [...byWrites, ...byDeletions.filter(({ type, limit }) => !known.has(`${type} ${limit}`))];
}
