/**
 * Values for one authority and nobody else: compact JWE (RFC 7516), ECDH-ES with A256KW on P-256 (RFC 7518) and A256GCM.
 * A JWE does not say who made it, so it only ever travels inside of a message that its maker signed.
 */
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader, importJWK } from 'jose';
import { canonicalJson } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { keysOf } from '../../core/federation/keys-of.js';
import type { Federation } from '../../core/federation/federation.js';
import type { Json } from '../../core/json.js';
import { signingState, type KeyState } from '../../core/key-state.js';
import { bareKey } from '../../core/public-key.js';
import type { AuthorityId } from '../../core/record.js';
import { parseCanonical } from '../keys/canonical-text.js';
import { publicKeyOf, type PrivateKey } from '../keys/private-key.js';
import { thumbprintOf } from '../keys/thumbprint.js';

const algorithm = 'ECDH-ES+A256KW';
const encryption = 'A256GCM';

/** The key that counts now among those that the verified manifest of an authority names for encryption. */
export function encryptionKeyOf(federation: Federation, authority: AuthorityId, nowMs: number): KeyState {
  const state = signingState(keysOf(federation, authority, 'encryption'), nowMs);
  if (!state || state.key.kty !== 'EC')
    throw new ConcordatError(
      'encryptionKeyMissing',
      `the manifest of ${authority} names no P-256 key for encryption that counts now`,
    );
  return state;
}

export async function encryptFor(state: KeyState, typ: string, value: Json | object): Promise<string> {
  return new CompactEncrypt(new TextEncoder().encode(canonicalJson(value)))
    .setProtectedHeader({ alg: algorithm, enc: encryption, kid: state.kid, typ })
    .encrypt(await importJWK({ ...bareKey(state.key) }, algorithm));
}

/**
 * What was encrypted to one of these keys. Null where it was not, or was altered: which of the two nobody can tell, and
 * neither is anything but unusable.
 */
export async function decryptWith(
  keys: readonly PrivateKey[],
  typ: string,
  jwe: string,
): Promise<{ readonly value: Json } | null> {
  let header;
  try {
    header = decodeProtectedHeader(jwe);
  } catch {
    return null;
  }
  // An exact list: `zip`, `crit` and their kind change what the bytes mean.
  const names = Object.keys(header).sort().join(' ');
  if (header['typ'] !== typ || names !== 'alg enc epk kid typ') return null;
  for (const key of keys) {
    if ((await thumbprintOf(publicKeyOf(key))) !== header['kid']) continue;
    try {
      const { plaintext } = await compactDecrypt(jwe, await importJWK({ ...key }, algorithm), {
        keyManagementAlgorithms: [algorithm],
        contentEncryptionAlgorithms: [encryption],
      });
      const value = parseCanonical(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plaintext));
      return value === undefined ? null : { value };
    } catch {
      // HAZARD: the error of a library may quote what it read. Nothing of it leaves here.
      return null;
    }
  }
  return null;
}
