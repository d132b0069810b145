/** Signs what an authority publishes. Checking is verify-manifests.ts, which needs no private key. */
import path from 'node:path';
import { ConcordatError } from '../../core/errors.js';
import type { Federation } from '../../core/federation/federation.js';
import { manifestOf, manifestType } from '../../core/federation/manifest.js';
import { replaceFile } from './replace-file.js';
import { authorityKeyFile, readKeyFile } from './private-key.js';
import { signCompact } from './sign.js';
import { manifestFile } from './verify-manifests.js';

/**
 * Signs the manifest of one authority with the key on this machine. Throws notSigned where the key is not here or is
 * not the pinned one.
 */
export async function signManifest(folder: string, federation: Federation, id: string): Promise<void> {
  const authority = federation.authorities[id];
  if (!authority) throw new ConcordatError('notFound', `the federation has no authority "${id}"`);
  const key = await readKeyFile(authorityKeyFile(folder, id));
  if (!key)
    throw new ConcordatError('notSigned', `the key of ${id} is not on this machine (keys/authorities/${id}.key.json)`);
  const pinned = federation.file.members.find((member) => member.id === id)?.key;
  if (pinned?.x !== key.x)
    throw new ConcordatError('notSigned', `the key of ${id} on this machine is not the one that federation.yaml pins`);
  const jws = await signCompact(manifestOf(authority), { typ: manifestType, key });
  await replaceFile(path.join(folder, manifestFile(id)), `${jws}\n`);
}
