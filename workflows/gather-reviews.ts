/** Asks each affected authority's people, and waits until all reviews have ended or the wait is over. */
import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import type { Ref, RunInputs } from '../core/messages.js';
import type { ReviewResult } from './contract.js';
import { codeOf } from './failure.js';
import type { Member, Timeouts } from './members.js';
import type { PlanSummary, ReviewReport } from './messages.js';
import { disclosed } from './disclosing.js';
import { counted } from './run-words.js';

/** What is open when the wait is over stays open in its authority's namespace. */
export async function gatherReviews(
  members: readonly Member[],
  inputs: RunInputs,
  plan: PlanSummary,
  timeouts: Timeouts,
  waitMs: number,
  report: (left: readonly string[]) => void,
  disclosures: readonly Ref[],
): Promise<{ reports: ReviewReport[]; results: readonly ReviewResult[] }> {
  const affected = members.filter(({ authority }) => plan.affected.includes(authority));
  const ended = new Map<string, ReviewResult | { readonly failed: string }>();
  let cancellation: unknown;
  const pending = affected.map(async ({ authority, client }) => {
    try {
      const result = await client.executeOperation(
        'review',
        { inputs, plan: plan.plan, planDigest: plan.planDigest, ...disclosed(disclosures) },
        {
          ...timeouts.step,
          scheduleToCloseTimeout: '400 days',
          cancellationType: 'WAIT_CANCELLATION_REQUESTED',
          summary: `${authority} asks its people: ${counted(plan.operationsBy[authority] ?? 0, 'operation')}`,
        },
      );
      ended.set(authority, result);
    } catch (error) {
      if (isCancellation(error)) cancellation = error;
      ended.set(authority, { failed: codeOf(error) });
    }
    report(affected.filter((member) => !ended.has(member.authority)).map((member) => member.authority));
  });
  const everyone = Promise.all(pending);
  // A run that waits for nobody still gives each review the time to open, so that decisions already given are counted.
  try {
    await Promise.race([
      everyone,
      waitMs > 0 ? sleep(waitMs, { summary: 'waiting for people' }) : sleep('2s', { summary: 'reviews open' }),
    ]);
  } catch (error) {
    if (!isCancellation(error)) throw error;
    // HAZARD: a run that ended at once would take its request to withdraw the reviews with it.
    await CancellationScope.nonCancellable(() => Promise.race([everyone, sleep('1m', { summary: 'reviews end' })]));
    throw error;
  }
  if (cancellation) throw cancellation;
  const reports = affected.map(({ authority }): ReviewReport => {
    const result = ended.get(authority);
    if (!result) return { authority, outcome: 'pending', code: null, approved: 0, rejected: 0, left: 0, choices: 0 };
    if ('failed' in result)
      return { authority, outcome: 'failed', code: result.failed, approved: 0, rejected: 0, left: 0, choices: 0 };
    const { review: _review, ...reported } = result;
    return reported;
  });
  return {
    reports,
    results: affected.flatMap(({ authority }) => {
      const result = ended.get(authority);
      return result && !('failed' in result) ? [result] : [];
    }),
  };
}
