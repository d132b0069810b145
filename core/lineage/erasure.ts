/**
 * What is signed when a record's history is erased: the word of an authority's people that asks for it, and the receipt of
 * the authority that did it. Neither names the record: both hold a digest of its federated key, which is itself derived
 * from keyed digests, so that it says nothing to whoever does not know the key already.
 */
import { z } from 'zod';
import { OneTimeId } from '../approval/delegation.js';
import { Hlc } from '../clock/hlc.js';
import { Digest, digestOf } from '../digest.js';
import { AuthorityId } from '../record.js';
import { PreviousHop } from './hop.js';
import type { RecordName } from './salted.js';

/** By this, people and receipts speak of a record whose name must not be kept. */
export function erasureSubject({ dataset, type, key }: RecordName): Digest {
  return digestOf({ erasure: 1, dataset, type, key });
}

export const erasureRequestType = 'concordat-erasure-request+jws';
export const ErasureRequest = z.strictObject({
  id: OneTimeId,
  federation: z.string(),
  /** Whose copies: an authority erases on the word of its own people alone. */
  authority: AuthorityId,
  dataset: z.string(),
  /** erasureSubject of the record. */
  subject: Digest,
  approver: z.string(),
  /** Kept with the receipt for ever, so it must name nobody. */
  reason: z.string().min(1).max(200),
  issuedAtMs: z.int(),
  expiresAtMs: z.int(),
});
export type ErasureRequest = z.infer<typeof ErasureRequest>;

/** Copies that no member can remove, or has not removed yet. `who` is an authority, where one is meant. */
export const OutOfReach = z.strictObject({
  kind: z.enum([
    'exports',
    'storeBackups',
    'temporalHistories',
    'logFiles',
    'notices',
    'lineageEvents',
    'cloudRecycleBin',
    'cloudAuditLog',
    'coordinator',
    'member',
  ]),
  who: AuthorityId.nullable(),
});
export type OutOfReach = z.infer<typeof OutOfReach>;

export const erasureReceiptType = 'concordat-erasure+jwt';
export const ErasureReceipt = z.strictObject({
  federation: z.string(),
  authority: AuthorityId,
  dataset: z.string(),
  type: z.string(),
  subject: Digest,
  /** What the record is called in hops: the same at every member. Null where it never was agreed on. */
  record: Digest.nullable(),
  /** The newest hop of this authority's chain: from it the chain is still found. Null where it has none. */
  end: PreviousHop.nullable(),
  /** The signed words of this authority's people, as compact JWS. */
  requests: z.array(z.string()).min(1),
  /** What was removed or rewritten, by kind. */
  removed: z.record(z.string(), z.int().nonnegative()),
  /** The document that lists what was removed from the exchange store (ErasedObjects). */
  objects: Digest,
  outOfReach: z.array(OutOfReach),
  /** When the removal was decided on, by the clock of the authority. */
  hlc: Hlc,
});
export type ErasureReceipt = z.infer<typeof ErasureReceipt>;

/** Names of objects under the authority's prefix, sorted. They are digests of what is gone. */
export const ErasedObjects = z.strictObject({ names: z.array(z.string().max(300)) });
export type ErasedObjects = z.infer<typeof ErasedObjects>;
