/**
 * What GetAccountAuthorizationDetails shows of who holds what: principals under the path prefix with what is attached to
 * and written into them, roles with their trust, and the documents of managed policies. One pass over the account, kept
 * whole while it is used: an account holds 5,000 users, 1,000 roles and 1,500 policies by default.
 */
import { GetPolicyCommand, GetPolicyVersionCommand, ListOpenIDConnectProvidersCommand } from '@aws-sdk/client-iam';
import type { GetAccountAuthorizationDetailsResponse } from '@aws-sdk/client-iam';
import { given } from '../body.js';
import type { AwsIamClient } from '../client.js';
import { accountPages } from '../listing.js';

export interface InlinePolicy {
  readonly name: string;
  /** As IAM shows it: percent-encoded JSON. */
  readonly document: string;
}

export interface Holder {
  readonly kind: 'user' | 'group' | 'role';
  readonly id: string;
  readonly name: string;
  readonly path: string;
  readonly arn: string;
  /** ARNs of managed policies. */
  readonly attached: readonly string[];
  readonly inline: readonly InlinePolicy[];
}

export interface Role extends Holder {
  readonly kind: 'role';
  readonly trust: string;
  readonly boundary: string | undefined;
}

export interface ManagedPolicy {
  readonly arn: string;
  readonly path: string;
  /** Of the version in force; undefined where the list did not hold it. */
  readonly document: string | undefined;
}

export interface Inventory {
  /** Under the path prefix, sorted by nothing in particular. */
  readonly users: readonly Holder[];
  readonly groups: readonly Holder[];
  readonly roles: readonly Role[];
  /** By ARN: customer-managed, and AWS's own as far as IAM lists them. */
  readonly policies: ReadonlyMap<string, ManagedPolicy>;
}

const filters = ['User', 'Group', 'Role', 'LocalManagedPolicy', 'AWSManagedPolicy'] as const;

/** Throws ConcordatError. */
export async function readInventory(client: AwsIamClient, signal?: AbortSignal): Promise<Inventory> {
  const { pathPrefix } = client.config.mesh;
  const inScope = (path: string | undefined): boolean => given(path, 'Path').startsWith(pathPrefix);
  const users: Holder[] = [];
  const groups: Holder[] = [];
  const roles: Role[] = [];
  const policies = new Map<string, ManagedPolicy>();
  for await (const { page } of accountPages(client, filters, undefined, signal)) {
    for (const user of page.UserDetailList ?? []) {
      if (inScope(user.Path)) {
        users.push({ kind: 'user', ...held(user, user.UserId, user.UserName, user.UserPolicyList) });
      }
    }
    for (const group of page.GroupDetailList ?? []) {
      if (inScope(group.Path)) {
        groups.push({ kind: 'group', ...held(group, group.GroupId, group.GroupName, group.GroupPolicyList) });
      }
    }
    for (const role of page.RoleDetailList ?? []) {
      if (!inScope(role.Path)) continue;
      roles.push({
        kind: 'role',
        ...held(role, role.RoleId, role.RoleName, role.RolePolicyList),
        trust: given(role.AssumeRolePolicyDocument, 'AssumeRolePolicyDocument'),
        boundary: role.PermissionsBoundary?.PermissionsBoundaryArn,
      });
    }
    for (const policy of policiesOf(page)) policies.set(policy.arn, policy);
  }
  return { users, groups, roles, policies };
}

interface Shown {
  readonly Path?: string | undefined;
  readonly Arn?: string | undefined;
  readonly AttachedManagedPolicies?: readonly { readonly PolicyArn?: string | undefined }[] | undefined;
}

type ShownInline = readonly {
  readonly PolicyName?: string | undefined;
  readonly PolicyDocument?: string | undefined;
}[];

function held(shown: Shown, id: string | undefined, name: string | undefined, inline: ShownInline | undefined) {
  return {
    id: given(id, 'an id'),
    name: given(name, 'a name'),
    path: given(shown.Path, 'Path'),
    arn: given(shown.Arn, 'Arn'),
    attached: (shown.AttachedManagedPolicies ?? []).map((policy) => given(policy.PolicyArn, 'PolicyArn')),
    inline: (inline ?? []).map((policy) => ({
      name: given(policy.PolicyName, 'PolicyName'),
      document: given(policy.PolicyDocument, 'PolicyDocument'),
    })),
  };
}

function policiesOf(page: GetAccountAuthorizationDetailsResponse): readonly ManagedPolicy[] {
  return (page.Policies ?? []).map((policy) => ({
    arn: given(policy.Arn, 'Arn'),
    path: given(policy.Path, 'Path'),
    document: (policy.PolicyVersionList ?? []).find((version) => version.IsDefaultVersion === true)?.Document,
  }));
}

/** The document in force of a policy that the list does not show; null where there is no such policy. */
export async function policyDocumentNow(client: AwsIamClient, arn: string): Promise<string | null> {
  const shown = await client.readOrNull('iam:GetPolicy', (iam) => iam.send(new GetPolicyCommand({ PolicyArn: arn })));
  if (shown === null) return null;
  const VersionId = given(shown.Policy?.DefaultVersionId, 'DefaultVersionId');
  const version = await client.readOrNull('iam:GetPolicyVersion', (iam) =>
    iam.send(new GetPolicyVersionCommand({ PolicyArn: arn, VersionId })),
  );
  return version === null ? null : given(version.PolicyVersion?.Document, 'Document');
}

/** ARNs of the OpenID Connect providers of the account; the list has no pages. */
export async function identityProviders(client: AwsIamClient): Promise<ReadonlySet<string>> {
  const answer = await client.read('iam:ListOpenIDConnectProviders', (iam) =>
    iam.send(new ListOpenIDConnectProvidersCommand({})),
  );
  return new Set((answer.OpenIDConnectProviderList ?? []).map((provider) => given(provider.Arn, 'Arn')));
}
