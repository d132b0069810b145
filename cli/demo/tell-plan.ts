/** Parts of a plan and of the decisions on it, as the demo tells them. */
import { namedCount } from '../../core/decision.js';
import { elementTypesOf } from '../reading/federation-session.js';
import type { OpenPlan } from '../reading/open-plan.js';
import type { PlannedConflict, PlannedOperation, PlanView } from '../reading/plan-view.js';
import { planLines } from '../showing/plan-text.js';
import { valueText, visibleText } from '../showing/value-text.js';
import { counted, divergenceWords, listWords, shortDigest } from '../showing/words.js';
import type { Decided } from './decide.js';
import type { Setting } from './setting.js';

export function tellOperationCounts({ narrator }: Setting, { view }: OpenPlan): void {
  const counts = new Map<string, Map<string, number>>();
  for (const { operation } of view.operations) {
    const own = counts.get(operation.authority) ?? new Map<string, number>();
    const what = `${operation.type} ${operation.kind}`;
    counts.set(operation.authority, own.set(what, (own.get(what) ?? 0) + 1));
  }
  const kinds = ['person create', 'person update', 'person delete', 'team create', 'team update', 'team delete'];
  const shown = kinds.filter((kind) => [...counts.values()].some((own) => own.has(kind)));
  narrator.rows([
    ['', ...shown],
    ...[...counts].map(([authority, own]) => [authority, ...shown.map((kind) => String(own.get(kind) ?? '-'))]),
  ]);
}

/** Operations and conflicts exactly as `concordat plan` prints them. */
export function tellExcerpt(
  { narrator, paint, session }: Setting,
  view: PlanView,
  chosen: { readonly operations: readonly PlannedOperation[]; readonly conflicts?: readonly PlannedConflict[] },
): void {
  const excerpt: PlanView = {
    ...view,
    operations: chosen.operations,
    conflicts: chosen.conflicts ?? [],
    plan: { ...view.plan, divergences: [], cases: [], incomplete: [] },
  };
  const lines = planLines(excerpt, {
    paint,
    elementTypes: elementTypesOf(session.federation),
    operationsMax: Number.POSITIVE_INFINITY,
  });
  // The last line sums up what was left out here.
  narrator.lines(lines.slice(0, -1));
}

/** One operation of each kind and type, so that a long plan shows what it is made of. */
export function oneOfEach(operations: readonly PlannedOperation[], max: number): readonly PlannedOperation[] {
  const kinds = new Map<string, PlannedOperation>();
  for (const planned of operations) {
    const { kind, type, rule } = planned.operation;
    if (!kinds.has(`${kind} ${type} ${rule}`)) kinds.set(`${kind} ${type} ${rule}`, planned);
  }
  return [...kinds.values()].slice(0, max);
}

export function tellDivergences({ narrator }: Setting, { view }: OpenPlan): void {
  narrator.rows([
    ['record', 'field', 'what', 'because of', 'to settle at'],
    ...view.plan.divergences.map(({ type, key, field, kind, because, at }) => [
      visibleText(view.names.get(`${type} ${key}`) ?? key),
      field ?? '(all)',
      divergenceWords[kind],
      because.join(', '),
      at.join(', '),
    ]),
  ]);
}

/** Who signed what. A choice is named by the numbers under which it stands in the plan. */
export function tellDecisions({ narrator }: Setting, decisions: readonly Decided[], { view }: OpenPlan): void {
  narrator.say('Each authority asks its own people, in its own namespace; each signs for their own cloud only:');
  narrator.rows(
    decisions.map(({ authority, approver, decision, answer, key }) => [
      authority,
      approver,
      [
        `approves ${counted(namedCount(decision), 'operation')}`,
        ...Object.entries(decision.choices).map(
          ([conflict, candidate]) => `takes ${choiceOf(view, conflict, candidate)?.number ?? 'nothing'}`,
        ),
      ].join(', '),
      `signed with ${key.slice(0, 10)}…`,
      answer.closed ? 'quorum reached' : `${counted(answer.missing, 'approval')} missing`,
    ]),
  );
  const [first] = decisions;
  for (const [conflict, candidate] of Object.entries(first?.decision.choices ?? {})) {
    const choice = choiceOf(view, conflict, candidate);
    if (choice) narrator.lines([`${choice.number} is ${choice.words}`]);
  }
}

function choiceOf(
  { conflicts }: PlanView,
  conflictId: string,
  digest: string,
): { readonly number: string; readonly words: string } | undefined {
  const conflict = conflicts.find(({ conflict: one }) => one.id === conflictId);
  const chosen = conflict?.candidates.find(({ candidate }) => candidate.digest === digest);
  if (!conflict || !chosen) return undefined;
  const { kind, value, heldBy } = chosen.candidate;
  const words = {
    value: valueText(value),
    kept: 'the record as it was edited',
    absent: 'no record',
  };
  return { number: `${conflict.number}=${chosen.number}`, words: `${words[kind]}, held by ${listWords(heldBy)}` };
}

/** The claims of one decision as they are signed. */
export function tellSigned({ narrator }: Setting, { decision, jws }: Decided): void {
  const [header = '', , signature = ''] = jws.split('.');
  narrator.say('What is signed is plain JSON in a JWS. The first of the three:');
  narrator.rows([
    ['header', Buffer.from(header, 'base64url').toString('utf8')],
    ['plan', decision.plan],
    ['for', `federation ${decision.federation}, authority ${decision.authority}, dataset ${decision.dataset}`],
    [
      'operations',
      `${decision.operations.slice(0, 2).map(shortDigest).join(', ')} and ${Math.max(0, decision.operations.length - 2)} more, each by its digest`,
    ],
    ['expires', new Date(decision.expiresAtMs).toISOString()],
    ['signature', `${signature.slice(0, 43)}…`],
  ]);
}

/** Conflicts with one operation for each cloud and candidate, and what would be deleted without its fields. */
export function briefConflicts(conflicts: readonly PlannedConflict[]): readonly PlannedConflict[] {
  return conflicts.map((conflict) => ({
    ...conflict,
    candidates: conflict.candidates.map((candidate) => ({
      ...candidate,
      operations: candidate.operations
        .filter(
          ({ operation }, at, all) =>
            all.findIndex((other) => other.operation.authority === operation.authority) === at,
        )
        .map((planned) =>
          planned.operation.kind === 'delete'
            ? { ...planned, operation: { ...planned.operation, changes: [] } }
            : planned,
        ),
    })),
  }));
}
