/**
 * What must hold before this authority signs a base under a new version of a type or map that it holds: its own people
 * approved it. The permit says so of everybody by signed reviews; here the decisions themselves are counted once more.
 */
import { ConcordatError } from '../../core/errors.js';
import type { RunInputs } from '../../core/messages.js';
import { reviewScope, tally } from '../../core/review.js';
import type { Recomputed } from '../recompute.js';
import type { AuthorityContext } from './context.js';
import { countingDecisions } from './decisions.js';
import { openVersionsWords, unapprovedVersions } from './gate.js';
import { askedSince, readReviewState } from './review-state.js';
import { authorsOfScope, termsOf } from './terms.js';

/** Throws separationOfDuties where only its authors approved one, quorumMissing where people are missing for another reason. */
export async function requireVersionsApproved(
  context: AuthorityContext,
  inputs: RunInputs,
  recomputed: Recomputed,
): Promise<void> {
  const scope = reviewScope(recomputed.plan, context.id);
  if (!scope.newVersions) return;
  const { dataset } = inputs;
  const { planDigest } = recomputed;
  const state = await readReviewState(context, dataset);
  const askedSinceMs = state?.plan === planDigest ? askedSince(state) : () => undefined;
  const votes = await countingDecisions(context, dataset, planDigest, scope, false);
  const { authors } = await authorsOfScope(context, inputs, recomputed, scope);
  for (const [code, by] of [
    ['quorumMissing', {}],
    ['separationOfDuties', authors],
  ] as const) {
    const terms = termsOf(context, { braked: false, authors: by, askedSinceMs });
    const open = unapprovedVersions(scope, tally(scope, votes, terms));
    if (open.length > 0) throw new ConcordatError(code, openVersionsWords(open, terms));
  }
}
