/** The native types of rights in Entra, in Graph's own words, and how one object names another. */

/** Scopes, roles, workloads, grants: what refers comes after what it refers to. */
export const accessTypes = [
  'directoryScope',
  'servicePrincipal',
  'directoryRole',
  'appRole',
  'federatedIdentity',
  'appRoleAssignment',
  'directoryRoleAssignment',
] as const;
export type AccessType = (typeof accessTypes)[number];

export function isAccessType(type: string): type is AccessType {
  return (accessTypes as readonly string[]).includes(type);
}

/** `<native type>/<native id>`, as a body names another object. A native id may hold slashes itself. */
export function reference(type: 'user' | 'group' | AccessType, id: string): string {
  return `${type}/${id}`;
}

export interface Referred {
  readonly type: string;
  readonly id: string;
}

/** undefined where the value is no reference. */
export function referred(value: unknown): Referred | undefined {
  if (typeof value !== 'string') return undefined;
  const slash = value.indexOf('/');
  return slash < 1 || slash === value.length - 1
    ? undefined
    : { type: value.slice(0, slash), id: value.slice(slash + 1) };
}

/** An id made of two: `<service principal>/<app role>`, `<application>/<credential>`. */
export function halves(id: string): readonly [string, string] | undefined {
  const slash = id.indexOf('/');
  return slash < 1 || slash === id.length - 1 ? undefined : [id.slice(0, slash), id.slice(slash + 1)];
}

/** The whole tenant, as `directoryScopeId` of a role assignment says it. */
export const tenantScope = '/';

/** What an assignment without any declared role carries as its appRoleId. */
export const defaultAccess = '00000000-0000-0000-0000-000000000000';

/** To whom a grant is given, and why it may be shown only. */
export interface PrincipalFacts {
  /** `user/<id>`, `group/<id>`, `federatedIdentity/<id>` of a workload, else `servicePrincipal/<id>`. */
  readonly reference: string;
  readonly opaque?: string | undefined;
  /** For directory roles, which ask more of a group. */
  readonly opaqueForDirectory?: string | undefined;
}

/** Why a grant is shown and never written: `NativeObject.opaque`, in words without values. */
export const opaqueBecause = {
  eligible: 'eligible through Privileged Identity Management, not active',
  activated: 'activated through Privileged Identity Management, ends by itself',
  timeBound: 'Privileged Identity Management ends it at a set time',
  appScope: 'its scope is one that an application defines, not the directory',
  membersUnread: 'the members of the group could not be read',
  notAssignable: 'the group was not created to be assignable to roles',
  severalWorkloads: 'the service principal is that of several workloads',
  claimsMatching: 'an expression over claims decides which subjects are trusted',
  otherAudience: 'it trusts tokens for another audience than this mesh declares',
  noServicePrincipal: 'the application has no service principal in this tenant',
} as const;
