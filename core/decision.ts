/**
 * A signed approval or rejection of one plan by one person, for one authority and exactly the operations it names: in a list,
 * or, where they are many, in ranges of the plan under one root (operation-ranges.ts).
 */
import { z } from 'zod';
import { OneTimeId } from './approval/delegation.js';
import { Digest } from './digest.js';
import type { LongList } from './long-list.js';
import { areNamedBy, OperationRanges } from './operation-ranges.js';
import { AuthorityId } from './record.js';

export const decisionType = 'concordat-decision+jws';

/** Of a signed decision, as compact JWS: what a review takes. Temporal refuses payloads over 2 MB. */
export const decisionBytesMax = 1_000_000;

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
  /** The same in place of a list, which then is empty. */
  ranges: OperationRanges.optional(),
  /** Conflict id → candidate digest: the value this authority's people accept for their own mesh. */
  choices: z.record(Digest, Digest),
  /** Conflicts that a rejection leaves as they are, until its end or until a value moves. */
  conflicts: z.array(Digest),
  /** New versions of types and maps that it speaks for; left out where it names none. */
  newVersions: z.array(Digest).optional(),
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

/** With all that it names in the list. Only this counts. */
export type OpenedDecision = Omit<Decision, 'ranges' | 'operations'> & {
  readonly ranges?: never;
  readonly operations: LongList<Digest>;
};

/**
 * `named` are the operations at its places, in order, wherever they were found. Null where they are not what was signed: a
 * decision on another set than this, or with a list besides, counts for nothing.
 */
export function opened({ ranges, ...decision }: Decision, named: LongList<Digest> | null): OpenedDecision | null {
  if (ranges === undefined) return decision;
  return decision.operations.length === 0 && named && areNamedBy(ranges, named)
    ? { ...decision, operations: named }
    : null;
}

/** How many operations it names. */
export function namedCount({ operations, ranges }: Pick<Decision, 'operations' | 'ranges'>): number {
  return ranges?.count ?? operations.length;
}

/** What a person signs about which records are the same (activities/authority/link-statement.ts). */
export const linkStatementType = 'concordat-link+jws';
