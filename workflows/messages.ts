/** Updates, signals and queries of the workflows, and their arguments: what the CLI, schedulers and Temporal UI send. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import { z } from 'zod';
import { decisionBytesMax } from '../core/decision.js';
import { Digest } from '../core/digest.js';
import type { ReceiptCounts } from '../core/receipt.js';
import type { ReviewOutcome, ReviewProgress } from '../core/review.js';
import type { Ref, RunInputs } from '../core/messages.js';
import type { LeftOut } from './activity-types.js';
import type { RequestRunInput, ReviewResult } from './contract.js';

export interface ReconcileInput {
  readonly dataset: string;
  /** Ends after the plan: nobody is asked, nothing is written. */
  readonly planOnly?: boolean;
  /** Asks people and ends at once with approvalPending instead of waiting in the run. */
  readonly noWait?: boolean;
}

export type RunOutcome = 'agreed' | 'divergent' | 'approvalPending' | 'planned';
export type RunStage = 'open' | 'snapshot' | 'translate' | 'compare' | 'approve' | 'commit' | 'agree' | 'done';

export interface PlanSummary {
  readonly plan: Ref;
  readonly planDigest: Digest;
  readonly divergences: number;
  /** Divergences that somebody accepted for a time; not counted among the open ones. */
  readonly accepted: number;
  readonly operations: number;
  readonly operationsBy: Readonly<Record<string, number>>;
  readonly conflicts: number;
  readonly cases: number;
  readonly incompleteScopes: readonly string[];
  readonly setAside: number;
  readonly affected: readonly string[];
  /** Types and maps that are new since the last agreement; absent where there are none. */
  readonly newVersions?: number;
  /** Who holds such a type and takes no part: nobody is asked, and nothing is written or agreed on, until they do. */
  readonly versionsWaitFor?: readonly string[];
  /** Members that hold values of `digest` fields which the plan writes elsewhere; absent where an earlier version answered. */
  readonly disclosers?: readonly string[];
  /** What the base holds after this run if nobody approves anything: equal means that agreement has nothing to record. */
  readonly baseMoves: boolean;
}

/** A review as a run reports it: what its authority answered, or why there is no answer. */
export type ReviewReport = Omit<ReviewResult, 'review' | 'outcome'> & {
  readonly outcome: ReviewOutcome | 'pending' | 'failed';
};

export interface CommitReport {
  readonly authority: string;
  readonly outcome: 'done' | 'incomplete' | 'refused' | 'failed';
  readonly code: string | null;
  readonly counts: ReceiptCounts | null;
}

/** The whole of a run in counts and references. */
export interface RunResult {
  readonly dataset: string;
  readonly outcome: RunOutcome;
  readonly run: Digest;
  readonly plan: PlanSummary;
  readonly newLinks: number;
  readonly records: Readonly<Record<string, number>>;
  readonly reviews: readonly ReviewReport[];
  readonly commits: readonly CommitReport[];
  /** The signed snapshots that the plan was made from. */
  readonly snapshots: readonly Ref[];
  /** Everything that the plan was made from; absent in runs of earlier versions. */
  readonly inputs?: RunInputs;
  readonly receipts: readonly Ref[];
  /** What the run was made from, by reference, for who exports it. Absent in runs of earlier versions. */
  readonly evidence?: { readonly inputs: RunInputs; readonly reviews: readonly Ref[]; readonly permit: Ref | null };
  /** The agreement that this run recorded; null where the base did not move. */
  readonly agreement: { readonly sequence: number; readonly base: Digest } | null;
  /** Divergences that no operation with an effect settled, without the accepted ones. */
  readonly left: number;
  /** Members that took no part, and why; empty where all did. */
  readonly absent: readonly LeftOut[];
}

export interface RunProgress {
  readonly stage: RunStage;
  readonly waitingFor: readonly string[];
  readonly plan: PlanSummary | null;
  /** The signed snapshots so far; empty before all members have one. */
  readonly snapshots: readonly Ref[];
  /** Everything that the plan was made from, once there is one. */
  readonly inputs?: RunInputs | null;
  /** How many of the groups of a large compare are done; null or absent where there are none. */
  readonly groups?: { readonly done: number; readonly of: number } | null;
}

/** The same signed decision for Update and Signal. The validator reads no more of it than the envelope. */
export const DecisionEnvelope = z.strictObject({ plan: Digest, jws: z.string().min(1).max(decisionBytesMax) });
export type DecisionEnvelope = z.infer<typeof DecisionEnvelope>;

export interface DecisionAnswer extends ReviewProgress {
  readonly accepted: true;
  readonly approver: string;
  readonly kind: 'approve' | 'reject';
}

export interface ReviewStatus extends Omit<ReviewProgress, 'closed'> {
  readonly plan: Digest;
  readonly dataset: string;
  readonly stage: 'preparing' | 'waiting' | 'closed';
  readonly operations: number;
  readonly conflicts: number;
  /** Absent where there are none. */
  readonly newVersions?: number;
  readonly quorum: number;
  readonly braked: boolean;
  /** Since when the oldest of these questions has been asked. */
  readonly waitingSinceMs: number;
  readonly deadlineMs: number;
  /** Roles that were called in because nobody decided. */
  readonly escalatedTo: readonly string[];
  readonly reminded: number;
  /** Signals that were not accepted, by code: nothing is dropped without a trace. */
  readonly refusedSignals: Readonly<Record<string, number>>;
}

export const decideUpdate = defineUpdate<DecisionAnswer, [DecisionEnvelope]>('decide');
export const decideSignal = defineSignal<[DecisionEnvelope]>('decideBySignal');
export const replacedSignal = defineSignal<[{ readonly plan: Digest }]>('replaced');
export const reviewStatusQuery = defineQuery<ReviewStatus>('status');
export const reviewClosedSignal = defineSignal<[RequestRunInput]>('reviewClosed');
export const progressQuery = defineQuery<RunProgress>('progress');
