/** The keys of one authority that are on this machine, found by the thumbprints that its manifest names. */
import path from 'node:path';
import { signingState, type KeyState, type KeyUse } from '../../core/key-state.js';
import { readSigner } from '../keys/key-file.js';
import { authorityKeyFolder, keyFilesOf } from '../keys/private-key.js';
import type { Signer } from '../keys/signer.js';
import { thumbprintOf } from '../keys/thumbprint.js';

/** By thumbprint, the first key of the use first. */
export async function ownSigners(
  keysFolder: string,
  authority: string,
  use: KeyUse,
): Promise<ReadonlyMap<string, Signer>> {
  const signers = new Map<string, Signer>();
  for (const file of await keyFilesOf(authorityKeyFolder(keysFolder, authority), use)) {
    const signer = await readSigner(file);
    if (signer) signers.set(await thumbprintOf(signer.publicKey), signer);
  }
  return signers;
}

/** `keys/` of a federation folder. */
export function keysFolderOf(folder: string): string {
  return path.join(folder, 'keys');
}

/** Whether the authority can sign its manifest on this machine. */
export async function holdsManifestKey(folder: string, authority: string): Promise<boolean> {
  return (await ownSigners(keysFolderOf(folder), authority, 'manifest')).size > 0;
}

/** The key that signs now among those that are here: of the published ones that count, the one published last. */
export function signerNow(
  signers: ReadonlyMap<string, Signer>,
  states: readonly KeyState[],
  nowMs: number,
): Signer | undefined {
  const here = states.filter(({ kid }) => signers.has(kid));
  return signers.get(signingState(here, nowMs)?.kid ?? '');
}
