import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../../core/iam-policy/parse.js';
import { principalsTrust, trustOf, webIdentityTrust } from '../../../core/iam-policy/trust.js';
import type { Trust } from '../../../core/iam-policy/trust.js';

function trust(statement: object): Trust {
  const read = parsePolicy(JSON.stringify({ Version: '2012-10-17', Statement: statement }));
  if (read.kind === 'fault') throw new Error(read.reason);
  return trustOf(read.document);
}

const host = 'token.actions.example.org/Acme';
const provider = `arn:aws:iam::123456789012:oidc-provider/${host}`;
const claims = { [`${host}:aud`]: 'sts.amazonaws.com', [`${host}:sub`]: 'repo:acme/app:ref:refs/heads/main' };
const workload = {
  Effect: 'Allow',
  Principal: { Federated: provider },
  Action: 'sts:AssumeRoleWithWebIdentity',
  Condition: { StringEquals: claims },
};
const person = { Effect: 'Allow', Principal: { AWS: '123456789012' }, Action: 'sts:AssumeRole' };

describe('the trust of a role', () => {
  const known: Trust = {
    kind: 'webIdentity',
    provider,
    issuer: `https://${host}`,
    audience: 'sts.amazonaws.com',
    subject: 'repo:acme/app:ref:refs/heads/main',
  };

  it('is in one subject of one issuer where a token of theirs is asked for', () => {
    expect(trust(workload)).toEqual(known);
    const written = webIdentityTrust({ ...known, kind: undefined } as never);
    expect(trust(written['Statement'] as object)).toEqual(known);
  });

  it('is in principals of accounts, each once, in order', () => {
    const ada = 'arn:aws:iam::123456789012:user/ada';
    const expected = { kind: 'principals', arns: ['arn:aws:iam::123456789012:root', ada] };
    expect(trust([{ ...person, Principal: { AWS: [ada, '123456789012'] } }, person])).toEqual(expected);
    expect(trust(principalsTrust([ada, 'arn:aws:iam::123456789012:root'])['Statement'] as object)).toEqual(expected);
  });

  it('is in services alone', () => {
    expect(trust({ ...person, Principal: { Service: 'ec2.amazonaws.com' } })).toEqual({ kind: 'services' });
  });

  const equals = (extra: object) => ({ ...workload, Condition: { StringEquals: { ...claims, ...extra } } });
  it.each<[string, object]>([
    ['the whole world may assume the role', { ...workload, Principal: '*', Condition: undefined }],
    ['only conditions keep the whole world from assuming the role', { ...workload, Principal: { AWS: '*' } }],
    ['the trust policy has more than one statement', [workload, workload]],
    ['the trust policy has more than one statement', [workload, person]],
    ['no condition names one subject exactly', { ...workload, Condition: undefined }],
    ['no condition names one subject exactly', { ...workload, Condition: { StringLike: claims } }],
    [
      'no condition names the audience exactly',
      { ...workload, Condition: { StringEquals: { [`${host}:sub`]: 'one' } } },
    ],
    ['the trust is in several subjects or audiences', equals({ [`${host}:sub`]: ['one', 'other'] })],
    ['the trust has conditions beyond issuer, audience and subject', equals({ 'aws:SourceIp': '192.0.2.1' })],
    [
      'no condition names one subject exactly',
      { ...workload, Condition: { StringEquals: { 'other.org:sub': 'one' } } },
    ],
    [
      'the trust policy allows more than sts:AssumeRoleWithWebIdentity',
      { ...workload, Action: ['sts:AssumeRoleWithWebIdentity', 'sts:TagSession'] },
    ],
    ['the trust policy denies', [workload, { ...workload, Effect: 'Deny' }]],
    [
      'the identity provider is none of OpenID Connect that the account holds',
      { ...workload, Principal: { Federated: 'accounts.google.com' } },
    ],
  ])('is left alone where %s', (reason, statement) => {
    const cleaned = JSON.parse(JSON.stringify(statement)) as object;
    expect(trust(cleaned)).toEqual({ kind: 'other', about: 'webIdentity', reason });
  });

  it.each<[string, object]>([
    ['the whole world may assume the role', { ...person, Principal: '*' }],
    [
      'the whole world may assume the role',
      { Effect: 'Allow', NotPrincipal: { AWS: '123456789012' }, Action: 'sts:AssumeRole' },
    ],
    ['the trust has conditions', { ...person, Condition: { Bool: { 'aws:MultiFactorAuthPresent': 'true' } } }],
    ['the trust policy allows more than sts:AssumeRole', { ...person, Action: 'sts:*' }],
    [
      'the trust is in a service, a federation or a deleted principal',
      { ...person, Principal: { AWS: 'AIDAEXAMPLE' } },
    ],
  ])('of principals is left alone where %s', (reason, statement) => {
    expect(trust(statement)).toEqual({ kind: 'other', about: 'principals', reason });
  });
});
