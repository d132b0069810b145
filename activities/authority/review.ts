/** Taking decisions, and signing what a review settled. */
import { ConcordatError } from '../../core/errors.js';
import type { Digest } from '../../core/digest.js';
import {
  reviewType,
  type ReviewBody,
  type ReviewOutcome,
  type ReviewStatement,
  type ReviewTally,
} from '../../core/review.js';
import type { ReviewResult } from '../../workflows/contract.js';
import type { DecisionAnswer, DecisionEnvelope } from '../../workflows/messages.js';
import { putDocument, putMessage } from '../exchange.js';
import { signCompact } from '../keys/sign.js';
import type { AuthorityContext } from './context.js';
import { countingDecisions, keepDecision, tallyOf, verifyDecision } from './decisions.js';
import { readReviewState, requireReviewState } from './review-state.js';
import { addToStanding } from './standing.js';

/** A rejection without an end holds this long before it is asked again. */
const rejectionDefaultMs = 30 * 24 * 3_600_000;

export async function recordDecision(
  context: AuthorityContext,
  { dataset, plan, envelope }: { readonly dataset: string; readonly plan: Digest; readonly envelope: DecisionEnvelope },
): Promise<DecisionAnswer> {
  const state = await requireReviewState(context, dataset, plan);
  const decision = await verifyDecision(context, dataset, envelope.jws);
  if (decision.plan !== plan)
    throw new ConcordatError('decisionForOtherPlan', `the signed decision names plan ${decision.plan.slice(0, 12)}`);
  const known = new Set(state.scope.operations.map(({ id }) => id));
  const unknown = decision.operations.filter((id) => !known.has(id));
  const unknownChoices = Object.entries(decision.choices).filter(
    ([conflict, candidate]) =>
      !state.scope.conflicts.some(
        ({ id, candidates }) => id === conflict && candidates.some(({ digest }) => digest === candidate),
      ),
  );
  if (unknown.length + unknownChoices.length > 0) {
    throw new ConcordatError(
      'decisionUnknownOperation',
      `the decision names ${unknown.length} operations and ${unknownChoices.length} choices that this plan does not ask of ${context.id}`,
    );
  }
  const isNew = await keepDecision(context, dataset, envelope.jws, decision, state.scope);
  if (decision.kind === 'reject' && isNew) {
    const untilMs = decision.untilMs ?? context.now() + rejectionDefaultMs;
    await addToStanding(context, dataset, {
      rejections: decision.operations.map((operation) => ({
        operation,
        reason: decision.reason ?? '',
        untilMs,
        approver: decision.approver,
      })),
    });
  }
  const tally = await currentTally(context, dataset, plan);
  return {
    accepted: true,
    approver: decision.approver,
    kind: decision.kind,
    approved: tally.approved.length,
    rejected: tally.rejected.length,
    open: tally.open.length,
    missing: tally.missing,
    closed: tally.closed,
  };
}

async function currentTally(context: AuthorityContext, dataset: string, plan: Digest): Promise<ReviewTally> {
  const { scope, braked, quorum } = await requireReviewState(context, dataset, plan);
  return tallyOf(scope, await countingDecisions(context, dataset, plan, scope, braked), quorum);
}

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
  const settles = (outcome === 'tally' || outcome === 'expired') && state?.plan === plan;
  const counted = settles ? await countingDecisions(context, dataset, plan, state.scope, state.braked) : [];
  const tally = settles ? tallyOf(state.scope, counted, state.quorum) : null;
  const body: ReviewBody = {
    operations: [...(tally?.approved ?? [])],
    rejected: [...(tally?.rejected ?? [])],
    choices: { ...tally?.choices },
    decisions: counted.map(({ jws }) => jws),
  };
  const settledOutcome = outcome === 'tally' ? outcomeOf(body, state?.scope.operations.length ?? 0) : outcome;
  const bodyRef = await putDocument(context.exchange, context.id, body);
  const statement: ReviewStatement = {
    authority: context.id,
    dataset,
    plan,
    outcome: settledOutcome,
    code,
    body: bodyRef.sha256,
    atMs: context.now(),
  };
  const review = await putMessage(
    context.exchange,
    context.id,
    await signCompact(statement, { typ: reviewType, key: context.signingKey }),
  );
  return {
    authority: context.id,
    outcome: settledOutcome,
    code,
    review,
    approved: body.operations.length,
    rejected: body.rejected.length,
    choices: Object.keys(body.choices).length,
  };
}

function outcomeOf(body: ReviewBody, asked: number): ReviewOutcome {
  const settled = body.operations.length + Object.keys(body.choices).length;
  if (asked === 0 && settled === 0) return 'notNeeded';
  if (body.operations.length === asked && body.rejected.length === 0) return 'approved';
  return settled > 0 ? 'partlyApproved' : 'rejected';
}
