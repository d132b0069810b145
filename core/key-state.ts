/**
 * When a key of an authority counts: published, expired, superseded, compromised. One pure rule that every verification
 * asks, so that a signature stands or falls alike for a worker in a run and for an auditor years later.
 */
import { z } from 'zod';
import type { AuthorityId } from './record.js';
import type { PublicKey } from './public-key.js';

/** Keys are separate by use: who holds the worker's keys cannot change the terms, and who reads cannot write. */
export const keyUses = ['manifest', 'messages', 'log', 'encryption'] as const;
export const KeyUse = z.enum(keyUses);
export type KeyUse = z.infer<typeof KeyUse>;

/** OpenID Federation 1.0, historical keys: why a key was revoked. */
export const RevocationReason = z.enum(['unspecified', 'compromised', 'superseded']);
export type RevocationReason = z.infer<typeof RevocationReason>;

export interface KeyState {
  readonly authority: AuthorityId;
  readonly use: KeyUse;
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  readonly key: PublicKey;
  /** Milliseconds since the epoch; null where it counts from the start. A key is published before it may sign. */
  readonly notBeforeMs: number | null;
  /** null where it has no end yet. */
  readonly expiresMs: number | null;
  readonly revoked: { readonly atMs: number; readonly reason: RevocationReason } | null;
}

export function isRevoked(state: KeyState): state is KeyState & { readonly revoked: NonNullable<KeyState['revoked']> } {
  return state.revoked !== null;
}

/** Whether somebody else may have signed with it: revoked as compromised, or without a reason. */
export function isStolen({ revoked }: KeyState): boolean {
  return revoked !== null && revoked.reason !== 'superseded';
}

/** What is known about the time of a signature. */
export interface SignatureTime {
  /** As the signer says, so it can be forged by whoever has the key; null where the message says nothing. */
  readonly issuedAtMs: number | null;
  /** A time by which peers had cosigned a log that holds the signature; null where nothing shows that. */
  readonly cosignedBeforeMs: number | null;
}

export type SignatureStanding = { readonly stands: true } | { readonly stands: false; readonly why: string };

const stands: SignatureStanding = { stands: true };

/**
 * Whether a signature that verifies counts. A key that was superseded or ran out made what it signed before. A key that
 * was compromised at T could have made anything afterwards and dated it back, so only what peers cosigned before T
 * counts; where no reason was given the worst is taken.
 */
export function signatureStands(state: KeyState, time: SignatureTime): SignatureStanding {
  const whose = `key ${state.kid.slice(0, 8)} of ${state.authority}`;
  const { revoked } = state;
  if (revoked && revoked.reason !== 'superseded') {
    if (time.cosignedBeforeMs !== null && time.cosignedBeforeMs <= revoked.atMs) return stands;
    return fallen(`${whose} was revoked (${revoked.reason}), and no peer had cosigned this before`);
  }
  const endMs = Math.min(revoked?.atMs ?? Number.POSITIVE_INFINITY, state.expiresMs ?? Number.POSITIVE_INFINITY);
  const atMs = time.issuedAtMs ?? time.cosignedBeforeMs;
  if (atMs === null) {
    const isUnlimited = state.notBeforeMs === null && endMs === Number.POSITIVE_INFINITY;
    return isUnlimited ? stands : fallen(`${whose} counts for a time, and the message does not say when it was signed`);
  }
  if (state.notBeforeMs !== null && atMs < state.notBeforeMs) return fallen(`${whose} did not count yet`);
  if (atMs >= endMs) return fallen(`${whose} ${revoked ? 'was replaced' : 'had run out'} before this was signed`);
  return stands;
}

function fallen(why: string): SignatureStanding {
  return { stands: false, why };
}

/** Of the keys that may sign now, the one that was published last: what it signs counts longest. */
export function signingState(states: readonly KeyState[], nowMs: number): KeyState | undefined {
  return states
    .filter((state) => state.revoked === null && (state.notBeforeMs ?? 0) <= nowMs)
    .filter((state) => state.expiresMs === null || nowMs < state.expiresMs)
    .sort((one, other) => (other.notBeforeMs ?? 0) - (one.notBeforeMs ?? 0))[0];
}
