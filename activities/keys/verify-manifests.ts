/** Whether every member signed what its file says now, with the key that the federation pinned. Reaches no private key. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { canonicalJson } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import type { Federation } from '../../core/federation/federation.js';
import { manifestOf, manifestType } from '../../core/federation/manifest.js';
import { verifyCompact } from './verify.js';

export function manifestFile(authority: string): string {
  return `manifests/${authority}.jws`;
}

/** Why a manifest does not hold, in words that say what to run. */
export interface ManifestFault {
  readonly authority: string;
  readonly file: string;
  readonly message: string;
}

/** The faults of all members' manifests; empty where each member signed what its file says now. */
export async function verifyManifests(folder: string, federation: Federation): Promise<readonly ManifestFault[]> {
  const faults = await Promise.all(federation.file.members.map(({ id }) => manifestFault(folder, federation, id)));
  return faults.flatMap((message, at) => {
    const id = federation.file.members[at]?.id;
    return message === undefined || id === undefined ? [] : [{ authority: id, file: manifestFile(id), message }];
  });
}

async function manifestFault(folder: string, federation: Federation, id: string): Promise<string | undefined> {
  const authority = federation.authorities[id];
  const key = federation.file.members.find((member) => member.id === id)?.key;
  if (!authority || !key) return `federation.yaml pins no key of ${id}; run \`concordat keys generate\``;
  let jws: string;
  try {
    jws = (await readFile(path.join(folder, manifestFile(id)), 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return `${id} has not signed its manifest; run \`concordat manifest sign --authority ${id}\` where its key is`;
  }
  try {
    const { payload } = await verifyCompact(jws, { typ: manifestType, keys: [key] });
    if (canonicalJson(payload) === canonicalJson(manifestOf(authority))) return undefined;
    return `authorities/${id}.yaml changed since ${id} signed it; look at the change, then run \`concordat manifest sign --authority ${id}\` where its key is`;
  } catch (error) {
    if (!(error instanceof ConcordatError)) throw error;
    return `is not what the pinned key of ${id} signed (${error.message}); run \`concordat manifest sign --authority ${id}\` where its key is, or get the right files from ${id}`;
  }
}
