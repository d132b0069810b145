/** What a run says of itself to an operator who looks at it in Temporal UI. */
import type { LeftOut } from './activity-types.js';
import type { CommitReport, PlanSummary, ReviewReport, RunOutcome } from './messages.js';

export function outcomeOf(
  reviews: readonly ReviewReport[],
  left: number,
  plan: PlanSummary,
  absent: readonly LeftOut[],
  isAgreed: boolean,
): RunOutcome {
  if (reviews.some(({ outcome }) => outcome === 'pending')) return 'approvalPending';
  if (absent.length > 0) return 'divergent';
  // Everything may be equal under a version that somebody has not approved: nothing was agreed on then.
  if ((plan.newVersions ?? 0) > 0 && !isAgreed) return 'divergent';
  return left > 0 || plan.cases > 0 || plan.incompleteScopes.length > 0 || plan.setAside > 0 ? 'divergent' : 'agreed';
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

export function planWords(plan: PlanSummary, absent: readonly LeftOut[]): string {
  const parts = [
    counted(plan.divergences, 'divergence'),
    `${counted(plan.operations, 'operation')} proposed`,
    counted(plan.conflicts, 'conflict'),
    counted(plan.cases, 'case'),
  ];
  if (plan.newVersions !== undefined) parts.push(counted(plan.newVersions, 'new version'));
  if (plan.accepted > 0) parts.push(counted(plan.accepted, 'accepted divergence'));
  if (plan.setAside > 0)
    parts.push(`${counted(plan.setAside, 'record or property', 'records or properties')} set aside`);
  const scopes =
    plan.incompleteScopes.length > 0
      ? `\n\nIncomplete, so no deletion follows from: ${plan.incompleteScopes.join(', ')}.`
      : '';
  return `${parts.join(', ')}. Plan \`${plan.planDigest.slice(0, 12)}\`.${scopes}${absentWords(absent)}${waitWords(plan)}`;
}

function waitWords({ versionsWaitFor = [] }: PlanSummary): string {
  if (versionsWaitFor.length === 0) return '';
  return `\n\nA type or map is new, and ${versionsWaitFor.join(', ')}, who must approve it too, takes no part: nobody is asked, and nothing is written or agreed on, until then.`;
}

export function outcomeWords(
  outcome: RunOutcome,
  plan: PlanSummary,
  left: number,
  reviews: readonly ReviewReport[],
  commits: readonly CommitReport[],
  absent: readonly LeftOut[],
): string {
  const lines = [`Outcome: **${outcome}**. ${counted(left, 'divergence')} left.`, planWords(plan, absent)];
  if (reviews.length > 0)
    lines.push(`Reviews: ${reviews.map(({ authority, outcome: ended }) => `${authority} ${ended}`).join(', ')}.`);
  if (commits.length > 0)
    lines.push(
      `Commits: ${commits.map(({ authority, outcome: ended, code }) => `${authority} ${ended}${code === null ? '' : ` (${code})`}`).join(', ')}.`,
    );
  return lines.join('\n\n');
}

/** Names who takes no part, and what that means for them. */
export function absentWords(absent: readonly LeftOut[]): string {
  if (absent.length === 0) return '';
  const names = absent.map(({ authority, code }) => `${authority} (${code})`).join(', ');
  return `\n\nWithout ${names}: what they hold keeps its base, and nothing is deleted because of them.`;
}
