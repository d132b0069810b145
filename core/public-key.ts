/** Public keys as JWK (RFC 7517): Ed25519 (RFC 8037) and P-256 (RFC 7518), the two that every signing service offers one of. */
import { z } from 'zod';

const coordinate = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'must be 32 bytes in base64url');

export const Ed25519Key = z.strictObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: coordinate });
export const P256Key = z.strictObject({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: coordinate,
  y: coordinate,
});

export const PublicKey = z.discriminatedUnion('kty', [Ed25519Key, P256Key]);
export type PublicKey = z.infer<typeof PublicKey>;

/** `EdDSA`, not the newer `Ed25519` of RFC 9864: verifiers that are not ours refuse that name. */
export const algorithms = ['EdDSA', 'ES256'] as const;
export type Algorithm = (typeof algorithms)[number];

/** One key signs by one algorithm: nobody may choose another for it by writing so into a header. */
export function algorithmOf(key: PublicKey): Algorithm {
  return key.kty === 'OKP' ? 'EdDSA' : 'ES256';
}

/** Without any other member, in the order of RFC 7638. */
export function bareKey(key: PublicKey): PublicKey {
  return key.kty === 'OKP'
    ? { crv: key.crv, kty: key.kty, x: key.x }
    : { crv: key.crv, kty: key.kty, x: key.x, y: key.y };
}

export function isSameKey(one: PublicKey, other: PublicKey): boolean {
  return one.kty === other.kty && one.x === other.x && (one.kty !== 'EC' || other.kty !== 'EC' || one.y === other.y);
}
