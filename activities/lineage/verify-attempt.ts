/** Verifies a run that moved no base: what was read, planned, approved and written under it, and that nothing was agreed. */
import { digestOf } from '../../core/digest.js';
import { nextAgreement } from '../next-agreement.js';
import { recomputePlan } from '../recompute.js';
import { recomputePermit } from '../reviews.js';
import type { ExportHead } from './export-file.js';
import type { VerifiedErasure } from './erasures.js';
import type { Findings } from './findings.js';
import type { OverlayStore } from './overlay-store.js';
import type { TrustedKeys } from './trusted-keys.js';
import { attemptsOver, tellObserved, tellResets, verifyPeople } from './verify-run.js';

export type AttemptEvidence = Pick<
  Extract<ExportHead, { kind: 'attempt' }>,
  'dataset' | 'inputs' | 'plan' | 'reviews' | 'permit' | 'receipts'
>;

/** Never throws for what an export may hold; what does not hold is a finding. */
export async function verifyAttempt(
  store: OverlayStore,
  { dataset, inputs, plan, reviews, permit, receipts }: AttemptEvidence,
  keys: TrustedKeys,
  findings: Findings,
  erasures: readonly VerifiedErasure[] = [],
): Promise<void> {
  const attemptIn = attemptsOver(store, dataset, erasures);
  const attempt = attemptIn(findings);
  if (inputs.dataset !== dataset)
    findings.add('wrong', null, `it holds a run of ${inputs.dataset} and not of ${dataset}`);
  const recomputed = await attempt('the plan', () => recomputePlan(keys.asFederation, store, inputs, 'opened'));
  if (!recomputed) return;
  tellObserved(recomputed, findings);
  await tellResets(store, recomputed, keys, attempt, findings);
  if (plan.sha256 !== recomputed.planDigest)
    findings.add('wrong', null, 'another plan follows from what was signed than the one that was shown');
  const settled = await attempt('the reviews', () => recomputePermit(keys.asFederation, store, reviews, recomputed));
  if (!settled) return;
  if (permit && permit.sha256 !== digestOf(settled.permit))
    findings.add('wrong', null, 'the reviews permit something else than what was written under');
  await verifyPeople(store, { inputs, receipts }, recomputed, settled, keys, attemptIn, findings);
  const next = await attempt('the next base', () =>
    nextAgreement({
      federation: keys.asFederation,
      exchange: store,
      prefix: 'verification',
      run: inputs.run,
      recomputed,
      permit: settled.permit,
      receipts,
    }),
  );
  if (!next) return;
  const { base } = recomputed.messages;
  const stays = base ? `base ${base.sequence} stays what is agreed` : 'there is no agreement yet';
  const { divergences, cases } = recomputed.plan;
  findings.add(
    'notAgreed',
    null,
    next.candidate
      ? `nothing was agreed here: base ${next.candidate.sequence} would follow from this, and nobody's signature under it is in this file`
      : `nothing was agreed: ${divergences.length} divergences and ${cases.length} cases were found, and ${stays}`,
  );
}
