/** An explanation in words: values side by side, what changed, what decided, and what else could have. */
import type { Alternative, Explanation, FieldExplanation, MemberValue } from '../../core/resolution/explain.js';
import type { Outcome } from '../../core/resolution/outcome.js';
import { newVersionWords } from '../../core/new-versions.js';
import type { Change } from '../../core/operation.js';
import type { Json } from '../../core/json.js';
import { referenceOf } from '../../core/lens/reference.js';
import type { Paint } from '../output/output.js';
import type { ExplainedRecord } from '../reading/explained.js';
import { acceptedText, circumstanceLines } from './circumstances-text.js';
import { valueText, visibleText } from './value-text.js';
import { causeWords, counted, divergenceWords, leavesWords, listWords } from './words.js';

export type ExplainedText = Pick<
  ExplainedRecord,
  'explanation' | 'name' | 'doubtful' | 'unwritten' | 'names' | 'newVersions'
>;

export interface ExplainText {
  readonly paint: Paint;
  /** Fields of the natural key of the type, about which no rule decides. */
  readonly fixed: readonly string[];
  /** Fields that nobody can write: what a record permits, worked out from what its mesh shows. */
  readonly effects: readonly string[];
  /** To which type the elements of a set refer. */
  readonly elementTypes: (type: string, field: string) => string | undefined;
}

const stateWords: Readonly<Record<MemberValue['state'], string>> = {
  holds: '',
  notHeld: '(no place for it)',
  gone: '(no such record)',
  unread: '(not read)',
  opaque: '(opaque: there, and says nothing)',
  absent: '(takes no part)',
};

export function explanationLines(found: ExplainedText, options: ExplainText): readonly string[] {
  const { explanation, name } = found;
  const { paint, fixed } = options;
  const { type, key, members, hasBase, decided, unaccepted, alternatives, fields } = explanation;
  const title = name === null ? `${type} ${key.slice(0, 12)}` : `${type} ${visibleText(name)} (${key.slice(0, 12)})`;
  const gone = members.filter(({ state }) => state !== 'holds');
  return [
    paint.bold(title),
    hasBase ? 'against the last agreement' : 'first contact: nothing was agreed on it yet',
    ...gone.map(({ authority, state }) => `  ${authority} ${stateWords[state]}`),
    ...(found.newVersions ?? []).map(
      (version) =>
        `  ${newVersionWords(version)}; nothing of this plan is written before all who hold the type approve it`,
    ),
    ...circumstanceLines(found, paint).map((line) => `  ${line}`),
    ...wholeRecord(decided.outcome).map((line) => `  ${line}`),
    ...(unaccepted ? [paint.dim(`  had nobody accepted it: ${listOrNothing(wholeRecord(unaccepted))}`)] : []),
    ...alternatives.flatMap(({ policy, outcome }) =>
      paint.dim(`  under deletion ${policyText(policy)}: ${listOrNothing(wholeRecord(outcome))}`),
    ),
    ...(fixed.length === 0
      ? []
      : [`  it is known by its ${listWords(fixed)}: created or deleted, and in these never changed`]),
    ...fields
      .filter(({ field }) => !fixed.includes(field))
      .flatMap((field) => ['', ...fieldLines(field, explanation, namedIn(found, field.field, options), options)]),
  ];
}

type Named = (value: Json | undefined) => string;

/** Elements and references under the names of what they refer to. */
function namedIn({ explanation, names }: ExplainedText, field: string, { elementTypes }: ExplainText): Named {
  const of = elementTypes(explanation.type, field);
  const nameOf = (type: string, key: string): string | null => {
    const name = names[`${type} ${key}`];
    return name === undefined ? null : `${visibleText(name)} (${visibleText(key.slice(0, 8))})`;
  };
  const element = (value: Json): string =>
    (of !== undefined && typeof value === 'string' ? nameOf(of, value) : null) ?? valueText(value);
  return (value) => {
    if (Array.isArray(value)) return value.length === 0 ? '[]' : `[${value.map(element).join(', ')}]`;
    if (of !== undefined && value !== undefined) return element(value);
    const reference = referenceOf(value);
    const name = reference && nameOf(reference.type, reference.key);
    return name === null || reference === null ? valueText(value) : `${reference.type} ${name}`;
  };
}

function fieldLines(
  { field, base, members, decided, unaccepted, alternatives }: FieldExplanation,
  { circumstances }: Explanation,
  named: Named,
  { paint, effects }: ExplainText,
): readonly string[] {
  const width = Math.max(...members.map(({ authority }) => authority.length), 4);
  const isEffect = effects.includes(field);
  return [
    `${paint.bold(field)}  ${isEffect ? 'worked out from what each mesh permits; no rule decides and nobody writes it' : policyText(decided.policy)}`,
    `  ${'base'.padEnd(width)}  ${base ? sideText(base.value, undefined, named) : '(none)'}`,
    ...members.map(({ authority, state, value, changed }) => {
      const shown = state === 'holds' ? sideText(value, base?.value, named) : stateWords[state];
      return `  ${authority.padEnd(width)}  ${shown}${changed ? paint.yellow('  changed since') : ''}`;
    }),
    ...circumstances.accepted
      .filter((one) => one.field === field)
      .map(({ acceptance }) => `  ${paint.green('accepted')} ${acceptedText(acceptance)}`),
    ...outcomeLines(decided.outcome, named).map((line) => `  ${paint.green('->')} ${line}`),
    ...(unaccepted ? [paint.dim(`  had nobody accepted it: ${outcomeLines(unaccepted, named, true).join('; ')}`)] : []),
    ...alternatives.map(({ policy, outcome }) =>
      paint.dim(`  ${policyText(policy)} would: ${outcomeLines(outcome, named, true).join('; ')}`),
    ),
  ];
}

/** Of longer sets the number of elements, and what differs from the base. */
const elementsShown = 8;

function sideText(value: Json, base: Json | undefined, named: Named): string {
  if (!Array.isArray(value) || value.length <= elementsShown) return named(value);
  const known = Array.isArray(base) ? base : value;
  const differing = [
    ...value.filter((one) => !known.includes(one)).map((one) => ` + ${named(one)}`),
    ...known.filter((one) => !value.includes(one)).map((one) => ` - ${named(one)}`),
  ];
  const more = differing.length - elementsShown;
  return `${counted(value.length, 'element')}${differing.slice(0, elementsShown).join('')}${more > 0 ? ` … and ${more} more` : ''}`;
}

export function policyText(policy: Alternative['policy']): string {
  switch (policy.kind) {
    case 'threeWay':
      return 'three-way';
    case 'owned':
      return `owned by ${policy.by}`;
    case 'suspendFirst':
      return `suspendFirst (${policy.field} ${String(policy.value)}, after ${policy.after})`;
    default:
      return policy.kind;
  }
}

function outcomeLines({ changes, asks, divergences }: Outcome, named: Named, short = false): readonly string[] {
  const lines = [
    ...changes.map(({ authority, change, rule, because }) =>
      short
        ? `${authority} ${changeText(change, named)} (${rule})`
        : `${authority} ${changeText(change, named)}, by ${rule}: ${causeWords(rule, because)}`,
    ),
    ...asks
      .filter(({ field }) => field !== null)
      .map(({ candidates }) =>
        candidates.length === 0
          ? 'in conflict, and no way out is open'
          : `ask people: ${candidates.map(({ value, heldBy }) => `${named(value)}${heldBy.length > 0 ? ` of ${listWords(heldBy)}` : ''}`).join(' or ')}`,
      ),
    ...divergences.flatMap(({ kind, field, because, leaves }) => {
      if (field === null) return [];
      if (kind === 'waitsForMember') return [`wait for ${listWords(because)}`];
      if (kind === 'doubled') return [divergenceWords.doubled];
      return leaves ? [`${divergenceWords[kind]}: ${leavesWords(leaves)}`] : [];
    }),
  ];
  return lines.length > 0 ? lines : ['change nothing'];
}

function wholeRecord({ creates, deletes, asks, divergences, changes }: Outcome): readonly string[] {
  const suspended = changes.filter(({ rule }) => rule === 'suspendedFirst');
  return [
    ...creates.map(({ authority, rule }) => `create at ${authority}, by ${rule}`),
    ...deletes.map(({ authority, rule }) => `delete at ${authority}, by ${rule}`),
    ...suspended.map(({ authority }) => `suspend at ${authority}`),
    ...asks.filter(({ field }) => field === null).map(() => 'ask people whether it stays'),
    ...divergences.filter(({ field }) => field === null).map(({ kind }) => divergenceWords[kind]),
  ];
}

function changeText(change: Change, named: Named): string {
  if (change.kind === 'value') return `${named(change.before)} -> ${named(change.after)}`;
  return [...change.add.map((one) => `+ ${named(one)}`), ...change.remove.map((one) => `- ${named(one)}`)].join(' ');
}

function listOrNothing(lines: readonly string[]): string {
  return lines.length > 0 ? lines.join('; ') : 'nothing';
}
