/** What Concordat reads and writes of rights in Entra, and the least Graph permissions for it. */
import type { NativeTypeCapabilities } from '../../connector.js';
import { accessProperties, accessWrites } from './properties.js';
import type { AccessType } from './types.js';

/** A permission of Graph, then those that include it (https://learn.microsoft.com/en-us/graph/permissions-reference). */
export type Satisfying = readonly [least: string, ...more: string[]];

const users: Satisfying = ['User.Read.All', 'User.ReadWrite.All', 'Directory.Read.All', 'Directory.ReadWrite.All'];
const members: Satisfying = [
  'GroupMember.Read.All',
  'GroupMember.ReadWrite.All',
  'Group.Read.All',
  'Group.ReadWrite.All',
  'Directory.Read.All',
  'Directory.ReadWrite.All',
];
const units: Satisfying = [
  'AdministrativeUnit.Read.All',
  'AdministrativeUnit.ReadWrite.All',
  'Directory.Read.All',
  'Directory.ReadWrite.All',
];
const applications: Satisfying = [
  'Application.Read.All',
  'Application.ReadWrite.All',
  'Directory.Read.All',
  'Directory.ReadWrite.All',
];
/** Directory.Read.All shows roles and assignments too, but not what Privileged Identity Management holds. */
const roles: Satisfying = [
  'RoleManagement.Read.Directory',
  'RoleManagement.Read.All',
  'RoleManagement.ReadWrite.Directory',
];
const assignRoles: Satisfying = ['RoleManagement.ReadWrite.Directory'];
const assignAppRoles: Satisfying = ['AppRoleAssignment.ReadWrite.All'];
/** Reaches the applications that Concordat made itself; the second reaches all of the tenant. */
const writeApplications: Satisfying = ['Application.ReadWrite.OwnedBy', 'Application.ReadWrite.All'];

interface Needed {
  readonly read: readonly Satisfying[];
  readonly write: readonly Satisfying[];
}

/** Grants name people and groups, whose kinds are asked for. */
export const accessPermissions: Readonly<Record<AccessType, Needed>> = {
  directoryScope: { read: [units], write: [] },
  servicePrincipal: { read: [applications], write: [] },
  directoryRole: { read: [roles], write: [] },
  appRole: { read: [applications], write: [] },
  federatedIdentity: { read: [applications], write: [writeApplications] },
  appRoleAssignment: { read: [applications, members], write: [assignAppRoles] },
  directoryRoleAssignment: { read: [roles, users, members, applications], write: [assignRoles] },
};

/** A call that a permission to read allows, for the probe. */
export const trialReadOf: Readonly<Record<string, string>> = {
  [units[0]]: '/directory/administrativeUnits?$select=id',
  [applications[0]]: '/applications?$top=1&$select=id',
  [roles[0]]: '/roleManagement/directory/roleDefinitions?$select=id',
};

export function accessCapabilities(type: AccessType): NativeTypeCapabilities {
  const { read, write } = accessPermissions[type];
  return {
    type,
    properties: accessProperties[type],
    writes: accessWrites[type],
    permissions: { read: read.map(([least]) => least), write: write.map(([least]) => least) },
  };
}
