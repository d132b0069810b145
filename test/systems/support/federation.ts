/** A federation folder as `concordat init` writes it, then pointed at the systems of this machine. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseDocument, type Document } from 'yaml';
import { loadFederation } from '../../../activities/federation-folder/load.js';
import { writeNewFederation, type meshKinds } from '../../../activities/federation-folder/new-federation.js';
import { generateKeys } from '../../../activities/keys/generate.js';
import { readKeyFile, approverKeyFile, type PrivateKey } from '../../../activities/keys/private-key.js';
import { loadSignedFederation } from '../../../activities/federation-folder/load-signed.js';
import { signFolder } from '../../../activities/manifests/sign-folder.js';
import type { Federation } from '../../../core/federation/federation.js';
import type { Cloud } from './cloud.js';
import { mapsForTheEmulator } from './maps-for-the-emulator.js';

export const federationName = 'systems';
export const dataset = 'workforce';
export const approver = 'you';

export interface PreparedFederation {
  readonly folder: string;
  readonly federation: Federation;
  readonly approverKey: PrivateKey;
}

export async function prepareFederation(folder: string, clouds: readonly Cloud[]): Promise<PreparedFederation> {
  await writeNewFederation(folder, {
    name: federationName,
    dataset,
    meshes: clouds.map(({ id, mesh }) => ({ id, kind: mesh.kind as (typeof meshKinds)[number] })),
    approvers: [approver],
    sandbox: false,
  });
  for (const { id, mesh } of clouds) {
    await editYaml(path.join(folder, 'authorities', `${id}.yaml`), (authority) => authority.set('mesh', mesh));
    if (mesh.kind !== 'entra') continue;
    for (const { file, edit } of mapsForTheEmulator(id)) await editYaml(path.join(folder, file), edit);
  }
  const drafted = await valid(folder);
  await generateKeys(folder, drafted, {});
  await signFolder(folder, await valid(folder));
  const approverKey = await readKeyFile(approverKeyFile(folder, approver));
  if (!approverKey) throw new Error('no key was made for the approver');
  return { folder, federation: await signed(folder), approverKey };
}

async function valid(folder: string): Promise<Federation> {
  const loaded = await loadFederation(folder);
  if (loaded.kind === 'valid') return loaded.federation;
  throw new Error(`the federation folder is not valid: ${JSON.stringify(loaded.faults, null, 2)}`);
}

async function signed(folder: string): Promise<Federation> {
  const loaded = await loadSignedFederation(folder);
  if (loaded.kind === 'valid') return loaded.federation;
  throw new Error(`the federation folder is not signed: ${JSON.stringify(loaded.faults, null, 2)}`);
}

async function editYaml(file: string, edit: (document: Document) => void): Promise<void> {
  const document = parseDocument(await readFile(file, 'utf8'));
  edit(document);
  await writeFile(file, document.toString());
}
