/** A signed approval or rejection of one plan by one person, for one authority and exactly the operations it names. */
import { z } from 'zod';
import { OneTimeId } from './approval/delegation.js';
import { Digest } from './digest.js';
import { AuthorityId } from './record.js';

export const decisionType = 'concordat-decision+jws';

export const Decision = z.strictObject({
  /** One-time, so that no decision counts twice. */
  id: OneTimeId,
  kind: z.enum(['approve', 'reject']),
  federation: z.string(),
  authority: AuthorityId,
  dataset: z.string(),
  plan: Digest,
  approver: z.string(),
  /** The delegation under which the approver speaks with another's voice; null for their own. */
  delegation: OneTimeId.nullable(),
  /** For this plan alone, or also for the identical operation in a later plan until it expires. */
  binds: z.enum(['thisPlan', 'identicalOperations']),
  /** Operations of this authority that it speaks for. */
  operations: z.array(Digest),
  /** Conflict id → candidate digest: the value this authority's people accept for their own mesh. */
  choices: z.record(Digest, Digest),
  /** Conflicts that a rejection leaves as they are, until its end or until a value moves. */
  conflicts: z.array(Digest),
  /** Whether what is not named is left undecided for another decision (a part), or settled as it is. */
  partial: z.boolean(),
  reason: z.string().max(500).nullable(),
  /** A rejection keeps what it names from being asked again until then. */
  untilMs: z.int().nullable(),
  issuedAtMs: z.int(),
  /** After this the decision counts no more. */
  expiresAtMs: z.int(),
});
export type Decision = z.infer<typeof Decision>;

/** What a person signs about which records are the same (activities/authority/link-statement.ts). */
export const linkStatementType = 'concordat-link+jws';
