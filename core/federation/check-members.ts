/** federation.yaml against the authorities: who belongs, and whose keys are pinned. */
import { faultAt, type PathFault } from './fault.js';
import { suggestion } from './nearest.js';
import { authorityOf, isBroken, repeatedAt, type FederationParts } from './parts.js';

export function checkMembers(parts: FederationParts): readonly PathFault[] {
  if (!parts.federation) return [];
  const { file, value } = parts.federation;
  const faults: PathFault[] = [];
  const ids = parts.authorities.map((authority) => authority.value.authority);
  value.members.forEach((member, at) => {
    if (!authorityOf(parts, member.id) && !isBroken(parts, 'authority', member.id))
      faults.push(
        faultAt(file, ['members', at, 'id'], `no file authorities/${member.id}.yaml; ${suggestion(member.id, ids)}`),
      );
  });
  for (const at of repeatedAt(value.members, (member) => member.id))
    faults.push(faultAt(file, ['members', at, 'id'], 'is a member already; each authority is listed once'));
  for (const at of repeatedAt(value.members, (member) => member.key?.x))
    faults.push(
      faultAt(file, ['members', at, 'key'], 'is the key of another member; every authority signs with its own'),
    );
  return faults;
}
