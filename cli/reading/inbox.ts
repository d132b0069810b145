/** All that waits for one person, over all their authorities and datasets: open reviews, and cases that only people can decide. */
import { ConcordatError } from '../../core/errors.js';
import type { AuthorityId } from '../../core/record.js';
import type { ReviewStatus } from '../../workflows/messages.js';
import type { Approver } from '../deciding/approver.js';
import { openReviews, viewReview } from '../temporal/reviews.js';
import { readPlan } from './documents.js';
import type { FederationSession } from './federation-session.js';
import { findPlan } from './find-run.js';

export interface WaitingReview {
  readonly authority: AuthorityId;
  readonly approver: string;
  readonly status: ReviewStatus;
  /** Whether this person has said all they wanted to say, so that it waits for others. */
  readonly hasSpoken: boolean;
}

export interface WaitingCases {
  readonly authority: AuthorityId;
  readonly dataset: string;
  readonly cases: number;
}

export interface Inbox {
  readonly reviews: readonly WaitingReview[];
  readonly cases: readonly WaitingCases[];
  /** Where one could not look, and why. */
  readonly hidden: readonly { readonly authority: AuthorityId; readonly reason: string }[];
}

export async function readInbox(session: FederationSession, { listings }: Approver): Promise<Inbox> {
  const reviews: WaitingReview[] = [];
  const hidden: { authority: AuthorityId; reason: string }[] = [];
  for (const { authority, approver } of listings) {
    try {
      for (const id of await openReviews(session.connection, session.name, authority)) {
        const view = await viewReview(session.connection, id);
        if (view.kind === 'open')
          reviews.push({ authority, approver, status: view.status, hasSpoken: view.status.spoken.includes(approver) });
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
  const cases = await Promise.all(datasets.map((dataset) => casesOf(session, dataset, listings)));
  // The oldest question first: it is the one that is closest to its deadline, or was overlooked.
  const byAge = reviews.sort((a, b) => a.status.waitingSinceMs - b.status.waitingSinceMs);
  return { reviews: byAge, cases: cases.flat(), hidden };
}

async function casesOf(
  { runs, federation, exchange }: FederationSession,
  dataset: string,
  listings: Approver['listings'],
): Promise<readonly WaitingCases[]> {
  try {
    const { cases } = await readPlan(exchange, (await findPlan(runs, federation, exchange, dataset)).digest);
    return listings.flatMap(({ authority }) => {
      const own = cases.filter((found) => found.authority === authority);
      return own.length === 0 ? [] : [{ authority, dataset, cases: own.length }];
    });
  } catch (error) {
    // A dataset that never had a run has no cases; where the plan cannot be read, its reviews are shown all the same.
    if (error instanceof ConcordatError) return [];
    throw error;
  }
}
