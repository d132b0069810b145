/**
 * The native objects of grants, roles and workloads, made of what the account shows. Pure: the same for a whole read and
 * for one object. A document is shown in its canonical form, so that only a change of meaning is a change.
 */
import { digestOf } from '../../../../core/digest.js';
import { canonicalPolicy } from '../../../../core/iam-policy/canonical.js';
import { parsePolicy } from '../../../../core/iam-policy/parse.js';
import { trustOf } from '../../../../core/iam-policy/trust.js';
import type { Trust } from '../../../../core/iam-policy/trust.js';
import { byCodeUnit } from '../../../../core/json.js';
import type { Json } from '../../../../core/json.js';
import type { NativeObject } from '../../../../core/record.js';
import type { Holder, Role } from './inventory.js';
import type { PolicySet, PolicySets } from './policy-sets.js';

/** A document that cannot be read is shown by its digest: a change of it is seen, its meaning is not. */
export function shownDocument(text: string): Json {
  const read = parsePolicy(text);
  return read.kind === 'document'
    ? canonicalPolicy(read.document)
    : { unreadable: read.reason, digest: digestOf(text) };
}

export function trustIn(role: Role): Trust {
  const read = parsePolicy(role.trust);
  return read.kind === 'document'
    ? trustOf(read.document)
    : { kind: 'other', about: 'principals', reason: read.reason };
}

/** What a role is to the federation; null for one that only services of AWS use. */
export function roleTypeOf(trust: Trust): 'assumableRole' | 'webIdentityRole' | null {
  if (trust.kind === 'services') return null;
  const about = trust.kind === 'other' ? trust.about : trust.kind;
  return about === 'webIdentity' ? 'webIdentityRole' : 'assumableRole';
}

export function accountObject(account: string): NativeObject {
  return { type: 'account', id: account, body: { Account: account } };
}

/** `documents`: by ARN; null where there is no such policy. */
export function policySetObject(set: PolicySet, documents: ReadonlyMap<string, string | null>): NativeObject {
  const missing = set.arns.some((arn) => documents.get(arn) === null);
  return {
    type: 'policySet',
    id: set.id,
    body: {
      Name: set.id,
      PolicyArns: set.arns,
      Documents: Object.fromEntries(
        set.arns.map((arn) => {
          const document = documents.get(arn);
          return [arn, document === undefined || document === null ? null : shownDocument(document)];
        }),
      ),
    },
    ...(missing ? { opaque: 'a policy of the set does not exist' } : {}),
  };
}

export function webIdentityRoleObject(
  role: Role,
  trust: Trust,
  { audience, providers }: { readonly audience: string; readonly providers: ReadonlySet<string> },
): NativeObject {
  const common = {
    RoleName: role.name,
    Path: role.path,
    ...(role.boundary === undefined ? {} : { PermissionsBoundary: role.boundary }),
  };
  const object = { type: 'webIdentityRole', id: role.id } as const;
  if (trust.kind !== 'webIdentity') {
    const reason = trust.kind === 'other' ? trust.reason : 'the trust is in no workload';
    return { ...object, body: { ...common, Trust: shownDocument(role.trust) }, opaque: reason };
  }
  const { issuer: Issuer, subject: Subject, provider: Provider } = trust;
  const opaque =
    trust.audience !== audience
      ? 'the audience is not the one of this mesh'
      : providers.has(Provider)
        ? undefined
        : 'its identity provider does not exist in the account';
  const known = { ...common, Issuer, Subject, Provider };
  if (opaque === undefined) return { ...object, body: known };
  return { ...object, body: { ...known, Trust: shownDocument(role.trust) }, opaque };
}

/** `documents`: of the managed policies that the account shows, by ARN. */
export function assumableRoleObject(
  role: Role,
  trust: Trust,
  documents: ReadonlyMap<string, string | null>,
): NativeObject {
  const arns = [...new Set(role.attached)].sort(byCodeUnit);
  return {
    type: 'assumableRole',
    id: role.id,
    body: {
      RoleName: role.name,
      Path: role.path,
      Arn: role.arn,
      PolicyArns: arns,
      Documents: Object.fromEntries(
        arns.map((arn) => {
          const document = documents.get(arn);
          return [arn, document === undefined || document === null ? null : shownDocument(document)];
        }),
      ),
      ...(role.boundary === undefined ? {} : { PermissionsBoundary: role.boundary }),
      // who may assume it are grants of their own, as far as they can be represented
      ...(trust.kind === 'other' ? { Trust: shownDocument(role.trust) } : {}),
    },
    ...(trust.kind === 'other' ? { opaque: trust.reason } : {}),
  };
}

/** `user/AIDA…`, `group/AGPA…`, `webIdentityRole/AROA…`, `assumableRole/AROA…`. */
export function principalOf(holder: Holder): string {
  if (holder.kind !== 'role') return `${holder.kind}/${holder.id}`;
  const type = roleTypeOf(trustIn(holder as Role));
  return `${type ?? 'assumableRole'}/${holder.id}`;
}

export function inlinePolicyObject(holder: Holder, name: string, document: string): NativeObject {
  const principal = principalOf(holder);
  return {
    type: 'inlinePolicy',
    id: `${principal}/${name}`,
    body: { Principal: principal, PolicyName: name, Document: shownDocument(document) },
    opaque: 'inline policy',
  };
}

export function attachmentObjects(
  principal: string,
  attached: readonly string[],
  sets: PolicySets,
  account: string,
): readonly NativeObject[] {
  const { whole, part } = sets.held(attached);
  const object = (set: PolicySet) => ({
    type: 'policyAttachment',
    id: `${principal}/${set.id}`,
    body: { Principal: principal, PolicySet: `policySet/${set.id}`, Account: `account/${account}` },
  });
  return [
    ...whole.map(object),
    ...part.map(({ set, attached: count }) => ({
      ...object(set),
      opaque: `${count} of ${set.arns.length} policies of the set are attached`,
    })),
  ];
}
