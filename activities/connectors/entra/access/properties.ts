/** What the bodies of these native types hold, and what may be done to them. */
import type { AccessType } from './types.js';

export const servicePrincipalProperties = ['appId', 'displayName', 'accountEnabled', 'appRoleAssignmentRequired'];
export const directoryRoleProperties = ['displayName', 'description', 'isBuiltIn', 'isEnabled', 'templateId'];
export const credentialProperties = ['name', 'issuer', 'subject', 'audiences', 'description'];

export const accessProperties: Readonly<Record<AccessType, readonly string[]>> = {
  directoryScope: ['id', 'displayName'],
  servicePrincipal: servicePrincipalProperties,
  directoryRole: directoryRoleProperties,
  appRole: ['value', 'displayName', 'isEnabled', 'allowedMemberTypes', 'servicePrincipal'],
  federatedIdentity: [
    ...credentialProperties,
    'claimsMatchingExpression',
    'application',
    'displayName',
    'uniqueName',
    'servicePrincipal',
  ],
  appRoleAssignment: ['principal', 'role', 'scope'],
  directoryRoleAssignment: ['principal', 'role', 'scope', 'state'],
};

/** Scopes and roles are what an administrator declares; grants and workloads are made and deleted, never changed. */
export const accessWrites: Readonly<Record<AccessType, readonly ('create' | 'delete')[]>> = {
  directoryScope: [],
  servicePrincipal: [],
  directoryRole: [],
  appRole: [],
  federatedIdentity: ['create', 'delete'],
  appRoleAssignment: ['create', 'delete'],
  directoryRoleAssignment: ['create', 'delete'],
};
