/** An inbox: what waits, for how long, until when, what is missing, and what to type. */
import { durationWords } from '../../core/duration.js';
import type { Paint } from '../output/output.js';
import type { Inbox, WaitingReview } from '../reading/inbox.js';
import type { PendingErasure } from '../reading/pending-erasures.js';
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

/** The record is named by whoever asks: neither the inbox nor a request knows it. */
export function eraseCommand({ authority, dataset }: PendingErasure, as: string): string {
  return `concordat erase RECORD --as ${as} --authority ${authority} --dataset ${dataset} --reason TEXT`;
}

export function inboxLines(inbox: Inbox, as: string, paint: Paint, now: Date): readonly string[] {
  const own = inbox.reviews.filter(waitsForThem);
  const erasures = inbox.erasures.filter(({ hasAsked }) => !hasAsked);
  const others = inbox.reviews.filter(({ hasSpoken, isOutdated }) => hasSpoken && !isOutdated);
  const outdated = inbox.reviews.filter(({ isOutdated }) => isOutdated);
  return [
    ...(own.length + inbox.cases.length + erasures.length === 0 ? ['nothing waits for you'] : []),
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
    ...erasures.flatMap((one) => [
      `${paint.bold(`${one.authority} ${one.dataset}`)}  a record is to be erased (${one.reasons.map((reason) => visibleText(reason)).join('; ')})`,
      `  ${[...askedWords(one), ...(one.erasedBy.length > 0 ? [`erased already by ${listWords(one.erasedBy)}`] : [])].join('; ')}`,
      `  waits for ${durationWords(now.getTime() - one.sinceMs)}${one.untilMs === null ? '' : `; the requests hold until ${instantText(new Date(one.untilMs))}`}`,
      `  decide  ${eraseCommand(one, as)}`,
    ]),
    ...inbox.erasures
      .filter(({ hasAsked }) => hasAsked)
      .map((one) =>
        paint.dim(
          `${one.authority} ${one.dataset}  a record is to be erased (${one.reasons.map((reason) => visibleText(reason)).join('; ')}): you have asked; more people must`,
        ),
      ),
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

function askedWords({ askedBy }: PendingErasure): readonly string[] {
  return askedBy.length === 0 ? ['nobody asked here yet'] : [`asked by ${listWords(askedBy)}, which is not enough`];
}

function reviewLines({ status }: WaitingReview, now: Date): readonly string[] {
  const { operations, conflicts, newVersions, open, braked, waitingSinceMs, deadlineMs, escalatedTo } = status;
  const age = durationWords(now.getTime() - waitingSinceMs);
  const leftMs = deadlineMs - now.getTime();
  return [
    `${counted(operations, 'operation')}, ${counted(conflicts, 'conflict')}${newVersions === undefined ? '' : `, ${counted(newVersions, 'new type or map', 'new types or maps')}`}; ${open} open, ${missingText(status)}${braked ? '; a brake raised the quorum' : ''}`,
    `waits for ${age}; deadline ${instantText(new Date(deadlineMs))}, ${leftMs > 0 ? `in ${durationWords(leftMs)}` : 'passed'}${escalatedTo.length > 0 ? `; escalated to ${listWords(escalatedTo)}` : ''}`,
  ];
}
