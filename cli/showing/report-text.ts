/** `concordat show`: a run in counts, per authority, with everything that was set aside, refused, accepted or left. */
import { durationWords } from '../../core/duration.js';
import { errorTable } from '../../core/errors.js';
import type { SnapshotStatement } from '../../core/messages.js';
import { newVersionWords } from '../../core/new-versions.js';
import type { Paint } from '../output/output.js';
import { unsettledIn, type RunReport, type ToldConsequence, type UnappliedReceipt } from '../reading/run-report.js';
import type { ReviewProgress } from '../../core/review.js';
import type { ReviewView } from '../temporal/reviews.js';
import { driftLine } from './drift-text.js';
import { readLines } from './read-text.js';
import { failureLines, nextCommands, planLinesOf, resultLines, reviewText } from './run-text.js';
import { valueText, visibleText } from './value-text.js';
import {
  codeWords,
  counted,
  instantText,
  lengthWords,
  progressWords,
  shortDigest,
  shortRun,
  stepWords,
} from './words.js';

export function reportLines(report: RunReport, paint: Paint, now: Date): readonly string[] {
  return [
    ...headLines(report, paint, now),
    ...section(
      paint,
      'Under way',
      report.steps.map((step) => `  ${step.authority}  ${stepWords(step)}`),
    ),
    ...section(
      paint,
      'Read',
      report.snapshots.flatMap((snapshot) => snapshotLines(snapshot, paint)),
    ),
    ...section(
      paint,
      'New since the last agreement',
      (report.plan?.newVersions ?? []).map((version) => `  ${newVersionWords(version)}`),
    ),
    ...section(
      paint,
      'Reviews',
      report.reviews.map(({ authority, review }) => `  ${authority}  ${reviewViewText(authority, review, now)}`),
    ),
    ...section(paint, 'Consequences beyond the writes', report.consequences.map(consequenceText)),
    ...section(paint, 'Not written', report.unapplied.map(unappliedText)),
    ...section(paint, 'Effect unknown', unsettledLines(report)),
    ...section(paint, 'Accepted as they are', acceptedLines(report)),
    ...section(paint, 'Ignored, as people said', ignoredLines(report)),
    ...section(
      paint,
      'Not visible here',
      report.hidden.map((text) => `  ${visibleText(text)}`),
    ),
    ...nextLines(report),
  ];
}

function headLines({ run, summary, plan }: RunReport, paint: Paint, now: Date): readonly string[] {
  const times = `run ${shortRun(run.runId)}, started ${instantText(run.startedAt)}, ${run.closedAt ? `took ${lengthWords(run.startedAt, run.closedAt)}` : `for ${lengthWords(run.startedAt, now)}`}`;
  if (run.result) return [...resultLines(run.result, plan?.census ?? null, paint), `  ${paint.dim(times)}`];
  const planned = summary ? planLinesOf(summary, plan?.census ?? null) : [];
  if (run.failure)
    return [
      `${paint.bold(run.dataset)}: ${paint.red('the run failed')}`,
      ...failureLines(run.failure, errorTable[run.failure.code].next, paint),
      ...planned,
      `  ${paint.dim(times)}`,
    ];
  if (run.continuedAs !== null)
    return [
      `${paint.bold(run.dataset)}: this run went on as ${shortRun(run.continuedAs)}, because a review closed meanwhile`,
      `  ${paint.dim(times)}`,
    ];
  const stage = run.progress
    ? progressWords(run.progress)
    : 'no worker of the federation answers; start it with `concordat worker --federation`';
  return [`${paint.bold(run.dataset)}: under way, ${stage}`, ...planned, `  ${paint.dim(times)}`];
}

function section(paint: Paint, title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', paint.bold(title), ...lines];
}

function snapshotLines(snapshot: SnapshotStatement, paint: Paint): readonly string[] {
  const counts = snapshot.types.map(({ type, count }) => `${count} ${type}`);
  const incomplete = snapshot.scopes.filter(({ complete }) => !complete);
  return [
    `  ${snapshot.authority}  ${counts.join(', ') || 'nothing'}`,
    ...readLines(snapshot.reads ?? [], paint).map((line) => `      ${line}`),
    ...incomplete.map(
      ({ scope, reason }) => `      ${paint.yellow('incomplete')} ${visibleText(scope)} (${codeWords(reason)})`,
    ),
    ...(snapshot.drifts ?? []).map((drift) => `      ${driftLine(drift, paint)}`),
    ...snapshot.untranslatable.map(
      ({ type, field, reason, count }) =>
        `      ${paint.yellow('set aside')} ${count} ${type}: ${field} ${visibleText(reason)}`,
    ),
    ...snapshot.outside.map(
      ({ type, field, reason, count }) =>
        `      ${paint.dim(`not of the dataset ${count} ${type}: ${field} ${visibleText(reason)}`)}`,
    ),
    ...snapshot.doubled.map(
      ({ type, count }) => `      ${paint.dim(`doubled ${count} ${type}: further objects of one record`)}`,
    ),
    ...snapshot.lossy.map(
      ({ type, count }) =>
        `      ${paint.yellow('lossy')} ${count} ${type}: translated back it is not what the mesh holds`,
    ),
    ...snapshot.unmapped.map(
      ({ type, property, count }) =>
        `      ${paint.dim(`not mapped ${type} ${visibleText(property)}, in ${counted(count, 'record')}`)}`,
    ),
  ];
}

export function reviewViewText(authority: string, review: ReviewView, now: Date): string {
  switch (review.kind) {
    case 'none':
      return 'was not asked';
    case 'hidden':
      return 'not visible: only its own people may look into its namespace';
    case 'silent':
      return `open, but its worker does not answer; start it with \`concordat worker --authority ${authority}\``;
    case 'failed':
      return `failed: ${visibleText(review.failure.message)} (${review.failure.code})`;
    case 'closed':
      return reviewText(review.result).slice(authority.length + 1);
    case 'open': {
      const { stage, operations, conflicts, newVersions, quorum, braked, approved, rejected, open, deadlineMs } =
        review.status;
      if (stage === 'preparing') return 'is being prepared';
      const asked = `${counted(operations, 'operation')}, ${counted(conflicts, 'conflict')}${newVersions === undefined ? '' : `, ${counted(newVersions, 'new version')}`}`;
      const decided = `${approved} approved, ${rejected} rejected, ${open} open`;
      return `waits: ${asked}; ${decided}; quorum ${quorum}${braked ? ' (raised by a brake)' : ''}, ${missingText(review.status)}; ${durationWords(deadlineMs - now.getTime())} left${refusedText(review.status.refusedSignals)}`;
    }
  }
}

/** Who must still speak: `2 approvals missing (1 with the role security)`. */
export function missingText({
  missing,
  missingRoles,
  needsOther,
}: Pick<ReviewProgress, 'missing' | 'missingRoles' | 'needsOther'>): string {
  const roles = Object.entries(missingRoles).map(([role, count]) => `${count} with the role ${role}`);
  const notes = [...roles, ...(needsOther ? ['somebody besides who signed what is behind it'] : [])];
  return `${missing > 1 ? 'up to ' : ''}${counted(missing, 'approval')} missing${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`;
}

function refusedText(refused: Readonly<Record<string, number>>): string {
  const parts = Object.entries(refused).map(([code, count]) => `${count} ${code}`);
  return parts.length === 0 ? '' : `; refused signals: ${parts.join(', ')}`;
}

export function consequenceText({ authority, consequence, operations }: ToldConsequence): string {
  return `  ${authority}  ${counted(operations, 'operation')}: ${visibleText(consequence)}`;
}

const outcomeText = {
  conflict: 'the record changed meanwhile',
  refused: 'refused',
  unknown: 'effect unknown',
} as const;

function unappliedText({ authority, operation, operationId, name, outcome, code }: UnappliedReceipt): string {
  const what = operation
    ? `${operation.kind} ${operation.type} ${name === null ? operation.key.slice(0, 8) : visibleText(name)}`
    : `operation ${shortDigest(operationId)}`;
  const why = outcome === 'applied' || outcome === 'alreadyApplied' ? outcome : outcomeText[outcome];
  return `  ${authority}  ${what}: ${why}, ${codeWords(code)}`;
}

function acceptedLines({ plan }: RunReport): readonly string[] {
  return (plan?.accepted ?? []).flatMap(({ type, key, field, accepted }) =>
    accepted.map(
      ({ authority, reason, untilMs, owner }) =>
        `  ${authority}  ${type} ${key.slice(0, 8)}${field === null ? '' : ` ${field}`}${owner === undefined ? '' : `, owner ${visibleText(owner)},`} until ${instantText(new Date(untilMs))}: ${valueText(reason)}`,
    ),
  );
}

function ignoredLines({ plan }: RunReport): readonly string[] {
  return (plan?.ignored ?? []).map(
    ({ authority, type, key, reason, approver }) =>
      `  ${authority}  ${type} ${key.slice(0, 9)}, signed by ${visibleText(approver)}: ${valueText(reason)}`,
  );
}

/** Writes of this run and of earlier ones: what nobody knows yet, and what this run's read has shown. */
function unsettledLines(report: RunReport): readonly string[] {
  const settled = report.snapshots.flatMap(({ authority, unsettled = [] }) =>
    unsettled
      .filter((write) => write.settled !== null)
      .map(
        ({ kind, type, key, operation }) =>
          `  ${authority}  ${kind} ${type} ${key.slice(0, 8)} (operation ${shortDigest(operation)}) of an earlier run: this run read that it had its effect, which settles it`,
      ),
  );
  const open = unsettledIn(report);
  return [
    ...settled,
    ...open.map(
      ({ authority, operation }) =>
        `  ${authority}  operation ${shortDigest(operation)}: nothing is written to its record until it is settled`,
    ),
    ...(open.length > 0
      ? ['  look at the object, then  concordat settle OPERATION --as KEY [--applied | --not-applied]']
      : []),
  ];
}

function nextLines({ run, summary }: RunReport): readonly string[] {
  const next = run.result
    ? nextCommands(run.result)
    : run.progress?.stage === 'approve' && summary
      ? [
          `concordat plan ${shortDigest(summary.planDigest)}`,
          `concordat approve ${shortDigest(summary.planDigest)} --as KEY`,
        ]
      : run.continuedAs !== null
        ? [`concordat show ${shortRun(run.continuedAs)}`]
        : run.status === 'running'
          ? [`concordat run ${run.dataset} --attach`]
          : [];
  return next.length === 0 ? [] : ['', ...next.map((command, at) => `${at === 0 ? 'next  ' : '      '}${command}`)];
}
