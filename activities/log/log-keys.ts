/** Which keys sign logs and cosign those of peers: the one place that says so. */
import { logOrigin } from '../../core/log/checkpoint.js';
import { cosignatureType, ed25519Type, type NoteKey } from '../../core/log/note.js';
import type { AuthorityId } from '../../core/record.js';
import type { PublicKey } from '../../core/federation/authority.js';
import { rawPublicKey } from './ed25519.js';

/** A log and its authority have one name, so the origin says whose key must have signed. */
export function logNoteKey(federation: string, authority: AuthorityId, key: PublicKey): NoteKey {
  return { name: logOrigin(federation, authority), type: ed25519Type, key: rawPublicKey(key) };
}

export function cosignerKey(federation: string, authority: AuthorityId, key: PublicKey): NoteKey {
  return { name: `${federation}/${authority}`, type: cosignatureType, key: rawPublicKey(key) };
}
