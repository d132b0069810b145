/** A signed approval or rejection of one plan by one person, for one authority and exactly the operations it names. */
import { z } from 'zod';
import { Digest } from './digest.js';
import { AuthorityId } from './record.js';

export const decisionType = 'concordat-decision+jws';

export const Decision = z.strictObject({
  /** One-time: 128 random bits as base64url, so that no decision counts twice. */
  id: z.string().regex(/^[A-Za-z0-9_-]{22}$/),
  kind: z.enum(['approve', 'reject']),
  federation: z.string(),
  authority: AuthorityId,
  dataset: z.string(),
  plan: Digest,
  approver: z.string(),
  /** Operations of this authority that it speaks for. */
  operations: z.array(Digest),
  /** Conflict id → candidate digest: the value this authority's people accept for their own mesh. */
  choices: z.record(Digest, Digest),
  /** Whether what is not named is left undecided for another decision (a part), or settled as it is. */
  partial: z.boolean(),
  reason: z.string().max(500).nullable(),
  /** A rejection keeps the identical operations from being asked again until then. */
  untilMs: z.int().nullable(),
  issuedAtMs: z.int(),
  /** After this the decision counts no more. */
  expiresAtMs: z.int(),
});
export type Decision = z.infer<typeof Decision>;

/** What a person signs about which records are the same (activities/authority/link-statement.ts). */
export const linkStatementType = 'concordat-link+jws';
