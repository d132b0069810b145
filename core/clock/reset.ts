/**
 * The signed word of an authority that its own clock had jumped ahead and starts again behind stamps that it gave.
 *
 * Without it a clock never goes back, and peers refuse an open that is stamped below an earlier one. It is published and
 * named by every open, so that whoever checks an order of stamps later knows why it is broken here, and by whose word.
 */
import { z } from 'zod';
import { Digest } from '../digest.js';
import { AuthorityId } from '../record.js';
import { compareHlc, Hlc } from './hlc.js';

export const clockResetType = 'concordat-clock-reset+jws';

export const ClockReset = z.strictObject({
  authority: AuthorityId,
  /** The first is 1. */
  number: z.int().positive(),
  /** No stamp given before is above this one, nor before any earlier reset. */
  abandoned: Hlc,
  /** Every stamp given after is above this one. */
  restart: Hlc,
  reason: z.string().min(1).max(500),
  /** By the machine that somebody has set right. */
  issuedAtMs: z.int(),
  /** Id of the reset before this one. */
  previous: Digest.nullable(),
});
export type ClockReset = z.infer<typeof ClockReset>;

/**
 * Whether `later` may be the stamp of an event that came after the one stamped `earlier` at the same authority: it is
 * above it, or a reset of this authority lies between them.
 */
export function isAfterAtSame(earlier: Hlc, later: Hlc, resets: readonly ClockReset[]): boolean {
  if (compareHlc(later, earlier) > 0) return true;
  return resets.some(({ abandoned, restart }) => compareHlc(earlier, abandoned) <= 0 && compareHlc(later, restart) > 0);
}
