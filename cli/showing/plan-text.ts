/** A plan in the manner of a diff: `+` creates, `~` updates, `-` deletes, by mesh and record, with before, after and cause. */
import { isProvisional } from '../../core/record.js';
import type { Change, Operation } from '../../core/operation.js';
import type { Json } from '../../core/json.js';
import { referenceOf } from '../../core/lens/reference.js';
import { censusOf, type Census } from '../../core/report/plan-census.js';
import { newVersionWords, versionsWaitFor } from '../../core/new-versions.js';
import type { ReviewSheet } from '../../activities/authority/review-sheet.js';
import type { Paint } from '../output/output.js';
import type { PlannedConflict, PlannedOperation, PlanView } from '../reading/plan-view.js';
import { doubtText } from './case-text.js';
import { censusLines, numberText, oneCauseText } from './census-text.js';
import { plannedUndoLines } from './undo-text.js';
import { shownValue, valueText, visibleText } from './value-text.js';
import {
  causeWords,
  codeWords,
  counted,
  divergenceWords,
  instantText,
  leavesWords,
  listWords,
  shortDigest,
} from './words.js';

export interface PlanText {
  readonly paint: Paint;
  /** To which type the elements of a set refer. */
  readonly elementTypes: (type: string, field: string) => string | undefined;
  /** Records shown of one authority before the rest is only counted. */
  readonly operationsMax: number;
  /** Of a plan that is too large to be here whole: what the view shows is the beginning of what these count. */
  readonly large?: LargeCounts;
  /** What to type to see the rest, where it is neither `--all` nor `--json`; counts then come first whatever their number. */
  readonly allWith?: string;
}

export interface LargeCounts {
  /** Of what the filter lets through. */
  readonly census: Census;
  /** Divergences without an operation. */
  readonly unsettled: number;
  readonly limits: Readonly<Record<string, Pick<ReviewSheet, 'braked' | 'quorum'>>>;
}

/** Fewer operations are read one by one, and need no counts before them. */
const countedFrom = 20;

const signs = { create: '+', update: '~', delete: '-' } as const;

export function planLines(view: PlanView, options: PlanText): readonly string[] {
  const census = options.large?.census ?? censusOfView(view);
  const isLong =
    options.allWith !== undefined || census.operations > options.operationsMax || census.operations > countedFrom;
  return [
    ...(isLong ? [...censusLines(census), ''] : []),
    ...newVersionLines(view, options),
    ...operationLines(view, options, census),
    ...conflictLines(view, options),
    ...caseLines(view, options),
    ...undoneLines(view, options),
    ...acceptedLines(view, options),
    ...ignoredLines(view, options),
    ...unsettledLines(view, options),
    ...incompleteLines(view, options),
    summaryLine(view, options.paint, census),
  ];
}

function censusOfView({ operations, conflicts, plan }: PlanView): Census {
  return censusOf({
    operations: operations.map(({ operation }) => operation),
    conflicts,
    divergences: plan.divergences,
  });
}

export function recordText(view: Pick<PlanView, 'names'>, type: string, key: string): string {
  const name = view.names.get(`${type} ${key}`);
  return `${type} ${name === undefined ? keyText(key) : `${visibleText(name)} (${keyText(key)})`}`;
}

function keyText(key: string): string {
  return visibleText(isProvisional(key) ? key.slice(0, 9) : key.slice(0, 8));
}

/** What all who hold a type must approve before anything else of the plan counts. */
function newVersionLines({ plan, digest, versionNumbers }: PlanView, { paint }: PlanText): readonly string[] {
  const { newVersions = [], absent = [] } = plan;
  if (newVersions.length === 0) return [];
  const waiting = versionsWaitFor({ newVersions, absent });
  return [
    paint.bold('New since the last agreement'),
    ...newVersions.flatMap((version) => [
      `  ${paint.yellow(`v${versionNumbers.get(version.id) ?? '?'}`)} ${newVersionWords(version)}`,
      paint.dim(`      asked of ${listWords(version.asked)}: each must approve it`),
    ]),
    waiting.length > 0
      ? `  waits for ${listWords(waiting)}, who takes no part in this run: nobody is asked before, and nothing is written or agreed on`
      : `  until all have, nothing of this plan is written and nothing is agreed on; turn one down with  concordat reject ${shortDigest(digest)} --as KEY --only v${versionNumbers.get(newVersions[0]?.id ?? '') ?? 1} --reason TEXT`,
    '',
  ];
}

function operationLines(view: PlanView, options: PlanText, census: Census): readonly string[] {
  const { paint } = options;
  const authorities = [...new Set(view.operations.map(({ operation }) => operation.authority))];
  return authorities.flatMap((authority) => {
    const own = view.operations.filter(({ operation }) => operation.authority === authority);
    const shown = own.slice(0, options.operationsMax);
    const sheet = view.sheets[authority];
    const limits = sheet ?? options.large?.limits[authority];
    const brakes = (limits?.braked ?? []).map(
      ({ type, limit, allowed, found }) =>
        `  ${paint.yellow('brake')} ${type}: ${found} where ${limit} allows ${allowed}; ${counted(limits?.quorum ?? 0, 'approval')} needed`,
    );
    const cause = brakes.length > 0 ? census.oneCauseOf[authority] : undefined;
    if (cause) brakes.push(`        ${oneCauseText(cause)}`);
    const by = census.operationsBy[authority];
    const count = by ? by.create + by.update + by.delete : own.length;
    const frozen = sheet?.frozen == null ? [] : [`  ${paint.yellow('frozen')} ${visibleText(sheet.frozen)}`];
    const left =
      shown.length < count
        ? [
            `  … and ${numberText(count - shown.length)} more; narrow with --type, --field, --kind or --key, or see all with ${options.allWith ?? (options.large ? '--json' : '--all')}`,
          ]
        : [];
    return [
      paint.bold(authority),
      ...brakes,
      ...frozen,
      ...documentLines(sheet?.documents ?? [], paint),
      ...callsNote(view, authority),
      ...shown.flatMap((planned) => operationText(view, planned, options, '  ')),
      ...left,
      '',
    ];
  });
}

/** Whose maps, types, policies and terms the operations follow from: with several people to ask, they ask the others. */
function documentLines(documents: ReviewSheet['documents'], paint: Paint): readonly string[] {
  return documents.map(({ document, signers, operations }) => {
    const who =
      signers.length === 0
        ? paint.yellow('nobody signed it, so nobody is its author')
        : `signed by ${listWords(signers.map(({ authority, approver }) => `${approver} of ${authority}`))}`;
    return `  behind ${counted(operations, 'operation')}: ${visibleText(document)}.yaml, ${who}`;
  });
}

function callsNote(view: PlanView, authority: string): readonly string[] {
  switch (view.callsOf[authority]) {
    case 'sheet':
      return [];
    case 'large':
      return ['  (native calls are not shown of a plan of this size)'];
    case 'none':
      return [`  (native calls are shown once ${authority} has been asked)`];
    default:
      return [`  (native calls: only the people of ${authority} can see them, where its private store is)`];
  }
}

function operationText(
  view: PlanView,
  planned: PlannedOperation,
  { paint, elementTypes }: PlanText,
  indent: string,
): readonly string[] {
  const { operation, number, calls, consequences, refused } = planned;
  const sign = signs[operation.kind];
  const colour = { '+': paint.green, '~': paint.yellow, '-': paint.red }[sign];
  const tag = number === null ? '' : paint.dim(`  #${number}`);
  const inner = `${indent}    `;
  return [
    `${indent}${colour(sign)} ${colour(recordText(view, operation.type, operation.key))}${tag}`,
    ...operation.changes
      .flatMap((change) => changeText(view, operation, change, elementTypes))
      .map((line) => `${inner}${line}`),
    paint.dim(`${inner}because ${causeWords(operation.rule, operation.because)}`),
    ...consequences.map((words) => `${inner}${paint.yellow('consequence')} ${visibleText(words)}`),
    ...(refused === null
      ? []
      : [`${inner}${paint.red('not asked')} ${visibleText(refused.message)} (${codeWords(refused.code)})`]),
    ...(calls ?? []).map(({ call, target, arguments: given }) =>
      paint.dim(
        `${inner}call ${visibleText(call)} ${visibleText(target)}${Object.keys(given).length === 0 ? '' : ` ${valueText(given)}`}`,
      ),
    ),
  ];
}

function changeText(
  view: PlanView,
  operation: Operation,
  change: Change,
  elementTypes: PlanText['elementTypes'],
): readonly string[] {
  if (change.kind === 'value') {
    const shown = (value: Json): string => referenceText(view, value) ?? shownValue(value, view.clear);
    if (operation.kind === 'create') return [`${change.field}  ${shown(change.after)}`];
    if (operation.kind === 'delete') return [`${change.field}  ${shown(change.before)}`];
    return [`${change.field}  ${shown(change.before)} -> ${shown(change.after)}`];
  }
  const type = elementTypes(operation.type, change.field);
  const element = (key: string): string => {
    const name = type === undefined ? undefined : view.names.get(`${type} ${key}`);
    if (name !== undefined) return `${visibleText(name)} (${keyText(key)})`;
    return type === undefined ? valueText(key) : keyText(key);
  };
  return [
    ...change.add.map((key) => `${change.field}  + ${element(key)}`),
    ...change.remove.map((key) => `${change.field}  - ${element(key)}`),
  ];
}

/** What a reference names, where the plan knows the name; null for any other value. */
function referenceText(view: PlanView, value: Json): string | null {
  const named = referenceOf(value);
  return named && view.names.has(`${named.type} ${named.key}`) ? recordText(view, named.type, named.key) : null;
}

function conflictLines(view: PlanView, options: PlanText): readonly string[] {
  if (view.conflicts.length === 0) return [];
  return [
    options.paint.bold('Conflicts'),
    ...view.conflicts.flatMap((planned) => conflictText(view, planned, options)),
    `  choose with  concordat approve ${shortDigest(view.digest)} --as KEY --choose CONFLICT=CANDIDATE`,
    `  or leave as it is with  concordat reject ${shortDigest(view.digest)} --as KEY --conflict CONFLICT --reason TEXT`,
    '',
  ];
}

function conflictText(
  view: PlanView,
  { number, conflict, candidates }: PlannedConflict,
  options: PlanText,
): readonly string[] {
  const { paint } = options;
  const what =
    conflict.field === null ? 'edited on one side, deleted on another' : `${conflict.field} was changed differently`;
  return [
    `  ${paint.magenta(`conflict ${number}`)} ${recordText(view, conflict.type, conflict.key)}: ${what}`,
    ...candidates.flatMap(({ number: own, candidate, operations }) => {
      const value =
        candidate.kind === 'value'
          ? shownValue(candidate.value, view.clear)
          : candidate.kind === 'kept'
            ? 'keep the record, and bring it back where it is gone'
            : 'let the record go everywhere';
      const writes = [...new Set(operations.map(({ operation }) => operation.authority))];
      return [
        `      ${paint.bold(`${number}=${own}`)}  ${value}  ${paint.dim(`held by ${listWords(candidate.heldBy)}; would change ${listWords(writes)}`)}`,
        ...(candidate.kind === 'value'
          ? []
          : operations.flatMap((operation) => operationText(view, operation, options, '          '))),
      ];
    }),
  ];
}

function caseLines(view: PlanView, { paint }: PlanText): readonly string[] {
  const { cases } = view.plan;
  if (cases.length === 0) return [];
  return [
    paint.bold('Cases'),
    ...cases.map(
      (found) =>
        `  ${found.type} ${keyText(found.record)} of ${found.authority} ${doubtText(found, found.candidates.length, found.more === true)}${found.candidates.length > 0 ? `, of ${listWords([...new Set(found.candidates.map(({ authority }) => authority))])}` : ''}`,
    ),
    '  decide with  concordat cases',
    '',
  ];
}

/** Who undoes what, and what becomes of each part: also of those that lead to nothing. */
function undoneLines(view: PlanView, { paint }: PlanText): readonly string[] {
  const { undos } = view.plan;
  if (!undos) return [];
  return [
    paint.bold('Undone'),
    ...plannedUndoLines(undos, (type, key) => recordText(view, type, key)).map((line) => `  ${line}`),
    '',
  ];
}

function acceptedLines(view: PlanView, { paint }: PlanText): readonly string[] {
  const accepted = view.plan.divergences.filter((divergence) => divergence.accepted.length > 0);
  if (accepted.length === 0) return [];
  return [
    paint.bold('Accepted as they are'),
    ...accepted.flatMap((divergence) =>
      divergence.accepted.map(
        ({ authority, reason, untilMs, owner }) =>
          `  ${recordText(view, divergence.type, divergence.key)}${divergence.field === null ? '' : ` ${divergence.field}`}: by ${authority}${owner === undefined ? '' : `, owner ${visibleText(owner)},`} until ${instantText(new Date(untilMs))}: ${valueText(reason)}`,
      ),
    ),
    '',
  ];
}

function ignoredLines({ plan, names }: PlanView, { paint }: PlanText): readonly string[] {
  const ignored = plan.ignored ?? [];
  if (ignored.length === 0) return [];
  return [
    paint.bold('Ignored, as people said: neither written nor deleted'),
    ...ignored.map(
      ({ authority, type, key, reason, approver }) =>
        `  ${recordText({ names }, type, key)} of ${authority}, signed by ${visibleText(approver)}: ${valueText(reason)}`,
    ),
    '',
  ];
}

/** Divergences for which this plan has no operation: nothing is left out silently. */
function unsettledLines(view: PlanView, { paint, operationsMax, large }: PlanText): readonly string[] {
  const unsettled = view.plan.divergences.filter(
    ({ operations, accepted, kind }) => operations.length === 0 && accepted.length === 0 && kind !== 'conflict',
  );
  if (unsettled.length === 0) return [];
  const count = large?.unsettled ?? unsettled.length;
  const whyOf = (type: string, key: string): string =>
    view.plan.opaque
      .filter((one) => one.type === type && one.key === key)
      .map(({ authority, reason }) => `; ${authority}: ${visibleText(reason)}`)
      .join('');
  const shown = unsettled.slice(0, operationsMax);
  return [
    paint.bold('Not settled by this plan'),
    ...shown.map(
      ({ kind, type, key, field, at, leaves }) =>
        `  ${recordText(view, type, key)}${field === null ? '' : ` ${field}`} at ${listWords(at)}: ${divergenceWords[kind]}${kind === 'opaque' ? whyOf(type, key) : ''}${leaves ? `: ${leavesWords(leaves)}` : ''}`,
    ),
    ...(shown.length < count ? [`  … and ${numberText(count - shown.length)} more`] : []),
    '',
  ];
}

function incompleteLines(view: PlanView, { paint }: PlanText): readonly string[] {
  const { incomplete } = view.plan;
  if (incomplete.length === 0) return [];
  return [
    paint.bold('Not read completely, so no deletion follows from it'),
    ...incomplete.map(
      ({ authority, type, scope, reason }) => `  ${authority} ${type} ${visibleText(scope)} (${codeWords(reason)})`,
    ),
    '',
  ];
}

export function summaryLine(view: PlanView, paint: Paint, census: Census = censusOfView(view)): string {
  const kinds = { create: 0, update: 0, delete: 0 };
  for (const by of Object.values(census.operationsBy))
    for (const kind of ['create', 'update', 'delete'] as const) kinds[kind] += by[kind];
  const refused = view.operations.filter((planned) => planned.refused !== null).length;
  const { accepted, conflicts } = census;
  const open = census.divergences - accepted;
  const parts = [
    `${kinds.create} to create`,
    `${kinds.update} to update`,
    `${kinds.delete} to delete`,
    ...(conflicts > 0 ? [counted(conflicts, 'conflict')] : []),
    ...(view.plan.newVersions ? [counted(view.plan.newVersions.length, 'new version')] : []),
    ...(view.plan.cases.length > 0 ? [counted(view.plan.cases.length, 'case')] : []),
    ...(refused > 0 ? [`${refused} not asked`] : []),
    ...(accepted > 0 ? [`${accepted} accepted as they are`] : []),
    ...(view.plan.ignored ? [`${view.plan.ignored.length} ignored`] : []),
  ];
  return `${paint.bold(`Plan ${shortDigest(view.digest)}:`)} ${parts.join(', ')}; ${counted(open, 'open divergence')}.`;
}
