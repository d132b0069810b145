/**
 * One run as a page: what was read, what differs and why, who was asked, what was written. Counts, names of fields and
 * beginnings of keys; a value or a name of a record stands in it only where somebody asked for them.
 */
import { newVersionWords } from '../../../core/new-versions.js';
import type { Change } from '../../../core/operation.js';
import type { Census } from '../../../core/report/plan-census.js';
import type { PlanSamples } from '../../reading/plan-report.js';
import type { RunReport } from '../../reading/run-report.js';
import { fieldText, numberText, oneCauseText } from '../census-text.js';
import { driftConsequence, driftWords } from '../drift-text.js';
import { reviewViewText } from '../report-text.js';
import { commitText } from '../run-text.js';
import { valueText } from '../value-text.js';
import {
  causeWords,
  codeWords,
  divergenceWords,
  instantText,
  listWords,
  outcomeWords,
  shortDigest,
  stageWords,
} from '../words.js';
import { barChart, html, nothing, page, stackedChart, table, tiles, type Html } from './parts.js';

export interface RunPage {
  readonly federation: string;
  readonly report: RunReport;
  /** What the charts and samples are of, where only some of the plan was asked for; `asked` says what, in words. */
  readonly part: { readonly asked: string; readonly census: Census; readonly samples: PlanSamples } | null;
  readonly brakes: readonly {
    readonly authority: string;
    readonly type: string;
    readonly limit: string;
    readonly allowed: number;
    readonly found: number;
  }[];
  readonly madeAt: Date;
  /** Names of the sampled records by type and key, where values may stand in the page; else no value does. */
  readonly values: ReadonlyMap<string, string> | null;
}

export function runPage(shown: RunPage): string {
  const { report, federation } = shown;
  const { run } = report;
  return page(
    `${run.dataset} of ${federation}`,
    html`${headOf(shown)}${countsOf(shown)}${brakesOf(shown)}${readOf(report)}${askedOf(shown)}${samplesOf(shown)}
      <footer>
        ${shown.values === null ? 'No value of any record is on this page; --values puts them there.' : 'This page holds values of records: keep it where they may be.'}
        Numbers are of the plan as its digest names it.
      </footer>`,
  );
}

function headOf({ report, federation, madeAt }: RunPage): Html {
  const { run, plan, summary } = report;
  const state = run.result
    ? outcomeWords[run.result.outcome]
    : run.progress
      ? stageWords[run.progress.stage]
      : run.status;
  const cause = plan?.census.oneCause;
  return html`<h1>${run.dataset}: ${state}</h1>
    <p class="facts">
      federation ${federation} · run <code>${run.runId}</code>, started
      ${instantText(run.startedAt)}${summary ? html` · plan <code>${shortDigest(summary.planDigest)}</code>` : nothing}
      · page made ${instantText(madeAt)}
    </p>
    ${cause ? html`<div class="cause"><p>${oneCauseText(cause)}</p></div>` : nothing}${tiles([
      {
        label: 'records read',
        value: report.snapshots.reduce((sum, { types }) => sum + types.reduce((own, { count }) => own + count, 0), 0),
      },
      { label: 'divergences', value: plan?.census.divergences ?? summary?.divergences ?? 0 },
      { label: 'operations', value: plan?.census.operations ?? summary?.operations ?? 0 },
      { label: 'conflicts', value: plan?.census.conflicts ?? summary?.conflicts ?? 0 },
      { label: 'cases', value: summary?.cases ?? 0 },
      { label: 'left', value: run.result?.left ?? plan?.census.divergences ?? 0 },
    ])}`;
}

function countsOf({ report: { plan }, part }: RunPage): Html {
  const census = part?.census ?? plan?.census;
  if (!census) return nothing;
  const { kinds, fields, causes, operationsBy, accepted, divergences, operations, conflicts } = census;
  const asked = part
    ? html`<p>
        Charts and samples are of a part of the plan only, of ${part.asked}: ${numberText(divergences)} of
        ${numberText(plan?.census.divergences ?? divergences)} divergences, ${numberText(operations)} of
        ${numberText(plan?.census.operations ?? operations)} operations, ${numberText(conflicts)} of
        ${numberText(plan?.census.conflicts ?? conflicts)} conflicts.
      </p>`
    : nothing;
  return html`${asked}${barChart(
    'What differs',
    accepted > 0
      ? `Divergences by kind; ${numberText(accepted)} that people accepted are not counted.`
      : 'Divergences by kind.',
    kinds.map(({ kind, count }) => ({ label: divergenceWords[kind], count })),
  )}${barChart(
    'Where',
    'The same by field.',
    fields.map(({ type, field, count }) => ({ label: fieldText(type, field), count })),
  )}${barChart(
    'Why',
    'What is proposed, by cause.',
    causes.map(({ rule, because, count }) => ({ label: causeWords(rule, because), count })),
  )}${stackedChart(
    'What would be written',
    'Operations in each mesh.',
    ['create', 'update', 'delete'],
    Object.entries(operationsBy).map(([authority, by]) => ({
      label: authority,
      counts: [by.create, by.update, by.delete],
    })),
  )}`;
}

function brakesOf({ brakes }: RunPage): Html {
  return table(
    'Brakes that this plan trips',
    'More people have to agree, as each authority said beforehand.',
    ['authority', 'type', 'limit', 'allowed', 'found'],
    brakes.map(({ authority, type, limit, allowed, found }) => [authority, type, limit, allowed, found]),
  );
}

function readOf({ snapshots }: RunReport): Html {
  return html`${table(
    'What was read',
    '',
    ['authority', 'type', 'records', 'set aside', 'not read completely'],
    snapshots.flatMap(({ authority, types, untranslatable, scopes }) =>
      types.map(({ type, count }) => [
        authority,
        type,
        count,
        untranslatable.filter((one) => one.type === type).reduce((sum, one) => sum + one.count, 0),
        scopes
          .filter((scope) => scope.type === type && !scope.complete)
          .map(({ scope, reason }) => `${scope} (${codeWords(reason)})`)
          .join('; ') || '',
      ]),
    ),
  )}${table(
    'Where a store is not shaped as its map was written for',
    'Fields that are held are told by nobody until the map is changed or a person approves.',
    ['authority', 'drift', 'what changed', 'what follows'],
    snapshots.flatMap(({ authority, drifts = [] }) =>
      drifts.map((drift) => [
        authority,
        shortDigest(drift.id),
        `${drift.native}: ${driftWords(drift)}`,
        driftConsequence(drift),
      ]),
    ),
  )}`;
}

function askedOf({ report, madeAt }: RunPage): Html {
  return html`${table(
    'New since the last agreement',
    'Types and maps: nothing is written or agreed on before all who hold the type approve.',
    ['what', 'asked of'],
    (report.plan?.newVersions ?? []).map((version) => [newVersionWords(version), listWords(version.asked)]),
  )}${table(
    'Who was asked',
    '',
    ['authority', 'review'],
    report.reviews.map(({ authority, review }) => [authority, reviewViewText(authority, review, madeAt)]),
  )}${table(
    'What was written',
    '',
    ['receipts'],
    (report.run.result?.commits ?? []).map((commit) => [commitText(commit)]),
  )}`;
}

function samplesOf({ report, part, values }: RunPage): Html {
  const samples = part?.samples ?? report.plan?.samples;
  if (!samples) return nothing;
  const record = (type: string, key: string): string => {
    const name = values?.get(`${type} ${key}`);
    return name === undefined ? `${type} ${key.slice(0, 8)}` : `${type} ${name} (${key.slice(0, 8)})`;
  };
  return html`${table(
    'Samples of operations',
    'The first of each authority. The plan has the rest: concordat plan.',
    ['authority', 'operation', 'record', 'change', 'because'],
    samples.operations.map(({ authority, kind, type, key, changes, rule, because }) => [
      authority,
      kind,
      record(type, key),
      changes.map((change) => changeText(change, values !== null)).join('; '),
      causeWords(rule, because),
    ]),
  )}${table(
    'Samples of divergences',
    'The first of each kind.',
    ['kind', 'record', 'field', 'at'],
    samples.divergences.map(({ kind, type, key, field, at }) => [
      divergenceWords[kind],
      record(type, key),
      field ?? '(whole record)',
      listWords(at),
    ]),
  )}`;
}

function changeText(change: Change, withValues: boolean): string {
  if (!withValues) return change.field;
  if (change.kind === 'value') return `${change.field} ${valueText(change.before)} → ${valueText(change.after)}`;
  return [
    ...change.add.map((element) => `${change.field} + ${valueText(element)}`),
    ...change.remove.map((element) => `${change.field} − ${valueText(element)}`),
  ].join('; ');
}
