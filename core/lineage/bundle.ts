/**
 * What travels with a record: its lineage token. For each authority the chain of its hops, newest first, every hop as body,
 * proof and signed root, and the place of that root in the authority's log. Enough to check all of it with public keys.
 */
import { z } from 'zod';
import { Digest } from '../digest.js';
import { NoteText } from '../log/open-log.js';
import { AuthorityId } from '../record.js';
import { Json } from '../json.js';

/** Hashes of a proof in hexadecimal. */
const Proof = z.array(Digest).max(64);

export const TravellingHop = z.strictObject({
  /** The canonical JSON of the hop: the bytes of the leaf. */
  body: z.string().max(65_536),
  index: z.int().nonnegative(),
  proof: Proof,
  /** Compact JWS of the type concordat-hop+jwt. */
  root: z.string().max(65_536),
  /** Where the log of the authority holds the root, and the proof that its checkpoint covers it. */
  log: z.strictObject({ position: z.int().nonnegative(), proof: Proof }),
});
export type TravellingHop = z.infer<typeof TravellingHop>;

/** A peer's cosignature under an earlier or the same checkpoint, with the proof that the later one goes on from it. */
export const Cosigned = z.strictObject({ note: NoteText, proof: Proof });
export type Cosigned = z.infer<typeof Cosigned>;

export const AuthorityChain = z.strictObject({
  authority: AuthorityId,
  checkpoint: NoteText,
  cosigned: z.array(Cosigned),
  /** Newest first. */
  hops: z.array(TravellingHop),
  /** Signed resets of its clock, as compact JWS: they say why a later hop may have the lower stamp. */
  resets: z.array(z.string().max(65_536)).default([]),
});
export type AuthorityChain = z.infer<typeof AuthorityChain>;

/** What opens the hops of one record to whoever may see it. Without it the chain still verifies, and says nothing of values. */
export const RecordKey = z.strictObject({
  type: z.string(),
  key: z.string(),
  /** 32 bytes in hexadecimal. */
  salt: Digest,
  /** The agreed fields; null where the record is gone. */
  fields: z.record(z.string(), Json).nullable(),
});
export type RecordKey = z.infer<typeof RecordKey>;

export const RecordLineage = z.strictObject({
  federation: z.string(),
  dataset: z.string(),
  record: RecordKey.nullable(),
  chains: z.array(AuthorityChain),
});
export type RecordLineage = z.infer<typeof RecordLineage>;

/** A signed receipt of an erasure, and where the log of its authority holds it. */
export const TravellingErasure = z.strictObject({
  receipt: z.string().max(1_048_576),
  log: z.strictObject({ position: z.int().nonnegative(), proof: Proof }).nullable(),
});
export type TravellingErasure = z.infer<typeof TravellingErasure>;
