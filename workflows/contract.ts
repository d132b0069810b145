/**
 * The two Nexus services and what passes through them: references, counts and outcomes, never a record.
 *
 * HAZARD: everything here lands in a workflow history. No value of a record, no native id, no key material.
 */
import * as nexus from 'nexus-rpc';
import { Digest } from '../core/digest.js';
import { Ref } from '../core/messages.js';
import type { ReceiptCounts } from '../core/receipt.js';
import type { ReviewOutcome } from '../core/review.js';
import { z } from 'zod';

export interface Description {
  readonly authority: string;
  readonly kind: string;
  readonly algorithms: readonly string[];
}

export interface OpenInput {
  readonly dataset: string;
  /** Names the attempt, so that a repeated request gets the same open. */
  readonly attempt: string;
}
export interface OpenResult {
  readonly open: Ref;
  readonly id: Digest;
}

/** What ties a step to its run: everything else is found from here and checked against signatures. */
export const RunInputs = z.strictObject({
  dataset: z.string(),
  run: Digest,
  opens: z.array(Ref),
  /** The latest snapshot of each member; empty before the first. */
  snapshots: z.array(Ref),
  /** The correlation that the first snapshots gave and a second translation applied; null where nothing was new. */
  correlation: Ref.nullable(),
  /** The first snapshots, which the correlation was made from; empty where `correlation` is null. */
  firstSnapshots: z.array(Ref),
});
export type RunInputs = z.infer<typeof RunInputs>;

export interface SnapshotResult {
  readonly snapshot: Ref;
  readonly records: number;
  readonly unlinked: number;
  readonly incompleteScopes: number;
  readonly setAside: number;
}

export interface TranslateInput {
  readonly inputs: RunInputs;
  readonly correlation: Ref;
}

export interface ReviewInput {
  readonly inputs: RunInputs;
  readonly plan: Ref;
  readonly planDigest: Digest;
}
export interface ReviewResult {
  readonly authority: string;
  readonly outcome: ReviewOutcome;
  readonly code: string | null;
  readonly review: Ref;
  readonly approved: number;
  readonly rejected: number;
  readonly choices: number;
}

export interface CommitInput {
  readonly inputs: RunInputs;
  readonly plan: Ref;
  readonly reviews: readonly Ref[];
  readonly permit: Ref;
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

export interface WitnessInput {
  readonly inputs: RunInputs;
  readonly plan: Ref;
  readonly reviews: readonly Ref[];
  readonly permit: Ref;
  readonly receipts: readonly Ref[];
  readonly candidate: Ref;
}
export interface WitnessResult {
  readonly authority: string;
  readonly witness: Ref;
  readonly sequence: number;
  readonly base: Digest;
}

export const authorityService = nexus.service('concordat.authority.v1', {
  describe: nexus.operation<void, Description>(),
  open: nexus.operation<OpenInput, OpenResult>(),
  snapshot: nexus.operation<RunInputs, SnapshotResult>(),
  translate: nexus.operation<TranslateInput, SnapshotResult>(),
  review: nexus.operation<ReviewInput, ReviewResult>(),
  commit: nexus.operation<CommitInput, CommitResult>(),
  witness: nexus.operation<WitnessInput, WitnessResult>(),
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
