/** `concordat.federation.v1`: an authority asks for a run. It is told nothing and given nothing but the run's id. */
import { getClient } from '@temporalio/nexus';
import * as nexus from 'nexus-rpc';
import { reconcileWorkflowId, taskQueue } from '../core/names.js';
import { federationService } from '../workflows/contract.js';
import { reviewClosedSignal } from '../workflows/messages.js';

export function createFederationService(): ReturnType<
  typeof nexus.serviceHandler<(typeof federationService)['operations']>
> {
  return nexus.serviceHandler(federationService, {
    async requestRun(_context, request) {
      const workflowId = reconcileWorkflowId(request.dataset);
      // A run that is under way learns of it and follows itself with another one where it no longer waits.
      await getClient().workflow.signalWithStart('reconcile', {
        workflowId,
        taskQueue,
        args: [{ dataset: request.dataset }],
        signal: reviewClosedSignal,
        signalArgs: [request],
        staticSummary: `Run of ${request.dataset}, asked for by ${request.authority} whose review has ended`,
      });
      return { workflowId };
    },
  });
}
