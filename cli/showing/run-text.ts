/** What a run came to, in counts and in the order in which people ask: what differs, who was asked, what was written, what is left. */
import type { ConcordatError } from '../../core/errors.js';
import type { Census } from '../../core/report/plan-census.js';
import type { PlanSummary, RunResult } from '../../workflows/messages.js';
import type { Paint } from '../output/output.js';
import { oneCauseText } from './census-text.js';
import { visibleText } from './value-text.js';
import { codeWords, counted, divergenceWords, outcomeWords, shortDigest } from './words.js';

export function resultLines(result: RunResult, census: Census | null, paint: Paint): readonly string[] {
  const records = Object.entries(result.records).map(([authority, count]) => `${authority} ${count}`);
  const colour = result.outcome === 'agreed' ? paint.green : paint.yellow;
  return [
    `${paint.bold(result.dataset)}: ${colour(outcomeWords[result.outcome])}`,
    `  records     ${records.join(', ')}${result.newLinks > 0 ? `; ${counted(result.newLinks, 'record')} newly joined` : ''}`,
    ...absentLines(result),
    ...planLinesOf(result.plan, census),
    ...(result.reviews.length > 0 ? [`  reviews     ${result.reviews.map(reviewText).join(', ')}`] : []),
    ...(result.commits.length > 0 ? [`  written     ${result.commits.map(commitText).join('; ')}`] : []),
    `  agreement   ${result.agreement ? `${result.agreement.sequence}, signed by all members that took part` : `unchanged: ${noAgreementWords(result)}`}`,
    `  left        ${result.left === 0 ? 'nothing' : counted(result.left, 'divergence')}`,
  ];
}

function noAgreementWords({ plan, outcome }: RunResult): string {
  if (plan.newVersions === undefined) return 'nothing new to agree on';
  if ((plan.versionsWaitFor ?? []).length > 0) return 'a new type or map waits for who is absent';
  return outcome === 'planned'
    ? 'a new type or map has to be approved'
    : 'a new type or map is not approved by all who hold it';
}

/** One line for each member that took no part: what it means, and who can change it. */
function absentLines({ absent }: RunResult): readonly string[] {
  return absent.map(
    ({ authority, code }, position) =>
      `  ${position === 0 ? 'without    ' : '           '} ${authority}: what it holds keeps its base, and nothing is deleted because of it (${codeWords(code)})`,
  );
}

/** Also for a run that is under way or failed after it had made its plan. */
export function planLinesOf(summary: PlanSummary, census: Census | null): readonly string[] {
  const byAuthority = Object.entries(summary.operationsBy).map(([authority, count]) => `${authority} ${count}`);
  const kinds = (census?.kinds ?? []).map(({ kind, count }) => `${count} ${divergenceWords[kind]}`);
  const cause = census?.oneCause;
  return [
    `  plan        ${shortDigest(summary.planDigest)}: ${counted(summary.operations, 'operation')}${byAuthority.length > 0 ? ` (${byAuthority.join(', ')})` : ''}, ${counted(summary.conflicts, 'conflict')}, ${counted(summary.cases, 'case')}`,
    `  divergences ${summary.divergences}${kinds.length > 0 ? `: ${kinds.join(', ')}` : ''}${summary.accepted > 0 ? `; ${summary.accepted} accepted as they are` : ''}`,
    ...(summary.newVersions === undefined ? [] : [`  new         ${newVersionsText(summary)}`]),
    ...(cause ? [`  one cause   ${oneCauseText(cause)}`] : []),
    ...(summary.incompleteScopes.length > 0
      ? [`  incomplete  ${visibleText(summary.incompleteScopes.join(', '))}: no deletion follows from these`]
      : []),
    ...(summary.setAside > 0
      ? [`  set aside   ${counted(summary.setAside, 'record')} that could not be translated whole`]
      : []),
  ];
}

function newVersionsText({ newVersions = 0, versionsWaitFor = [] }: PlanSummary): string {
  const what = counted(newVersions, 'type or map', 'types or maps');
  return versionsWaitFor.length > 0
    ? `${what}; nobody is asked before ${versionsWaitFor.join(', ')} takes part, who must approve too`
    : `${what}, asked of all who hold the type`;
}

const reviewWords = {
  approved: 'approved',
  partlyApproved: 'approved in part',
  rejected: 'rejected',
  expired: 'let the deadline pass, which approves nothing',
  refused: 'refused the plan',
  withdrawn: 'was withdrawn',
  replaced: 'was replaced by a newer plan',
  notNeeded: 'had nothing to decide',
  pending: 'is still being asked',
  failed: 'failed',
} as const;

export function reviewText({
  authority,
  outcome,
  code,
  approved,
  rejected,
  choices,
}: RunResult['reviews'][number]): string {
  const counts = [
    ...(approved > 0 ? [`${approved} approved`] : []),
    ...(rejected > 0 ? [`${rejected} rejected`] : []),
    ...(choices > 0 ? [counted(choices, 'choice')] : []),
  ];
  const more = [...counts, ...(code === null ? [] : [codeWords(code)])];
  return `${authority} ${reviewWords[outcome]}${more.length > 0 ? ` (${more.join(', ')})` : ''}`;
}

export function commitText({ authority, outcome, code, counts }: RunResult['commits'][number]): string {
  if (outcome === 'refused') return `${authority} nothing: its gate refused (${codeWords(code)})`;
  if (outcome === 'failed') return `${authority} unknown: the step failed (${codeWords(code)})`;
  const words = counts
    ? (
        [
          ['applied', 'applied'],
          ['alreadyApplied', 'already so'],
          ['conflict', 'changed meanwhile'],
          ['refused', 'refused by the cloud'],
          ['unknown', 'with unknown effect'],
        ] as const
      ).flatMap(([kind, word]) => (counts[kind] > 0 ? [`${counts[kind]} ${word}`] : []))
    : [];
  return `${authority} ${words.join(', ') || 'nothing'}${outcome === 'incomplete' ? ' (stopped before its end)' : ''}`;
}

export function failureLines(failure: ConcordatError, next: string, paint: Paint): readonly string[] {
  return [`  ${paint.red('failed')}      ${visibleText(failure.message)} (${failure.code})`, `  next        ${next}`];
}

/** What to type next; nothing where all agree. */
export function nextCommands(result: Pick<RunResult, 'dataset' | 'outcome' | 'plan' | 'left'>): readonly string[] {
  const plan = shortDigest(result.plan.planDigest);
  const commands: string[] = [];
  if (result.outcome === 'agreed') return commands;
  const hasNew = result.plan.newVersions !== undefined;
  if (result.left > 0 || hasNew || result.plan.incompleteScopes.length > 0) commands.push(`concordat plan ${plan}`);
  if (result.outcome === 'approvalPending') commands.push(`concordat approve ${plan} --as KEY`);
  if (result.plan.cases > 0) commands.push(`concordat cases ${result.dataset}`);
  if (result.outcome === 'planned' && result.plan.affected.length > 0) commands.push(`concordat run ${result.dataset}`);
  if (result.plan.setAside > 0) commands.push(`concordat show ${result.dataset}`);
  return commands;
}
