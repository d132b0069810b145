/** Values of `digest` fields on their way to who would write them: references only, each to what one member encrypted. */
import type { Ref, RunInputs } from '../core/messages.js';
import { askAll, type Member, type Timeouts } from './members.js';
import type { PlanSummary } from './messages.js';

/**
 * Asks the members that hold such values; none in a run whose plan writes no `digest` field. Who does not answer holds
 * nobody up: what waits for its values is then not asked of anybody, and says so.
 */
export async function gatherDisclosures(
  members: readonly Member[],
  inputs: RunInputs,
  plan: PlanSummary,
  timeouts: Timeouts,
): Promise<readonly Ref[]> {
  const holders = members.filter(({ authority }) => plan.disclosers?.includes(authority));
  if (holders.length === 0) return [];
  const answers = await askAll(holders, ({ authority, client }) =>
    client.executeOperation(
      'disclose',
      { inputs, plan: plan.plan, planDigest: plan.planDigest },
      { ...timeouts.step, summary: `${authority} encrypts what the plan writes elsewhere` },
    ),
  );
  return answers.flatMap((answer) => (answer.kind === 'answered' ? [answer.result.disclosure] : []));
}

/** For the input of a later step. */
export function disclosed(disclosures: readonly Ref[]): { readonly disclosures?: readonly Ref[] } {
  return disclosures.length === 0 ? {} : { disclosures };
}
