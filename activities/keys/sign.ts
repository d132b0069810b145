/**
 * Compact JWS (RFC 7515) over canonical JSON, EdDSA with Ed25519 (RFC 8037) or ES256 (RFC 7518): how every message of
 * Concordat is signed. Put together here by hand, because a key that a service keeps is nothing a library could use.
 *
 * A message is known by the SHA-256 of its signing input, never of the whole text: the signature part of a JWS can be
 * altered by third parties and still verify (ES256: s and n − s).
 */
import { canonicalJson } from '../../core/digest.js';
import { algorithmOf } from '../../core/public-key.js';
import { depthMax, isTooDeep } from './canonical-text.js';
import { signerOf, type SigningKey } from './signer.js';
import { thumbprintOf } from './thumbprint.js';
import { messageBytesMax } from './verify.js';

export interface SignOptions {
  /** For example `concordat-open+jws`: keeps a message of one kind from being taken for another. */
  readonly typ: string;
  readonly key: SigningKey;
}

/** Throws TypeError for a payload deeper than 64 levels or larger than the limit: both are faults of our own. */
export async function signCompact(payload: object, { typ, key }: SignOptions): Promise<string> {
  const text = canonicalJson(payload);
  if (isTooDeep(text)) throw new TypeError(`a message may be ${depthMax} levels deep`);
  const signer = signerOf(key);
  const kid = await thumbprintOf(signer.publicKey);
  const header = JSON.stringify({ alg: algorithmOf(signer.publicKey), kid, typ });
  const input = `${base64url(header)}.${base64url(text)}`;
  // Before anybody signs: 86 characters and a dot are the signature.
  if (input.length + 87 > messageBytesMax) throw new TypeError(`a message may have ${messageBytesMax} bytes`);
  const signature = await signer.sign(new TextEncoder().encode(input));
  if (signature.length !== 64) throw new TypeError('a signer must give 64 bytes');
  return `${input}.${Buffer.from(signature).toString('base64url')}`;
}

function base64url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url');
}
