/** The IAM calls on roles and their trust policies. A role cannot be renamed. */
import { alreadyExists, deleteConflict, IamProblem, noSuchEntity, type Input } from './input.js';
import type { AwsState, IamRole } from './state.js';
import { boundaryXml, type Action } from './users.js';
import type { Xml } from './xml.js';

export function roleXml(state: AwsState, role: IamRole): { readonly [name: string]: Xml } {
  return {
    Path: role.path,
    RoleName: role.name,
    RoleId: role.id,
    Arn: state.arn('role', role),
    CreateDate: role.created,
    AssumeRolePolicyDocument: encodeURIComponent(role.trust),
    PermissionsBoundary: boundaryXml(role.boundary),
  };
}

export function namedRole(input: Input, state: AwsState): IamRole {
  const name = input.required('RoleName');
  const role = state.roles.named(name);
  if (!role) throw noSuchEntity('role', name);
  return role;
}

/** As AWS does: a trust policy may name only users and roles of the account that exist. */
function trustPolicy(input: Input, state: AwsState, parameter: string): string {
  const text = input.policyDocument(parameter);
  const known = new Set([
    ...state.users.all().map((user) => state.arn('user', user)),
    ...state.roles.all().map((role) => state.arn('role', role)),
  ]);
  const own = new RegExp(`"(arn:aws:iam::${state.account}:(?:user|role)/[^"]*)"`, 'g');
  for (const [, arn = ''] of text.matchAll(own)) {
    if (!known.has(arn))
      throw new IamProblem('MalformedPolicyDocument', 400, `Invalid principal in policy: "AWS":"${arn}"`);
  }
  return text;
}

export const roleActions: Readonly<Record<string, Action>> = {
  CreateRole(input, state) {
    const name = input.name('RoleName', 64);
    const path = input.path('Path') ?? '/';
    if (state.roles.named(name)) throw alreadyExists('Role', name);
    const trust = trustPolicy(input, state, 'AssumeRolePolicyDocument');
    const boundary = input.optional('PermissionsBoundary');
    return { Role: roleXml(state, state.addRole({ name, path, trust, ...(boundary ? { boundary } : {}) })) };
  },
  GetRole(input, state) {
    return { Role: roleXml(state, namedRole(input, state)) };
  },
  ListRoles(input, state) {
    const prefix = input.optional('PathPrefix') ?? '/';
    const roles = state.roles.all().filter((role) => role.path.startsWith(prefix));
    const page = input.page(roles, (role) => role.name.toLowerCase());
    return { Roles: page.items.map((role) => roleXml(state, role)), ...page.result };
  },
  UpdateAssumeRolePolicy(input, state) {
    namedRole(input, state).trust = trustPolicy(input, state, 'PolicyDocument');
    return undefined;
  },
  DeleteRole(input, state) {
    const role = namedRole(input, state);
    if (role.instanceProfiles.length > 0) throw deleteConflict('remove roles from instance profile');
    if (role.attachedPolicies.length > 0) throw deleteConflict('detach all policies');
    if (Object.keys(role.policies).length > 0) throw deleteConflict('delete policies');
    state.roles.remove(role);
    return undefined;
  },
  ListInstanceProfilesForRole(input, state) {
    const page = input.page(namedRole(input, state).instanceProfiles.toSorted(), (name) => name);
    return { InstanceProfiles: page.items.map((name) => ({ InstanceProfileName: name })), ...page.result };
  },
};
