/** Where a run's lineage is made: what an authority knows when it witnesses a candidate, put into hops. */
import type { Digest } from '../../core/digest.js';
import { amongIds, gatheredIds } from '../../core/digest-list.js';
import { Decision, decisionType, opened } from '../../core/decision.js';
import { keysOf } from '../../core/federation/keys-of.js';
import { atPlaces } from '../../core/operation-ranges.js';
import { reviewScope } from '../../core/review.js';
import type { AuthorityId } from '../../core/record.js';
import type { ReadReview } from '../reviews.js';
import type { Recomputed } from '../recompute.js';
import { readUnverified } from '../keys/verify.js';
import { adoptHops, makeRunHops, type HopOwner, type Made } from '../lineage/run-hops.js';
import type { AgreedOn } from '../next-agreement.js';
import { readAgreement } from './agreements.js';
import { idsOf } from './asked-at.js';
import type { AuthorityContext } from './context.js';
import { logObserver } from './log-observer.js';
import type { OwnRecords } from './own-records.js';

export interface HopsInput {
  readonly run: Digest;
  readonly candidate: Digest;
  readonly sequence: number;
  readonly recomputed: Recomputed;
  readonly next: AgreedOn;
  readonly reviews: readonly ReadReview[];
  readonly own: OwnRecords;
  /** This authority's stamp for the agreement. */
  readonly hlc: string;
}

/** Durable before it returns, so before the witness that rests on it is signed. Asked again it gives the same. */
export async function hopsOfCandidate(context: AuthorityContext, input: HopsInput): Promise<Made> {
  const { recomputed, next, own } = input;
  const dataset = recomputed.plan.dataset;
  await adoptSealedHops(context, dataset);
  return makeRunHops(hopOwner(context), {
    run: input.run,
    plan: recomputed.planDigest,
    candidate: input.candidate,
    sequence: input.sequence,
    shape: recomputed.messages.shape,
    views: recomputed.views,
    changes: next.changes,
    unanimous: next.unanimous,
    effective: next.effective,
    decisionsBy: decisionsBy(context.id, recomputed, input.reviews),
    salts: Object.fromEntries(Object.entries(recomputed.snapshots).map(([id, { salts }]) => [id, salts])),
    nativeOf: (type, key) => {
      const nativeId = own.nativeIdOf(type, key);
      // The keyed digest without the mark of a provisional key.
      return nativeId === null ? null : own.links.provisionalKeyOf(type, nativeId).slice(1);
    },
    hlc: input.hlc,
    heartbeat: () => context.heartbeat(),
  });
}

function hopOwner(context: AuthorityContext): HopOwner {
  const messageKeys = keysOf(context.federation, context.id, 'messages');
  return { ...logObserver(context), signingKey: context.signingKey, messageKeys };
}

/** Takes the hops of the agreement that this authority holds now into its table; does nothing where they are in. */
export async function adoptSealedHops(context: AuthorityContext, dataset: string): Promise<void> {
  const { agreement } = await readAgreement(context, dataset);
  if (agreement) await adoptHops(logObserver(context), dataset, agreement.candidate, agreement.seal);
}

/** Operation → the decisions by which this authority's people approved it, by name or by choosing its candidate. */
function decisionsBy(
  id: AuthorityId,
  { plan, planDigest }: Recomputed,
  reviews: readonly ReadReview[],
): Pick<ReadonlyMap<Digest, readonly Digest[]>, 'get'> {
  const named: { readonly ids: Pick<ReadonlySet<Digest>, 'has'>; readonly decision: Digest }[] = [];
  const planned = gatheredIds(idsOf(reviewScope(plan, id).operations));
  for (const { review } of reviews) {
    if (review.authority !== id) continue;
    for (const jws of review.decisions) {
      const { payload, id: decisionId } = readUnverified(jws, { typ: decisionType });
      const decision = Decision.safeParse(payload);
      if (!decision.success || decision.data.kind !== 'approve') continue;
      const { ranges } = decision.data;
      const found =
        ranges && decision.data.plan === planDigest
          ? atPlaces(ranges.places, planned)
          : (review.named?.[decisionId] ?? null);
      const whole = opened(decision.data, found);
      if (!whole) continue;
      named.push({ ids: amongIds(whole.operations), decision: decisionId });
      const chosen = new Set<Digest>();
      for (const [conflict, digest] of Object.entries(whole.choices))
        for (const candidate of plan.conflicts.find((one) => one.id === conflict)?.candidates ?? [])
          if (candidate.digest === digest)
            for (const operation of candidate.operations) if (operation.authority === id) chosen.add(operation.id);
      if (chosen.size > 0) named.push({ ids: chosen, decision: decisionId });
    }
  }
  return { get: (operation) => named.flatMap(({ ids, decision }) => (ids.has(operation) ? [decision] : [])) };
}
