/** Writing: sent once, classified by what the cloud answered, and exactly what was planned. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { NativeCall, NativeWrite } from '../../../../activities/connectors/connector.js';
import { serveKeystone, type KeystoneSandbox } from '../../../../sandbox/keystone/server.js';
import { connectTo, created, domain } from './sandbox-domain.js';

let keystone: KeystoneSandbox;
beforeAll(async () => {
  keystone = await serveKeystone();
});
afterAll(() => keystone.close());
beforeEach(() => keystone.reset());

const newAda = { kind: 'create', type: 'user', after: { name: 'ada', email: 'ada@example.org' } } as const;
const named = (name: string) => keystone.state.users.named(domain, name);

describe('a write', () => {
  it('makes exactly the planned calls, each announced before it is sent', async () => {
    const connector = connectTo(keystone.origin);
    const [ada, bo] = ['ada', 'bo'].map((name) => keystone.state.addUser({ domain, name }).id);
    if (!ada || !bo) throw new Error('not seeded');
    const group = keystone.state.addGroup({ domain, name: 'physics' });
    group.members.add(ada);
    const before = { name: 'physics', description: '', domain_id: domain, members: [ada], otherMembers: ['x'] };
    const writes: NativeWrite[] = [
      { kind: 'create', type: 'group', after: { name: 'chemistry', members: [ada, bo] } },
      { kind: 'update', type: 'group', id: group.id, before, after: { ...before, description: 'P', members: [bo] } },
      { kind: 'delete', type: 'group', id: group.id, before, deletionMayRemove: ['memberships'] },
    ];
    for (const write of writes) {
      keystone.forgetCalls();
      const announced: NativeCall[] = [];
      const sentBefore: number[] = [];
      const isWrite = ([name]: [string, number]) => !name.startsWith('GET') && !name.includes('auth');
      const sent = () =>
        Object.entries(keystone.calls())
          .filter(isWrite)
          .reduce((sum, [, count]) => sum + count, 0);
      const answer = await connector.write(write, async (call) => {
        announced.push(call);
        sentBefore.push(sent());
        await Promise.resolve();
      });
      expect(answer.kind).toBe('applied');
      expect(announced).toEqual(connector.plannedCalls(write));
      expect(sentBefore).toEqual(announced.map((_, index) => index));
      expect(sent()).toBe(announced.length);
    }
    expect(keystone.state.groups.named(domain, 'chemistry')?.members).toEqual(new Set([ada, bo]));
    expect(keystone.state.groups.get(group.id)).toBeUndefined();
  });

  it('without a difference sends nothing and is applied', async () => {
    const ada = keystone.state.addUser({ domain, name: 'ada' });
    const before = { name: 'ada', email: null, domain_id: domain };
    const after = { name: 'ada', domain_id: domain };
    const write = { kind: 'update', type: 'user', id: ada.id, before, after } as const;
    expect(await connectTo(keystone.origin).write(write)).toEqual({ kind: 'applied', id: ada.id });
    expect(keystone.calls()['PATCH /v3/users/{id}']).toBeUndefined();
  });

  it('that finds done what it was to do is applied: a member added twice, a member gone', async () => {
    const connector = connectTo(keystone.origin);
    const [ada, bo] = ['ada', 'bo'].map((name) => keystone.state.addUser({ domain, name }).id);
    if (!ada || !bo) throw new Error('not seeded');
    const group = keystone.state.addGroup({ domain, name: 'physics' });
    const before = { name: 'physics', domain_id: domain, members: [ada] };
    const write = { kind: 'update', type: 'group', id: group.id, before, after: { ...before, members: [bo] } } as const;
    group.members.add(bo);
    expect(await connector.write(write)).toEqual({ kind: 'applied', id: group.id });
    expect(group.members).toEqual(new Set([bo]));
  });

  it('to an object that is gone is a conflict, and so is a new member that is gone', async () => {
    const connector = connectTo(keystone.origin);
    const group = keystone.state.addGroup({ domain, name: 'physics' });
    const before = { name: 'physics', domain_id: domain, members: [] };
    const writes: NativeWrite[] = [
      { kind: 'update', type: 'group', id: group.id, before, after: { ...before, members: ['nobody'] } },
      { kind: 'update', type: 'group', id: 'nothing', before, after: { ...before, description: 'P' } },
      { kind: 'delete', type: 'user', id: 'nobody', before: {}, deletionMayRemove: ['memberships'] },
    ];
    for (const write of writes) {
      expect(await connector.write(write)).toMatchObject({ kind: 'conflict', code: 'expectationFailed' });
    }
  });

  it.each([
    ['resetAfter', true],
    ['cutBody', true],
    ['resetBefore', false],
    ['serverFault', false],
  ] as const)('whose reply is lost by %s has an unknown effect and is not repeated', async (kind, happened) => {
    keystone.faults.add({ kind, operation: 'POST /v3/users' });
    const answer = await connectTo(keystone.origin).write(newAda);
    expect(answer).toMatchObject({ kind: 'unknown', code: 'effectUnknown' });
    expect(keystone.calls()['POST /v3/users']).toBe(1);
    expect(named('ada') !== undefined).toBe(happened);
  });

  it('that takes longer than the time limit has an unknown effect', async () => {
    const connector = connectTo(keystone.origin, {}, { timing: { requestTimeoutMs: 700 } });
    await connector.probe();
    keystone.faults.add({ kind: 'slow', operation: 'POST /v3/users', delayMs: 600_000 });
    expect(await connector.write({ ...newAda, after: { name: 'late' } })).toMatchObject({
      kind: 'unknown',
      code: 'effectUnknown',
    });
    expect(keystone.calls()['POST /v3/users']).toBe(1);
  });

  it('is repeated after throttling, because the cloud says that it did nothing', async () => {
    keystone.faults.add({ kind: 'throttled', operation: 'POST /v3/users', count: 2, retryAfterSeconds: 0 });
    expect((await connectTo(keystone.origin).write(newAda)).kind).toBe('applied');
    expect(keystone.calls()['POST /v3/users']).toBe(3);
  });

  it('is refused as throttled, not unknown, where the throttling does not end', async () => {
    keystone.faults.add({ kind: 'throttled', operation: 'POST /v3/users', count: 'always' });
    expect(await connectTo(keystone.origin).write(newAda)).toMatchObject({ kind: 'refused', code: 'throttled' });
  });

  it('is repeated with a new token after 401, and refused where the cloud takes no token', async () => {
    const connector = connectTo(keystone.origin);
    await connector.probe();
    keystone.state.revokeTokens();
    expect((await connector.write(newAda)).kind).toBe('applied');
    keystone.faults.add({ kind: 'unauthorized', operation: 'POST /v3/users', count: 'always' });
    const answer = await connector.write({ ...newAda, after: { name: 'bo' } });
    expect(answer).toMatchObject({ kind: 'refused', code: 'credentialsRejected' });
    expect(named('bo')).toBeUndefined();
  });

  it('to a cloud that nobody answers for is refused, because it was never sent', async () => {
    const connector = connectTo('http://127.0.0.1:1');
    expect(await connector.write(newAda)).toMatchObject({ kind: 'refused', code: 'unreachable' });
  });

  it('that fails on its way stops there', async () => {
    const connector = connectTo(keystone.origin);
    const [ada, bo] = ['ada', 'bo'].map((name) => keystone.state.addUser({ domain, name }).id).sort();
    if (!ada || !bo) throw new Error('not seeded');
    keystone.faults.add({ kind: 'forbidden', operation: 'PUT /v3/groups/{id}/users/{user}' });
    const write = { kind: 'create', type: 'group', after: { name: 'physics', members: [ada, bo] } } as const;
    const answer = await connector.write(write);
    expect(answer).toMatchObject({ kind: 'refused', code: 'forbidden' });
    expect(keystone.state.groups.named(domain, 'physics')?.members.size).toBe(0);
    expect(keystone.calls()['PUT /v3/groups/{id}/users/{user}']).toBe(1);
  });

  it('says of an answer its status and its request only', async () => {
    const connector = connectTo(keystone.origin);
    await created(connector, 'user', { name: 'ada' });
    const answer = await connector.write(newAda);
    expect(answer).toMatchObject({ kind: 'conflict', code: 'nameTaken' });
    expect(answer).toHaveProperty(
      'detail',
      expect.stringMatching(/^POST \/v3\/users answered 409, request req-[0-9a-f-]+$/),
    );
  });
});

describe('what is refused before it is sent', () => {
  const changes = () =>
    Object.keys(keystone.calls()).filter((name) => /^(POST|PATCH|PUT|DELETE) \/v3\/(users|groups)/.test(name));

  it('is a name that Keystone would strip, and a move to another domain', async () => {
    const connector = connectTo(keystone.origin);
    const ada = keystone.state.addUser({ domain, name: 'ada' });
    const before = { name: 'ada', domain_id: domain };
    for (const after of [
      { ...before, name: 'ada ' },
      { ...before, domain_id: 'default' },
    ]) {
      const writes = [
        { kind: 'create', type: 'user', after },
        { kind: 'update', type: 'user', id: ada.id, before, after },
      ] as const;
      for (const write of writes) {
        expect(await connector.write(write)).toMatchObject({ kind: 'refused', code: 'valueNotRepresentable' });
      }
    }
    expect(changes()).toEqual([]);
  });

  it('is what would lock the service user out', async () => {
    const self = keystone.state.addUser({ domain, name: 'robot', password: 'word' });
    const role = keystone.state.assignments[0]?.role ?? '';
    keystone.state.assignments.push({ user: self.id, domain, role });
    const environment = { OS_USERNAME: 'robot', OS_PASSWORD: 'word' };
    const connector = connectTo(keystone.origin, { userDomain: domain }, { environment });
    const before = { name: 'robot', enabled: true, domain_id: domain };
    const writes: NativeWrite[] = [
      { kind: 'update', type: 'user', id: self.id, before, after: { ...before, enabled: false } },
      { kind: 'update', type: 'user', id: self.id, before, after: { ...before, name: 'rob' } },
      { kind: 'delete', type: 'user', id: self.id, before, deletionMayRemove: ['memberships'] },
    ];
    for (const write of writes) {
      expect(await connector.write(write)).toMatchObject({ kind: 'refused', code: 'readOnlyObject' });
    }
    expect(changes()).toEqual([]);
    const harmless = { ...before, email: 'robot@example.org' };
    const update = { kind: 'update', type: 'user', id: self.id, before, after: harmless } as const;
    expect((await connector.write(update)).kind).toBe('applied');
  });

  it('is a deletion that would take memberships along where the map does not allow it', async () => {
    const connector = connectTo(keystone.origin);
    const ada = keystone.state.addUser({ domain, name: 'ada' });
    const group = keystone.state.addGroup({ domain, name: 'physics' });
    group.members.add(ada.id);
    const remove = (type: 'user' | 'group', id: string) =>
      connector.write({ kind: 'delete', type, id, before: { domain_id: domain }, deletionMayRemove: [] });
    expect(await remove('user', ada.id)).toMatchObject({ kind: 'refused', code: 'deletionBlocked' });
    expect(await remove('group', group.id)).toMatchObject({ kind: 'refused', code: 'deletionBlocked' });
    keystone.faults.add({ kind: 'forbidden', operation: 'GET /v3/users/{id}/groups' });
    expect(await remove('user', ada.id)).toMatchObject({ kind: 'refused', code: 'forbidden' });
    expect(changes()).toEqual([]);
    group.members.clear();
    expect((await remove('user', ada.id)).kind).toBe('applied');
    expect((await remove('group', group.id)).kind).toBe('applied');
  });
});
