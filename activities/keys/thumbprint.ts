/** How a public key is named in what it signs. */
import { calculateJwkThumbprint } from 'jose';
import type { PublicKey } from '../../core/federation/authority.js';

/** RFC 7638, SHA-256, base64url: the `kid` of everything that the key signs. */
export async function thumbprintOf(key: PublicKey): Promise<string> {
  return calculateJwkThumbprint({ kty: key.kty, crv: key.crv, x: key.x }, 'sha256');
}
