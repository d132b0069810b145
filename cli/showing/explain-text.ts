/** An explanation in words: values side by side, what changed, what decided, and what else could have. */
import type { Alternative, Explanation, FieldExplanation, MemberValue } from '../../core/resolution/explain.js';
import type { Outcome } from '../../core/resolution/outcome.js';
import type { Change } from '../../core/operation.js';
import type { Paint } from '../output/output.js';
import { valueText, visibleText } from './value-text.js';
import { causeWords, divergenceWords, listWords } from './words.js';

const stateWords: Readonly<Record<MemberValue['state'], string>> = {
  holds: '',
  notHeld: '(no place for it)',
  gone: '(no such record)',
  unread: '(not read)',
  absent: '(takes no part)',
};

/** `fixed`: fields of the natural key of the type, about which no rule decides. */
export function explanationLines(
  explanation: Explanation,
  name: string | null,
  paint: Paint,
  fixed: readonly string[] = [],
): readonly string[] {
  const { type, key, members, hasBase, decided, alternatives, fields } = explanation;
  const title = name === null ? `${type} ${key.slice(0, 12)}` : `${type} ${visibleText(name)} (${key.slice(0, 12)})`;
  const gone = members.filter(({ state }) => state !== 'holds');
  return [
    paint.bold(title),
    hasBase ? 'against the last agreement' : 'first contact: nothing was agreed on it yet',
    ...gone.map(({ authority, state }) => `  ${authority} ${stateWords[state]}`),
    ...wholeRecord(decided.outcome).map((line) => `  ${line}`),
    ...alternatives.flatMap(({ policy, outcome }) =>
      paint.dim(`  under deletion ${policyText(policy)}: ${listOrNothing(wholeRecord(outcome))}`),
    ),
    ...(fixed.length === 0
      ? []
      : [`  it is known by its ${listWords(fixed)}: created or deleted, and in these never changed`]),
    ...fields.filter(({ field }) => !fixed.includes(field)).flatMap((field) => ['', ...fieldLines(field, paint)]),
  ];
}

function fieldLines(
  { field, base, members, decided, alternatives }: FieldExplanation,
  paint: Paint,
): readonly string[] {
  const width = Math.max(...members.map(({ authority }) => authority.length), 4);
  return [
    `${paint.bold(field)}  ${policyText(decided.policy)}`,
    `  ${'base'.padEnd(width)}  ${base ? valueText(base.value) : '(none)'}`,
    ...members.map(({ authority, state, value, changed }) => {
      const shown = state === 'holds' ? valueText(value) : stateWords[state];
      return `  ${authority.padEnd(width)}  ${shown}${changed ? paint.yellow('  changed since') : ''}`;
    }),
    ...outcomeLines(decided.outcome).map((line) => `  ${paint.green('->')} ${line}`),
    ...alternatives.map(({ policy, outcome }) =>
      paint.dim(`  ${policyText(policy)} would: ${outcomeLines(outcome, true).join('; ')}`),
    ),
  ];
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

function outcomeLines({ changes, asks, divergences }: Outcome, short = false): readonly string[] {
  const waits = divergences.filter(
    ({ kind, field }) => field !== null && (kind === 'waitsForMember' || kind === 'doubled'),
  );
  const lines = [
    ...changes.map(({ authority, change, rule, because }) =>
      short
        ? `${authority} ${changeText(change)} (${rule})`
        : `${authority} ${changeText(change)}, by ${rule}: ${causeWords(rule, because)}`,
    ),
    ...asks
      .filter(({ field }) => field !== null)
      .map(({ candidates }) =>
        candidates.length === 0
          ? 'in conflict, and no way out is open'
          : `ask people: ${candidates.map(({ value, heldBy }) => `${valueText(value)}${heldBy.length > 0 ? ` of ${listWords(heldBy)}` : ''}`).join(' or ')}`,
      ),
    ...waits.map(({ kind, because }) =>
      kind === 'doubled' ? divergenceWords.doubled : `wait for ${listWords(because)}`,
    ),
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

function changeText(change: Change): string {
  if (change.kind === 'value') return `${valueText(change.before)} -> ${valueText(change.after)}`;
  return [...change.add.map((one) => `+ ${valueText(one)}`), ...change.remove.map((one) => `- ${valueText(one)}`)].join(
    ' ',
  );
}

function listOrNothing(lines: readonly string[]): string {
  return lines.length > 0 ? lines.join('; ') : 'nothing';
}
