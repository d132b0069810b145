/**
 * Signed notes (C2SP signed-note): a text for people and machines, and under a blank line one line for each signature,
 * `— name base64(key id ‖ signature)`. A signature says nothing of which keys to trust: names and keys are given by
 * whoever verifies, and lines of others are passed over.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { fromBase64, toBase64 } from './base64.js';
import { sameBytes } from './proof.js';

/** C2SP signed-note, signature types: Ed25519, and the cosignature with its time (tlog-cosignature v1). */
export const ed25519Type = 0x01;
export const cosignatureType = 0x04;

export interface NoteSignature {
  readonly name: string;
  /** 4 bytes. */
  readonly keyId: Uint8Array;
  /** What stands after the key id: 64 bytes of Ed25519, for a cosignature 8 of time before them. */
  readonly signature: Uint8Array;
}

export interface Note {
  /** Ends with a newline; holds no other control character. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A key as somebody knows it, before anything was signed with it. */
export interface NoteKey {
  readonly name: string;
  readonly type: typeof ed25519Type | typeof cosignatureType;
  /** 32 bytes of Ed25519. */
  readonly key: Uint8Array;
}

/** The caller's Ed25519 (RFC 8032): core holds no curve. */
export type VerifyEd25519 = (key: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

/** What a peer may send: a checkpoint has three lines and a signature for each member. */
const noteCharactersMax = 65_536;
const signaturesMax = 100;

/** SHA-256(name ‖ 0x0A ‖ type ‖ key), its first four bytes. */
export function noteKeyId({ name, type, key }: NoteKey): Uint8Array {
  return sha256(Uint8Array.from([...utf8ToBytes(name), 0x0a, type, ...key])).subarray(0, 4);
}

/** `name+keyid+base64(type ‖ key)`: how the key is given to other software. */
export function verifierKeyText(key: NoteKey): string {
  const id = [...noteKeyId(key)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${key.name}+${id}+${toBase64(Uint8Array.from([key.type, ...key.key]))}`;
}

export function noteText({ text, signatures }: Note): string {
  const lines = signatures.map(
    ({ name, keyId, signature }) => `— ${name} ${toBase64(Uint8Array.from([...keyId, ...signature]))}\n`,
  );
  return `${text}\n${lines.join('')}`;
}

/** Null for anything that is no signed note. Never throws. */
export function parseNote(source: string): Note | null {
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is refused
  if (source.length > noteCharactersMax || /[\u0000-\u0009\u000b-\u001f\u007f\ud800-\udfff]/.test(source)) return null;
  const split = source.lastIndexOf('\n\n');
  if (split < 0 || !source.endsWith('\n')) return null;
  const text = source.slice(0, split + 1);
  const lines = source.slice(split + 2, -1).split('\n');
  if (lines.length > signaturesMax) return null;
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const signature = parseSignature(line);
    if (!signature) return null;
    signatures.push(signature);
  }
  return { text, signatures };
}

function parseSignature(line: string): NoteSignature | null {
  const [dash, name, encoded, ...more] = line.split(' ');
  if (dash !== '—' || name === undefined || encoded === undefined || more.length > 0) return null;
  if (!isNoteName(name)) return null;
  const bytes = fromBase64(encoded);
  if (!bytes || bytes.length < 5) return null;
  return { name, keyId: bytes.subarray(0, 4), signature: bytes.subarray(4) };
}

/** Names hold no space and no plus sign (C2SP signed-note). */
export function isNoteName(name: string): boolean {
  return name !== '' && !/[\s+]/.test(name);
}

/** The first line that names this key. */
export function signatureBy(note: Note, key: NoteKey): NoteSignature | undefined {
  const id = noteKeyId(key);
  return note.signatures.find(({ name, keyId }) => name === key.name && sameBytes(keyId, id));
}

/** Whether this key signed the text of the note. */
export function isSignedBy(note: Note, key: NoteKey, verify: VerifyEd25519): boolean {
  const line = signatureBy(note, key);
  if (!line || key.type !== ed25519Type || line.signature.length !== 64) return false;
  return verify(key.key, utf8ToBytes(note.text), line.signature);
}
