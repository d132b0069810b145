/** Writes of grants and workloads: what is found out first, what is sent, and what a failure between two calls leaves. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type {
  Connector,
  NativeCall,
  NativeWrite,
  WriteAnswer,
} from '../../../../../activities/connectors/connector.js';
import { principalsTrust } from '../../../../../core/iam-policy/trust.js';
import type { JsonObject } from '../../../../../core/json.js';
import { serveAws } from '../../../../../sandbox/aws/server.js';
import type { AwsSandbox } from '../../../../../sandbox/aws/server.js';
import { connectTo } from '../on-sandbox.js';
import {
  allow,
  host,
  iamRead,
  json,
  mesh,
  number,
  ownPolicy,
  populate,
  power,
  root,
  s3Read,
  workloadTrust,
} from './account.js';

let sandbox: AwsSandbox;
let connector: Connector;
beforeAll(async () => {
  sandbox = await serveAws();
});
afterAll(() => sandbox.close());
beforeEach(() => {
  sandbox.reset();
  connector = connectTo(sandbox, mesh);
});

async function written(write: NativeWrite): Promise<{ answer: WriteAnswer; calls: readonly NativeCall[] }> {
  const calls: NativeCall[] = [];
  const answer = await connector.write(write, (call) => {
    calls.push(call);
    return Promise.resolve();
  });
  return { answer, calls };
}

const Account = `account/${number}`;
const attachment = (principal: string, set: string): JsonObject => ({
  Principal: principal,
  PolicySet: `policySet/${set}`,
  Account,
});
const assumption = (principal: string, role: string): JsonObject => ({
  Principal: principal,
  Role: `assumableRole/${role}`,
  Account,
});
const create = (type: string, after: JsonObject): NativeWrite => ({ kind: 'create', type, after });
const remove = (type: string, id: string, before: JsonObject, deletionMayRemove: string[] = []): NativeWrite => ({
  kind: 'delete',
  type,
  id,
  before,
  deletionMayRemove,
});
const names = (calls: readonly NativeCall[]): string[] => calls.map(({ call }) => call.replace(/ \(.*\)$/, ''));

describe('an attachment', () => {
  it('attaches what is missing of the set, and nothing where all of it is there', async () => {
    const { ada } = populate(sandbox);
    const write = create('policyAttachment', attachment(`user/${ada.id}`, 'operator'));
    const { answer, calls } = await written(write);
    expect(answer).toEqual({ kind: 'applied', id: `user/${ada.id}/operator` });
    expect(calls.map(({ arguments: given }) => given)).toEqual([{ UserId: ada.id, PolicyArn: s3Read }]);
    expect(names(connector.plannedCalls(write))).toEqual(['iam:AttachUserPolicy', 'iam:AttachUserPolicy']);
    expect((await written(write)).calls).toEqual([]);
  });

  it('is taken away without the policies that another set needs', async () => {
    const policySets = { operator: [power, s3Read], helper: [s3Read, iamRead] };
    connector = connectTo(sandbox, { ...mesh, policySets });
    const { ada } = populate(sandbox);
    ada.owned.attachedPolicies = [power, s3Read, iamRead, ownPolicy];
    const id = `user/${ada.id}/operator`;
    const { answer } = await written(remove('policyAttachment', id, attachment(`user/${ada.id}`, 'operator')));
    expect(answer).toEqual({ kind: 'applied', id });
    expect(ada.owned.attachedPolicies).toEqual([s3Read, iamRead, ownPolicy]);
  });

  it('is refused where a larger set would be held with it, and nothing is attached', async () => {
    connector = connectTo(sandbox, { ...mesh, policySets: { operator: [power, s3Read], reader: [s3Read] } });
    const { ada } = populate(sandbox);
    const { answer, calls } = await written(create('policyAttachment', attachment(`user/${ada.id}`, 'reader')));
    expect(answer).toMatchObject({ kind: 'refused', code: 'valueNotRepresentable' });
    expect(calls).toEqual([]);
    expect(ada.owned.attachedPolicies).toEqual([iamRead, power]);
  });

  it('that fails between two calls says how far it came, and is read as half', async () => {
    const { mills } = populate(sandbox);
    mills.attachedPolicies = [];
    sandbox.faults.add({ kind: 'forbidden', operation: 'iam:AttachGroupPolicy', skip: 1, count: 'always' });
    const { answer } = await written(create('policyAttachment', attachment(`group/${mills.id}`, 'operator')));
    expect(answer).toMatchObject({ kind: 'refused', code: 'forbidden' });
    expect((answer as { detail: string }).detail).toMatch(/; 1 of 2 calls were made before it$/);
    expect(await connector.readOne('policyAttachment', `group/${mills.id}/operator`)).toMatchObject({
      opaque: '1 of 2 policies of the set are attached',
    });
  });

  it('whose reply is lost has an unknown effect and is sent once', async () => {
    const { mills } = populate(sandbox);
    mills.attachedPolicies = [];
    sandbox.faults.add({ kind: 'resetAfter', operation: 'iam:AttachGroupPolicy' });
    const { answer } = await written(create('policyAttachment', attachment(`group/${mills.id}`, 'auditor')));
    expect(answer).toMatchObject({ kind: 'unknown', code: 'effectUnknown' });
    expect(sandbox.calls()['iam:AttachGroupPolicy']).toBe(1);
    expect(mills.attachedPolicies).toEqual([iamRead]);
  });

  it('beyond the quota of IAM is refused', async () => {
    const { ada } = populate(sandbox);
    ada.owned.attachedPolicies = Array.from({ length: 10 }, (_, at) => `arn:aws:iam::aws:policy/Other${at}`);
    const { answer } = await written(create('policyAttachment', attachment(`user/${ada.id}`, 'auditor')));
    expect(answer).toMatchObject({ kind: 'refused', code: 'refusedByCloud' });
  });

  it('of a principal outside the path prefix is refused, and of one that is gone a conflict', async () => {
    const { robot, ada } = populate(sandbox);
    const { answer } = await written(create('policyAttachment', attachment(`user/${robot.id}`, 'operator')));
    expect(answer).toMatchObject({ kind: 'refused', code: 'dependencyNotMet' });
    sandbox.state.removeUser(ada);
    const gone = remove('policyAttachment', `user/${ada.id}/auditor`, attachment(`user/${ada.id}`, 'auditor'));
    expect((await written(gone)).answer).toMatchObject({ kind: 'conflict', code: 'expectationFailed' });
  });

  it('is never taken away under an id that is not its own', async () => {
    const { ada, mills } = populate(sandbox);
    const wrong = remove('policyAttachment', `user/${ada.id}/auditor`, attachment(`group/${mills.id}`, 'operator'));
    const { answer, calls } = await written(wrong);
    expect(answer).toMatchObject({ kind: 'conflict', code: 'expectationFailed' });
    expect(calls).toEqual([]);
  });
});

describe('an assumption', () => {
  it('gives a group the policy and the role the trust in the account', async () => {
    const { mills, ada, deployer } = populate(sandbox);
    mills.policies = {};
    deployer.trust = json(principalsTrust([sandbox.state.arn('user', ada)]));
    const write = create('assumption', assumption(`group/${mills.id}`, deployer.id));
    const { answer, calls } = await written(write);
    expect(answer).toEqual({ kind: 'applied', id: `group/${mills.id}/${deployer.id}` });
    expect(names(connector.plannedCalls(write))).toEqual(names(calls));
    expect(Object.keys(mills.policies)).toEqual([`concordat-assume-${deployer.id}`]);
    expect(deployer.trust).toContain(root);
    expect(deployer.trust).toContain('user/people/ada');
    expect(await connector.readOne('assumption', `group/${mills.id}/${deployer.id}`)).not.toHaveProperty('opaque');
  });

  it('is ended by its policy; what else the role trusts stays', async () => {
    const { mills, deployer } = populate(sandbox);
    const id = `group/${mills.id}/${deployer.id}`;
    const { answer } = await written(remove('assumption', id, assumption(`group/${mills.id}`, deployer.id)));
    expect(answer).toEqual({ kind: 'applied', id });
    expect(mills.policies).toEqual({});
    expect(deployer.trust).toContain(root);
    expect(await connector.readOne('assumption', id)).toBeNull();
  });

  it('is not ended where the role would then trust nobody', async () => {
    const { ada, deployer } = populate(sandbox);
    deployer.trust = json(principalsTrust([sandbox.state.arn('user', ada)]));
    ada.policies['deploy'] = allow('sts:AssumeRole', sandbox.state.arn('role', deployer));
    const id = `user/${ada.id}/${deployer.id}`;
    const { answer, calls } = await written(remove('assumption', id, assumption(`user/${ada.id}`, deployer.id)));
    expect(answer).toMatchObject({ kind: 'refused', code: 'deletionBlocked' });
    expect(calls).toEqual([]);
  });

  it('never rewrites a trust of another shape, nor an inline policy that says something else', async () => {
    const { ada, deployer } = populate(sandbox);
    const write = create('assumption', assumption(`user/${ada.id}`, deployer.id));
    ada.policies[`concordat-assume-${deployer.id}`] = allow('s3:*');
    expect((await written(write)).answer).toMatchObject({ kind: 'conflict', code: 'nameTaken' });
    ada.policies = {};
    const before = json({ Statement: { Effect: 'Allow', Principal: '*', Action: 'sts:AssumeRole' } });
    deployer.trust = before;
    expect((await written(write)).answer).toMatchObject({ kind: 'refused', code: 'readOnlyObject' });
    expect(deployer.trust).toBe(before);
    expect(ada.policies).toEqual({});
  });
});

const workload = { RoleName: 'build', Path: '/people/', Issuer: `https://${host}`, Subject: 'repo:acme/build' };

describe('a workload', () => {
  it('uses the identity provider that is there, and makes the audience known to it', async () => {
    const { state } = sandbox;
    const provider = state.addProvider(host, ['other']);
    const { answer, calls } = await written(create('webIdentityRole', workload));
    expect(answer.kind).toBe('applied');
    expect(names(calls)).toEqual(['iam:AddClientIDToOpenIDConnectProvider', 'iam:CreateRole']);
    expect(provider.clientIds).toEqual(['other', 'sts.amazonaws.com']);
    expect(state.roles.named('build')?.trust).toBe(workloadTrust('repo:acme/build'));
  });

  it('is planned with the calls that are made, the provider in brackets', async () => {
    const write = create('webIdentityRole', workload);
    const planned = connector.plannedCalls(write);
    expect(planned.map(({ call }) => call)).toEqual([
      'iam:CreateOpenIDConnectProvider (where missing)',
      'iam:CreateRole',
    ]);
    const { calls } = await written(write);
    expect(calls.map(({ arguments: given }) => given)).toEqual(planned.map(({ arguments: given }) => given));
  });

  it('leaves no provider behind where the name is taken', async () => {
    sandbox.state.addRole({ name: 'BUILD', trust: workloadTrust('x') });
    const { answer, calls } = await written(create('webIdentityRole', workload));
    expect(answer).toMatchObject({ kind: 'conflict', code: 'nameTaken' });
    expect(calls).toEqual([]);
    expect([...sandbox.state.providers]).toEqual([]);
  });

  it('is deleted only as the map allows, and only while it is the workload that was read', async () => {
    const { ci } = populate(sandbox);
    const read = await connector.readOne('webIdentityRole', ci.id);
    const before = read?.body ?? {};
    expect((await written(remove('webIdentityRole', ci.id, before))).answer).toMatchObject({ code: 'deletionBlocked' });
    ci.trust = workloadTrust('repo:acme/another');
    const { answer, calls } = await written(remove('webIdentityRole', ci.id, before, ['policies']));
    expect(answer).toMatchObject({ kind: 'conflict', code: 'expectationFailed' });
    expect(calls).toEqual([]);
    ci.trust = workloadTrust('repo:acme/app');
    ci.policies['own'] = allow('s3:*');
    ci.instanceProfiles.push('machine');
    const blocked = (await written(remove('webIdentityRole', ci.id, before, ['policies']))).answer;
    expect(blocked).toMatchObject({ code: 'deletionBlocked' });
    ci.instanceProfiles.pop();
    expect(names((await written(remove('webIdentityRole', ci.id, before, ['policies']))).calls)).toEqual([
      'iam:DetachRolePolicy',
      'iam:DeleteRolePolicy',
      'iam:DeleteRole',
    ]);
    expect(sandbox.state.roles.get(ci.id)).toBeUndefined();
  });
});

it.each<[string, NativeWrite]>([
  ['an account', create('account', { Account: number })],
  ['a policy set', remove('policySet', 'operator', { Name: 'operator' })],
  ['an inline policy', remove('inlinePolicy', 'user/AIDA/x', { Principal: 'user/AIDA', PolicyName: 'x' })],
  ['a role that people assume', create('assumableRole', { RoleName: 'x' })],
  [
    'an attachment that is changed',
    { kind: 'update', type: 'policyAttachment', id: 'user/AIDA/operator', before: {}, after: {} },
  ],
])('%s is never written', async (_, write) => {
  const { answer, calls } = await written(write);
  expect(answer).toMatchObject({ kind: 'refused', code: 'valueNotRepresentable' });
  expect(calls).toEqual([]);
  expect(connector.plannedCalls(write)).toEqual([]);
  expect(sandbox.calls()).toEqual({});
});
