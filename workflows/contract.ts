/**
 * The two Nexus services and what passes through them: references, counts and outcomes, never a record.
 *
 * HAZARD: everything here lands in a workflow history. No value of a record, no native id, no key material.
 */
import * as nexus from 'nexus-rpc';
import type { Digest } from '../core/digest.js';
import type { Ref, RunInputs } from '../core/messages.js';
import type { ReceiptCounts } from '../core/receipt.js';
import type { ReviewOutcome } from '../core/review.js';

export interface Description {
  readonly authority: string;
  readonly kind: string;
  readonly algorithms: readonly string[];
}

export interface OpenInput {
  readonly dataset: string;
  /** Names the attempt, so that a repeated request gets the same open. */
  readonly attempt: string;
  readonly round: number;
  /** Exactly those who are to take part. */
  readonly members: readonly string[];
}
export type OpenResult =
  | { readonly kind: 'opened'; readonly open: Ref; readonly id: Digest }
  /** `promised`: the highest round that this authority ever opened. */
  | { readonly kind: 'roundTooLow' | 'roundTooFar'; readonly promised: number };

/** What a person asks of their own authority's worker, with a signed request that does not name the record. */
export interface EraseInput {
  readonly dataset: string;
  readonly type: string;
  readonly key: string;
  /** Compact JWS of the type concordat-erasure-request+jws. */
  readonly jws: string;
}

export type EraseResult =
  | {
      readonly kind: 'waiting';
      readonly authority: string;
      /** Who has asked. */
      readonly approvers: readonly string[];
      /** How many people more must ask. */
      readonly missing: number;
      readonly required: string;
    }
  | {
      readonly kind: 'erased';
      readonly authority: string;
      /** Compact JWS of the type concordat-erasure+jwt. */
      readonly receipt: string;
      readonly removed: Readonly<Record<string, number>>;
    };

/** What the coordinator did with its own copies; it waits until every member has signed. */
export type EraseCopiesResult =
  | { readonly kind: 'waiting'; readonly missing: readonly string[] }
  | { readonly kind: 'erased'; readonly removed: Readonly<Record<string, number>> };

export interface SnapshotResult {
  readonly snapshot: Ref;
  readonly records: number;
  readonly unlinked: number;
  readonly incompleteScopes: number;
  readonly setAside: number;
  /** Rows that the row filter keeps back; absent where an earlier version answered. */
  readonly hidden?: number;
}

export interface TranslateInput {
  readonly inputs: RunInputs;
  readonly correlation: Ref;
}

export interface ReviewInput {
  readonly inputs: RunInputs;
  readonly plan: Ref;
  readonly planDigest: Digest;
  /** What members disclosed for this plan; absent where it writes no `digest` field. */
  readonly disclosures?: readonly Ref[];
}

/** Values of `digest` fields that the plan writes elsewhere, each encrypted to the authority that would write it. */
export interface DiscloseResult {
  readonly authority: string;
  readonly disclosure: Ref;
  readonly values: number;
}
export interface ReviewResult {
  readonly authority: string;
  readonly outcome: ReviewOutcome;
  readonly code: string | null;
  readonly review: Ref;
  /** Operations and new versions. */
  readonly approved: number;
  readonly rejected: number;
  /** Conflicts that its people left as they are. */
  readonly left: number;
  readonly choices: number;
}

export interface CommitInput {
  readonly inputs: RunInputs;
  readonly plan: Ref;
  readonly reviews: readonly Ref[];
  readonly permit: Ref;
  readonly disclosures?: readonly Ref[];
}
/** `refused`: the gate held; nothing was written. */
export type CommitResult =
  | {
      readonly kind: 'refused';
      readonly authority: string;
      readonly code: string;
      readonly message: string;
      readonly receipts: Ref | null;
    }
  | {
      readonly kind: 'done';
      readonly authority: string;
      readonly receipts: Ref;
      readonly complete: boolean;
      /** What stopped it before the end; null where nothing did, or an effect is unknown. */
      readonly code: string | null;
      readonly counts: ReceiptCounts;
    };

/** Signs a candidate in the run of these opens, which made it or has to finish it. */
export interface WitnessInput {
  readonly dataset: string;
  readonly run: Digest;
  readonly opens: readonly Ref[];
  readonly proposal: Ref;
}
export interface WitnessResult {
  readonly authority: string;
  readonly witness: Ref;
}

/** Shows an authority that a candidate is sealed. */
export interface SealInput {
  readonly dataset: string;
  readonly seal: Ref;
}
export interface SealResult {
  readonly authority: string;
  readonly sequence: number;
  readonly base: Digest;
}

export const authorityService = nexus.service('concordat.authority.v1', {
  describe: nexus.operation<void, Description>(),
  open: nexus.operation<OpenInput, OpenResult>(),
  snapshot: nexus.operation<RunInputs, SnapshotResult>(),
  translate: nexus.operation<TranslateInput, SnapshotResult>(),
  disclose: nexus.operation<ReviewInput, DiscloseResult>(),
  review: nexus.operation<ReviewInput, ReviewResult>(),
  commit: nexus.operation<CommitInput, CommitResult>(),
  witness: nexus.operation<WitnessInput, WitnessResult>(),
  seal: nexus.operation<SealInput, SealResult>(),
});

/** An authority whose review closed asks for a run, so that an approval never waits for the next schedule. */
export interface RequestRunInput {
  readonly dataset: string;
  readonly authority: string;
  readonly plan: Digest;
}

export const federationService = nexus.service('concordat.federation.v1', {
  requestRun: nexus.operation<RequestRunInput, { readonly workflowId: string }>(),
});
