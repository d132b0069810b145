/**
 * What no single file can show: that the files of a federation folder fit together.
 *
 * Pure: takes the files that their schemas accepted and returns every fault at once. Files that a schema refused are
 * named in `broken`, so that nothing is called unknown only because its own file has a fault.
 */
import { checkAuthorities } from './check-authority.js';
import { checkCapabilities } from './check-capabilities.js';
import { checkDatasets } from './check-dataset.js';
import { checkMaps } from './check-map.js';
import { checkMembers } from './check-members.js';
import { checkNames } from './check-names.js';
import { checkTaxonomy } from './check-taxonomy.js';
import { checkVersions } from './check-versions.js';
import type { FederationParts } from './parts.js';
import type { PathFault } from './fault.js';

export function checkFederation(files: FederationParts): readonly PathFault[] {
  const named = checkNames(files);
  const { faults, parts } = checkVersions(named.parts);
  return [
    ...named.faults,
    ...faults,
    ...checkMembers(parts),
    ...checkAuthorities(parts),
    ...checkTaxonomy(parts),
    ...checkCapabilities(parts),
    ...checkMaps(parts),
    ...checkDatasets(parts),
  ];
}
