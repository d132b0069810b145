/** GetAccountAuthorizationDetails: users, groups, roles and policies in one paged stream. */
import { groupXml } from './groups.js';
import type { Input } from './input.js';
import { awsManaged } from './managed.js';
import { attachedXml, inlineXml, policyXml } from './policies.js';
import { roleXml } from './roles.js';
import type { AwsState } from './state.js';
import { boundaryXml, tagsXml, userXml } from './users.js';
import type { Xml } from './xml.js';

interface Detail {
  readonly list: 'UserDetailList' | 'GroupDetailList' | 'RoleDetailList' | 'Policies';
  readonly key: string;
  readonly xml: () => Xml;
}

const filters = ['User', 'Group', 'Role', 'LocalManagedPolicy', 'AWSManagedPolicy'] as const;

function detailsOf(state: AwsState): Readonly<Record<(typeof filters)[number], readonly Detail[]>> {
  const key = (place: number, name: string): string => `${place}/${name.toLowerCase()}`;
  const holders = [
    ...state.users.all().map((user) => user.owned.attachedPolicies),
    ...state.groups.all().map((group) => group.attachedPolicies),
    ...state.roles.all().map((role) => role.attachedPolicies),
  ];
  const attached = new Map<string, number>();
  for (const arn of holders.flat()) attached.set(arn, (attached.get(arn) ?? 0) + 1);
  const version = (document: string): Xml => [
    { Document: encodeURIComponent(document), VersionId: 'v1', IsDefaultVersion: true },
  ];
  return {
    User: state.users.all().map((user) => ({
      list: 'UserDetailList',
      key: key(1, user.name),
      xml: () => ({
        ...userXml(state, user),
        UserPolicyList: inlineXml(user.policies),
        GroupList: [...user.groups].map((id) => state.groups.get(id)?.name),
        AttachedManagedPolicies: attachedXml(user.owned.attachedPolicies),
        PermissionsBoundary: boundaryXml(user.boundary),
        Tags: tagsXml(user),
      }),
    })),
    Group: state.groups.all().map((group) => ({
      list: 'GroupDetailList',
      key: key(2, group.name),
      xml: () => ({
        ...groupXml(state, group),
        GroupPolicyList: inlineXml(group.policies),
        AttachedManagedPolicies: attachedXml(group.attachedPolicies),
      }),
    })),
    Role: state.roles.all().map((role) => ({
      list: 'RoleDetailList',
      key: key(3, role.name),
      xml: () => ({
        ...roleXml(state, role),
        InstanceProfileList: role.instanceProfiles.map((name) => ({ InstanceProfileName: name })),
        RolePolicyList: inlineXml(role.policies),
        AttachedManagedPolicies: attachedXml(role.attachedPolicies),
        Tags: [],
      }),
    })),
    LocalManagedPolicy: state.policies.all().map((policy) => ({
      list: 'Policies',
      key: key(4, policy.name),
      xml: () => ({
        ...policyXml(state, policy, attached.get(state.arn('policy', policy)) ?? 0),
        PolicyVersionList: version(policy.document),
      }),
    })),
    // as AWS does: of its own policies only those that somebody holds
    AWSManagedPolicy: awsManaged
      .filter(({ arn }) => attached.has(arn))
      .map((policy) => ({
        list: 'Policies',
        key: key(5, policy.name),
        xml: () => ({
          PolicyName: policy.name,
          PolicyId: policy.id,
          Arn: policy.arn,
          Path: policy.path,
          DefaultVersionId: 'v1',
          AttachmentCount: attached.get(policy.arn) ?? 0,
          IsAttachable: true,
          PolicyVersionList: version(policy.document),
        }),
      })),
  };
}

export function accountAuthorizationDetails(input: Input, state: AwsState): Xml {
  const wanted = input.list('Filter');
  const all = detailsOf(state);
  const details = filters.filter((kind) => wanted.length === 0 || wanted.includes(kind)).flatMap((kind) => all[kind]);
  const page = input.page(details, (detail) => detail.key);
  const shown = (list: Detail['list']): Xml =>
    page.items.filter((detail) => detail.list === list).map((detail) => detail.xml());
  return {
    UserDetailList: shown('UserDetailList'),
    GroupDetailList: shown('GroupDetailList'),
    RoleDetailList: shown('RoleDetailList'),
    Policies: shown('Policies'),
    ...page.result,
  };
}
