import { IAMServiceException } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAwsIamClient } from '../../../../activities/connectors/aws-iam/client.js';
import { awsIamConfig } from '../../../../activities/connectors/aws-iam/config.js';
import type { NativeWrite, WriteAnswer } from '../../../../activities/connectors/connector.js';
import { serveAws } from '../../../../sandbox/aws/server.js';
import type { AwsSandbox } from '../../../../sandbox/aws/server.js';
import { connectTo } from './on-sandbox.js';

let sandbox: AwsSandbox;

beforeAll(async () => {
  sandbox = await serveAws();
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.reset());

const zaphod = { UserName: 'zaphod.beeblebrox', Path: '/', Tags: { email: 'zaphod@example.org' } };
const creation: NativeWrite = { kind: 'create', type: 'user', after: zaphod };

function detailOf(answer: WriteAnswer): string {
  return answer.kind === 'applied' ? '' : answer.detail;
}

describe('a write is sent once', () => {
  it.each(['resetAfter', 'cutBody', 'resetBefore', 'serverFault'] as const)(
    'when the reply is lost by %s the effect is unknown and nothing is repeated',
    async (kind) => {
      sandbox.faults.add({ kind, operation: 'iam:CreateUser', count: 'always' });
      const answer = await connectTo(sandbox).write(creation);
      expect(answer).toMatchObject({ kind: 'unknown', code: 'effectUnknown' });
      expect(sandbox.calls()['iam:CreateUser']).toBe(1);
      expect(detailOf(answer)).not.toContain('zaphod');
    },
  );

  it('when the reply is too late', async () => {
    sandbox.faults.add({ kind: 'slow', operation: 'iam:CreateUser', delayMs: 600_000 });
    const answer = await connectTo(sandbox, {}, { requestTimeoutMs: 700 }).write(creation);
    expect(answer).toMatchObject({ kind: 'unknown', code: 'effectUnknown' });
    expect(sandbox.calls()['iam:CreateUser']).toBe(1);
  });

  it('except after throttling, which did nothing', async () => {
    sandbox.faults.add({ kind: 'throttled', operation: 'iam:CreateUser', count: 2 });
    expect(await connectTo(sandbox).write(creation)).toMatchObject({ kind: 'applied' });
    expect(sandbox.calls()['iam:CreateUser']).toBe(3);
  });

  it('and is refused as throttled when that does not end', async () => {
    sandbox.faults.add({ kind: 'throttled', operation: 'iam:CreateUser', count: 'always' });
    expect(await connectTo(sandbox).write(creation)).toMatchObject({ kind: 'refused', code: 'throttled' });
    expect(sandbox.calls()['iam:CreateUser']).toBe(4);
  });

  it('and is refused without doubt when the cloud is out of reach', async () => {
    const answer = await connectTo(sandbox, { endpoint: 'http://127.0.0.1:9' }).write(creation);
    expect(answer).toMatchObject({ kind: 'refused', code: 'unreachable' });
  });
});

describe('what is announced', () => {
  it('is what was planned, in order, before each call', async () => {
    const { state } = sandbox;
    const [ada, grace] = [state.addUser({ name: 'ada' }), state.addUser({ name: 'grace' })];
    const write: NativeWrite = {
      kind: 'create',
      type: 'group',
      after: { GroupName: 'engines', Path: '/', members: [ada.id, grace.id].toSorted() },
    };
    const connector = connectTo(sandbox);
    const announced: unknown[] = [];
    const madeAtEach: number[] = [];
    const answer = await connector.write(write, async (call) => {
      announced.push(call);
      madeAtEach.push((sandbox.calls()['iam:CreateGroup'] ?? 0) + (sandbox.calls()['iam:AddUserToGroup'] ?? 0));
    });
    expect(answer.kind).toBe('applied');
    expect(announced).toEqual(connector.plannedCalls(write));
    expect(madeAtEach).toEqual([0, 1, 2]);
    expect(state.groups.named('engines')?.members).toEqual(new Set([ada.id, grace.id]));
  });

  it('stops the write when it throws, and no later call is made', async () => {
    const stop = new Error('crash');
    const connector = connectTo(sandbox);
    await expect(connector.write(creation, () => Promise.reject(stop))).rejects.toBe(stop);
    expect(sandbox.calls()['iam:CreateUser']).toBeUndefined();
  });
});

describe('a write of several calls', () => {
  it('stops at the first that is refused and says how many were made', async () => {
    const { state } = sandbox;
    const ids = ['ada', 'grace', 'edsger'].map((name) => state.addUser({ name }).id).toSorted();
    sandbox.faults.add({ kind: 'forbidden', operation: 'iam:AddUserToGroup', skip: 1, count: 'always' });
    const after = { GroupName: 'engines', Path: '/', members: ids };
    const answer = await connectTo(sandbox).write({ kind: 'create', type: 'group', after });
    expect(answer).toMatchObject({ kind: 'refused', code: 'forbidden' });
    expect(detailOf(answer)).toContain('2 of 4 calls were made before it');
    expect(state.groups.named('engines')?.members.size).toBe(1);
  });

  it('asks again while IAM has not heard of what it just made, and no longer than it may', async () => {
    const config = awsIamConfig(
      { kind: 'aws-iam', region: 'us-east-1', pathPrefix: '/' },
      {},
      {
        settleMs: 100,
        backOffBaseMs: 1,
        backOffMaxMs: 5,
      },
    );
    const client = createAwsIamClient(config);
    const noSuchEntity = new IAMServiceException({
      name: 'NoSuchEntityException',
      $fault: 'client',
      message: 'not yet',
      $metadata: { httpStatusCode: 404 },
    });
    let left = 3;
    const seenLater = (): Promise<string> => (left-- > 0 ? Promise.reject(noSuchEntity) : Promise.resolve('done'));
    expect(await client.writeOnce('iam:TagUser', seenLater, ['NoSuchEntity'])).toEqual({
      kind: 'done',
      output: 'done',
    });
    const conflict = { kind: 'failed', answer: { kind: 'conflict', code: 'expectationFailed' } };
    const never = (): Promise<string> => Promise.reject(noSuchEntity);
    expect(await client.writeOnce('iam:TagUser', never, ['NoSuchEntity'])).toMatchObject(conflict);
    left = 1;
    expect(await client.writeOnce('iam:TagUser', seenLater)).toMatchObject(conflict);
    expect(left).toBe(0);
  });
});

describe('updating', () => {
  it('changes name, path and tags of a user and nothing else', async () => {
    const { state } = sandbox;
    const tags = [
      { key: 'email', value: 'ada@example.org' },
      { key: 'team', value: 'analysis' },
    ];
    const ada = state.addUser({ name: 'ada', tags: [...tags] });
    const connector = connectTo(sandbox);
    const before = (await connector.readOne('user', ada.id))?.body ?? {};
    state.setTag(ada, 'cost', '42'); // another tool's, after the read
    const after = { UserName: 'ada.king', Path: '/people/', Tags: { email: 'king@example.org' } };
    const write = { kind: 'update', type: 'user', id: ada.id, before, after } as const;
    expect(await connector.write(write)).toEqual({ kind: 'applied', id: ada.id });
    expect((await connector.readOne('user', ada.id))?.body).toEqual({
      ...after,
      Tags: { email: 'king@example.org', cost: '42' },
    });
  });

  it('does not touch another user who has the name by now', async () => {
    const { state } = sandbox;
    const first = state.addUser({ name: 'ada' });
    const before = { UserName: 'ada', Path: '/', Tags: {} };
    state.removeUser(first);
    const second = state.addUser({ name: 'ada' });
    const after = { ...before, Tags: { email: 'x' } };
    const answer = await connectTo(sandbox).write({ kind: 'update', type: 'user', id: first.id, before, after });
    expect(answer).toMatchObject({ kind: 'conflict', code: 'expectationFailed' });
    expect(second.tags).toEqual([]);
  });

  it('finds out that a new name is taken before it changes anything', async () => {
    const { state } = sandbox;
    state.addUser({ name: 'Ada.King' });
    const ada = state.addUser({ name: 'ada' });
    const before = { UserName: 'ada', Path: '/', Tags: {} };
    const after = { UserName: 'ada.king', Path: '/', Tags: { email: 'x' } };
    const answer = await connectTo(sandbox).write({ kind: 'update', type: 'user', id: ada.id, before, after });
    expect(answer).toMatchObject({ kind: 'conflict', code: 'nameTaken' });
    expect(ada).toMatchObject({ name: 'ada', tags: [] });
  });

  it('adds the person behind the id to a group, not whoever has the remembered name', async () => {
    const { state } = sandbox;
    const group = state.addGroup({ name: 'engines' });
    const ada = state.addUser({ name: 'ada' });
    const connector = connectTo(sandbox);
    await connector.readOne('user', ada.id); // the connector remembers `ada`
    state.users.rename(ada, 'ada.king');
    const impostor = state.addUser({ name: 'ada' });
    const before = { GroupName: 'engines', Path: '/', members: [] };
    const write = {
      kind: 'update',
      type: 'group',
      id: group.id,
      before,
      after: { ...before, members: [ada.id] },
    } as const;
    expect(await connector.write(write)).toMatchObject({ kind: 'applied' });
    expect(group.members).toEqual(new Set([ada.id]));
    expect(group.members.has(impostor.id)).toBe(false);
  });

  it('keeps members from outside the path prefix', async () => {
    const { state } = sandbox;
    const group = state.addGroup({ name: 'engines', path: '/people/' });
    const [ada, robot] = [state.addUser({ name: 'ada', path: '/people/' }), state.addUser({ name: 'robot' })];
    state.join(ada, group);
    state.join(robot, group);
    const connector = connectTo(sandbox, { pathPrefix: '/people/' });
    const before = (await connector.readOne('group', group.id))?.body ?? {};
    const write = { kind: 'update', type: 'group', id: group.id, before, after: { ...before, members: [] } } as const;
    expect(await connector.write(write)).toMatchObject({ kind: 'applied' });
    expect(group.members).toEqual(new Set([robot.id]));
  });

  it('can be made again after a crash in its middle', async () => {
    const { state } = sandbox;
    const group = state.addGroup({ name: 'engines' });
    const [ada, grace] = [state.addUser({ name: 'ada' }), state.addUser({ name: 'grace' })];
    state.join(ada, group);
    const before = { GroupName: 'engines', Path: '/', members: [ada.id] };
    const after = { ...before, members: [grace.id] };
    const write = { kind: 'update', type: 'group', id: group.id, before, after } as const;
    let calls = 0;
    const crash = (): Promise<void> => ((calls += 1) === 2 ? Promise.reject(new Error('crash')) : Promise.resolve());
    await expect(connectTo(sandbox).write(write, crash)).rejects.toThrow('crash');
    expect(group.members.size).toBe(0);
    expect(await connectTo(sandbox).write(write)).toMatchObject({ kind: 'applied' });
    expect(group.members).toEqual(new Set([grace.id]));
  });
});

describe('deleting a user to whom everything is attached', () => {
  const kinds = [
    'accessKeys',
    'loginProfile',
    'mfaDevices',
    'sshKeys',
    'signingCertificates',
    'serviceCredentials',
    'policies',
    'memberships',
  ];

  function attachEverything() {
    const { state } = sandbox;
    const user = state.addUser({
      name: 'zaphod.beeblebrox',
      loginProfile: true,
      policies: { inline: '{}' },
      owned: {
        accessKeys: ['AKIAEXAMPLE'],
        mfaDevices: ['arn:aws:iam::123456789012:mfa/zaphod'],
        sshKeys: ['APKAEXAMPLE'],
        signingCertificates: ['CERTIFICATEEXAMPLE'],
        serviceCredentials: ['ACCAEXAMPLE'],
        attachedPolicies: ['arn:aws:iam::aws:policy/ReadOnlyAccess'],
      },
    });
    state.join(user, state.addGroup({ name: 'engines' }));
    const before = { UserName: user.name, Path: '/', Tags: {} };
    return { user, deletion: { kind: 'delete', type: 'user', id: user.id, before } as const };
  }

  it.each(kinds)('is refused, and nothing is removed, where %s may not be removed', async (kind) => {
    const { deletion } = attachEverything();
    const kept = sandbox.state.save();
    const answer = await connectTo(sandbox).write({ ...deletion, deletionMayRemove: kinds.filter((k) => k !== kind) });
    expect(answer).toMatchObject({ kind: 'refused', code: 'deletionBlocked' });
    expect(detailOf(answer)).toMatch(new RegExp(`not in deletionMayRemove: \\d ${kind}; nothing`));
    expect(detailOf(answer)).not.toContain('zaphod');
    expect(sandbox.state.save()).toBe(kept);
  });

  it('removes all of it where all of it may be removed, and ends access first', async () => {
    const { user, deletion } = attachEverything();
    const made: string[] = [];
    const connector = connectTo(sandbox);
    const write = { ...deletion, deletionMayRemove: kinds };
    const answer = await connector.write(write, async ({ call }) => void made.push(call));
    expect(answer).toEqual({ kind: 'applied', id: user.id });
    expect(made.slice(0, 2)).toEqual(['iam:DeleteLoginProfile', 'iam:DeleteAccessKey']);
    expect(made.at(-1)).toBe('iam:DeleteUser');
    const planned = connector.plannedCalls(write).map(({ call }) => call.replace(' (as attached)', ''));
    expect(made.filter((call) => !planned.includes(call))).toEqual([]);
    expect(await connector.readOne('user', user.id)).toBeNull();
    expect(await connectTo(sandbox).readOne('user', user.id)).toBeNull();
  });

  it('removes nothing where it may not see what is attached', async () => {
    const { deletion } = attachEverything();
    const kept = sandbox.state.save();
    sandbox.faults.add({ kind: 'forbidden', operation: 'iam:ListSSHPublicKeys', count: 'always' });
    const answer = await connectTo(sandbox).write({ ...deletion, deletionMayRemove: kinds });
    expect(answer).toMatchObject({ kind: 'refused', code: 'forbidden' });
    expect(detailOf(answer)).toContain('iam:ListSSHPublicKeys');
    expect(sandbox.state.save()).toBe(kept);
  });
});
