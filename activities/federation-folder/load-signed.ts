/** What a worker starts from: a folder that fits together, whose every member signed its terms and is pinned by its peers. */
import type { Federation } from '../../core/federation/federation.js';
import { withTerms } from '../../core/federation/terms.js';
import { readManifests, type ManifestView } from '../manifests/read-manifests.js';
import type { Fault } from './fault.js';
import { loadFederation, type LoadedFederation } from './load.js';

/**
 * Like loadFederation, with the terms that are in force in place of those that the files say, and a fault with the code
 * notSigned for each manifest or pin that is missing, stale, run out or of another key, and for each file whose author is
 * demanded and missing; a statement of an author that does not hold is invalidFederation.
 */
export async function loadSignedFederation(folder: string, view: ManifestView = {}): Promise<LoadedFederation> {
  const loaded = await loadFederation(folder);
  if (loaded.kind === 'invalid') return loaded;
  const { faults, manifests } = await readManifests(folder, loaded.federation, view);
  const { authorFaults } = loaded;
  if (faults.length === 0 && authorFaults.length === 0)
    return { kind: 'valid', federation: inForce(loaded.federation, manifests), authorFaults };
  return {
    kind: 'invalid',
    faults: [
      ...authorFaults,
      ...faults.map(({ file, message }): Fault => ({
        file,
        line: 1,
        column: 1,
        field: '',
        message,
        code: 'notSigned',
      })),
    ],
  };
}

function inForce(federation: Federation, manifests: NonNullable<Federation['manifests']>): Federation {
  const authorities = Object.entries(federation.authorities).map(([id, authority]) => {
    const terms = manifests[id]?.inForce;
    return [id, terms ? withTerms(authority, terms) : authority];
  });
  return { ...federation, authorities: Object.fromEntries(authorities), manifests };
}
