/** Ed25519 (RFC 8032) over bytes, by the platform: for notes, which are no JWS. */
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import type { PublicKey } from '../../core/federation/authority.js';
import type { PrivateKey } from '../keys/private-key.js';

export function rawPublicKey(key: PublicKey): Uint8Array {
  return Buffer.from(key.x, 'base64url');
}

export function signRaw(key: PrivateKey, message: Uint8Array): Uint8Array {
  return sign(null, message, createPrivateKey({ key: { ...key }, format: 'jwk' }));
}

const keysKeptMax = 100;
const parsedKeys = new Map<string, KeyObject>();

/** False for a key that is none, too. */
export function verifyRaw(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verify(null, message, publicKeyObject(key), signature);
  } catch {
    return false;
  }
}

function publicKeyObject(key: Uint8Array): KeyObject {
  const x = Buffer.from(key).toString('base64url');
  const known = parsedKeys.get(x);
  if (known) return known;
  const parsed = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  if (parsedKeys.size >= keysKeptMax) parsedKeys.clear();
  parsedKeys.set(x, parsed);
  return parsed;
}
