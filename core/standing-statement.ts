/**
 * What a person says for their authority beside decisions, as it is signed: a difference that they accept, a native
 * record that is nobody's, the end of either, and what became of a write whose effect was unknown.
 */
import { z } from 'zod';
import { AcceptanceStatement } from './acceptance-statement.js';
import { Digest } from './digest.js';
import { IgnoreStatement } from './ignored.js';
import { AuthorityId } from './record.js';
import { SettleStatement } from './unsettled.js';

export const standingStatementType = 'concordat-statement+jws';

/** Ends an acceptance, or an ignored record, before its time. */
export const WithdrawStatement = z.strictObject({
  kind: z.literal('withdraw'),
  authority: AuthorityId,
  /** The id of what is withdrawn. */
  statement: Digest,
});
export type WithdrawStatement = z.infer<typeof WithdrawStatement>;

/** A person says that the drifted schema of their store is meant: what it holds is told again (core/drift/schema-drift.ts). */
export const DriftStatement = z.strictObject({
  kind: z.literal('drift'),
  authority: AuthorityId,
  /** The id of the drift. */
  drift: Digest,
  reason: z.string().max(500).nullable(),
});
export type DriftStatement = z.infer<typeof DriftStatement>;

export const StandingStatement = z.discriminatedUnion('kind', [
  AcceptanceStatement,
  IgnoreStatement,
  WithdrawStatement,
  SettleStatement,
  DriftStatement,
]);
export type StandingStatement = z.infer<typeof StandingStatement>;

/** Its digest is the id under which it is known: two that say the same at two times are two. */
export const SignedStatement = z.strictObject({
  federation: z.string(),
  dataset: z.string(),
  approver: z.string(),
  statement: StandingStatement,
  issuedAtMs: z.int(),
});
export type SignedStatement = z.infer<typeof SignedStatement>;
