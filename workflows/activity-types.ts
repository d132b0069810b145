/** What workflows ask of activities: types only, so that no activity code reaches the workflow bundle. */
import type { Ref } from '../core/messages.js';
import type { Digest } from '../core/digest.js';
import type { LinkStatement } from '../core/correlate.js';
import type {
  CommitInput,
  CommitResult,
  OpenResult,
  ReviewInput,
  ReviewResult,
  RunInputs,
  SnapshotResult,
  TranslateInput,
  WitnessInput,
  WitnessResult,
} from './contract.js';
import type { DecisionAnswer, DecisionEnvelope, PlanSummary } from './messages.js';
import type { ReviewOutcome } from '../core/review.js';

/** Where this run goes: found once at its start. */
export interface RunSetup {
  readonly federation: string;
  readonly members: readonly { readonly authority: string; readonly endpoint: string }[];
  readonly waitInRunMs: number;
  /** How long the worker of an authority may be away before its step fails. */
  readonly absentAfterMs: number;
}

/** Activities of the coordinator's worker. It holds no credential and no key. */
export interface FederationActivities {
  setupRun(dataset: string): Promise<RunSetup>;
  nameRun(input: {
    readonly dataset: string;
    readonly opens: readonly OpenResult[];
  }): Promise<{ readonly run: Digest }>;
  correlateSnapshots(
    inputs: RunInputs,
  ): Promise<{ readonly correlation: Ref; readonly linksBy: Readonly<Record<string, number>>; readonly cases: number }>;
  compareAndPlan(inputs: RunInputs): Promise<PlanSummary>;
  settleReviews(input: {
    readonly inputs: RunInputs;
    readonly plan: Ref;
    readonly reviews: readonly Ref[];
  }): Promise<{ readonly permit: Ref; readonly operationsBy: Readonly<Record<string, number>> }>;
  proposeCandidate(
    input: Omit<WitnessInput, 'candidate'>,
  ): Promise<{ readonly candidate: Ref | null; readonly left: number }>;
}

/** Activities of one authority's worker. */
export interface AuthorityActivities {
  readPages(inputs: RunInputs): Promise<{ readonly objects: number; readonly incompleteScopes: number }>;
  sealSnapshot(inputs: RunInputs): Promise<SnapshotResult>;
  translateAgain(input: TranslateInput): Promise<SnapshotResult>;
  prepareReview(input: ReviewInput): Promise<PreparedReview>;
  recordDecision(input: {
    readonly dataset: string;
    readonly plan: Digest;
    readonly envelope: DecisionEnvelope;
  }): Promise<DecisionAnswer>;
  closeReview(input: {
    readonly dataset: string;
    readonly plan: Digest;
    readonly outcome: ReviewOutcome | 'tally';
    readonly code: string | null;
  }): Promise<ReviewResult>;
  applyPermit(input: CommitInput): Promise<CommitResult>;
  witnessCandidate(input: WitnessInput): Promise<WitnessResult>;
  probeMesh(): Promise<ProbeReport>;
  recordLink(input: { readonly dataset: string; readonly jws: string }): Promise<{ readonly statement: LinkStatement }>;
}

export interface PreparedReview {
  readonly kind: 'waiting' | 'closed' | 'refused';
  readonly authority: string;
  readonly federation: string;
  readonly code: string | null;
  readonly message: string | null;
  readonly operations: number;
  readonly conflicts: number;
  readonly quorum: number;
  readonly braked: boolean;
  readonly approved: number;
  readonly rejected: number;
  readonly open: number;
  readonly missing: number;
  /** From the opening of this review, on the authority's own terms. */
  readonly deadlineMs: number;
}

export interface ProbeReport {
  readonly authority: string;
  readonly kind: string;
  readonly reachable: boolean;
  readonly authenticated: boolean;
  readonly identity: string | null;
  readonly permissions: readonly { readonly permission: string; readonly held: boolean | 'notChecked' }[];
  readonly code: string | null;
  readonly detail: string | null;
}
