/** What a mesh must declare before the native types that maps name can be read at all. */
import type { Authority } from './authority.js';
import { faultAt, type PathFault } from './fault.js';
import { mapNameOf } from './files.js';
import type { FederationParts, Located } from './parts.js';

/** Held by service principals, of which a tenant has hundreds: the file says which are meant. */
const ofApplications = ['servicePrincipal', 'appRole', 'appRoleAssignment'];

export function checkMesh(parts: FederationParts, { file, value }: Located<Authority>): readonly PathFault[] {
  const { authority, mesh } = value;
  if (mesh.kind !== 'entra' || (mesh.applications ?? []).length > 0) return [];
  const map = parts.maps.find(
    (each) =>
      mapNameOf(each.file).authority === authority &&
      each.value.lifecycle === 'active' &&
      ofApplications.includes(each.value.native),
  );
  if (!map) return [];
  const words = `${map.file} maps ${map.value.native}, and without the client ids of applications none is read; list them as "applications"`;
  return [faultAt(file, ['mesh'], words)];
}
