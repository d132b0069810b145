/**
 * What a role's trust policy says, as far as it has one of the shapes that the federation can hold: a workload of one
 * issuer with one subject, or IAM principals of accounts. Everything else is named for what it is and left alone.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html
 */
import { byCodeUnit } from '../json.js';
import type { JsonObject } from '../json.js';
import type { PolicyDocument, PolicyStatement } from './document.js';
import { asciiLower } from './words.js';

export type Trust =
  | {
      readonly kind: 'webIdentity';
      /** ARN of the OpenID Connect provider. */
      readonly provider: string;
      /** `https://…`, as the `iss` of its tokens. */
      readonly issuer: string;
      readonly audience: string;
      readonly subject: string;
    }
  /** ARNs of users, roles or account roots that may call sts:AssumeRole, sorted. */
  | { readonly kind: 'principals'; readonly arns: readonly string[] }
  /** AWS services alone: no person and no workload of another. */
  | { readonly kind: 'services' }
  /** `about`: what of it the federation would be about, were the shape known. `reason`: in words without values. */
  | { readonly kind: 'other'; readonly about: 'webIdentity' | 'principals'; readonly reason: string };

const assumeByToken = 'sts:assumerolewithwebidentity';
const assume = 'sts:assumerole';

export function trustOf(document: PolicyDocument): Trust {
  const { statements } = document;
  if (statements.length > 0 && statements.every(isForServices)) return { kind: 'services' };
  const about = statements.some(mayUseToken) ? 'webIdentity' : 'principals';
  const other = (reason: string): Trust => ({ kind: 'other', about, reason });
  const open = statements.filter(isForEverybody);
  if (open.some(({ conditions }) => conditions.length === 0)) return other('the whole world may assume the role');
  if (open.length > 0) return other('only conditions keep the whole world from assuming the role');
  if (statements.some(({ effect }) => effect === 'Deny')) return other('the trust policy denies');
  if (statements.some(({ principal }) => principal?.kind !== 'these')) {
    return other('the trust policy excepts principals or names none');
  }
  if (about === 'webIdentity') return webIdentity(statements, other);
  return principals(statements, other);
}

/** The trust policy of a role that one subject of one issuer may assume. */
export function webIdentityTrust(trust: {
  readonly provider: string;
  readonly issuer: string;
  readonly audience: string;
  readonly subject: string;
}): JsonObject {
  const host = issuerHost(trust.issuer);
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Federated: trust.provider },
        Action: 'sts:AssumeRoleWithWebIdentity',
        Condition: { StringEquals: { [`${host}:aud`]: trust.audience, [`${host}:sub`]: trust.subject } },
      },
    ],
  };
}

/** The trust policy of a role that these principals may assume. */
export function principalsTrust(arns: readonly string[]): JsonObject {
  const list = [...new Set(arns)].sort(byCodeUnit);
  return {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { AWS: list }, Action: 'sts:AssumeRole' }],
  };
}

/** An issuer as provider ARNs and condition keys name it: without `https://` and without a slash at the end. */
export function issuerHost(issuer: string): string {
  const host = issuer.startsWith('https://') ? issuer.slice('https://'.length) : issuer;
  return host.endsWith('/') ? host.slice(0, -1) : host;
}

function webIdentity(statements: readonly PolicyStatement[], other: (reason: string) => Trust): Trust {
  const [statement, ...more] = statements;
  if (statement === undefined || more.length > 0) return other('the trust policy has more than one statement');
  const { action, principal, conditions } = statement;
  const [provider, ...others] = [...new Set(principal?.principals ?? [])];
  const arn = provider?.startsWith('Federated:') === true ? provider.slice('Federated:'.length) : undefined;
  if (arn === undefined || others.length > 0) return other('the trust is in more than one identity provider');
  const mark = ':oidc-provider/';
  const at = arn.indexOf(mark);
  if (at === -1) return other('the identity provider is none of OpenID Connect that the account holds');
  if (action.kind !== 'these' || action.patterns.some((pattern) => pattern !== assumeByToken)) {
    return other('the trust policy allows more than sts:AssumeRoleWithWebIdentity');
  }
  const host = arn.slice(at + mark.length);
  const values = (claim: string): readonly string[] => {
    const found = conditions.find(
      ({ operator, key }) => operator === 'StringEquals' && sameKey(key, `${host}:${claim}`),
    );
    return [...new Set(found?.values ?? [])];
  };
  const [audience, ...audiences] = values('aud');
  const [subject, ...subjects] = values('sub');
  if (subject === undefined) return other('no condition names one subject exactly');
  if (audience === undefined) return other('no condition names the audience exactly');
  if (subjects.length > 0 || audiences.length > 0) return other('the trust is in several subjects or audiences');
  if (conditions.length > 2) return other('the trust has conditions beyond issuer, audience and subject');
  if (`${subject}${audience}`.includes('${')) return other('the trust names its subject by a policy variable');
  return { kind: 'webIdentity', provider: arn, issuer: `https://${host}`, audience, subject };
}

function principals(statements: readonly PolicyStatement[], other: (reason: string) => Trust): Trust {
  if (statements.length === 0) return other('the trust policy allows nobody');
  const arns: string[] = [];
  for (const { action, principal, conditions } of statements) {
    if (conditions.length > 0) return other('the trust has conditions');
    if (action.kind !== 'these' || action.patterns.some((pattern) => pattern !== assume)) {
      return other('the trust policy allows more than sts:AssumeRole');
    }
    for (const text of principal?.principals ?? []) {
      // an id that IAM put in the place of a principal that was deleted is no ARN
      if (!text.startsWith('AWS:arn:')) return other('the trust is in a service, a federation or a deleted principal');
      arns.push(text.slice('AWS:'.length));
    }
  }
  return { kind: 'principals', arns: [...new Set(arns)].sort(byCodeUnit) };
}

function mayUseToken({ action, principal }: PolicyStatement): boolean {
  if ((principal?.principals ?? []).some((text) => text.startsWith('Federated:'))) return true;
  return action.kind === 'but' || action.patterns.includes(assumeByToken);
}

function isForServices({ principal, effect }: PolicyStatement): boolean {
  return (
    effect === 'Allow' &&
    principal?.kind === 'these' &&
    principal.principals.every((text) => text.startsWith('Service:'))
  );
}

function isForEverybody({ effect, principal }: PolicyStatement): boolean {
  return effect === 'Allow' && (principal?.kind === 'but' || principal?.principals.includes('*') === true);
}

/** Condition keys are in lower case after parsing, the host of a provider is not. */
function sameKey(lower: string, key: string): boolean {
  return lower === asciiLower(key);
}
