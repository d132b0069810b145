/** What a walk in threads says to its threads and hears from them. Plain data: it is copied from one to the other. */
import type { ErrorCode } from '../../core/errors.js';
import type { FieldGroup } from '../../core/federation/federation.js';
import type { Differing, Participant, Ranges, Unanimous } from '../sealing/walk-differing.js';

export interface ThreadTask {
  /** For openStore (activities/store-location.ts). */
  readonly location: string;
  readonly prefixes: readonly string[];
  readonly participants: readonly Participant[];
  readonly groups: readonly FieldGroup[];
  readonly unanimous?: Unanimous;
  /** Walked in this order. */
  readonly parts: readonly Ranges[];
}

export type ThreadMessage =
  | { readonly kind: 'some'; readonly records: readonly Differing[] }
  /** One of the parts is walked to its end. */
  | { readonly kind: 'partEnd'; readonly unanimous: number }
  | { readonly kind: 'failed'; readonly code: ErrorCode | null; readonly message: string };

/** How many records a message holds, and how many messages a thread may be ahead of whoever takes them. */
export const recordsPerMessage = 500;
export const messagesAhead = 8;
