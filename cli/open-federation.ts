/** The federation folder that a command works on, or an error that shows every fault. */
import { faultLine, type Fault } from '../activities/federation-folder/fault.js';
import { loadFederation, type LoadedFederation } from '../activities/federation-folder/load.js';
import { loadSignedFederation } from '../activities/federation-folder/load-signed.js';
import { ConcordatError } from '../core/errors.js';
import type { Federation } from '../core/federation/federation.js';

/** Takes the manifests as they are. Throws invalidFederation. */
export async function openFederation(folder: string): Promise<Federation> {
  return opened(await loadFederation(folder));
}

/** Throws invalidFederation, or notSigned where a manifest is missing or does not hold. */
export async function openSignedFederation(folder: string): Promise<Federation> {
  return opened(await loadSignedFederation(folder));
}

function opened(loaded: LoadedFederation): Federation {
  if (loaded.kind === 'valid') return loaded.federation;
  const unsigned = loaded.faults.every((fault) => fault.code === 'notSigned');
  const what = unsigned ? 'not every authority has signed what this folder says' : 'the federation folder has faults';
  throw new ConcordatError(unsigned ? 'notSigned' : 'invalidFederation', `${what}\n${faultLines(loaded.faults)}`);
}

function faultLines(faults: readonly Fault[]): string {
  return faults.map((fault) => `  ${faultLine(fault)}`).join('\n');
}
