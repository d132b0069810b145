/**
 * The native types of each kind of mesh and what can be done to them. Every connector says the same of itself in its
 * capabilities (test/core/federation/native-types.test.ts): core cannot ask them, and peers must plan alike.
 */
import type { Mesh } from './authority.js';

export type NativeWriteKind = 'create' | 'update' | 'delete';

export const everyWrite: readonly NativeWriteKind[] = ['create', 'update', 'delete'];
/** Edges and workloads: made or deleted, never changed. */
const made: readonly NativeWriteKind[] = ['create', 'delete'];

export const nativeTypes: Readonly<Record<Mesh['kind'], Readonly<Record<string, readonly NativeWriteKind[]>>>> = {
  'aws-iam': {
    user: everyWrite,
    group: everyWrite,
    account: [],
    policySet: [],
    assumableRole: [],
    webIdentityRole: made,
    inlinePolicy: [],
    policyAttachment: made,
    assumption: made,
  },
  entra: {
    user: everyWrite,
    group: everyWrite,
    directoryScope: [],
    servicePrincipal: [],
    directoryRole: [],
    appRole: [],
    federatedIdentity: made,
    appRoleAssignment: made,
    directoryRoleAssignment: made,
  },
  keystone: {
    user: everyWrite,
    group: everyWrite,
    domain: [],
    project: ['create', 'update'],
    system: [],
    role: everyWrite,
    mappingRule: made,
    roleAssignment: made,
    trust: [],
    applicationCredential: [],
  },
};
