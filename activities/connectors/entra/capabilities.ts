/** What Entra holds and allows, and the Graph permissions that Concordat needs there. */
import type { Capabilities } from '../connector.js';
import { accessCapabilities } from './access/capabilities.js';
import { accessTypes } from './access/types.js';
import type { EntraConfig } from './config.js';

/** https://learn.microsoft.com/en-us/graph/api/resources/user. `employeeId` and `accountEnabled` come only where $select names them. */
export const userProperties = [
  'userPrincipalName',
  'displayName',
  'givenName',
  'surname',
  'mail',
  'employeeId',
  'department',
  'accountEnabled',
  'mailNickname',
  'onPremisesSyncEnabled',
  'userType',
] as const;

/** https://learn.microsoft.com/en-us/graph/api/resources/group, without its members. */
export const groupProperties = [
  'displayName',
  'mailNickname',
  'uniqueName',
  'description',
  'securityEnabled',
  'mailEnabled',
  'groupTypes',
  'onPremisesSyncEnabled',
  'isAssignableToRole',
] as const;

/**
 * What PATCH may change. `mail` of a cloud user is writable, except where Exchange masters it: Graph then refuses.
 * groupTypes, mailEnabled and isAssignableToRole are fixed at creation.
 */
export const updatable = {
  user: [
    'userPrincipalName',
    'displayName',
    'givenName',
    'surname',
    'mail',
    'employeeId',
    'department',
    'accountEnabled',
    'mailNickname',
    'userType',
  ],
  group: ['displayName', 'mailNickname', 'description', 'securityEnabled'],
} as const satisfies Record<string, readonly string[]>;

/** What POST may give a new object. */
export const creatable = {
  user: updatable.user,
  group: [...updatable.group, 'uniqueName', 'mailEnabled', 'groupTypes', 'isAssignableToRole'],
} as const satisfies Record<string, readonly string[]>;

/** The permissions that include the first one, itself among them (https://learn.microsoft.com/en-us/graph/permissions-reference). */
export const permissionsNeeded = {
  read: [
    ['User.Read.All', 'User.ReadWrite.All', 'Directory.Read.All', 'Directory.ReadWrite.All'],
    [
      'GroupMember.Read.All',
      'GroupMember.ReadWrite.All',
      'Group.Read.All',
      'Group.ReadWrite.All',
      'Directory.Read.All',
      'Directory.ReadWrite.All',
    ],
  ],
  write: [
    ['User.ReadWrite.All', 'Directory.ReadWrite.All'],
    ['Group.ReadWrite.All', 'Directory.ReadWrite.All'],
  ],
} as const;

export function entraCapabilities(
  config: Pick<EntraConfig, 'groupPrefix'> & Partial<Pick<EntraConfig, 'workloadPrefix'>>,
): Capabilities {
  return {
    kind: 'entra',
    nativeTypes: [
      { type: 'user', properties: userProperties, writes: ['create', 'update', 'delete'] },
      {
        type: 'group',
        properties: [...groupProperties, 'members', 'otherMembers'],
        writes: ['create', 'update', 'delete'],
      },
      ...accessTypes.map(accessCapabilities),
    ],
    // A group or an application that was renamed away from its prefix is missing from the list, but lives.
    absenceProvesDeletion: config.groupPrefix === undefined && config.workloadPrefix === undefined,
    // Graph offers no If-Match on any of these.
    conditionalWrites: false,
    rateLimits: [
      'per application and tenant: 3500 (under 50 users), 5000 or 8000 (over 500 users) resource units in 10 s',
      'per application and tenant: 3000 writes in 150 s',
    ],
    permissions: {
      read: permissionsNeeded.read.map(([least]) => least),
      write: permissionsNeeded.write.map(([least]) => least),
    },
  };
}
