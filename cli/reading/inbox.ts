/** All that waits for one person, over all their authorities and datasets: open reviews, and cases that only people can decide. */
import { ConcordatError } from '../../core/errors.js';
import type { Digest } from '../../core/digest.js';
import type { AuthorityId } from '../../core/record.js';
import type { ReviewStatus } from '../../workflows/messages.js';
import type { Approver } from '../deciding/approver.js';
import { openReviews, viewReview } from '../temporal/reviews.js';
import type { FederationSession } from './federation-session.js';
import { findPlan } from './find-run.js';
import { askedIds, casesOf } from './plan-report.js';
import { pendingErasures, type PendingErasure } from './pending-erasures.js';

export interface WaitingReview {
  readonly authority: AuthorityId;
  readonly approver: string;
  readonly status: ReviewStatus;
  /** Whether this person has said all they wanted to say, so that it waits for others. */
  readonly hasSpoken: boolean;
  /** Whether the newest plan has nothing of this one for the authority any more, so that nothing would come of an answer. */
  readonly isOutdated: boolean;
}

export interface WaitingCases {
  readonly authority: AuthorityId;
  readonly dataset: string;
  readonly cases: number;
}

export interface Inbox {
  readonly reviews: readonly WaitingReview[];
  readonly cases: readonly WaitingCases[];
  readonly erasures: readonly PendingErasure[];
  /** Where one could not look, and why. */
  readonly hidden: readonly { readonly authority: AuthorityId; readonly reason: string }[];
}

export async function readInbox(session: FederationSession, approver: Approver, nowMs: number): Promise<Inbox> {
  const { listings } = approver;
  const open: Omit<WaitingReview, 'isOutdated'>[] = [];
  const hidden: { authority: AuthorityId; reason: string }[] = [];
  for (const { authority, approver } of listings) {
    try {
      for (const id of await openReviews(session.connection, session.name, authority)) {
        const view = await viewReview(session.connection, id);
        if (view.kind === 'open')
          open.push({ authority, approver, status: view.status, hasSpoken: view.status.spoken.includes(approver) });
        else if (view.kind === 'silent')
          hidden.push({ authority, reason: `a review of ${id.dataset} is open, but its worker does not answer` });
      }
    } catch (error) {
      hidden.push({ authority, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  const datasets = Object.keys(session.federation.datasets).filter((dataset) =>
    session.federation.datasets[dataset]?.members.some((member) =>
      listings.some(({ authority }) => authority === member),
    ),
  );
  const newest = (await Promise.all(datasets.map((dataset) => newestOf(session, dataset, listings)))).flat();
  // The oldest question first: it is the one that is closest to its deadline, or was overlooked.
  const byAge = open.sort((a, b) => a.status.waitingSinceMs - b.status.waitingSinceMs);
  const reviews = await Promise.all(
    byAge.map(async (review) => ({ ...review, isOutdated: await isOutdated(session, newest, review) })),
  );
  return {
    reviews,
    cases: newest.flatMap(({ cases }) => cases),
    erasures: await pendingErasures(session, approver, nowMs),
    hidden,
  };
}

async function isOutdated(
  { exchange }: FederationSession,
  newest: readonly NewestPlan[],
  { authority, status }: Omit<WaitingReview, 'isOutdated'>,
): Promise<boolean> {
  const found = newest.find(({ dataset }) => dataset === status.dataset);
  if (!found || found.digest === status.plan) return false;
  try {
    const now = await askedIds(exchange, found.digest, authority);
    for (const id of await askedIds(exchange, status.plan, authority)) if (now.has(id)) return false;
    return true;
  } catch (error) {
    // Better one question too many than one that nobody sees.
    if (error instanceof ConcordatError) return false;
    throw error;
  }
}

interface NewestPlan {
  readonly dataset: string;
  readonly digest: Digest;
  readonly cases: readonly WaitingCases[];
}

async function newestOf(
  { runs, federation, exchange }: FederationSession,
  dataset: string,
  listings: Approver['listings'],
): Promise<readonly NewestPlan[]> {
  try {
    const { digest } = await findPlan(runs, federation, exchange, dataset);
    const cases = await casesOf(exchange, digest);
    const waiting = listings.flatMap(({ authority }) => {
      const own = cases.filter((found) => found.authority === authority);
      return own.length === 0 ? [] : [{ authority, dataset, cases: own.length }];
    });
    return [{ dataset, digest, cases: waiting }];
  } catch (error) {
    // A dataset that never had a run has no cases; where the plan cannot be read, its reviews are shown all the same.
    if (error instanceof ConcordatError) return [];
    throw error;
  }
}
