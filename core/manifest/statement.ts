/**
 * What authorities publish, as OpenID Federation 1.0 entity statements (section 3): an entity configuration says what an
 * authority is, a subordinate statement which keys of a peer it pins and which terms of that peer it accepted. Every
 * authority issues both, so each is its own trust anchor and none stands above another.
 */
import { z } from 'zod';
import { Digest } from '../digest.js';
import { AuthorityId } from '../record.js';
import { KeyUse, RevocationReason } from '../key-state.js';
import { Ed25519Key, P256Key } from '../public-key.js';
import { Terms } from '../federation/terms.js';

export const entityStatementType = 'entity-statement+jwt';
/** OpenID Federation 1.0, section 8.7: the historical keys of an entity as a signed JWK set. */
export const historicalKeysType = 'jwk-set+jwt';
export const entityType = 'concordat_mesh_authority';

/**
 * A URL, as entity identifiers are, of a scheme of our own: an authority has no web address, and none is looked up.
 * Names of federations and authorities hold nothing that a URL would have to escape.
 */
export function entityIdOf(federation: string, authority: AuthorityId): string {
  return `concordat://${federation}/${authority}`;
}

/** Addresses of the same scheme: whoever resolves chains finds the statements in the folder under them. */
export const FederationEntity = z.looseObject({
  federation_fetch_endpoint: z.string(),
  federation_historical_keys_endpoint: z.string().optional(),
});

/** NumericDate (RFC 7519, section 2), whole seconds since the epoch. */
const Seconds = z.int().nonnegative();

const published = {
  kid: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  use: z.enum(['sig', 'enc']),
  alg: z.enum(['EdDSA', 'ES256', 'ECDH-ES+A256KW']),
  nbf: Seconds.optional().describe('it signs from then on; from the start where absent'),
  exp: Seconds.optional(),
};

export const PublishedKey = z.discriminatedUnion('kty', [Ed25519Key.extend(published), P256Key.extend(published)]);
export type PublishedKey = z.infer<typeof PublishedKey>;

const retired = {
  ...published,
  exp: Seconds,
  revoked: z.strictObject({ revoked_at: Seconds, reason: RevocationReason }).optional(),
  concordat_use: KeyUse.describe(
    'manifest keys are the keys of the federation entity; the others sign or open messages',
  ),
};

export const HistoricalKey = z.discriminatedUnion('kty', [Ed25519Key.extend(retired), P256Key.extend(retired)]);
export type HistoricalKey = z.infer<typeof HistoricalKey>;

export const HistoricalKeys = z.strictObject({
  iss: z.string(),
  iat: Seconds,
  /** That of the manifest that names them: readers that are not ours ask for one. */
  exp: Seconds,
  keys: z.array(HistoricalKey).max(1_000),
});
export type HistoricalKeys = z.infer<typeof HistoricalKeys>;

const KeySet = z.strictObject({ keys: z.array(PublishedKey).min(1).max(20) });
export type KeySet = z.infer<typeof KeySet>;

export const MeshAuthority = z.strictObject({
  federation: z.string(),
  authority: AuthorityId,
  terms: Terms,
  keys: z.strictObject({ messages: KeySet, log: KeySet, encryption: KeySet }),
  /** The message id of the historical keys that belong to this statement; null where no key was ever retired. */
  historical_keys: Digest.nullable(),
});
export type MeshAuthority = z.infer<typeof MeshAuthority>;

/** Unknown claims are ignored (section 3.1.1), but `crit` would say which of them must not be: so none with it. */
const claims = {
  iss: z.string(),
  sub: z.string(),
  iat: Seconds,
  exp: Seconds,
  jwks: KeySet,
  crit: z.undefined().optional(),
};

export const EntityConfiguration = z.looseObject({
  ...claims,
  authority_hints: z.array(z.string()).min(1).max(1_000),
  metadata: z.looseObject({ federation_entity: FederationEntity, [entityType]: MeshAuthority }),
});
export type EntityConfiguration = z.infer<typeof EntityConfiguration>;

export const Acceptance = z.strictObject({
  /** Message id and issue time of the entity configuration that was looked at. */
  manifest: Digest,
  manifest_iat: Seconds,
  /** In full, so that everybody can see what was accepted, and what has changed since. */
  terms: Terms,
});
export type Acceptance = z.infer<typeof Acceptance>;

export const SubordinateStatement = z.looseObject({
  ...claims,
  concordat_acceptance: Acceptance,
});
export type SubordinateStatement = z.infer<typeof SubordinateStatement>;
