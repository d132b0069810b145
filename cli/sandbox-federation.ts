/** A federation folder over the three local stand-ins, ready to run: written, keys made, manifests signed, peers pinned. */
import { writeNewFederation } from '../activities/federation-folder/new-federation.js';
import { generateKeys } from '../activities/keys/generate.js';
import { signFolder } from '../activities/manifests/sign-folder.js';
import type { Federation } from '../core/federation/federation.js';
import type { AuthorityId } from '../core/record.js';
import { openFederation, openSignedFederation } from './open-federation.js';

export const sandboxDataset = 'workforce';

export const sandboxMeshes = [
  { id: 'aws', kind: 'aws-iam' },
  { id: 'azure', kind: 'entra' },
  { id: 'sov', kind: 'keystone' },
] as const;

/** Throws usage where part of a federation is there already. */
export async function makeSandboxFederation(
  folder: string,
  name: string,
  approversOf: (authority: AuthorityId) => readonly string[],
): Promise<Federation> {
  await writeNewFederation(folder, {
    name,
    dataset: sandboxDataset,
    meshes: sandboxMeshes.map((mesh) => ({ ...mesh, approvers: approversOf(mesh.id) })),
    approvers: [],
    sandbox: true,
  });
  await generateKeys(folder, await openFederation(folder), {});
  await signFolder(folder, await openFederation(folder));
  return openSignedFederation(folder);
}
