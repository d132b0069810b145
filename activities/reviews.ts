/** Reads the signed reviews that a permit is made from, and makes the permit again. */
import { ConcordatError } from '../core/errors.js';
import type { Federation } from '../core/federation/federation.js';
import { keysOf } from '../core/federation/keys-of.js';
import type { Ref } from '../core/messages.js';
import { makePermit, type Permit } from '../core/permit.js';
import { ReviewBody, ReviewStatement, reviewType, type HeldReviewBody, type Review } from '../core/review.js';
import type { Digest } from '../core/digest.js';
import { idsAsBytes } from './documents/long-lists.js';
import { getLongDocument, getMessage } from './exchange.js';
import type { Recomputed } from './recompute.js';
import { memberOfRef } from './run-messages.js';
import type { ObjectStore } from './store.js';

export interface ReadReview {
  readonly id: Digest;
  readonly review: Review;
}

export async function readReviews(
  federation: Federation,
  exchange: ObjectStore,
  refs: readonly Ref[],
  recomputed: Recomputed,
): Promise<readonly ReadReview[]> {
  const reviews: ReadReview[] = [];
  for (const ref of refs) {
    const authority = memberOfRef(ref, recomputed.messages.members);
    const { payload, id } = await getMessage(exchange, ref, {
      typ: reviewType,
      schema: ReviewStatement,
      keys: keysOf(federation, authority, 'messages'),
    });
    if (payload.authority !== authority || payload.dataset !== recomputed.plan.dataset)
      throw new ConcordatError('inputNotAuthentic', `the review of ${authority} speaks for somebody else`);
    if (payload.plan !== recomputed.planDigest)
      throw new ConcordatError('decisionForOtherPlan', `the review of ${authority} is about another plan`);
    if (reviews.some(({ review }) => review.authority === authority))
      throw new ConcordatError('inputNotAuthentic', `two reviews of ${authority}`);
    const body = await getLongDocument<HeldReviewBody>(
      exchange,
      { ref: `${authority}/documents/${payload.body}`, sha256: payload.body },
      ReviewBody,
      (member) => (['operations', 'rejected', 'named'].includes(member) ? idsAsBytes() : undefined),
    );
    const { body: _digest, ...statement } = payload;
    reviews.push({ id, review: { ...statement, ...body } });
  }
  return reviews;
}

export async function recomputePermit(
  federation: Federation,
  exchange: ObjectStore,
  refs: readonly Ref[],
  recomputed: Recomputed,
): Promise<{ readonly permit: Permit; readonly reviews: readonly ReadReview[] }> {
  const reviews = await readReviews(federation, exchange, refs, recomputed);
  return {
    permit: makePermit(recomputed.planDigest, recomputed.plan, recomputed.messages.shape.dataset, reviews),
    reviews,
  };
}
