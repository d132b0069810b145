/** A member's manifest after everything about it was verified: what counts of it now, and the keys that speak for it. */
import type { Digest } from '../digest.js';
import type { AuthorityId } from '../record.js';
import type { KeyState } from '../key-state.js';
import type { Terms } from './terms.js';

export interface AcceptedManifest {
  readonly authority: AuthorityId;
  /** SHA-256 of the signing input of the entity configuration. */
  readonly id: Digest;
  /** Later with each signature: a manifest with an earlier one than was seen is refused. */
  readonly issuedAtMs: number;
  readonly expiresMs: number;
  /** What the authority says now. */
  readonly published: Terms;
  /** What counts now: the published terms without what a peer has not accepted yet. */
  readonly inForce: Terms;
  /** Peers that have not accepted all of the published terms. Empty where both are the same. */
  readonly waitsFor: readonly AuthorityId[];
  /** Of all uses, those of earlier days too. */
  readonly keys: readonly KeyState[];
  /** What this authority pinned of each peer. */
  readonly pins: Readonly<Record<AuthorityId, PinnedPeer>>;
}

export interface PinnedPeer {
  readonly id: Digest;
  readonly issuedAtMs: number;
  readonly expiresMs: number;
  /** Thumbprints of the manifest keys of the peer that count for this authority. */
  readonly kids: readonly string[];
  /** Message id and issue time of the manifest that was accepted. */
  readonly manifest: Digest;
  readonly manifestIssuedAtMs: number;
  readonly terms: Terms;
}
