/** How a public key is named in what it signs. */
import { calculateJwkThumbprint } from 'jose';
import { bareKey, type PublicKey } from '../../core/public-key.js';

/** Of keys as they were read: whoever verifies asks for the same few with every message. */
const known = new WeakMap<PublicKey, Promise<string>>();

/** RFC 7638, SHA-256, base64url: the `kid` of everything that the key signs. */
export function thumbprintOf(key: PublicKey): Promise<string> {
  const found = known.get(key) ?? calculateJwkThumbprint({ ...bareKey(key) }, 'sha256');
  known.set(key, found);
  return found;
}
