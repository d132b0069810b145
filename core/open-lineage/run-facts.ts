/**
 * What an event tells of a run: counts, outcomes, codes, digests and ids of authorities. The shapes are strict on
 * purpose: what a workflow's history says can be forged by whoever operates Temporal, and nothing that is not one of
 * these may reach an endpoint outside of the federation.
 */
import { z } from 'zod';
import { Digest } from '../digest.js';
import { isErrorCode } from '../errors.js';
import { AuthorityId } from '../record.js';

const Count = z.int().nonnegative();
const Code = z.string().refine(isErrorCode, 'must be a code of core/errors.ts');
const Counts = z.record(AuthorityId, Count);

export const AbsentFact = z.object({ authority: AuthorityId, code: Code });
export type AbsentFact = z.infer<typeof AbsentFact>;

export const PlanFacts = z.object({
  planDigest: Digest,
  divergences: Count,
  accepted: Count,
  operations: Count,
  operationsBy: Counts,
  conflicts: Count,
  cases: Count,
  setAside: Count,
});
export type PlanFacts = z.infer<typeof PlanFacts>;

const CommitFact = z.object({
  authority: AuthorityId,
  outcome: z.enum(['done', 'incomplete', 'refused', 'failed']),
  code: Code.nullable(),
  counts: z
    .object({ applied: Count, alreadyApplied: Count, conflict: Count, refused: Count, unknown: Count })
    .nullable(),
});
export type CommitFact = z.infer<typeof CommitFact>;

const FactRef = z.object({ ref: z.string().max(300), sha256: Digest });

/** The parts of a run's result that events are made of; what else it holds is dropped. */
export const ResultFacts = z.object({
  outcome: z.enum(['agreed', 'divergent', 'approvalPending', 'planned']),
  run: Digest,
  plan: PlanFacts,
  newLinks: Count,
  records: Counts,
  reviews: z.array(
    z.object({
      authority: AuthorityId,
      outcome: z.string().regex(/^[a-zA-Z]{1,40}$/),
    }),
  ),
  commits: z.array(CommitFact),
  snapshots: z.array(FactRef),
  receipts: z.array(FactRef),
  agreement: z.object({ sequence: z.int().positive(), base: Digest }).nullable(),
  left: Count,
  absent: z.array(AbsentFact),
});
export type ResultFacts = z.infer<typeof ResultFacts>;

/** What a run that ended without a result shows of itself. */
export const ProgressFacts = z.object({
  stage: z.string().regex(/^[a-z]{1,20}$/),
  plan: PlanFacts.nullable(),
  snapshots: z.array(FactRef),
});
export type ProgressFacts = z.infer<typeof ProgressFacts>;

/** What a signed snapshot says of itself as a whole. */
export interface SnapshotFacts {
  readonly authority: AuthorityId;
  readonly run: Digest;
  readonly root: Digest;
  /** The base over which it was made; null before the first. */
  readonly base: Digest | null;
  /** Records in all. */
  readonly records: number;
  /** Whether every scope was read to its end. */
  readonly complete: boolean;
}

/** A signed head of the log of an authority: what holds it to what it witnessed. */
export interface LogFacts {
  readonly authority: AuthorityId;
  readonly origin: string;
  readonly size: number;
  /** 64 lower-case hexadecimal characters. */
  readonly root: string;
}

/** How an execution of the workflow ended. `continued`: another execution goes on at once in its place. */
export type Ending = 'completed' | 'continued' | 'failed' | 'timedOut' | 'cancelled' | 'terminated';
