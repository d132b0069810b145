/** Who is asked about a plan. */
import { byCodeUnit } from './json.js';
import { versionsWaitFor } from './new-versions.js';
import type { Operation } from './operation.js';
import type { MadePlan } from './plan.js';
import type { AuthorityId } from './record.js';

/**
 * Authorities whose people are asked: those that a plan would write to, including through a conflict's candidates, and those
 * that hold a type of which something is new. Nobody where a new version waits for who is absent: nothing would come of it.
 */
export function affectedAuthorities(
  plan: Pick<MadePlan, 'conflicts' | 'newVersions'> & {
    readonly operations: Iterable<Pick<Operation, 'authority'>>;
    readonly absent?: readonly AuthorityId[];
  },
): readonly AuthorityId[] {
  if (versionsWaitFor(plan).length > 0) return [];
  const affected = new Set<AuthorityId>(plan.newVersions?.flatMap(({ asked }) => asked));
  for (const operation of plan.operations) affected.add(operation.authority);
  for (const conflict of plan.conflicts)
    for (const candidate of conflict.candidates)
      for (const operation of candidate.operations) affected.add(operation.authority);
  return [...affected].sort(byCodeUnit);
}
