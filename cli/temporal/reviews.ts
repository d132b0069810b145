/** Reviews in the namespaces of authorities: how they stand, and how a signed decision reaches them. */
import {
  WorkflowClient,
  WorkflowNotFoundError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type Connection,
} from '@temporalio/client';
import { setTimeout } from 'node:timers/promises';
import { grpcCodeOf, grpcStatus } from '../../activities/temporal-setup/temporal-services.js';
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { authorityNamespace, reviewWorkflowId } from '../../core/names.js';
import type { AuthorityId } from '../../core/record.js';
import type { ReviewResult } from '../../workflows/contract.js';
import {
  decideUpdate,
  reviewStatusQuery,
  type DecisionAnswer,
  type DecisionEnvelope,
  type ReviewStatus,
} from '../../workflows/messages.js';
import type { review } from '../../workflows/review.js';
import { retryWhileAway } from './retry-while-away.js';
import { isUnanswered } from './runs.js';
import { failureBehind, failureType } from './workflow-failure.js';

export type ReviewView =
  /** This plan was never asked of this authority, or longer ago than its server remembers. */
  | { readonly kind: 'none' }
  | { readonly kind: 'open'; readonly status: ReviewStatus }
  /** Open, but the authority's worker is away. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'closed'; readonly result: ReviewResult }
  | { readonly kind: 'failed'; readonly failure: ConcordatError }
  /** This connection may not look into the authority's namespace. */
  | { readonly kind: 'hidden' };

export interface ReviewId {
  readonly federation: string;
  readonly authority: AuthorityId;
  readonly dataset: string;
  readonly plan: Digest;
}

const queryWithinMs = 8_000;
const decideWithinMs = 30_000;

function clientFor(connection: Connection, { federation, authority }: ReviewId): WorkflowClient {
  return new WorkflowClient({ connection, namespace: authorityNamespace(federation, authority) });
}

export async function viewReview(connection: Connection, id: ReviewId): Promise<ReviewView> {
  const client = clientFor(connection, id);
  const workflowId = reviewWorkflowId(id.dataset, id.plan);
  try {
    const { status, runId } = await retryWhileAway(() => client.getHandle(workflowId).describe(), {
      patienceMs: 15_000,
    });
    if (status.name === 'RUNNING') {
      const answer = await connection.withDeadline(Date.now() + queryWithinMs, () =>
        client.getHandle(workflowId, runId).query(reviewStatusQuery),
      );
      return { kind: 'open', status: answer };
    }
    return {
      kind: 'closed',
      result: await connection.withDeadline(Date.now() + queryWithinMs, () =>
        client.result<typeof review>(workflowId, runId),
      ),
    };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { kind: 'none' };
    const code = grpcCodeOf(error);
    if (code === grpcStatus.permissionDenied || code === grpcStatus.unauthenticated) return { kind: 'hidden' };
    if (isUnanswered(error)) return { kind: 'silent' };
    const failure = failureBehind(error);
    if (failure) return { kind: 'failed', failure };
    throw error;
  }
}

/** Every review that is open in an authority's namespace, by dataset and plan. Throws what the server answered. */
export async function openReviews(
  connection: Connection,
  federation: string,
  authority: AuthorityId,
): Promise<readonly ReviewId[]> {
  const client = new WorkflowClient({ connection, namespace: authorityNamespace(federation, authority) });
  const found: ReviewId[] = [];
  for await (const { workflowId } of client.list({
    query: "WorkflowType = 'review' AND ExecutionStatus = 'Running'",
  })) {
    const [, dataset, plan] = workflowId.split('/');
    if (dataset !== undefined && plan !== undefined) found.push({ federation, authority, dataset, plan });
  }
  return found;
}

/**
 * Sends a signed decision and waits for the answer. Sent again while the review is being prepared or the server is away:
 * the id of the Update is the decision's, and a decision counts once. Throws what the authority refused it with, and
 * authorityAbsent where its worker does not answer.
 */
export async function sendDecision(
  connection: Connection,
  id: ReviewId,
  envelope: DecisionEnvelope,
  updateId: string,
): Promise<DecisionAnswer> {
  const handle = clientFor(connection, id).getHandle(reviewWorkflowId(id.dataset, id.plan));
  const deadline = Date.now() + decideWithinMs;
  for (;;) {
    try {
      return await connection.withDeadline(deadline, () =>
        handle.executeUpdate(decideUpdate, { args: [envelope], updateId }),
      );
    } catch (error) {
      const isLate = Date.now() + 500 >= deadline;
      if (failureType(error) === 'reviewNotReady' && !isLate) {
        await setTimeout(500);
        continue;
      }
      const code = grpcCodeOf(error);
      if ((code === grpcStatus.unavailable || code === grpcStatus.cancelled) && !isLate) {
        await setTimeout(500);
        continue;
      }
      throw inWords(error, id);
    }
  }
}

function inWords(error: unknown, { authority, plan }: ReviewId): unknown {
  if (error instanceof WorkflowNotFoundError)
    return new ConcordatError('reviewClosed', `the review of plan ${plan.slice(0, 12)} by ${authority} has ended`, {
      cause: error,
    });
  const failure = failureBehind(error);
  if (failure) return failure;
  if (failureType(error) === 'reviewNotReady')
    return new ConcordatError('authorityAbsent', `${authority} is still preparing this review; try again in a moment`, {
      cause: error,
    });
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || isUnanswered(error))
    return new ConcordatError(
      'authorityAbsent',
      `the worker of ${authority} did not take the decision within ${decideWithinMs / 1_000} s; start it and repeat the command, which counts once`,
      { cause: error },
    );
  return error;
}
