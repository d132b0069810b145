/** What workflows ask of activities: types only, so that no activity code reaches the workflow bundle. */
import type { Delegation } from '../core/approval/delegation.js';
import type { Proposal, Ref, RunInputs, Seal } from '../core/messages.js';
import type { Digest } from '../core/digest.js';
import type { ErrorCode } from '../core/errors.js';
import type { LinkStatement } from '../core/correlate.js';
import type { StandingStatement } from '../core/standing-statement.js';
import type { UnsettledWrite } from '../core/unsettled.js';
import type { UndoStatement } from '../core/undo.js';
import type {
  CommitInput,
  CommitResult,
  DiscloseResult,
  EraseCopiesResult,
  EraseInput,
  EraseResult,
  ReviewInput,
  ReviewResult,
  SealInput,
  SealResult,
  SnapshotResult,
  TranslateInput,
  WitnessInput,
  WitnessResult,
} from './contract.js';
import type { DecisionAnswer, DecisionEnvelope, PlanSummary } from './messages.js';
import type { ReviewOutcome, ReviewProgress } from '../core/review.js';

/** Where this run goes: found once at its start. */
export interface RunSetup {
  readonly federation: string;
  readonly members: readonly { readonly authority: string; readonly endpoint: string }[];
  readonly waitInRunMs: number;
  /** How long the worker of an authority may be away before its step fails. */
  readonly absentAfterMs: number;
  /** The highest round that any member is known to have opened; a hint, never trusted. */
  readonly highestRound: number;
  /** Records of all members that one group of a compare takes; absent in runs that began before there were groups. */
  readonly recordsPerGroup?: number;
}

/** Why a member takes no part in a run. */
export interface LeftOut {
  readonly authority: string;
  readonly code: ErrorCode;
  readonly message: string;
}

/** What the opens of an attempt ask for next. */
export type Judgement =
  | { readonly kind: 'work'; readonly run: Digest }
  /** Something may be sealed already: this proposal is signed by all of this run, then all open again. */
  | {
      readonly kind: 'finish';
      readonly run: Digest;
      readonly proposal: Ref;
      readonly sequence: number;
      readonly candidate: Digest;
      /** Too few can have signed it for it to be sealed: where it cannot be made again, the next attempt may pass over it. */
      readonly passable: boolean;
      /** Who shows that they signed it. */
      readonly signers: readonly string[];
    }
  | { readonly kind: 'catchUp'; readonly behind: readonly string[]; readonly seal: Ref; readonly sequence: number }
  /** Some cannot take part with the others: these open again without them. */
  | { readonly kind: 'leaveOut'; readonly leftOut: readonly LeftOut[] };

/** Activities of the coordinator's worker. It holds no credential and no key. */
export interface FederationActivities {
  setupRun(dataset: string): Promise<RunSetup>;
  judgeOpens(input: {
    readonly dataset: string;
    readonly opens: readonly Ref[];
    /** A candidate that could not be made again; passed over where the opens show that it is not sealed. */
    readonly passOver?: Digest;
  }): Promise<Judgement>;
  correlateSnapshots(
    inputs: RunInputs,
  ): Promise<{ readonly correlation: Ref; readonly linksBy: Readonly<Record<string, number>>; readonly cases: number }>;
  /** Group `group` of `groups`: puts what differs in its buckets. Runs on the queue of its own (compareQueue). */
  compareGroup(input: {
    readonly inputs: RunInputs;
    readonly group: number;
    readonly groups: number;
  }): Promise<{ readonly compared: Ref; readonly differing: number }>;
  /** `compared`: what each group of the compare left; where absent, all is compared here. */
  compareAndPlan(inputs: RunInputs, compared?: readonly Ref[]): Promise<PlanSummary>;
  settleReviews(input: {
    readonly inputs: RunInputs;
    readonly plan: Ref;
    readonly reviews: readonly Ref[];
    readonly compared?: readonly Ref[];
  }): Promise<{ readonly permit: Ref; readonly operationsBy: Readonly<Record<string, number>> }>;
  proposeCandidate(
    input: Omit<Proposal, 'candidate'> & { readonly compared?: readonly Ref[] },
  ): Promise<{ readonly proposal: Ref | null; readonly left: number }>;
  /** Puts the signatures of a run together; whoever doubts them reads them again. */
  assembleSeal(seal: Seal): Promise<{ readonly seal: Ref }>;
  /** Removes the coordinator's own copies of a record's history, once every member has signed that its own are gone. */
  eraseCopies(record: Omit<EraseInput, 'jws'>): Promise<EraseCopiesResult>;
}

/** Activities of one authority's worker. */
export interface AuthorityActivities {
  readPages(inputs: RunInputs): Promise<{ readonly objects: number; readonly incompleteScopes: number }>;
  sealSnapshot(inputs: RunInputs): Promise<SnapshotResult>;
  translateAgain(input: TranslateInput): Promise<SnapshotResult>;
  disclose(input: ReviewInput): Promise<DiscloseResult>;
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
  acceptSeal(input: SealInput): Promise<SealResult>;
  probeMesh(): Promise<ProbeReport>;
  remindPeople(input: RemindInput): Promise<RemindAnswer>;
  recordDelegation(input: { readonly jws: string }): Promise<DelegationView>;
  endDelegation(input: { readonly jws: string }): Promise<DelegationView>;
  listDelegations(): Promise<readonly DelegationView[]>;
  /** Counts who asked, then removes this authority's copies of a record's history and signs that it did. */
  eraseRecord(input: EraseInput): Promise<EraseResult>;
  recordStatement(input: { readonly dataset: string; readonly jws: string }): Promise<RecordedStatement>;
  recordUndo(input: {
    readonly dataset: string;
    readonly jws: string;
  }): Promise<{ readonly id: Digest; readonly statement: UndoStatement }>;
  recordLink(input: { readonly dataset: string; readonly jws: string }): Promise<{ readonly statement: LinkStatement }>;
}

/** What an authority kept of a person's signed words (core/standing-statement.ts). */
export interface RecordedStatement {
  readonly id: Digest;
  readonly kind: StandingStatement['kind'];
  /** Of a `settle`, what it came to. */
  readonly settled?: UnsettledWrite;
}

export interface PreparedReview extends ReviewProgress {
  readonly kind: 'waiting' | 'closed' | 'refused';
  readonly authority: string;
  readonly federation: string;
  readonly code: string | null;
  readonly message: string | null;
  readonly operations: number;
  readonly conflicts: number;
  /** Types and maps that are new; absent where there are none. */
  readonly newVersions?: number;
  readonly quorum: number;
  readonly braked: boolean;
  /** From the opening of this review, on the authority's own terms. */
  readonly deadlineMs: number;
  /** Since when the oldest of its questions has been asked, also by reviews that this one replaced. */
  readonly waitingSinceMs: number;
  /** After the opening. */
  readonly reminders: readonly number[];
  readonly escalations: readonly DueNotice[];
}

export interface DueNotice {
  /** After the opening of the review. */
  readonly afterMs: number;
  /** Who is called in; null where the same people are reminded. */
  readonly role: string | null;
  readonly mayDecide: boolean;
}

export interface RemindInput {
  readonly dataset: string;
  readonly plan: Digest;
  readonly role: string | null;
  readonly mayDecide: boolean;
}
export interface RemindAnswer extends ReviewProgress {
  readonly posted: 'posted' | 'nowhere' | 'failed' | 'notNeeded';
  /** How long until it is due on the authority's own clock; 0 where it is. */
  readonly earlyMs: number;
}

/** A delegation as it is shown: ids of approvers and times. */
export interface DelegationView extends Pick<
  Delegation,
  'id' | 'authority' | 'dataset' | 'kinds' | 'from' | 'to' | 'issuedAtMs' | 'untilMs'
> {
  readonly state: 'holds' | 'over' | 'ended';
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
