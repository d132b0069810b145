/** What a worker starts from: a folder that fits together and whose every member signed its terms. */
import { verifyManifests } from '../keys/verify-manifests.js';
import { loadFederation, type LoadedFederation } from './load.js';

/** Like loadFederation, and a fault with the code notSigned for each manifest that is missing, stale or of another key. */
export async function loadSignedFederation(folder: string): Promise<LoadedFederation> {
  const loaded = await loadFederation(folder);
  if (loaded.kind === 'invalid') return loaded;
  const faults = await verifyManifests(folder, loaded.federation);
  if (faults.length === 0) return loaded;
  return {
    kind: 'invalid',
    faults: faults.map(({ file, message }) => ({ file, line: 1, column: 1, field: '', message, code: 'notSigned' })),
  };
}
