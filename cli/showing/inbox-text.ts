/** An inbox: what waits, for how long, until when, what is missing, and what to type. */
import { durationWords } from '../../core/duration.js';
import type { Paint } from '../output/output.js';
import type { Inbox, WaitingReview } from '../reading/inbox.js';
import { missingText } from './report-text.js';
import { visibleText } from './value-text.js';
import { counted, instantText, listWords, shortDigest } from './words.js';

/** Whether it is this person's turn. */
export function waitsForThem({ hasSpoken, isOutdated }: WaitingReview): boolean {
  return !hasSpoken && !isOutdated;
}

export function nextCommand({ authority, status }: WaitingReview, as: string): string {
  return `concordat approve ${shortDigest(status.plan)} --as ${as} --authority ${authority}`;
}

export function inboxLines(inbox: Inbox, as: string, paint: Paint, now: Date): readonly string[] {
  const own = inbox.reviews.filter(waitsForThem);
  const others = inbox.reviews.filter(({ hasSpoken, isOutdated }) => hasSpoken && !isOutdated);
  const outdated = inbox.reviews.filter(({ isOutdated }) => isOutdated);
  return [
    ...(own.length + inbox.cases.length === 0 ? ['nothing waits for you'] : []),
    ...own.flatMap((review) => [
      `${paint.bold(`${review.authority} ${review.status.dataset}`)}  plan ${shortDigest(review.status.plan)}`,
      ...reviewLines(review, now).map((line) => `  ${line}`),
      `  see     concordat plan ${shortDigest(review.status.plan)} --authority ${review.authority}`,
      `  decide  ${nextCommand(review, as)}`,
    ]),
    ...inbox.cases.flatMap(({ authority, dataset, cases }) => [
      `${paint.bold(`${authority} ${dataset}`)}  ${counted(cases, 'case')}: records that could be the same`,
      `  decide  concordat cases ${dataset}`,
    ]),
    ...others.map(
      (review) =>
        `${paint.dim(`${review.authority} ${review.status.dataset}  plan ${shortDigest(review.status.plan)}: you have answered; ${missingText(review.status)}`)}`,
    ),
    ...outdated.map(({ authority, status }) =>
      paint.dim(
        `${authority} ${status.dataset}  plan ${shortDigest(status.plan)}: a newer run found something else; nothing to do`,
      ),
    ),
    ...inbox.hidden.map(({ authority, reason }) => paint.yellow(`${authority}: ${visibleText(reason)}`)),
  ];
}

function reviewLines({ status }: WaitingReview, now: Date): readonly string[] {
  const { operations, conflicts, open, braked, waitingSinceMs, deadlineMs, escalatedTo } = status;
  const age = durationWords(now.getTime() - waitingSinceMs);
  const leftMs = deadlineMs - now.getTime();
  return [
    `${counted(operations, 'operation')}, ${counted(conflicts, 'conflict')}; ${open} open, ${missingText(status)}${braked ? '; a brake raised the quorum' : ''}`,
    `waits for ${age}; deadline ${instantText(new Date(deadlineMs))}, ${leftMs > 0 ? `in ${durationWords(leftMs)}` : 'passed'}${escalatedTo.length > 0 ? `; escalated to ${listWords(escalatedTo)}` : ''}`,
  ];
}
