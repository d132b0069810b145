/** `concordat approve` and `concordat reject`: one key, one command, for each authority that waits one signed decision or, rarely, several. */
import type { PrivateKey } from '../../activities/keys/private-key.js';
import { ConcordatError } from '../../core/errors.js';
import { affectedAuthorities } from '../../core/affected-authorities.js';
import { newVersionWords, versionsWaitFor } from '../../core/new-versions.js';
import type { Digest } from '../../core/digest.js';
import type { Operation } from '../../core/operation.js';
import type { AuthorityId } from '../../core/record.js';
import type { DecisionAnswer } from '../../workflows/messages.js';
import type { ExitCode, Invocation } from '../invocation.js';
import { failureOf, type Failure } from '../output/failure.js';
import { withFederation, type FederationSession } from '../reading/federation-session.js';
import { openPlan, withNamesOf, type OpenPlan } from '../reading/open-plan.js';
import { recordText } from '../showing/plan-text.js';
import { missingText, reviewViewText } from '../showing/report-text.js';
import { counted, listWords, shortDigest } from '../showing/words.js';
import { listDelegations } from '../temporal/authority-workflows.js';
import { sendDecision, viewReview, type ReviewView } from '../temporal/reviews.js';
import { findApprover } from './approver.js';
import { confirmed } from './confirm.js';
import { questionsOf, type Named, type OpenReview, type Question } from './open-questions.js';
import { piecesOf, type Piece } from './pieces.js';
import { piecesLines } from './pieces-text.js';
import { signDecision, type Reach, type Verdict } from './sign-decision.js';

export interface DecideOptions extends Named {
  readonly as: string;
  readonly authority: string | undefined;
  readonly yes: boolean;
  readonly verdict: Verdict;
  readonly onlyThisPlan: boolean;
  /** Whose voice it is, where that was lent to who signs. */
  readonly for: string | undefined;
}

/** A question, in as many decisions as it takes. */
interface Asked {
  readonly question: Question;
  readonly pieces: readonly Piece[];
}

interface Answered extends Asked {
  /** Of each decision that was sent. */
  readonly sent: readonly Sent[];
  /** To the last one. */
  readonly answer: DecisionAnswer | null;
  readonly failure: ConcordatError | null;
}

interface Sent {
  readonly piece: Piece;
  readonly decisionId: string | null;
  readonly answer: DecisionAnswer | null;
  readonly failure: ConcordatError | null;
}

export async function decide(invocation: Invocation, selector: string, options: DecideOptions): Promise<ExitCode> {
  return withFederation(invocation, {}, async (session) => {
    const { federation, layout } = session;
    const approver = await findApprover(federation, layout, invocation.workingFolder, options.as, options.authority);
    const open = await openPlan(session, selector);
    const { found, plan } = open;
    const affected = affectedAuthorities(plan);
    const waiting = versionsWaitFor(plan);
    const mine = approver.listings.filter(({ authority }) => affected.includes(authority));
    if (mine.length === 0)
      throw new ConcordatError(
        'notAnApprover',
        affected.length === 0
          ? `plan ${shortDigest(found.digest)} asks nobody${waiting.length > 0 ? ` before ${listWords(waiting)}, who must approve a new type or map too, takes part again` : ''}`
          : `plan ${shortDigest(found.digest)} concerns ${listWords(affected)}; ${options.as} signs for ${listWords(approver.listings.map(({ authority }) => authority))}`,
      );
    const reviews = await Promise.all(
      mine.map(async ({ authority, approver: name }): Promise<OpenReview> => ({
        authority,
        approver: name,
        review: await whenPrepared(session, open, authority),
      })),
    );
    const questions = questionsOf(open, reviews, options);
    const asks = questions.map((question) => ({ question, pieces: piecesOf(question) }));
    const shown = questions.flatMap((question) => question.shown);
    for (const line of questionLines(await withNamesOf(open, shown), asks, reviews, invocation.output.paint))
      invocation.output.line(line);
    const verb = options.verdict.kind === 'approve' ? 'Approve' : 'Reject';
    if (
      !(await confirmed(
        invocation,
        `${verb} for ${listWords(questions.map(({ authority }) => authority))}?`,
        options.yes,
      ))
    ) {
      invocation.output.result({ decisions: [] }, 'nothing was signed');
      return 0;
    }
    const answered: Answered[] = [];
    const reaches = await Promise.all(questions.map((question) => reachOf(session, open, question, options)));
    for (const [at, asked] of asks.entries())
      answered.push(await ask(session, open, asked, options.verdict, approver.key, reaches[at] as Reach));
    return report(invocation, session, open, answered, affected);
  });
}

/** A review that has just been opened prepares itself for a moment. */
async function whenPrepared(
  session: FederationSession,
  { found }: OpenPlan,
  authority: AuthorityId,
): Promise<ReviewView> {
  const id = { federation: session.name, authority, dataset: found.dataset, plan: found.digest };
  const deadline = performance.now() + 20_000;
  for (;;) {
    const review = await viewReview(session.connection, id);
    const preparing = review.kind === 'open' && review.status.stage === 'preparing';
    if (!preparing || performance.now() >= deadline) return review;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

/** The delegation that holds now is found at the authority, so that nobody has to copy its id. */
async function reachOf(
  { connection, name: federation }: FederationSession,
  { found }: OpenPlan,
  { authority, approver }: Question,
  { onlyThisPlan, for: lender }: DecideOptions,
): Promise<Reach> {
  if (lender === undefined) return { onlyThisPlan, delegation: null };
  const known = await listDelegations({ connection, federation, authority, withinMs: 30_000 });
  const fitting = known.find(
    ({ state, from, to, dataset }) =>
      state === 'holds' && from === lender && to === approver && (dataset === null || dataset === found.dataset),
  );
  if (fitting) return { onlyThisPlan, delegation: fitting.id };
  throw new ConcordatError(
    'delegationInvalid',
    `${authority} knows no delegation from ${lender} to ${approver} that holds now for ${found.dataset}`,
  );
}

async function ask(
  session: FederationSession,
  open: OpenPlan,
  { question, pieces }: Asked,
  ...signing: Signing
): Promise<Answered> {
  const sent: Sent[] = [];
  for (const piece of pieces) {
    const one = await send(session, open, question, piece, ...signing);
    sent.push(one);
    if (!one.answer || one.answer.closed) break;
  }
  const last = sent.at(-1);
  return { question, pieces, sent, answer: last?.answer ?? null, failure: last?.failure ?? null };
}

type Signing = readonly [verdict: Verdict, key: PrivateKey, reach: Reach];

async function send(
  { name: federation, connection }: FederationSession,
  { found: { dataset, digest: plan } }: OpenPlan,
  question: Question,
  piece: Piece,
  ...[verdict, key, reach]: Signing
): Promise<Sent> {
  const { authority } = question;
  let decisionId: string | null = null;
  try {
    const context = { federation, dataset, plan, nowMs: Date.now() };
    const { decision, jws } = await signDecision(question, piece, verdict, context, key, reach);
    decisionId = decision.id;
    const answer = await sendDecision(connection, { federation, authority, dataset, plan }, { plan, jws }, decision.id);
    return { piece, decisionId, answer, failure: null };
  } catch (error) {
    // One authority that refuses must not keep the answer of another from being told.
    if (!(error instanceof ConcordatError)) throw error;
    return { piece, decisionId, answer: null, failure: error };
  }
}

function questionLines(
  open: OpenPlan,
  asks: readonly Asked[],
  reviews: readonly OpenReview[],
  paint: Invocation['output']['paint'],
): readonly string[] {
  const { view, found } = open;
  const questions = asks.map(({ question }) => question);
  const numbers = numbersOf(
    open,
    questions.flatMap(({ shown }) => shown),
  );
  const signs = { create: '+', update: '~', delete: '-' } as const;
  return [
    `${paint.bold(`Plan ${shortDigest(found.digest)}`)} of ${found.dataset}, as ${listWords([...new Set(questions.map(({ approver }) => approver))])}`,
    ...asks.flatMap(
      ({
        question: { authority, operations, shown, choices, conflicts, newVersions, unchosen, partial, status },
        pieces,
      }) => [
        `${paint.bold(authority)}: ${counted(operations.length, 'operation')}${newVersions.length > 0 ? `, ${counted(newVersions.length, 'new version')}` : ''}${Object.keys(choices).length > 0 ? `, ${counted(Object.keys(choices).length, 'choice')}` : ''}; quorum ${status.quorum}${status.braked ? ' (raised by a brake)' : ''}`,
        ...newVersions.map((version) => `  ${newVersionWords(version)}`),
        ...shown.map(
          (operation) =>
            `  ${signs[operation.kind]} ${recordText(view, operation.type, operation.key)}  #${numbers.get(operation.id) ?? '?'}  ${paint.dim(operation.changes.map(({ field }) => field).join(', '))}`,
        ),
        ...(operations.length > shown.length
          ? [
              `  … and ${operations.length - shown.length} more; see \`concordat plan ${shortDigest(found.digest)} --authority ${authority}\``,
            ]
          : []),
        ...piecesLines(authority, pieces),
        ...Object.entries(choices).map(([conflict, candidate]) => `  ${choiceText(open, conflict, candidate)}`),
        ...conflicts.map((conflict) => `  ${leftText(open, conflict)}`),
        ...(unchosen.length > 0 && !partial
          ? [
              paint.yellow(
                `  ${counted(unchosen.length, 'conflict')} not chosen for: ${unchosen.length === 1 ? 'it stays' : 'they stay'} as ${unchosen.length === 1 ? 'it is' : 'they are'} (choose with --choose CONFLICT=CANDIDATE)`,
              ),
            ]
          : []),
      ],
    ),
    ...reviews
      .filter(
        ({ authority, review }) =>
          review.kind !== 'open' && !questions.some((question) => question.authority === authority),
      )
      .map(({ authority, review }) => paint.dim(`${authority}: ${reviewViewText(authority, review, new Date())}`)),
  ];
}

/** Where they stand in the plan, from 1. */
function numbersOf({ plan }: OpenPlan, operations: readonly Operation[]): ReadonlyMap<Digest, number> {
  const wanted = new Set(operations.map(({ id }) => id));
  const numbers = new Map<Digest, number>();
  let number = 0;
  for (const { id } of plan.operations) {
    number += 1;
    if (wanted.has(id)) numbers.set(id, number);
    if (numbers.size === wanted.size) break;
  }
  return numbers;
}

function leftText({ view }: OpenPlan, conflictId: string): string {
  const found = view.conflicts.find((one) => one.conflict.id === conflictId);
  if (!found) return 'a conflict is left as it is';
  const { type, key, field } = found.conflict;
  return `conflict ${found.number} ${recordText(view, type, key)}${field === null ? '' : ` ${field}`}: left as it is`;
}

function choiceText({ view }: OpenPlan, conflictId: string, candidateDigest: string): string {
  const conflict = view.conflicts.find((one) => one.conflict.id === conflictId);
  const candidate = conflict?.candidates.find((one) => one.candidate.digest === candidateDigest);
  if (!conflict || !candidate) return 'a choice';
  const { type, key, field } = conflict.conflict;
  return `conflict ${conflict.number} ${recordText(view, type, key)}${field === null ? '' : ` ${field}`}: candidate ${candidate.number}, held by ${listWords(candidate.candidate.heldBy)}`;
}

async function report(
  { output }: Invocation,
  session: FederationSession,
  { found, plan }: OpenPlan,
  answered: readonly Answered[],
  affected: readonly AuthorityId[],
): Promise<ExitCode> {
  const now = new Date();
  const done = answered.flatMap(({ question, answer }) => (answer?.closed ? [question.authority] : []));
  const others = await Promise.all(
    affected
      .filter((authority) => !done.includes(authority))
      .map(async (authority) => ({
        authority,
        review: await viewReview(session.connection, {
          federation: session.name,
          authority,
          dataset: plan.dataset,
          plan: found.digest,
        }),
      })),
  );
  const waiting = others.filter(({ review }) => review.kind === 'open' || review.kind === 'silent');
  const failures = answered.flatMap(({ question, failure }): { authority: string; failure: Failure }[] =>
    failure ? [{ authority: question.authority, failure: failureOf(failure) }] : [],
  );
  const lines = [
    ...answered.map((one) => answerText(one)),
    ...waiting.map(({ authority, review }) => `${authority} ${reviewViewText(authority, review, now)}`),
    ...(done.length > 0
      ? [
          `${waiting.length === 0 ? 'all who were asked have answered: ' : ''}the run that waits goes on, or one starts at once; follow it with \`concordat run ${plan.dataset} --attach\` or \`concordat show ${plan.dataset}\``,
        ]
      : []),
  ];
  const [first] = answered.flatMap(({ failure }) => (failure ? [failure] : []));
  if (first && failures.length === answered.length && answered.length === 1) throw first;
  for (const { authority, failure } of failures)
    output.note(`${authority}: ${failure.message}\n  next: ${failure.next}`);
  output.result(
    {
      plan: found.digest,
      dataset: plan.dataset,
      decisions: answered.flatMap(({ question, sent }) =>
        sent.map(({ piece, decisionId, answer, failure }) => ({
          authority: question.authority,
          approver: question.approver,
          decision: decisionId,
          operations: piece.operations,
          ...(piece.ranges ? { ranges: piece.ranges } : {}),
          choices: piece.choices,
          conflicts: piece.conflicts,
          ...(piece.newVersions.length > 0 ? { newVersions: piece.newVersions } : {}),
          answer,
          failure: failure ? failureOf(failure) : null,
        })),
      ),
      waiting: waiting.map(({ authority, review }) => ({ authority, ...review })),
    },
    lines,
  );
  return failures.length > 0 ? 1 : 0;
}

function answerText({ question, pieces, sent, answer, failure }: Answered): string {
  const { authority } = question;
  if (!answer)
    return `${authority}: not taken (${failure?.code ?? 'unknown'})${pieces.length > 1 ? `; ${sent.length - 1} of its ${pieces.length} decisions were` : ''}`;
  const verb = answer.kind === 'approve' ? 'approved' : 'rejected';
  const parts = [
    ...(question.operations.length > 0 ? [counted(question.operations.length, 'operation')] : []),
    ...(question.newVersions.length > 0 ? [counted(question.newVersions.length, 'new version')] : []),
    ...(Object.keys(question.choices).length > 0 ? [counted(Object.keys(question.choices).length, 'choice')] : []),
    ...(question.conflicts.length > 0 ? [counted(question.conflicts.length, 'conflict')] : []),
  ];
  const before =
    answer.kind === 'approve' && answer.rejected > 0 ? ` (${answer.rejected} rejected before stay rejected)` : '';
  const state = answer.closed
    ? 'its review is closed'
    : `${counted(answer.open, 'question')} still open, ${missingText(answer)}`;
  return `${authority}: ${verb} ${listWords(parts.length > 0 ? parts : ['nothing more'])}${before}; ${state}`;
}
