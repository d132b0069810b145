/** Asks workers to remove what they hold of a record: an authority's for its people, the federation's for its own copies. */
import { randomUUID } from 'node:crypto';
import { WorkflowClient } from '@temporalio/client';
import { federationNamespace, taskQueue } from '../../core/names.js';
import type { EraseCopiesResult, EraseInput, EraseResult } from '../../workflows/contract.js';
import type { erase } from '../../workflows/steps.js';
import type { eraseCopies } from '../../workflows/erase-copies.js';
import { answered, type AskAuthority } from './authority-workflows.js';

/** Hands a signed request to its authority. Throws what it was refused with; what was begun goes on when it is asked again. */
export async function sendErasure(ask: AskAuthority, input: EraseInput): Promise<EraseResult> {
  return answered(ask, (client) =>
    client.execute<typeof erase>('erase', {
      workflowId: `erase/${input.dataset}/${randomUUID()}`,
      taskQueue,
      args: [input],
      workflowExecutionTimeout: ask.withinMs,
      staticSummary: `A record of ${input.dataset} is erased at ${ask.authority}, as its people asked`,
    }),
  );
}

export async function sendEraseCopies(
  ask: Omit<AskAuthority, 'authority'>,
  record: Omit<EraseInput, 'jws'>,
): Promise<EraseCopiesResult> {
  const namespace = federationNamespace(ask.federation);
  return answered(
    { ...ask, authority: 'the federation' },
    (client) =>
      client.execute<typeof eraseCopies>('eraseCopies', {
        workflowId: `erase-copies/${record.dataset}/${randomUUID()}`,
        taskQueue,
        args: [record],
        workflowExecutionTimeout: ask.withinMs,
        staticSummary: `Copies of an erased record of ${record.dataset}`,
      }),
    (connection) => new WorkflowClient({ connection, namespace }),
  );
}
