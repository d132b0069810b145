/** Taking decisions, and signing what a review settled. */
import type { Rejection } from '../../core/acceptance.js';
import { namedCount, opened, type Decision, type OpenedDecision } from '../../core/decision.js';
import { amongIds, gatheredIds, keptIds } from '../../core/digest-list.js';
import type { Digest } from '../../core/digest.js';
import { durationMs } from '../../core/duration.js';
import { ConcordatError } from '../../core/errors.js';
import type { LongList } from '../../core/long-list.js';
import { byCodeUnit } from '../../core/json.js';
import { atPlaces, spreadOver } from '../../core/operation-ranges.js';
import { piecesOf } from '../../core/operation.js';
import {
  reviewType,
  tallySteps,
  type HeldReviewBody,
  type ReviewOutcome,
  type ReviewScope,
  type ReviewStatement,
  type ReviewTally,
  type ReviewProgress,
} from '../../core/review.js';
import type { ReviewResult } from '../../workflows/contract.js';
import type { DecisionAnswer, DecisionEnvelope } from '../../workflows/messages.js';
import { inSlices } from '../event-loop.js';
import { putDocument, putMessage } from '../exchange.js';
import { signCompact } from '../keys/sign.js';
import { idsOf } from './asked-at.js';
import { authorityOf, type AuthorityContext } from './context.js';
import {
  countingDecisions,
  keepDecision,
  outsideDelegation,
  verifyDecision,
  type CountedDecision,
} from './decisions.js';
import { askedSince, readReviewState, requireReviewState, type ReviewState } from './review-state.js';
import { addToStanding } from './standing.js';
import { termsOf } from './terms.js';

/** A rejection without an end holds this long before it is asked again. */
const rejectionDefaultMs = 30 * 24 * 3_600_000;

export async function recordDecision(
  context: AuthorityContext,
  { dataset, plan, envelope }: { readonly dataset: string; readonly plan: Digest; readonly envelope: DecisionEnvelope },
): Promise<DecisionAnswer> {
  const state = await requireReviewState(context, dataset, plan);
  const { decision, delegation } = await verifyDecision(context, dataset, envelope.jws);
  if (decision.plan !== plan)
    throw new ConcordatError('decisionForOtherPlan', `the signed decision names plan ${decision.plan.slice(0, 12)}`);
  const whole = requireNamed(context, decision, state);
  // What stands at the places of a range is asked, or the decision named none of it.
  requireAsked(context, decision.ranges ? { ...whole, operations: [] } : whole, state.scope);
  const outside = delegation ? outsideDelegation(whole, delegation.delegation, state.scope) : [];
  if (outside.length > 0)
    throw new ConcordatError(
      'delegationNotEnough',
      `${outside.length} of what the decision names is of a kind that ${delegation?.delegation.from ?? 'nobody'} did not delegate`,
    );
  const named = decision.ranges && whole.operations;
  const isNew = await keepDecision(context, dataset, envelope.jws, decision, state.scope, named);
  if (decision.kind === 'reject' && isNew)
    await addToStanding(context, dataset, {
      // A rejected version stands here too, so that the next plan is another one and asks again.
      rejections: rejectionsOf(state.scope, whole.operations, [...whole.conflicts, ...(whole.newVersions ?? [])], {
        reason: decision.reason ?? '',
        untilMs: decision.untilMs ?? context.now() + rejectionDefaultMs,
        approver: decision.approver,
      }),
    });
  const { tally, counted } = await reviewNow(context, dataset, plan, state);
  return { accepted: true, approver: decision.approver, kind: decision.kind, ...progressOf(tally, counted) };
}

/** With the operations at its places, which must be the ones that were signed for, and be asked. */
function requireNamed(context: AuthorityContext, decision: Decision, { scope, asked }: ReviewState): OpenedDecision {
  const ids = gatheredIds(idsOf(scope.operations));
  const planned = asked ? spreadOver(asked, ids) : ids;
  const whole = opened(decision, decision.ranges ? atPlaces(decision.ranges.places, planned) : null);
  if (whole) return whole;
  throw new ConcordatError(
    'decisionUnknownOperation',
    `the decision names ${namedCount(decision)} operations by ranges and a root, and those there are others, or not asked of ${context.id}`,
  );
}

function requireAsked(
  context: AuthorityContext,
  decision: OpenedDecision,
  { operations, conflicts, newVersions = [] }: ReviewScope,
): void {
  const named = new Set([...decision.operations, ...decision.conflicts]);
  for (const { id } of conflicts) named.delete(id);
  if (named.size > 0) for (const { id } of operations) named.delete(id);
  const versions = new Set(newVersions.map(({ id }) => id));
  const unknown = [...named, ...(decision.newVersions ?? []).filter((id) => !versions.has(id))];
  const candidatesOf = new Map(conflicts.map(({ id, candidates }) => [id, candidates]));
  const unknownChoices = Object.entries(decision.choices).filter(
    ([conflict, candidate]) => !candidatesOf.get(conflict)?.some(({ digest }) => digest === candidate),
  );
  if (unknown.length + unknownChoices.length > 0)
    throw new ConcordatError(
      'decisionUnknownOperation',
      `the decision names ${unknown.length} operations, conflicts or new versions and ${unknownChoices.length} choices that this plan does not ask of ${context.id}`,
    );
  // A yes to leaving things as they are is a no.
  if (decision.kind === 'approve' ? decision.conflicts.length > 0 : Object.keys(decision.choices).length > 0)
    throw new ConcordatError(
      'decisionMalformed',
      'an approval chooses for conflicts, a rejection leaves them as they are',
    );
}

function rejectionsOf(
  { operations }: ReviewScope,
  ids: LongList<Digest>,
  others: readonly Digest[],
  why: Omit<Rejection, 'subject'>,
): Rejection[] {
  const subjectsOf = new Map<Digest, readonly Digest[]>();
  const named = amongIds(ids);
  if (ids.length > 0)
    for (const operation of operations)
      if (named.has(operation.id))
        subjectsOf.set(
          operation.id,
          piecesOf(operation).map(({ digest }) => digest),
        );
  const rejections: Rejection[] = [];
  for (const id of ids) for (const subject of subjectsOf.get(id) ?? [id]) rejections.push({ subject, ...why });
  for (const subject of others) rejections.push({ subject, ...why });
  return rejections;
}

export interface ReviewNow {
  readonly tally: ReviewTally;
  readonly counted: readonly CountedDecision[];
}

/** How the review of a plan stands: every decision verified again, on this authority's clock and terms of now. */
export async function reviewNow(
  context: AuthorityContext,
  dataset: string,
  plan: Digest,
  state: ReviewState,
): Promise<ReviewNow> {
  const counted = await countingDecisions(context, dataset, plan, state.scope, state.braked);
  const terms = termsOf(context, { ...state, askedSinceMs: askedSince(state) });
  return { counted, tally: await inSlices(tallySteps(state.scope, counted, terms)) };
}

/** Counts and ids of approvers: all that a history may know of how a review stands. */
export function progressOf(tallied: ReviewTally, counted: readonly CountedDecision[]): ReviewProgress {
  return {
    approved: tallied.approved.length + tallied.approvedVersions.length,
    rejected: tallied.rejected.length + tallied.rejectedVersions.length,
    left: tallied.left.length,
    choices: Object.keys(tallied.choices).length,
    open: tallied.open.length,
    missing: tallied.missing,
    missingRoles: tallied.missingRoles,
    needsOther: tallied.needsOther,
    spoken: [
      ...new Set(counted.filter(({ decision }) => !decision.partial).map(({ decision }) => decision.approver)),
    ].sort(byCodeUnit),
    closed: tallied.closed,
  };
}

/** Part of the deadline that must be over on this authority's own clock before it counts as passed. */
const deadlinePercentMin = 90;

export async function closeReview(
  context: AuthorityContext,
  {
    dataset,
    plan,
    outcome,
    code,
  }: {
    readonly dataset: string;
    readonly plan: Digest;
    readonly outcome: ReviewOutcome | 'tally';
    readonly code: string | null;
  },
): Promise<ReviewResult> {
  const state = await readReviewState(context, dataset);
  const own = (outcome === 'tally' || outcome === 'expired') && state?.plan === plan ? state : null;
  const now = own ? await reviewNow(context, dataset, plan, own) : null;
  const late = own && now && outcome === 'expired' ? await rejectLate(context, dataset, own, now.tally.open) : [];
  const conflicts = new Set(own?.scope.conflicts.map(({ id }) => id));
  const versions = new Set(own?.scope.newVersions?.map(({ id }) => id));
  const named: Record<Digest, LongList<Digest>> = {};
  for (const { named: one } of now?.counted ?? []) if (one) named[one.id] = one.operations;
  const isOperation = (id: Digest): boolean => !conflicts.has(id) && !versions.has(id);
  const lateOperations = keptIds(late, isOperation);
  const rejected = now?.tally.rejected ?? [];
  const body: HeldReviewBody = {
    operations: now?.tally.approved ?? [],
    rejected: lateOperations.length === 0 ? rejected : gatheredIds(joined(rejected, lateOperations)),
    left: [...(now?.tally.left ?? []), ...late.filter((id) => conflicts.has(id))],
    choices: { ...now?.tally.choices },
    ...(versions.size > 0
      ? {
          newVersions: {
            approved: [...(now?.tally.approvedVersions ?? [])],
            rejected: [...(now?.tally.rejectedVersions ?? []), ...late.filter((id) => versions.has(id))],
          },
        }
      : {}),
    decisions: now?.counted.map(({ jws }) => jws) ?? [],
    delegations: [...new Set(now?.counted.flatMap(({ delegation }) => delegation ?? []))],
    // Absent where there are none: the digest of such a body stays what it was.
    ...(Object.keys(named).length > 0 ? { named } : {}),
  };
  const settledOutcome =
    outcome === 'tally' || late.length > 0
      ? outcomeOf(body, (state?.scope.operations.length ?? 0) + versions.size)
      : outcome;
  const settledCode = late.length > 0 ? 'deadlinePassed' : code;
  const bodyRef = await putDocument(context.exchange, context.id, body);
  const statement: ReviewStatement = {
    authority: context.id,
    dataset,
    plan,
    outcome: settledOutcome,
    code: settledCode,
    body: bodyRef.sha256,
    hlc: await context.clock.stamp(),
  };
  const review = await putMessage(
    context.exchange,
    context.id,
    await signCompact(statement, { typ: reviewType, key: context.signingKey }),
  );
  return {
    authority: context.id,
    outcome: settledOutcome,
    code: settledCode,
    review,
    approved: body.operations.length + (body.newVersions?.approved.length ?? 0),
    rejected: body.rejected.length + (body.newVersions?.rejected.length ?? 0),
    left: body.left.length,
    choices: Object.keys(body.choices).length,
  };
}

/** Where the authority declared so, a passed deadline turns down what is still open. It never approves anything. */
async function rejectLate(
  context: AuthorityContext,
  dataset: string,
  state: ReviewState,
  open: LongList<Digest>,
): Promise<LongList<Digest>> {
  const { onDeadline, deadline } = authorityOf(context).approval;
  const waitedMs = context.now() - state.openedAtMs;
  // HAZARD: whoever operates Temporal can make a workflow say that it is late. Then it has expired, and nobody spoke.
  const isLate = waitedMs * 100 >= durationMs(deadline) * deadlinePercentMin;
  if (onDeadline !== 'reject' || !isLate || open.length === 0) return [];
  await addToStanding(context, dataset, {
    rejections: rejectionsOf(state.scope, open, [], {
      reason: 'nobody decided before the deadline',
      untilMs: context.now() + rejectionDefaultMs,
      approver: '(deadline)',
    }),
  });
  return open;
}

function* joined(...lists: readonly LongList<Digest>[]): Generator<Digest> {
  for (const list of lists) yield* list;
}

function outcomeOf(body: HeldReviewBody, asked: number): ReviewOutcome {
  const { approved = [], rejected = [] } = body.newVersions ?? {};
  const yes = body.operations.length + approved.length;
  const settled = yes + Object.keys(body.choices).length;
  if (asked === 0 && settled + body.left.length === 0) return 'notNeeded';
  if (yes === asked && body.rejected.length + rejected.length + body.left.length === 0) return 'approved';
  return settled > 0 ? 'partlyApproved' : 'rejected';
}
