/**
 * Cosignatures (C2SP tlog-cosignature v1): a peer says that at this time, of all checkpoints of this log that it has
 * seen, this is the largest, and all are consistent. The time stands before the signature, in seconds, and is signed.
 */
import { utf8ToBytes } from '@noble/hashes/utils.js';
import {
  cosignatureType,
  noteKeyId,
  signatureBy,
  type Note,
  type NoteKey,
  type NoteSignature,
  type VerifyEd25519,
} from './note.js';

/** What an Ed25519 key signs. */
export function cosignedBytes(text: string, atSeconds: number): Uint8Array {
  return utf8ToBytes(`cosignature/v1\ntime ${atSeconds}\n${text}`);
}

export function cosignatureLine(key: NoteKey, atSeconds: number, signature: Uint8Array): NoteSignature {
  const bytes = new Uint8Array(8 + signature.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(atSeconds));
  bytes.set(signature, 8);
  return { name: key.name, keyId: noteKeyId(key), signature: bytes };
}

/** When this key cosigned the note, in seconds since the epoch; null where it did not. */
export function cosignedAt(note: Note, key: NoteKey, verify: VerifyEd25519): number | null {
  const line = signatureBy(note, key);
  if (!line || key.type !== cosignatureType || line.signature.length !== 72) return null;
  const bytes = line.signature;
  const atSeconds = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0));
  if (!Number.isSafeInteger(atSeconds)) return null;
  return verify(key.key, cosignedBytes(note.text, atSeconds), bytes.subarray(8)) ? atSeconds : null;
}
