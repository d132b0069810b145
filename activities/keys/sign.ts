/**
 * Compact JWS (RFC 7515) over canonical JSON, EdDSA with Ed25519 (RFC 8037): how every message of Concordat is signed.
 *
 * A message is known by the SHA-256 of its signing input, never of the whole text: the signature part of a JWS can be
 * altered by third parties and still verify under some libraries and algorithms.
 */
import { CompactSign, importJWK } from 'jose';
import { canonicalJson } from '../../core/digest.js';
import { depthMax, isTooDeep } from './canonical-text.js';
import { publicKeyOf, type PrivateKey } from './private-key.js';
import { thumbprintOf } from './thumbprint.js';
import { messageBytesMax } from './verify.js';

export interface SignOptions {
  /** For example `concordat-manifest+jws`: keeps a message of one kind from being taken for another. */
  readonly typ: string;
  readonly key: PrivateKey;
}

/** Throws TypeError for a payload deeper than 64 levels or larger than the limit: both are faults of our own. */
export async function signCompact(payload: object, { typ, key }: SignOptions): Promise<string> {
  const text = canonicalJson(payload);
  if (isTooDeep(text)) throw new TypeError(`a message may be ${depthMax} levels deep`);
  const kid = await thumbprintOf(publicKeyOf(key));
  const jws = await new CompactSign(new TextEncoder().encode(text))
    .setProtectedHeader({ alg: 'EdDSA', kid, typ })
    .sign(await importJWK(key, 'EdDSA'));
  if (jws.length > messageBytesMax) throw new TypeError(`a message may have ${messageBytesMax} bytes`);
  return jws;
}
