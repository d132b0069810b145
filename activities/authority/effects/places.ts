/**
 * Where a grant counts, in the scopes of its own mesh: where it is given, and where the cloud lets it be inherited. Keystone
 * carries an assignment down only where it says so, and then not to the scope itself; a role on the whole directory of Entra
 * counts in every administrative unit; in AWS nothing lies between an account and what is in it.
 * https://docs.openstack.org/api-ref/identity/v3/#os-inherit
 * https://learn.microsoft.com/en-us/entra/identity/role-based-access-control/custom-overview#scope
 */
import { isProjectBelow } from '../../../core/effect/keystone.js';
import type { NativeObject } from '../../../core/record.js';
import { partsOf, textOf, type SeenObjects } from './seen-objects.js';

/** As `<native type>/<native id>`; nothing for what is no grant. */
export function placesIn(seen: SeenObjects): (object: NativeObject) => readonly string[] {
  const parents = new Map(
    seen.all('project').map(({ id, body }) => [id, textOf(body, 'parent_id') ?? textOf(body, 'domain_id') ?? '']),
  );
  const units = seen.all('directoryScope').map(({ id }) => `directoryScope/${id}`);
  return ({ type, body }) => {
    switch (type) {
      case 'policyAttachment':
      case 'assumption':
        return placeIn(body['Account']);
      case 'appRoleAssignment':
        return placeIn(body['scope']);
      case 'directoryRoleAssignment':
        return body['scope'] === 'directoryScope//'
          ? [...new Set(['directoryScope//', ...units])]
          : placeIn(body['scope']);
      case 'roleAssignment': {
        const [, scope] = partsOf(body['scope']);
        if (body['inherited'] !== true) return placeIn(body['scope']);
        return [...parents.keys()]
          .filter((project) => isProjectBelow(project, scope ?? '', parents))
          .map((project) => `project/${project}`);
      }
      default:
        return [];
    }
  };
}

function placeIn(scope: NativeObject['body'][string] | undefined): readonly string[] {
  return typeof scope === 'string' ? [scope] : [];
}
