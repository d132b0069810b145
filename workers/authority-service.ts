/** `concordat.authority.v1`: what the federation may ask of an authority. The long steps are workflows of its own. */
import type { RunInputs } from '../core/messages.js';
import { log, startWorkflow, WorkflowRunOperationHandler } from '@temporalio/nexus';
import * as nexus from 'nexus-rpc';
import { ConcordatError, errorTable } from '../core/errors.js';
import { reviewWorkflowId, stepPassWorkflowId, stepWorkflowId } from '../core/names.js';
import { versionsAlgorithm } from '../core/agreed-under.js';
import { planAlgorithm } from '../core/plan.js';
import { laterLinesAlgorithm } from '../core/sealed.js';
import type { AuthorityContext } from '../activities/authority/context.js';
import { openRun } from '../activities/authority/open.js';
import { tellingRefusals } from '../activities/authority/refusals.js';
import { toFailure } from '../activities/failure.js';
import {
  authorityService,
  type CommitInput,
  type CommitResult,
  type DiscloseResult,
  type ReviewInput,
  type ReviewResult,
  type SealInput,
  type SealResult,
  type SnapshotResult,
  type TranslateInput,
  type WitnessInput,
  type WitnessResult,
} from '../workflows/contract.js';
import type { commit, disclose, seal, snapshot, translate, witness } from '../workflows/steps.js';
import type { review } from '../workflows/review.js';
import { datasetAttributes } from './search-attributes.js';

/** A step asked for twice, by a repeated request, is one step: its activities are idempotent, and the id is the run's. */
const attach = { workflowIdConflictPolicy: 'USE_EXISTING', workflowIdReusePolicy: 'ALLOW_DUPLICATE' } as const;

export function createAuthorityService(
  context: AuthorityContext,
): ReturnType<typeof nexus.serviceHandler<(typeof authorityService)['operations']>> {
  const attributes = (dataset: string, stage: string) => datasetAttributes({ dataset, stage, authority: context.id });
  return nexus.serviceHandler(authorityService, {
    async describe() {
      return {
        authority: context.id,
        kind: context.connector.capabilities.kind,
        algorithms: [planAlgorithm, versionsAlgorithm, laterLinesAlgorithm],
      };
    },
    async open(_context, input) {
      try {
        return await tellingRefusals(
          'open',
          (message) => log.warn(message),
          () => openRun(context, input),
        );
      } catch (error) {
        throw toNexusError(error);
      }
    },
    snapshot: new WorkflowRunOperationHandler<RunInputs, SnapshotResult>((operation, inputs) =>
      startWorkflow<typeof snapshot>(operation, 'snapshot', {
        workflowId: stepWorkflowId('snapshot', inputs.dataset, inputs.run),
        args: [inputs],
        staticSummary: `Snapshot of ${context.id} for ${inputs.dataset}`,
        typedSearchAttributes: attributes(inputs.dataset, 'snapshot'),
        ...attach,
      }),
    ),
    translate: new WorkflowRunOperationHandler<TranslateInput, SnapshotResult>((operation, input) =>
      startWorkflow<typeof translate>(operation, 'translate', {
        workflowId: stepPassWorkflowId('translate', input.inputs.dataset, input.inputs.run, 2),
        args: [input],
        staticSummary: `New links of ${context.id} for ${input.inputs.dataset}`,
        typedSearchAttributes: attributes(input.inputs.dataset, 'translate'),
        ...attach,
      }),
    ),
    disclose: new WorkflowRunOperationHandler<ReviewInput, DiscloseResult>((operation, input) =>
      startWorkflow<typeof disclose>(operation, 'disclose', {
        workflowId: stepWorkflowId('disclose', input.inputs.dataset, input.inputs.run),
        args: [input],
        staticSummary: `Values of ${context.id} for plan ${input.planDigest.slice(0, 12)}, encrypted to who would write them`,
        typedSearchAttributes: attributes(input.inputs.dataset, 'preparing'),
        ...attach,
      }),
    ),
    review: new WorkflowRunOperationHandler<ReviewInput, ReviewResult>((operation, input) =>
      startWorkflow<typeof review>(operation, 'review', {
        workflowId: reviewWorkflowId(input.inputs.dataset, input.planDigest),
        args: [input],
        staticSummary: `Review of plan ${input.planDigest.slice(0, 12)} by the people of ${context.id}`,
        staticDetails: `Approve with \`concordat approve ${input.planDigest.slice(0, 12)} --as KEY\`, or send the signed decision to the Update \`decide\` or the Signal \`decideBySignal\`.`,
        typedSearchAttributes: attributes(input.inputs.dataset, 'preparing'),
        ...attach,
      }),
    ),
    commit: new WorkflowRunOperationHandler<CommitInput, CommitResult>((operation, input) =>
      startWorkflow<typeof commit>(operation, 'commit', {
        workflowId: stepWorkflowId('commit', input.inputs.dataset, input.inputs.run),
        args: [input],
        staticSummary: `Writes of plan ${input.plan.sha256.slice(0, 12)} to ${context.id}`,
        typedSearchAttributes: attributes(input.inputs.dataset, 'commit'),
        ...attach,
      }),
    ),
    witness: new WorkflowRunOperationHandler<WitnessInput, WitnessResult>((operation, input) =>
      startWorkflow<typeof witness>(operation, 'witness', {
        workflowId: stepWorkflowId('witness', input.dataset, input.run),
        args: [input],
        staticSummary: `Witness of the next base by ${context.id}`,
        typedSearchAttributes: attributes(input.dataset, 'agree'),
        ...attach,
      }),
    ),
    seal: new WorkflowRunOperationHandler<SealInput, SealResult>((operation, input) =>
      startWorkflow<typeof seal>(operation, 'seal', {
        workflowId: stepWorkflowId('seal', input.dataset, input.seal.sha256),
        args: [input],
        staticSummary: `${context.id} takes up a sealed base of ${input.dataset}`,
        typedSearchAttributes: attributes(input.dataset, 'agree'),
        ...attach,
      }),
    ),
  });
}

/** What passes by itself is retried by Temporal until the caller's time is over; the rest fails the operation with its code. */
function toNexusError(error: unknown): unknown {
  if (!(error instanceof ConcordatError)) return error;
  const cause = toFailure(error) as Error;
  if (errorTable[error.code].retry === 'later')
    return new nexus.HandlerError('UNAVAILABLE', error.message, { cause, retryableOverride: true });
  return new nexus.OperationError('failed', error.message, { cause });
}
