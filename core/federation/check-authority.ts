/** Authority files: their surfaces against the maps, and terms that nobody could meet. */
import { durationMs } from '../duration.js';
import type { Authority } from './authority.js';
import { checkApproval } from './check-approval.js';
import { faultAt, type PathFault } from './fault.js';
import { checkMesh } from './check-mesh.js';
import { suggestion } from './nearest.js';
import { checkPolicySets } from './check-policy-sets.js';
import { checkSurface } from './check-surface.js';
import { typeOf, type FederationParts, type Located } from './parts.js';
import { unknownType } from './unknown-type.js';

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

function checkConstraints(parts: FederationParts, { file, value }: Located<Authority>): readonly PathFault[] {
  const faults: PathFault[] = [];
  const { brakes, freezeWindows, freshness } = value.constraints;
  for (const [typeName, brake] of Object.entries(brakes)) {
    const path = ['constraints', 'brakes', typeName];
    if (!typeOf(parts, typeName)) faults.push(...unknownType(parts, file, path, typeName));
    if (Object.values(brake).every((limit) => limit === undefined))
      faults.push(faultAt(file, path, 'limits nothing; give operationsMax, percentMax or deletionsMax'));
  }
  freezeWindows.forEach((window, at) => {
    if (Date.parse(window.from) >= Date.parse(window.to))
      faults.push(faultAt(file, ['constraints', 'freezeWindows', at, 'to'], 'must be later than "from"'));
  });
  value.constraints.protected.forEach((rule, at) => {
    const path = ['constraints', 'protected', at];
    const type = typeOf(parts, rule.type);
    if (!type) return void faults.push(...unknownType(parts, file, [...path, 'type'], rule.type, 'value'));
    const known = Object.keys(type.value.fields);
    if (Object.keys(rule.where).length === 0)
      faults.push(faultAt(file, [...path, 'where'], 'names no field, so it would protect every record; say which'));
    for (const field of Object.keys(rule.where))
      if (!known.includes(field))
        faults.push(
          faultAt(
            file,
            [...path, 'where', field],
            `${type.file} has no field "${field}"; ${suggestion(field, known)}`,
            'key',
          ),
        );
  });
  for (const dataset of parts.datasets) {
    const wait = dataset.value.approval.waitInRun;
    if (dataset.value.members.includes(value.authority) && durationMs(freshness) < durationMs(wait))
      faults.push(
        faultAt(
          file,
          ['constraints', 'freshness'],
          `${freshness} is shorter than the ${wait} that ${dataset.file} waits for reviews (approval.waitInRun): what is approved late in a run could never be written; raise this or lower that`,
        ),
      );
  }
  return faults;
}
