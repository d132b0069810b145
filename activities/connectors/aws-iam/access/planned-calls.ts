/**
 * The calls that a write of a grant or workload makes, in IAM's own action words. Pure: what depends on what the account
 * holds by then says so in brackets. Principals and roles are named by id and become names only when a call is sent.
 */
import { issuerHost, webIdentityTrust } from '../../../../core/iam-policy/trust.js';
import type { JsonObject } from '../../../../core/json.js';
import type { NativeCall, NativeWrite } from '../../connector.js';
import { textIn } from '../body.js';
import type { AccessType } from './native-types.js';
import type { PolicySets } from './policy-sets.js';

export type PrincipalKind = 'user' | 'group' | 'webIdentityRole';

export interface Principal {
  readonly kind: PrincipalKind;
  readonly id: string;
}

/** `user/AIDA…`; undefined for anything that is no principal of a grant. */
export function principalIn(text: string): Principal | undefined {
  const slash = text.indexOf('/');
  const [kind, id] = [text.slice(0, slash), text.slice(slash + 1)];
  if (slash === -1 || id === '' || id.includes('/')) return undefined;
  return kind === 'user' || kind === 'group' || kind === 'webIdentityRole' ? { kind, id } : undefined;
}

/** What follows `<native type>/`; undefined where the reference is to another type. */
export function referredId(text: string, type: AccessType): string | undefined {
  return text.startsWith(`${type}/`) && text.length > type.length + 1 ? text.slice(type.length + 1) : undefined;
}

const word = { user: 'User', group: 'Group', webIdentityRole: 'Role' } as const;

export function policyCall(verb: 'Attach' | 'Detach', { kind, id }: Principal, arn: string, note = ''): NativeCall {
  return {
    call: `iam:${verb}${word[kind]}Policy${note}`,
    target: `${kind}/${id}`,
    arguments: { [`${word[kind]}Id`]: id, PolicyArn: arn },
  };
}

/** One name for the policy of one role, so that a half-made grant is found again. */
export function assumePolicyName(roleId: string): string {
  return `concordat-assume-${roleId}`;
}

export function assumeCalls(verb: 'Put' | 'Delete', { kind, id }: Principal, roleId: string, note: string) {
  const policy: NativeCall = {
    call: `iam:${verb}${word[kind]}Policy`,
    target: `${kind}/${id}`,
    arguments: {
      [`${word[kind]}Id`]: id,
      PolicyName: assumePolicyName(roleId),
      ...(verb === 'Put' ? { Allow: 'sts:AssumeRole', RoleId: roleId } : {}),
    },
  };
  const trust: NativeCall = {
    call: `iam:UpdateAssumeRolePolicy${note}`,
    target: `assumableRole/${roleId}`,
    arguments: { RoleId: roleId, [verb === 'Put' ? 'Trust' : 'TrustNoLonger']: kind === 'user' ? id : 'the account' },
  };
  return { policy, trust };
}

export function providerArn(account: string, issuer: string, partition: string): string {
  return `arn:${partition}:iam::${account}:oidc-provider/${issuerHost(issuer)}`;
}

export function roleCalls(after: JsonObject, pathPrefix: string, audience: string, provider: string) {
  const name = textIn(after, 'RoleName');
  const [issuer, subject, boundary] = ['Issuer', 'Subject', 'PermissionsBoundary'].map((each) => textIn(after, each));
  const trust = webIdentityTrust({ provider, issuer: issuer ?? '', audience, subject: subject ?? '' });
  const makeProvider: NativeCall = {
    call: 'iam:CreateOpenIDConnectProvider',
    target: issuer ?? '',
    arguments: { Url: `https://${issuerHost(issuer ?? '')}`, ClientIDList: [audience] },
  };
  const addAudience: NativeCall = {
    call: 'iam:AddClientIDToOpenIDConnectProvider',
    target: provider,
    arguments: { OpenIDConnectProviderArn: provider, ClientID: audience },
  };
  const makeRole: NativeCall = {
    call: 'iam:CreateRole',
    target: name,
    arguments: {
      RoleName: name,
      Path: textIn(after, 'Path') || pathPrefix,
      AssumeRolePolicyDocument: trust,
      ...(boundary ? { PermissionsBoundary: boundary } : {}),
    },
  };
  return { makeProvider, addAudience, makeRole };
}

export interface PlanningTerms {
  readonly sets: PolicySets;
  readonly pathPrefix: string;
  readonly audience: string;
  /** Where the authority file declares it; else a planned call shows a placeholder. */
  readonly account: string | undefined;
  readonly partition: string;
}

export function plannedAccessCalls(write: NativeWrite<AccessType>, terms: PlanningTerms): readonly NativeCall[] {
  const body = write.kind === 'create' ? write.after : write.kind === 'delete' ? write.before : {};
  const principal = principalIn(textIn(body, 'Principal'));
  switch (write.type) {
    case 'policyAttachment': {
      const set = terms.sets.byId(referredId(textIn(body, 'PolicySet'), 'policySet') ?? '');
      if (principal === undefined || set === undefined) return [];
      if (write.kind === 'create') {
        return set.arns.map((arn) => policyCall('Attach', principal, arn, ' (unless attached)'));
      }
      return set.arns.map((arn) => policyCall('Detach', principal, arn, ' (unless another set needs it)'));
    }
    case 'assumption': {
      const roleId = referredId(textIn(body, 'Role'), 'assumableRole');
      if (principal === undefined || roleId === undefined) return [];
      const verb = write.kind === 'create' ? 'Put' : 'Delete';
      const { policy, trust } = assumeCalls(verb, principal, roleId, ' (unless it is so)');
      if (write.kind === 'delete' && principal.kind === 'group') return [policy];
      return [policy, trust];
    }
    case 'webIdentityRole': {
      if (write.kind === 'create') {
        const provider = providerArn(terms.account ?? '(this account)', textIn(body, 'Issuer'), terms.partition);
        const { makeProvider, makeRole } = roleCalls(body, terms.pathPrefix, terms.audience, provider);
        return [{ ...makeProvider, call: `${makeProvider.call} (where missing)` }, makeRole];
      }
      if (write.kind !== 'delete') return [];
      const RoleName = textIn(body, 'RoleName');
      const mayRemove = write.deletionMayRemove.includes('policies');
      const removals = mayRemove ? ['iam:DetachRolePolicy (as attached)', 'iam:DeleteRolePolicy (as attached)'] : [];
      return [...removals, 'iam:DeleteRole'].map((call) => ({ call, target: RoleName, arguments: { RoleName } }));
    }
    default:
      return [];
  }
}
