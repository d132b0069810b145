/** Authority files: their surfaces against the maps, and terms that nobody could meet. */
import type { Authority } from './authority.js';
import { checkApproval } from './check-approval.js';
import { checkConstraints } from './check-constraints.js';
import { faultAt, type PathFault } from './fault.js';
import { checkMesh } from './check-mesh.js';
import { suggestion } from './nearest.js';
import { checkPolicySets } from './check-policy-sets.js';
import { checkSurface } from './check-surface.js';
import type { FederationParts, Located } from './parts.js';

/** Names the namespace and the folder of the coordinator. */
const reservedId = 'federation';

export function checkAuthorities(parts: FederationParts): readonly PathFault[] {
  return parts.authorities.flatMap((authority) => [
    ...checkIdentity(parts, authority),
    ...checkPolicySets(authority),
    ...checkMesh(parts, authority),
    ...checkSurface(parts, authority),
    ...checkConstraints(parts, authority),
    ...checkApproval(parts, authority),
  ]);
}

function checkIdentity(parts: FederationParts, { file, value }: Located<Authority>): readonly PathFault[] {
  const faults: PathFault[] = [];
  const id = value.authority;
  if (id === reservedId)
    faults.push(faultAt(file, ['authority'], `"${reservedId}" is reserved for the coordinator; choose another id`));
  const members = parts.federation?.value.members.map((member) => member.id);
  if (members && !members.includes(id))
    faults.push(
      faultAt(file, ['authority'], `is not among the members of federation.yaml; ${suggestion(id, members)}`),
    );
  return faults;
}
