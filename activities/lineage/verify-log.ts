/** Verifies what an export says of an authority's log: its checkpoint, and what peers cosigned of it. */
import { canonicalJson } from '../../core/digest.js';
import type { AuthorityChain } from '../../core/lineage/bundle.js';
import type { LogEntry } from '../../core/lineage/hop.js';
import { logOrigin, parseCheckpoint, type Checkpoint } from '../../core/log/checkpoint.js';
import { cosignedAt } from '../../core/log/cosignature.js';
import { isSignedBy, parseNote, type Note } from '../../core/log/note.js';
import { verifyConsistency, verifyInclusion } from '../../core/log/proof.js';
import { leafHash } from '../../core/log/tree.js';
import { isStolen } from '../../core/key-state.js';
import type { AuthorityId } from '../../core/record.js';
import { verifyRaw } from '../log/ed25519.js';
import { cosignerKey, logNoteKey } from '../log/log-keys.js';
import type { Findings } from './findings.js';
import type { TrustedKeys } from './trusted-keys.js';

export interface VerifiedLog {
  readonly checkpoint: Checkpoint;
  /** The earliest time by which a peer had cosigned a log that holds this position; null where none has. */
  readonly cosignedBeforeMs: (position: number) => number | null;
}

export type LogEvidence = Pick<AuthorityChain, 'authority' | 'checkpoint' | 'cosigned'>;

/** Null where the checkpoint itself does not hold; then nothing that rests on the log does. */
export function verifyLog(log: LogEvidence, keys: TrustedKeys, findings: Findings): VerifiedLog | null {
  const { authority } = log;
  const cosignedTimes = log.cosigned.flatMap(({ note: text }) => {
    const note = parseNote(text);
    const atMs = note && cosignerOf(note, authority, keys)?.atMs;
    return note && typeof atMs === 'number' ? [{ text: note.text, atMs }] : [];
  });
  const cosignedBefore =
    (text: string) =>
    (limitMs: number): boolean =>
      cosignedTimes.some((one) => one.text === text && one.atMs <= limitMs);
  const textOf = (note: string): string => parseNote(note)?.text ?? '';
  const own = signedCheckpoint(log.checkpoint, authority, keys, cosignedBefore(textOf(log.checkpoint)));
  if (!own) {
    findings.add('wrong', authority, 'the checkpoint of its log is not what it signed with a key that counts for it');
    return null;
  }
  const held: { readonly size: number; readonly atMs: number; readonly words: string }[] = [];
  for (const { note: text, proof } of log.cosigned) {
    const earlier = signedCheckpoint(text, authority, keys, cosignedBefore(textOf(text)));
    // Cosigned only after the key was stolen: it says nothing, and nothing against the log.
    if (!earlier && signedCheckpoint(text, authority, keys, () => true)) continue;
    const cosigner = earlier && cosignerOf(earlier.note, authority, keys);
    if (!earlier || !cosigner) {
      findings.add('wrong', authority, 'a cosigned checkpoint of its log is not signed by it and a peer');
      continue;
    }
    const { size, root } = earlier.checkpoint;
    const to = own.checkpoint;
    const goesOn = verifyConsistency({
      from: size,
      fromRoot: root,
      to: to.size,
      toRoot: to.root,
      proof: proof.map(bytesOf),
    });
    if (goesOn) held.push({ size, atMs: cosigner.atMs, words: `${cosigner.peer} (${size} entries)` });
    else findings.add('wrong', authority, `its log does not go on from what ${cosigner.peer} cosigned`);
  }
  const words = held.map((one) => one.words).join(', ');
  if (held.length === 0) findings.add('missing', authority, 'no peer has cosigned its log');
  else findings.add('logged', authority, `its log of ${own.checkpoint.size} entries was cosigned by ${words}`);
  return {
    checkpoint: own.checkpoint,
    cosignedBeforeMs: (position) => {
      const times = held.filter(({ size }) => size > position).map(({ atMs }) => atMs);
      return times.length === 0 ? null : Math.min(...times);
    },
  };
}

/** Whether the log holds this entry at this position. */
export function isLogged(
  { checkpoint }: VerifiedLog,
  entry: LogEntry,
  { position, proof }: { readonly position: number; readonly proof: readonly string[] },
): boolean {
  return verifyInclusion({
    leaf: leafHash(new TextEncoder().encode(canonicalJson(entry))),
    index: position,
    size: checkpoint.size,
    proof: proof.map(bytesOf),
    root: checkpoint.root,
  });
}

function signedCheckpoint(
  text: string,
  authority: AuthorityId,
  keys: TrustedKeys,
  wasCosignedBefore: (atMs: number) => boolean,
): { readonly note: Note; readonly checkpoint: Checkpoint } | null {
  const note = parseNote(text);
  const checkpoint = note && parseCheckpoint(note.text);
  if (!note || !checkpoint || checkpoint.origin !== logOrigin(keys.federation, authority)) return null;
  const isSigned = keys
    .ofLog(authority)
    .some(
      (state) =>
        isSignedBy(note, logNoteKey(keys.federation, authority, state.key), verifyRaw) &&
        (!isStolen(state) || wasCosignedBefore(state.revoked?.atMs ?? 0)),
    );
  return isSigned ? { note, checkpoint } : null;
}

function cosignerOf(
  note: Note,
  authority: AuthorityId,
  keys: TrustedKeys,
): { readonly peer: AuthorityId; readonly atMs: number } | null {
  for (const peer of keys.authorities) {
    if (peer === authority) continue;
    for (const state of keys.ofLog(peer)) {
      // Whoever has a stolen key can cosign for any time.
      if (isStolen(state)) continue;
      const atSeconds = cosignedAt(note, cosignerKey(keys.federation, peer, state.key), verifyRaw);
      if (atSeconds !== null) return { peer, atMs: atSeconds * 1_000 };
    }
  }
  return null;
}

export function bytesOf(hex: string): Uint8Array {
  return Buffer.from(hex, 'hex');
}
