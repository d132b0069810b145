/** Everything that the keys on this machine can sign, in the one order that works: manifests first, then pins of peers. */
import type { Federation } from '../../core/federation/federation.js';
import type { AuthorityId } from '../../core/record.js';
import { manifestFile, pinFile } from '../../core/federation/manifest-files.js';
import { holdsManifestKey } from './own-keys.js';
import { pinPeer, renewPin } from './pin-peer.js';
import { readManifests } from './read-manifests.js';
import { statementText } from './read-statements.js';
import { manifestSigner, manifestValidForMs, signManifest } from './sign-manifest.js';

export interface SignedFolder {
  readonly signed: readonly AuthorityId[];
  readonly pinned: readonly { readonly authority: AuthorityId; readonly peer: AuthorityId }[];
}

/**
 * Peers are pinned for the first time only: what a peer widened later is for a person to look at. `only` limits it to
 * one authority.
 */
export async function signFolder(
  folder: string,
  federation: Federation,
  only?: AuthorityId,
  nowMs: number = Date.now(),
): Promise<SignedFolder> {
  const members = federation.file.members.map(({ id }) => id);
  const signed: AuthorityId[] = [];
  for (const id of members) {
    if ((only !== undefined && only !== id) || !(await holdsManifestKey(folder, id))) continue;
    await signManifest(folder, federation, id, { nowMs });
    signed.push(id);
  }
  const pinned: { authority: AuthorityId; peer: AuthorityId }[] = [];
  for (const authority of signed)
    for (const peer of members) {
      if (authority === peer || (await statementText(folder, manifestFile(peer))) === undefined) continue;
      if ((await statementText(folder, pinFile(authority, peer))) !== undefined) continue;
      await pinPeer(folder, federation, authority, peer, { nowMs });
      pinned.push({ authority, peer });
    }
  return { signed, pinned };
}

/** Signs the pins of an authority for longer once half of their time has passed; the same word needs nobody's look. */
export async function renewPins(
  folder: string,
  federation: Federation,
  authority: AuthorityId,
  nowMs: number = Date.now(),
): Promise<readonly AuthorityId[]> {
  const { pins, configurations } = await readManifests(folder, federation, { nowMs });
  const own = configurations.get(authority);
  const renewed: AuthorityId[] = [];
  for (const { id: peer } of federation.file.members) {
    const pin = pins.get(`${authority}/${peer}`);
    if (!own || !pin || pin.statement.exp * 1_000 - nowMs > manifestValidForMs / 2) continue;
    const signer = await manifestSigner(folder, federation, authority, own.keys, nowMs);
    await renewPin(folder, { authority, peer }, pin.statement, signer, nowMs);
    renewed.push(peer);
  }
  return renewed;
}
