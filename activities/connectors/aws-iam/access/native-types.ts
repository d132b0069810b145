/** The native types beyond users and groups: what is granted in the account, and to which workloads. */

/** In the order in which they are read: what refers comes after what it refers to. */
export const accessTypes = [
  'account',
  'policySet',
  'assumableRole',
  'webIdentityRole',
  'inlinePolicy',
  'policyAttachment',
  'assumption',
] as const;
export type AccessType = (typeof accessTypes)[number];

/** Of these only edges and workloads are written: a policy set is declared in the authority file, a role is made by its owner. */
export const writtenAccessTypes = ['webIdentityRole', 'policyAttachment', 'assumption'] as const;

export function isAccessType(type: string): type is AccessType {
  return (accessTypes as readonly string[]).includes(type);
}

/** The scope that a read of this type ends. */
export const scopeOf: Readonly<Record<AccessType, string>> = {
  account: 'account',
  policySet: 'policySets',
  assumableRole: 'assumableRoles',
  webIdentityRole: 'webIdentityRoles',
  inlinePolicy: 'inlinePolicies',
  policyAttachment: 'policyAttachments',
  assumption: 'assumptions',
};
