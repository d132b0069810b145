/** Runs of the federation as Temporal lists them, for the events that are told of them. Reads; changes nothing. */
import { ApplicationFailure } from '@temporalio/common';
import { WorkflowFailedError, type Client } from '@temporalio/client';
import type { ListedRun, RunLeavings, RunSource } from '../activities/open-lineage/collect.js';
import { isErrorCode, type ErrorCode } from '../core/errors.js';
import { datasetOfReconcileId } from '../core/names.js';
import type { Ending } from '../core/open-lineage/run-facts.js';
import { progressQuery } from '../workflows/messages.js';

const endings: Readonly<Record<string, Ending>> = {
  COMPLETED: 'completed',
  CONTINUED_AS_NEW: 'continued',
  FAILED: 'failed',
  TIMED_OUT: 'timedOut',
  CANCELLED: 'cancelled',
  TERMINATED: 'terminated',
};
/** For the parts of a run that went on or failed, which a worker answers from its history. */
const answerWithinMs = 20_000;

export function temporalRuns(client: Client): RunSource {
  return {
    async *list(endedSinceMs) {
      const since = new Date(endedSinceMs).toISOString();
      for (const which of ["ExecutionStatus = 'Running'", `CloseTime >= '${since}'`]) {
        const query = `WorkflowType = 'reconcile' AND ${which}`;
        for await (const { workflowId, runId, startTime, closeTime, status } of client.workflow.list({ query })) {
          const dataset = datasetOfReconcileId(workflowId);
          const ending = endings[status.name];
          if (dataset === undefined) continue;
          yield {
            workflowId,
            workflowRunId: runId,
            dataset,
            startedAtMs: startTime.getTime(),
            end: closeTime && ending ? { atMs: closeTime.getTime(), ending } : null,
          } satisfies ListedRun;
        }
      }
    },
    async leavings({ workflowId, workflowRunId, end }) {
      const handle = client.workflow.getHandle(workflowId, workflowRunId, { followRuns: false });
      const none: RunLeavings = { result: null, progress: null, code: null };
      return client.withDeadline(Date.now() + answerWithinMs, async () => {
        if (end?.ending === 'completed') return { ...none, result: await handle.result() };
        // Continued runs have done all their work and failed ones some; neither has a result.
        const progress: unknown = await handle.query(progressQuery).catch(() => null);
        return { ...none, progress, code: end?.ending === 'failed' ? await codeOf(() => handle.result()) : null };
      });
    },
  };
}

async function codeOf(result: () => Promise<unknown>): Promise<ErrorCode | null> {
  try {
    await result();
    return null;
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { cause } = error;
    return cause instanceof ApplicationFailure && isErrorCode(cause.type) ? cause.type : null;
  }
}
