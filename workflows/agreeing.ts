/** All members of a run sign a candidate, and each is shown the signatures of all: then the base is sealed. */
import { CancellationScope, proxyLocalActivities } from '@temporalio/workflow';
import type { Ref } from '../core/messages.js';
import type { FederationActivities } from './activity-types.js';
import type { SealResult } from './contract.js';
import { all, type Member, type Timeouts } from './members.js';

const { assembleSeal } = proxyLocalActivities<Pick<FederationActivities, 'assembleSeal'>>({
  startToCloseTimeout: '30s',
  retry: { maximumAttempts: 3 },
});

/** Cancelled half way a later run would finish it; it is ended here because that is sooner. */
export async function sealCandidate(
  members: readonly Member[],
  { dataset, run, opens }: { readonly dataset: string; readonly run: string; readonly opens: readonly Ref[] },
  proposal: Ref,
  timeouts: Timeouts,
): Promise<Pick<SealResult, 'sequence' | 'base'>> {
  return CancellationScope.nonCancellable(async () => {
    const witnesses = await all('witness', members, ({ authority, client }) =>
      client.executeOperation(
        'witness',
        { dataset, run, opens, proposal },
        { ...timeouts.step, summary: `${authority}: recompute and sign the next base` },
      ),
    );
    const { seal } = await assembleSeal({
      dataset,
      opens: [...opens],
      witnesses: witnesses.map(({ witness }) => witness),
      proposal,
    });
    const sealed = await all('seal', members, ({ authority, client }) =>
      client.executeOperation(
        'seal',
        { dataset, seal },
        { ...timeouts.step, summary: `${authority}: keep the sealed base` },
      ),
    );
    const [first] = sealed;
    return { sequence: first?.sequence ?? 0, base: first?.base ?? '' };
  });
}
