/** What a mesh answered to one operation. A legitimate answer is a value; only `unknown` stops and asks. */
import { z } from 'zod';
import { Hlc } from './clock/hlc.js';
import { Digest } from './digest.js';
import type { ErrorCode } from './errors.js';

export const Outcome = z.enum(['applied', 'alreadyApplied', 'conflict', 'refused', 'unknown']);
export type Outcome = z.infer<typeof Outcome>;

export const Receipt = z.strictObject({
  operation: Digest,
  outcome: Outcome,
  /** A code of core/errors.ts for everything but success. */
  code: z.string().nullable(),
  /** The digest of the touched state as read back after the write; null where nothing was read. */
  left: Digest.nullable(),
  /** Given by the clock of the authority once it knew the answer. */
  hlc: Hlc,
});
export type Receipt = Omit<z.infer<typeof Receipt>, 'code'> & { readonly code: ErrorCode | null };

export function hadEffect(outcome: Outcome): boolean {
  return outcome === 'applied' || outcome === 'alreadyApplied';
}

export type ReceiptCounts = Readonly<Record<Outcome, number>>;

export function countReceipts(receipts: readonly { readonly outcome: Outcome }[]): ReceiptCounts {
  const counts = { applied: 0, alreadyApplied: 0, conflict: 0, refused: 0, unknown: 0 };
  for (const receipt of receipts) counts[receipt.outcome] += 1;
  return counts;
}
