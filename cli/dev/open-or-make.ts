/** The folder that `concordat dev` runs: the one that is there, or a new one over stand-ins. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { isRecordMesh } from '../../core/federation/native-types.js';
import { ConcordatError } from '../../core/errors.js';
import type { Federation } from '../../core/federation/federation.js';
import { federationFileName } from '../../core/federation/files.js';
import { openSignedFederation } from '../open-federation.js';
import { makeSandboxFederation } from '../sandbox-federation.js';

export interface OpenedFolder {
  readonly federation: Federation;
  readonly isNew: boolean;
}

/** Throws usage where stand-ins would take the place of clouds that the folder names, or there is no folder to run. */
export async function openOrMake(folder: string, sandbox: boolean): Promise<OpenedFolder> {
  if (!existsSync(path.join(folder, federationFileName))) {
    if (!sandbox)
      throw new ConcordatError('usage', `there is no federation in ${folder}; make one with \`concordat init\``);
    return { federation: await makeSandboxFederation(folder, 'local', () => ['you']), isNew: true };
  }
  const federation = await openSignedFederation(folder);
  if (sandbox) requireStandIns(federation, folder);
  return { federation, isNew: false };
}

/**
 * HAZARD: the state of a run over stand-ins must never lie beside that of real clouds, where the next real run would take
 * it for what everyone agreed on. So stand-ins play only where every endpoint in the folder is on this machine.
 */
function requireStandIns({ authorities }: Federation, folder: string): void {
  const real = Object.entries(authorities)
    .filter(([, { mesh }]) => isRecordMesh(mesh) || mesh.endpoint === undefined || !isLocal(mesh.endpoint))
    .map(([id]) => id);
  if (real.length > 0)
    throw new ConcordatError(
      'usage',
      `${folder} names real clouds (${real.join(', ')}): give --no-sandbox to work with them, or name a new folder with --folder to try things on stand-ins`,
    );
}

function isLocal(endpoint: string): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(endpoint).hostname);
}
