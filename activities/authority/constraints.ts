/**
 * What this authority's terms, and the residency of its peers, refuse of the operations that would write here: asked
 * before people are, and again by the gate. A constraint refuses the operation that it concerns; a brake refuses nothing.
 */
import { constraintRefusal } from '../../core/constraints.js';
import type { ErrorCode } from '../../core/errors.js';
import type { Authority } from '../../core/federation/authority.js';
import type { ConstraintRule } from '../../core/federation/constraints.js';
import { applyChanges, type Operation } from '../../core/operation.js';
import type { Fields } from '../../core/record.js';
import { askRules, type RuleAnswer, type RuleQuestion } from '../constraints/rule-thread.js';
import type { Recomputed } from '../recompute.js';
import { authorityOf, type AuthorityContext } from './context.js';
import { letOthersRun } from '../event-loop.js';
import type { DisclosedValues } from './disclosure.js';

export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
}

/** By the id of the operation, for those that are refused. */
export async function constraintRefusals(
  context: AuthorityContext,
  { messages, viewOf, typeOf }: Pick<Recomputed, 'messages' | 'viewOf' | 'typeOf'>,
  operations: Iterable<Operation>,
  disclosed: DisclosedValues,
): Promise<ReadonlyMap<string, Refusal>> {
  const { shape } = messages;
  const refused = new Map<string, Refusal>();
  const taxonomy = Object.fromEntries(shape.types.map((type) => [type.taxonomy.type, type.taxonomy]));
  const authorities = Object.fromEntries(
    shape.members.concat(shape.absent).flatMap((member) => {
      const authority = context.federation.authorities[member];
      return authority ? [[member, authority] as const] : [];
    }),
  );
  const asked: { readonly operation: Operation; readonly rule: ConstraintRule; readonly question: RuleQuestion }[] = [];
  for (const operation of operations) {
    await letOthersRun();
    const members = viewOf(operation.type, operation.key)?.members ?? {};
    const refusal = constraintRefusal({ operation, authorities, taxonomy, members, absent: shape.absent });
    if (refusal) {
      refused.set(operation.id, refusal);
      continue;
    }
    const digests = typeOf(operation.type)?.digests ?? [];
    const opened = disclosed.open(operation, digests);
    if (opened.kind === 'refused') continue;
    for (const rule of rulesFor(authorityOf(context), operation))
      asked.push({ operation, rule, question: questionOf(rule, opened.operation, members[context.id], digests) });
  }
  const answers = await askRules(asked.map(({ question }) => question));
  asked.forEach(({ operation, rule }, at) => {
    const answer = answers[at];
    const message = answer ? ruleWords(rule, answer) : null;
    if (message !== null && !refused.has(operation.id)) refused.set(operation.id, { code: 'ruleRefused', message });
  });
  return refused;
}

function rulesFor({ constraints }: Authority, { type, kind }: Operation): readonly ConstraintRule[] {
  return (constraints.rules ?? []).filter(
    (rule) => rule.for.type === type && (rule.for.kind === undefined || rule.for.kind === kind),
  );
}

/**
 * HAZARD: of a sealed field this authority knows in clear what it is asked to write, and not what it compares with, so
 * such a field is in `after` only where it changes, and never in `before`.
 */
function questionOf(
  rule: ConstraintRule,
  operation: Operation,
  current: Fields | undefined,
  digests: readonly string[],
): RuleQuestion {
  const before = Object.fromEntries(Object.entries(current ?? {}).filter(([field]) => !digests.includes(field)));
  const after =
    operation.kind === 'delete' ? {} : applyChanges(operation.changes, operation.kind === 'create' ? null : before);
  return {
    expression: rule.allow,
    variables: { kind: operation.kind, before, after, changed: operation.changes.map(({ field }) => field) },
  };
}

function ruleWords({ name, reason }: ConstraintRule, answer: RuleAnswer): string | null {
  if (answer.kind === 'allowed') return null;
  if (answer.kind === 'notAllowed') return `rule ${name}: ${reason}`;
  return `rule ${name}: ${answer.reason}`;
}

/** The reason of a freeze window that is open now, on this authority's own clock; null where none is. */
export function openFreeze(context: AuthorityContext): string | null {
  const nowMs = context.now();
  const open = authorityOf(context).constraints.freezeWindows.find(({ from, to, timeZone }) => {
    if (timeZone === undefined) return Date.parse(from) <= nowMs && nowMs < Date.parse(to);
    const now = localTime(nowMs, timeZone);
    return comparable(from) <= now && now < comparable(to);
  });
  return open?.reason ?? null;
}

/** What clocks in a time zone show, as 2026-12-24T00:00:00: such texts are ordered like the moments within one zone. */
function localTime(timeMs: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-u-ca-iso8601-nu-latn', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).formatToParts(timeMs);
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? '';
  return `${part('year')}-${part('month')}-${part('day')}T${part('hour')}:${part('minute')}:${part('second')}`;
}

/** A local time of the file with its seconds, without fractions. */
function comparable(local: string): string {
  return (local.length === 16 ? `${local}:00` : local).slice(0, 19);
}
