import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import type { NativeCall, NativeWrite } from '../../../../activities/connectors/connector.js';
import type { JsonObject } from '../../../../core/json.js';
import { bodyOf, created, person, startTenant } from './tenant.js';

const tenant = await startTenant();
const { sandbox, connect } = tenant;
afterEach(() => sandbox.reset());
afterAll(() => tenant.close());

const group = (name: string, more: JsonObject = {}): JsonObject => ({ displayName: name, mailNickname: name, ...more });
const createUser = (name: string): NativeWrite => ({ kind: 'create', type: 'user', after: person(name) });

function changing(id: string, type: 'user' | 'group', before: JsonObject, after: JsonObject): NativeWrite {
  return { kind: 'update', type, id, before, after };
}

function deleting(id: string, type: 'user' | 'group', before: JsonObject, memberships = true): NativeWrite {
  return { kind: 'delete', type, id, before, deletionMayRemove: memberships ? ['memberships'] : [] };
}

const people = (): readonly unknown[] => [...sandbox.state.users.values()];

describe('users', () => {
  test('a user is created with every property given, and is disabled unless told otherwise', async () => {
    const connector = connect();
    const { accountEnabled: _, ...after } = person('ada', { employeeId: 'E-7', department: 'd', mail: 'a@b.example' });
    const id = await created(connector, 'user', { ...after, surname: null });
    expect(await bodyOf(connector, 'user', id)).toMatchObject({ ...after, surname: null, accountEnabled: false });
  });

  test('the password of a new user is long, new each time, to be changed, and shown nowhere', async () => {
    const announced: NativeCall[] = [];
    const answers = [];
    const sent: string[] = [];
    const original = globalThis.fetch;
    const spy = vi.spyOn(globalThis, 'fetch').mockImplementation((address, options) => {
      if (options?.method === 'POST') sent.push(options.body as string);
      return original(address, options);
    });
    for (const name of ['ada', 'bob'])
      answers.push(
        await connect().write(createUser(name), (call) => {
          announced.push(call);
          return Promise.resolve();
        }),
      );
    spy.mockRestore();
    const profiles = sent.map(
      (body) =>
        (JSON.parse(body) as JsonObject)['passwordProfile'] as unknown as {
          password: string;
          forceChangePasswordNextSignIn: boolean;
        },
    );
    expect(profiles.map(({ forceChangePasswordNextSignIn }) => forceChangePasswordNextSignIn)).toEqual([true, true]);
    expect(new Set(profiles.map(({ password }) => password)).size).toBe(2);
    const told = JSON.stringify([announced, answers, connect().plannedCalls(createUser('ada'))]);
    for (const { password } of profiles) {
      expect(password.length).toBeGreaterThan(40);
      expect(told).not.toContain(password);
    }
  });

  test('an update sends what differs and clears what became null', async () => {
    const connector = connect();
    const id = await created(connector, 'user', person('ada', { employeeId: '7', surname: 'L' }));
    const before = await bodyOf(connector, 'user', id);
    const after = { ...before, employeeId: null, department: 'Maths', mail: 'ada@contoso.example' };
    const write = changing(id, 'user', before, after);
    expect(connector.plannedCalls(write)).toEqual([
      {
        call: 'PATCH /users/{id}',
        target: id,
        arguments: { department: 'Maths', employeeId: null, mail: 'ada@contoso.example' },
      },
    ]);
    expect(await connector.write(write)).toEqual({ kind: 'applied', id });
    expect(await bodyOf(connector, 'user', id)).toEqual(after);
  });

  test('an update without a difference calls nothing', async () => {
    const id = await created(connect(), 'user', person('ada'));
    sandbox.forgetCalls();
    expect(await connect().write(changing(id, 'user', person('ada'), person('ada')))).toEqual({ kind: 'applied', id });
    expect(sandbox.calls()).toEqual({});
  });

  test('a deleted user can be restored, as the planned call says', async () => {
    const connector = connect();
    const id = await created(connector, 'user', person('ada'));
    const write = deleting(id, 'user', person('ada'));
    expect(connector.plannedCalls(write)).toEqual([
      { call: 'DELETE /users/{id}', target: id, arguments: { restorable: 'from /directory/deletedItems for 30 days' } },
    ]);
    expect(await connector.write(write)).toEqual({ kind: 'applied', id });
    expect(sandbox.state.deleted.has(id)).toBe(true);
    expect(await connector.write(write)).toMatchObject({ kind: 'conflict', code: 'expectationFailed' });
  });
});

describe('groups and members', () => {
  async function team(members = 3): Promise<{ id: string; users: string[]; before: JsonObject }> {
    const users = Array.from(
      { length: members + 1 },
      (_, index) => sandbox.state.addUser(person(`u${index}`)).id,
    ).sort();
    const id = await created(connect(), 'group', group('team', { members: users.slice(0, members) }));
    return { id, users, before: await bodyOf(connect(), 'group', id) };
  }

  test('a group with more than twenty members is created with all of them', async () => {
    const { before, users } = await team(25);
    expect(before['members']).toEqual(users.slice(0, 25));
    expect(before).toMatchObject({ securityEnabled: true, mailEnabled: false, groupTypes: [] });
  });

  test('a group with a uniqueName is made once, however often it is created', async () => {
    const after = group('team', { uniqueName: "o'team", description: 'd' });
    const first = await created(connect(), 'group', after);
    expect(await created(connect(), 'group', after)).toBe(first);
    expect(sandbox.state.groups.size).toBe(1);
    expect(await bodyOf(connect(), 'group', first)).toMatchObject(after);
  });

  test('members are removed before others are added, and other members stay', async () => {
    const { id, users } = await team();
    const inner = sandbox.state.addGroup({ displayName: 'inner', mailNickname: 'inner' }).id;
    sandbox.state.groups.get(id)?.members.add(inner);
    const before = await bodyOf(connect(), 'group', id);
    const after = { ...before, members: users.slice(1), description: 'changed' };
    const write = changing(id, 'group', before, after);
    expect(connect().plannedCalls(write)).toEqual([
      { call: 'PATCH /groups/{id}', target: id, arguments: { description: 'changed' } },
      { call: 'DELETE /groups/{id}/members/{id}/$ref', target: id, arguments: { member: users[0] } },
      { call: 'POST /groups/{id}/members/$ref', target: id, arguments: { member: users[3] } },
    ]);
    expect(await connect().write(write)).toEqual({ kind: 'applied', id });
    expect(await bodyOf(connect(), 'group', id)).toEqual(after);
    expect(sandbox.state.users.has(users[0] as string)).toBe(true);
  });

  test('a membership that is there already and one that is gone already are what was wanted', async () => {
    const { id, users, before } = await team();
    const write = changing(id, 'group', before, { ...before, members: users.slice(1) });
    await connect().write(write);
    expect(await connect().write(write)).toEqual({ kind: 'applied', id });
  });

  test('a member who does not exist is a conflict that says how far the write came', async () => {
    const { id, before } = await team();
    const nobody = '11111111-2222-4333-8444-555555555555';
    const answer = await connect().write(
      changing(id, 'group', before, { ...before, description: 'x', members: [nobody] }),
    );
    expect(answer).toMatchObject({ kind: 'conflict', code: 'expectationFailed' });
    expect(answer).toHaveProperty('detail', expect.stringContaining('4 of 5 calls were made before') as string);
    expect(answer).toHaveProperty('detail', expect.stringContaining('Request_ResourceNotFound') as string);
  });

  test('a new group that replicas do not know yet gets its members once they do', async () => {
    const member = sandbox.state.addUser(person('ada')).id;
    const write: NativeWrite = { kind: 'create', type: 'group', after: group('team', { members: [member] }) };
    const connector = connect();
    const { groups } = sandbox.state;
    // Between the create and the first member the group vanishes, until a call was told that there is none.
    let appear: (() => void) | undefined;
    const seen: number[] = [];
    const original = globalThis.fetch;
    const spy = vi.spyOn(globalThis, 'fetch').mockImplementation(async (address, options) => {
      const answer = await original(address, options);
      if (appear) seen.push(answer.status);
      if (answer.status === 404) appear?.();
      return answer;
    });
    const answer = await connector.write(write, (call) => {
      const made = call.call.startsWith('POST /groups/') && !appear ? groups.get(call.target) : undefined;
      if (made) {
        groups.delete(call.target);
        appear = () => groups.set(call.target, made);
      }
      return Promise.resolve();
    });
    spy.mockRestore();
    expect(seen[0]).toBe(404);
    expect(answer).toMatchObject({ kind: 'applied' });
    expect([...sandbox.state.groups.values()].map(({ members }) => [...members])).toEqual([[member]]);
    expect(sandbox.calls()['POST /groups']).toBe(1);
  });

  test('a group with members is not deleted where the map does not let memberships go', async () => {
    const { id, before } = await team();
    expect(await connect().write(deleting(id, 'group', before, false))).toMatchObject({ code: 'deletionBlocked' });
    expect(sandbox.calls()['DELETE /groups/{id}']).toBeUndefined();
    expect(await connect().write(deleting(id, 'group', before))).toEqual({ kind: 'applied', id });
  });

  test('announce stands before each call, in the order that was planned', async () => {
    const { users } = await team();
    const write: NativeWrite = { kind: 'create', type: 'group', after: group('other', { members: users }) };
    const announced: string[] = [];
    const made: (number | undefined)[] = [];
    await connect().write(write, (call) => {
      announced.push(call.call);
      made.push(sandbox.state.groups.size);
      return Promise.resolve();
    });
    expect(announced).toEqual(
      connect()
        .plannedCalls(write)
        .map(({ call }) => call),
    );
    expect(made).toEqual([1, 2, 2, 2, 2]);
    await expect(connect().write(write, () => Promise.reject(new Error('stopped here')))).rejects.toThrow(
      'stopped here',
    );
    expect(sandbox.state.groups.size).toBe(2);
  });
});

describe('what is refused before anything is sent', () => {
  const synced = person('ada', { onPremisesSyncEnabled: true });
  const list = group('list', { mailEnabled: true, groupTypes: [] });
  const dynamic = group('rule', { groupTypes: ['DynamicMembership'], members: [] });
  const unread = group('unread');
  const cases: readonly (readonly [string, NativeWrite, string])[] = [
    [
      'a change of a user synced from on-premises',
      changing('1', 'user', synced, { ...synced, surname: 'x' }),
      'readOnlyObject',
    ],
    ['the deletion of a user synced from on-premises', deleting('1', 'user', synced), 'readOnlyObject'],
    ['a change of a distribution list', changing('1', 'group', list, { ...list, description: 'x' }), 'readOnlyObject'],
    ['members of a dynamic group', changing('1', 'group', dynamic, { ...dynamic, members: ['x'] }), 'readOnlyObject'],
    [
      'another name of a dynamic group',
      changing('1', 'group', dynamic, { ...dynamic, description: 'x' }),
      'readOnlyObject',
    ],
    ['the deletion of a dynamic group', deleting('1', 'group', dynamic), 'readOnlyObject'],
    ['members that were not read', changing('1', 'group', unread, { ...unread, members: [] }), 'expectationFailed'],
    [
      'a property fixed at creation',
      changing('1', 'group', unread, { ...unread, isAssignableToRole: true }),
      'valueNotRepresentable',
    ],
    [
      'a property that Entra does not have',
      changing('1', 'user', person('a'), { ...person('a'), shoeSize: 7 }),
      'valueNotRepresentable',
    ],
    [
      'a nested group to be given',
      changing(
        '1',
        'group',
        group('g', { otherMembers: [] }),
        group('g', { otherMembers: [{ id: 'x', kind: 'group' }] }),
      ),
      'valueNotRepresentable',
    ],
    [
      'a new user without mailNickname',
      { kind: 'create', type: 'user', after: { userPrincipalName: 'a@b', displayName: 'a' } },
      'valueNotRepresentable',
    ],
    [
      'a new group outside the prefix',
      { kind: 'create', type: 'group', after: group('other') },
      'valueNotRepresentable',
    ],
  ];
  test.each(cases)('%s', async (_, write, code) => {
    const connector = connect({ groupPrefix: 'fed-' });
    expect(await connect(write.kind === 'create' ? { groupPrefix: 'fed-' } : {}).write(write)).toMatchObject({ code });
    expect(connector.plannedCalls(write)).toBeInstanceOf(Array);
    expect(sandbox.calls()).toEqual({});
  });
});

describe('what Graph and the network do to a write', () => {
  test('a name that is taken is a conflict', async () => {
    await created(connect(), 'user', person('ada'));
    expect(await connect().write(createUser('ADA'))).toMatchObject({ kind: 'conflict', code: 'nameTaken' });
    expect(people()).toHaveLength(1);
  });

  test('no personal value is in the detail of an answer', async () => {
    // Not a name that a request id could hold by chance.
    await created(connect(), 'user', person('zaphod'));
    const answer = await connect().write(createUser('zaphod'));
    expect(JSON.stringify(answer)).not.toMatch(/zaphod|contoso/i);
    expect(answer).toHaveProperty('detail', expect.stringMatching(/Request_BadRequest.*request-id/) as string);
  });

  test.each([
    ['forbidden', 'refused', 'forbidden', 0],
    ['unauthorized', 'refused', 'credentialsRejected', 0],
    ['resetBefore', 'unknown', 'effectUnknown', 0],
    ['resetAfter', 'unknown', 'effectUnknown', 1],
    ['cutBody', 'unknown', 'effectUnknown', 1],
  ] as const)('%s: %s %s, sent once', async (kind, answered, code, effects) => {
    sandbox.faults.add({ kind, operation: 'POST /users', count: 'always' });
    expect(await connect().write(createUser('ada'))).toMatchObject({ kind: answered, code });
    expect(sandbox.calls()['POST /users']).toBe(1);
    expect(people()).toHaveLength(effects);
  });

  test.each([500, 502, 503, 504])('%i says nothing of the effect, and the write is not repeated', async (status) => {
    for (const operation of ['POST /groups', 'PATCH /users/{id}', 'DELETE /users/{id}'])
      sandbox.faults.add({ kind: 'serverFault', status, retryAfterSeconds: 0, operation, count: 'always' });
    const { id } = sandbox.state.addUser(person('ada'));
    const writes: readonly NativeWrite[] = [
      { kind: 'create', type: 'group', after: group('g') },
      changing(id, 'user', person('ada'), person('ada', { surname: 'x' })),
      deleting(id, 'user', person('ada')),
    ];
    for (const write of writes)
      expect(await connect().write(write)).toMatchObject({ kind: 'unknown', code: 'effectUnknown' });
    expect(sandbox.calls()).toMatchObject({ 'POST /groups': 1, 'PATCH /users/{id}': 1, 'DELETE /users/{id}': 1 });
  });

  test('a write that was throttled did nothing and is sent again', async () => {
    sandbox.faults.add({ kind: 'throttled', retryAfterSeconds: 0, operation: 'POST /users', count: 2 });
    expect(await connect().write(createUser('ada'))).toMatchObject({ kind: 'applied' });
    expect(sandbox.calls()['POST /users']).toBe(3);
    expect(people()).toHaveLength(1);
  });

  test('a write that stays throttled is refused, for nothing was done', async () => {
    sandbox.faults.add({ kind: 'throttled', retryAfterSeconds: 90, operation: 'POST /users', count: 'always' });
    expect(await connect().write(createUser('ada'))).toMatchObject({ kind: 'refused', code: 'throttled' });
    expect(sandbox.calls()['POST /users']).toBe(1);
  });

  test('a write without an answer in time is unknown, and may have had its effect', async () => {
    sandbox.faults.add({ kind: 'slow', delayMs: 2_000, operation: 'POST /users' });
    const connector = connect({}, { requestTimeoutMs: 700 });
    expect(await connector.write(createUser('ada'))).toMatchObject({ kind: 'unknown', code: 'effectUnknown' });
    await vi.waitFor(() => expect(people()).toHaveLength(1), { timeout: 30_000 });
    expect(sandbox.calls()['POST /users']).toBe(1);
  });

  test('a write that never left is refused, not unknown', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    await once(closed, 'close');
    const nobody = connect({ endpoint: `https://127.0.0.1:${port}/v1.0` });
    expect(await nobody.write(createUser('ada'))).toMatchObject({ kind: 'refused', code: 'unreachable' });
    sandbox.faults.add({ kind: 'resetBefore', operation: 'POST /{tenant}/oauth2/v2.0/token', count: 'always' });
    expect(await connect().write(createUser('ada'))).toMatchObject({ kind: 'refused' });
    expect(people()).toHaveLength(0);
  });

  test('a lost reply of a group with a uniqueName is found again by its twin', async () => {
    const after = group('team', { uniqueName: 'team' });
    sandbox.faults.add({ kind: 'resetAfter', operation: "PATCH /groups(uniqueName='{name}')" });
    expect(await connect().write({ kind: 'create', type: 'group', after })).toMatchObject({ kind: 'unknown' });
    expect(await connect().findTwin('group', after)).not.toBeNull();
  });

  test('an object that became synced after it was read is read-only, whatever was planned', async () => {
    const { id } = sandbox.state.addUser(person('ada', { onPremisesSyncEnabled: true }));
    const answer = await connect().write(changing(id, 'user', person('ada'), person('ada', { surname: 'x' })));
    expect(answer).toMatchObject({ kind: 'refused', code: 'readOnlyObject' });
  });
});
