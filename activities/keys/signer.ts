/** What signs: a private key in this process, or a service that keeps the key and signs on request. */
import { createPrivateKey, sign as signBytes } from 'node:crypto';
import { algorithmOf, type PublicKey } from '../../core/public-key.js';
import { publicKeyOf, type PrivateKey } from './private-key.js';

export interface Signer {
  readonly publicKey: PublicKey;
  /**
   * The raw signature as RFC 7518 and RFC 8037 have it: 64 bytes, for ES256 r and s and no DER. Throws ConcordatError
   * with `signerUnreachable` or `signerRefused` where the key is kept elsewhere.
   */
  sign(input: Uint8Array): Promise<Uint8Array>;
}

/** HAZARD: may hold the private key itself. Only ever handed to signCompact. */
export type SigningKey = PrivateKey | Signer;

export function signerOf(key: SigningKey): Signer {
  if ('sign' in key) return key;
  const privateKey = createPrivateKey({ key, format: 'jwk' });
  const hash = algorithmOf(key) === 'ES256' ? 'sha256' : null;
  return {
    publicKey: publicKeyOf(key),
    sign: (input) => Promise.resolve(signBytes(hash, input, { key: privateKey, dsaEncoding: 'ieee-p1363' })),
  };
}
