/** What Entra does beyond a write itself, for the approver's screen. Pure, and without values. */
import type { NativeWrite } from '../connector.js';
import { referred } from './access/types.js';

/** https://learn.microsoft.com/en-us/graph/api/directory-deleteditems-restore */
const restorable = 'can be restored from the deleted items for 30 days, under the same id';

function ofCreation(type: string, after: Readonly<Record<string, unknown>>): readonly string[] {
  const toGroup = referred(after['principal'])?.type === 'group';
  switch (type) {
    case 'group':
      return after['isAssignableToRole'] === true
        ? ['can be given directory roles; only privileged administrators may then change its members']
        : ['can never be given directory roles: it is not created isAssignableToRole'];
    case 'appRoleAssignment':
      return toGroup ? ['reaches who is in the group itself, and nobody in groups within it'] : [];
    case 'directoryRoleAssignment':
      return toGroup ? ['reaches everybody who is or will be in the group'] : [];
    default:
      return [];
  }
}

function ofDeletion(type: string, mayRemove: readonly string[], groupTypes: unknown): readonly string[] {
  switch (type) {
    case 'user':
      return [restorable, 'its memberships and role assignments end'];
    case 'group':
      return [
        Array.isArray(groupTypes) && groupTypes.includes('Unified')
          ? restorable
          : 'a security group: restorable only where the tenant keeps deleted security groups',
        'everything that is granted to it ends for its members',
      ];
    case 'federatedIdentity':
      return mayRemove.includes('application')
        ? [
            'where nothing else signs in as it, its application is deleted with its service principal and all that is granted to that',
            restorable,
          ]
        : ['its application and service principal stay', 'trusted again, it has another id'];
    case 'appRoleAssignment':
      return ['granted again, it has another id'];
    default:
      return [];
  }
}

/** HAZARD: what comes back with a user is more than the plan says, and nobody else says it. */
const restored = [
  'restored from the deleted items under the id it had, where Entra still keeps it and User.DeleteRestore.All is held; its credentials, licences, memberships and role assignments of then come back with it',
  'where that is not so it is made anew: another id, and none of its credentials',
];

export function consequencesOf(write: NativeWrite): readonly string[] {
  switch (write.kind) {
    case 'create':
      if (write.type === 'user' && write.restores !== undefined) return restored;
      return ofCreation(write.type, write.after);
    case 'update':
      return [];
    case 'delete':
      return ofDeletion(write.type, write.deletionMayRemove, write.before['groupTypes']);
  }
}
