/** Whose key may have signed: answered from verified manifests and from nothing else. */
import { ConcordatError } from '../errors.js';
import type { Federation } from './federation.js';
import type { AuthorityId } from '../record.js';
import type { AcceptedManifest } from './accepted-manifest.js';
import type { KeyState, KeyUse } from '../key-state.js';

/** Throws notSigned where the folder was read without its manifests, or has none of this authority. */
export function manifestOf(federation: Federation, authority: AuthorityId): AcceptedManifest {
  const manifest = federation.manifests?.[authority];
  if (!manifest)
    throw new ConcordatError(
      'notSigned',
      `there is no verified manifest of ${authority}; run \`concordat manifest verify\``,
    );
  return manifest;
}

/**
 * The keys of an authority for one use, those that ran out or were revoked too: each says for when it counts, and
 * signatureStands says whether a signature does. Throws notSigned as manifestOf.
 */
export function keysOf(federation: Federation, authority: AuthorityId, use: KeyUse): readonly KeyState[] {
  return manifestOf(federation, authority).keys.filter((state) => state.use === use);
}
