/** One approver lends another their voice, for a time: signed by who lends it, named in every decision that uses it. */
import { z } from 'zod';
import type { Operation } from '../operation.js';
import { AuthorityId } from '../record.js';

export const delegationType = 'concordat-delegation+jws';

/** 128 random bits as base64url. */
export const OneTimeId = z.string().regex(/^[A-Za-z0-9_-]{22}$/);

export const Delegation = z.strictObject({
  id: OneTimeId,
  federation: z.string(),
  authority: AuthorityId,
  /** null for every dataset of the authority. */
  dataset: z.string().nullable(),
  /** Kinds of operations that the delegate may approve or reject; null for all. */
  kinds: z
    .array(z.enum(['create', 'update', 'delete']))
    .min(1)
    .nullable(),
  /** Approvers of that authority. A voice that was lent cannot be lent on. */
  from: z.string(),
  to: z.string(),
  reason: z.string().max(200).nullable(),
  issuedAtMs: z.int(),
  untilMs: z.int(),
});
export type Delegation = z.infer<typeof Delegation>;

export const delegationEndType = 'concordat-delegation-end+jws';

/** Either of the two may end it before its time. */
export const DelegationEnd = z.strictObject({
  delegation: OneTimeId,
  federation: z.string(),
  authority: AuthorityId,
  approver: z.string(),
  issuedAtMs: z.int(),
});
export type DelegationEnd = z.infer<typeof DelegationEnd>;

/** Whether all of these, which one word of the delegate would settle together, are of the kinds that were lent. */
export function covers({ kinds }: Delegation, operations: readonly Operation[]): boolean {
  return kinds === null || operations.every(({ kind }) => kinds.includes(kind));
}
