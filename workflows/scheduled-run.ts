/**
 * What a schedule starts. Scheduled workflow ids carry a timestamp, so it is this small workflow that asks for the run
 * under its one id: where one is running already, nothing is started.
 */
import { ParentClosePolicy, startChild } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { reconcileWorkflowId } from '../core/names.js';
import { reconcile } from './reconcile.js';

export async function scheduledRun(input: { readonly dataset: string }): Promise<{ readonly started: boolean }> {
  try {
    await startChild(reconcile, {
      workflowId: reconcileWorkflowId(input.dataset),
      args: [{ dataset: input.dataset }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `Scheduled run of ${input.dataset}`,
    });
    return { started: true };
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return { started: false };
    throw error;
  }
}
