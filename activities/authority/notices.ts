/**
 * Reminders and escalations: when they are due, and what they say. They go to the worker's log and to the address that the
 * authority declared, and carry counts, roles and ids of the federation only, never a value of a record.
 */
import { durationMs } from '../../core/duration.js';
import type { Authority } from '../../core/federation/authority.js';
import type { Digest } from '../../core/digest.js';
import type { DueNotice, PreparedReview, RemindAnswer, RemindInput } from '../../workflows/activity-types.js';
import { authorityOf, type AuthorityContext } from './context.js';
import type { ReviewSignals } from './prepare-review.js';
import { progressOf, reviewNow } from './review.js';
import { requireReviewState, type ReviewState } from './review-state.js';

/** What is posted, as JSON. */
export interface ReviewNotice {
  readonly notice: 'concordat.reminder' | 'concordat.escalation';
  readonly federation: string;
  readonly authority: string;
  readonly dataset: string;
  readonly plan: Digest;
  /** Of an escalation, the role that is called in, and whether its holders may now decide. */
  readonly role: string | null;
  readonly mayDecide: boolean;
  readonly open: number;
  readonly missing: number;
  readonly missingRoles: Readonly<Record<string, number>>;
  readonly waitingSince: string;
  readonly deadline: string;
  /** The command that shows an approver what waits. */
  readonly next: string;
}

/** When to remind and to escalate, in milliseconds after the review was opened, by time. What is past is due at once. */
export function noticesOf(
  { approval }: Authority,
  { openedAtMs, askedAtMs }: Pick<ReviewState, 'openedAtMs' | 'askedAtMs'>,
  deadlineMs: number,
): Pick<PreparedReview, 'waitingSinceMs' | 'reminders' | 'escalations'> {
  const waitingSinceMs = Object.values(askedAtMs).reduce((earliest, at) => Math.min(earliest, at), openedAtMs);
  const reminders = approval.reminders.map((time) =>
    time.endsWith('%') ? Math.floor((deadlineMs * Number(time.slice(0, -1))) / 100) : durationMs(time),
  );
  // Questions that came with this plan are escalated later than those that an earlier review asked already.
  const escalations = approval.escalations.flatMap(({ after, to, may }): DueNotice[] =>
    [...new Set([waitingSinceMs, openedAtMs])].map((sinceMs) => ({
      afterMs: Math.max(0, durationMs(after) - (openedAtMs - sinceMs)),
      role: to,
      mayDecide: may === 'decide',
    })),
  );
  return {
    waitingSinceMs,
    reminders: [...new Set(reminders)].filter((afterMs) => afterMs < deadlineMs).sort((a, b) => a - b),
    escalations: escalations.filter(({ afterMs }) => afterMs < deadlineMs).sort((a, b) => a.afterMs - b.afterMs),
  };
}

/**
 * Tells people, and counts once more: what an escalation brings in may be enough already. Throws what the address failed
 * with, which Temporal repeats; the review goes on without it.
 */
export async function remindPeople(
  context: AuthorityContext,
  { dataset, plan, role, mayDecide, isLastTry }: RemindInput & { readonly isLastTry: boolean },
  { notify }: Pick<ReviewSignals, 'notify'>,
  log: (message: string, fields: Readonly<Record<string, unknown>>) => void,
): Promise<RemindAnswer> {
  const state = await requireReviewState(context, dataset, plan);
  const { tally, counted } = await reviewNow(context, dataset, plan, state);
  const { approval } = authorityOf(context);
  const { waitingSinceMs } = noticesOf(authorityOf(context), state, 0);
  const notice: ReviewNotice = {
    notice: role === null ? 'concordat.reminder' : 'concordat.escalation',
    federation: context.federation.file.federation,
    authority: context.id,
    dataset,
    plan,
    role,
    mayDecide,
    open: tally.open.length,
    missing: tally.missing,
    missingRoles: tally.missingRoles,
    waitingSince: new Date(waitingSinceMs).toISOString(),
    deadline: new Date(state.openedAtMs + durationMs(approval.deadline)).toISOString(),
    next: `concordat inbox --as KEY --authority ${context.id}`,
  };
  const progress = progressOf(tally, counted);
  if (tally.closed) return { ...progress, posted: 'notNeeded', earlyMs: 0 };
  const after = approval.escalations.find(({ to }) => to === role)?.after;
  const earlyMs = after === undefined ? 0 : waitingSinceMs + durationMs(after) - context.now();
  if (earlyMs > 0) return { ...progress, posted: 'notNeeded', earlyMs };
  log(role === null ? 'people are waited for' : 'people are waited for, and others are called in', { ...notice });
  if (!notify) return { ...progress, posted: 'nowhere', earlyMs: 0 };
  try {
    await notify(notice);
    return { ...progress, posted: 'posted', earlyMs: 0 };
  } catch (error) {
    // HAZARD: nobody outside may hold up or end a review. What could not be posted is in the log and in its details.
    if (!isLastTry) throw error;
    log('the address for reminders does not answer', { dataset, plan });
    return { ...progress, posted: 'failed', earlyMs: 0 };
  }
}
