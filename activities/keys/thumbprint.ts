/** How a public key is named in what it signs. */
import { calculateJwkThumbprint } from 'jose';
import { bareKey, type PublicKey } from '../../core/public-key.js';

/** RFC 7638, SHA-256, base64url: the `kid` of everything that the key signs. */
export async function thumbprintOf(key: PublicKey): Promise<string> {
  return calculateJwkThumbprint({ ...bareKey(key) }, 'sha256');
}
