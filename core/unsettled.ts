/**
 * Writes whose effect nobody knows: their cloud gave an answer that could not be classified. Such an operation is not
 * repeated until somebody settled it: a later read that shows its effect, or a person of its authority.
 */
import { z } from 'zod';
import { Digest } from './digest.js';
import { AuthorityId } from './record.js';

export const SettleStatement = z.strictObject({
  kind: z.literal('settle'),
  authority: AuthorityId,
  operation: Digest,
  /** The attempt that is meant: one operation may be tried under several permits. */
  permit: Digest,
  /** `look`: the worker reads the object now and goes by what it shows. */
  verdict: z.enum(['applied', 'notApplied', 'look']),
  reason: z.string().max(500).nullable(),
});
export type SettleStatement = z.infer<typeof SettleStatement>;

/** One write that is, or was, unsettled. */
export const UnsettledWrite = z.strictObject({
  operation: Digest,
  permit: Digest,
  type: z.string(),
  key: z.string(),
  kind: z.enum(['create', 'update', 'delete']),
  fields: z.array(z.string()),
  code: z.string().nullable(),
  atMs: z.int(),
  settled: z
    .strictObject({
      verdict: z.enum(['applied', 'notApplied']),
      /** `read`: a later read showed it; else the person who said so. */
      by: z.enum(['read', 'person']),
      approver: z.string().nullable(),
      reason: z.string().nullable(),
      /** The run whose read showed it; null where a person settled it. */
      run: Digest.nullable(),
      atMs: z.int(),
    })
    .nullable(),
});
export type UnsettledWrite = z.infer<typeof UnsettledWrite>;
