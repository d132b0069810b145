import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { createGraph } from '../../../../activities/connectors/entra/client.js';
import { cursorOf } from '../../../../activities/connectors/entra/cursor.js';
import { entraConfig } from '../../../../activities/connectors/entra/config.js';
import { createEntraConnector } from '../../../../activities/connectors/entra/connector.js';
import { bodyOf, created, endsOf, everything, objectsOf, person, startTenant } from './tenant.js';

const tenant = await startTenant();
const { sandbox, connect } = tenant;
afterEach(() => sandbox.reset());
afterAll(() => tenant.close());

test('a user is read with every property, also those that Graph leaves out unless they are named', async () => {
  const id = sandbox.state.addUser({ ...person('ada'), employeeId: 'E-7', department: 'Maths', userType: 'Guest' }).id;
  const [user] = objectsOf(await everything(connect()), 'user');
  expect(user).toEqual({
    type: 'user',
    id,
    body: {
      ...person('ada'),
      employeeId: 'E-7',
      department: 'Maths',
      userType: 'Guest',
      givenName: null,
      surname: null,
      mail: null,
      onPremisesSyncEnabled: null,
    },
  });
  expect(await connect().readOne('user', id)).toEqual(user);
});

test('users come before groups, members are sorted ids of users, and other members are kept apart', async () => {
  const users = ['c', 'a', 'b'].map((name) => sandbox.state.addUser(person(name)).id);
  const inner = sandbox.state.addGroup({ displayName: 'inner', mailNickname: 'inner' });
  const outer = sandbox.state.addGroup({ displayName: 'outer', mailNickname: 'outer' });
  for (const id of [...users, inner.id]) outer.members.add(id);
  const items = await everything(connect());
  expect(endsOf(items)).toEqual(['users', 'groups']);
  expect(items.findIndex(({ scope }) => scope === 'groups')).toBeGreaterThan(
    items.findIndex((item) => item.kind === 'scopeEnd' && item.scope === 'users'),
  );
  const body = objectsOf(items, 'group').find(({ id }) => id === outer.id)?.body;
  expect(body?.['members']).toEqual([...users].sort());
  expect(body?.['otherMembers']).toEqual([{ id: inner.id, kind: 'group' }]);
});

test('what somebody else decides about is opaque with its reason, in lists and alone, and ordinary objects are not', async () => {
  const { state } = sandbox;
  const ada = state.addUser(person('ada'));
  const synced = state.addUser({ ...person('ben'), onPremisesSyncEnabled: true });
  const group = (name: string, properties: Parameters<typeof state.addGroup>[0] = {}, ...members: string[]) => {
    const made = state.addGroup({ displayName: name, mailNickname: name, groupTypes: [], ...properties });
    for (const member of members) made.members.add(member);
    return made.id;
  };
  const plain = group('plain', {}, ada.id, synced.id);
  const robot = state.access.addServicePrincipal({ appId: 'robot', displayName: 'robot' });
  const reasons = new Map<string, string | undefined>([
    [ada.id, undefined],
    [synced.id, 'the user is synced from on-premises'],
    [plain, undefined],
    [group('microsoft365', { groupTypes: ['Unified'], mailEnabled: true }, ada.id), undefined],
    [group('dynamic', { groupTypes: ['DynamicMembership'] }, ada.id), 'a rule decides who is in the group'],
    [group('synced', { onPremisesSyncEnabled: true }, ada.id), 'the group is synced from on-premises'],
    [group('list', { mailEnabled: true }, ada.id), 'Exchange masters the group'],
    [group('nested', {}, ada.id, plain), 'groups are nested in the group'],
    [group('mixed', {}, ada.id, robot.id), 'a service principal is in the group'],
  ]);
  const items = await everything(connect());
  const read = [...objectsOf(items, 'user'), ...objectsOf(items, 'group')];
  expect(new Map(read.map(({ id, opaque }) => [id, opaque]))).toEqual(reasons);
  for (const object of read)
    expect(await connect().readOne(object.type as 'user' | 'group', object.id)).toEqual(object);
});

test('lists longer than a page are read to their end: users, groups and members', async () => {
  const ids = Array.from({ length: 25 }, (_, index) => sandbox.state.addUser(person(`u${index}`)).id);
  const large = sandbox.state.addGroup({ displayName: 'large', mailNickname: 'large' });
  for (const id of ids) large.members.add(id);
  for (let index = 0; index < 24; index += 1)
    sandbox.state.addGroup({ displayName: `g${index}`, mailNickname: `g${index}` });
  const items = await everything(connect({}, { pageSize: 10 }));
  expect(endsOf(items)).toEqual(['users', 'groups']);
  expect(objectsOf(items, 'user').map(({ id }) => id)).toEqual([...ids].sort());
  const groups = objectsOf(items, 'group');
  expect(new Set(groups.map(({ id }) => id)).size).toBe(25);
  expect(groups.find(({ id }) => id === large.id)?.body['members']).toEqual([...ids].sort());
  expect(sandbox.calls()).toMatchObject({ 'GET /users': 3, 'GET /groups': 3, 'GET /groups/{id}/members': 27 });
});

test('members are asked for by their ids alone, not with their personal values', async () => {
  sandbox.state.addGroup({ displayName: 'g', mailNickname: 'g' }).members.add(sandbox.state.addUser(person('ada')).id);
  const spy = vi.spyOn(globalThis, 'fetch');
  await everything(connect());
  const asked = spy.mock.calls
    .map(([address]) => new URL(address as string))
    .filter((url) => url.pathname.endsWith('/members'));
  spy.mockRestore();
  expect(asked.map((url) => url.searchParams.get('$select'))).toEqual(['id']);
});

test('a whole page of groups still to be read fits into a cursor', () => {
  const pending = Array.from({ length: 999 }, () => '11111111-2222-4333-8444-555555555555');
  expect(cursorOf({ at: 'groups', last: false, pending, untold: [], next: 'x'.repeat(2_000) }).length).toBeLessThan(
    100_000,
  );
});

test('a forbidden scope ends incomplete and the read goes on with the next', async () => {
  sandbox.state.addGroup({ displayName: 'g', mailNickname: 'g' });
  sandbox.faults.add({ kind: 'forbidden', operation: 'GET /users', count: 'always' });
  const items = await everything(connect());
  expect(endsOf(items)).toEqual(['users forbidden', 'groups']);
  expect(objectsOf(items, 'group')).toHaveLength(1);
});

test('a group whose members are forbidden is read without members, and its scope is incomplete', async () => {
  const hidden = sandbox.state.addGroup({ displayName: 'hidden', mailNickname: 'hidden' });
  const shown = sandbox.state.addGroup({ displayName: 'shown', mailNickname: 'shown' });
  const operation = 'GET /groups/{id}/members';
  sandbox.faults.add({ kind: 'forbidden', operation, target: hidden.id, count: 'always' });
  const items = await everything(connect());
  expect(endsOf(items)).toEqual(['users', `groups/${hidden.id}/members forbidden`, 'groups']);
  const bodies = new Map(objectsOf(items, 'group').map(({ id, body }) => [id, body]));
  expect(bodies.get(hidden.id)).not.toHaveProperty('members');
  expect(bodies.get(shown.id)?.['members']).toEqual([]);
  expect((await connect().readOne('group', hidden.id))?.body).not.toHaveProperty('members');
});

test('a read resumed at any item tells exactly what was still to come', { timeout: 60_000 }, async () => {
  const users = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].map(
    (name) => sandbox.state.addUser(person(name)).id,
  );
  const groups = Array.from({ length: 20 }, (_, index) =>
    sandbox.state.addGroup({ displayName: `g${index}`, mailNickname: `g${index}` }),
  );
  for (const group of groups) for (const id of users) group.members.add(id);
  for (const group of groups.slice(0, 10))
    sandbox.faults.add({
      kind: 'forbidden',
      operation: 'GET /groups/{id}/members',
      target: group.id,
      count: 'always',
    });
  const connector = connect({}, { pageSize: 9 });
  const items = await everything(connector);
  expect(endsOf(items)).toHaveLength(12);
  for (const [index, { cursor }] of items.entries())
    expect(await everything(connector, cursor)).toEqual(items.slice(index + 1));
});

test('a group that is gone when a read is resumed leaves the list of groups unproven', async () => {
  for (let index = 0; index < 12; index += 1)
    sandbox.state.addGroup({ displayName: `g${index}`, mailNickname: `g${index}` });
  const items = await everything(connect());
  const first = items.find((item) => item.kind === 'objects' && item.scope === 'groups');
  const last = objectsOf(items, 'group').at(-1)?.id as string;
  sandbox.state.remove(sandbox.state.groups.get(last) as never);
  expect(endsOf(await everything(connect(), first?.cursor))).toEqual(['groups cursorLost']);
});

test('text that is no cursor of this connector is a lost cursor', async () => {
  await expect(everything(connect(), '{"at":"elsewhere"}')).rejects.toMatchObject({ code: 'cursorLost' });
});

test('a nextLink that Graph no longer knows is a lost cursor', async () => {
  const next = `${tenant.mesh.endpoint}/users?$top=999&$skiptoken=gone`;
  await expect(everything(connect(), JSON.stringify({ at: 'users', next }))).rejects.toMatchObject({
    code: 'cursorLost',
  });
});

test('only groups whose name starts with the prefix exactly are in scope', async () => {
  for (const displayName of ['fed-one', 'FED-two', 'other'])
    sandbox.state.addGroup({ displayName, mailNickname: displayName });
  const items = await everything(connect({ groupPrefix: 'fed-' }));
  expect(objectsOf(items, 'group').map(({ body }) => body['displayName'])).toEqual(['fed-one']);
  expect(connect({ groupPrefix: 'fed-' }).capabilities.absenceProvesDeletion).toBe(false);
  expect(connect().capabilities.absenceProvesDeletion).toBe(true);
});

test.each([
  { kind: 'throttled', retryAfterSeconds: 0 },
  { kind: 'serverFault', status: 500 },
  { kind: 'serverFault', status: 502 },
  { kind: 'serverFault', status: 503, retryAfterSeconds: 0 },
  { kind: 'resetBefore' },
  { kind: 'cutBody' },
] as const)('a read goes on after $kind $status', async (fault) => {
  const id = sandbox.state.addUser(person('ada')).id;
  sandbox.faults.add({ ...fault, operation: 'GET /users', count: 2 });
  expect(objectsOf(await everything(connect()), 'user').map((user) => user.id)).toEqual([id]);
  expect(sandbox.calls()['GET /users']).toBe(3);
});

test('a wait that Graph asks for and that is too long is handed to the caller', async () => {
  sandbox.faults.add({ kind: 'throttled', operation: 'GET /users', retryAfterSeconds: 120, count: 'always' });
  await expect(everything(connect())).rejects.toMatchObject({ code: 'throttled', retryAfterMs: 120_000 });
  expect(sandbox.calls()['GET /users']).toBe(1);
});

test('faults that do not pass are thrown, never told as an empty or incomplete scope', async () => {
  sandbox.faults.add({ kind: 'serverFault', status: 500, operation: 'GET /groups', count: 'always' });
  await expect(everything(connect())).rejects.toMatchObject({ code: 'providerFault' });
  sandbox.faults.clear();
  sandbox.faults.add({ kind: 'unauthorized', operation: 'GET /groups', count: 'always' });
  await expect(everything(connect())).rejects.toMatchObject({ code: 'credentialsRejected' });
});

test('a read that is slower than its deadline is unreachable, and one that is aborted ends with the reason', async () => {
  // Longer than any test: no stall of this machine lets the answer win.
  sandbox.faults.add({ kind: 'slow', delayMs: 600_000, operation: 'GET /users', count: 'always' });
  await expect(everything(connect({}, { requestTimeoutMs: 20 }))).rejects.toMatchObject({ code: 'unreachable' });
  const controller = new AbortController();
  const reading = connect().readAll({ signal: controller.signal })[Symbol.asyncIterator]().next();
  await vi.waitFor(() => expect(sandbox.calls()['GET /users']).toBeGreaterThan(4), { timeout: 30_000 });
  controller.abort(new Error('stopped by the test'));
  await expect(reading).rejects.toThrow('stopped by the test');
});

test('the twin of a user is found by its principal name, whatever quotes it holds', async () => {
  const id = sandbox.state.addUser(person("o'hara")).id;
  sandbox.state.addUser(person('other'));
  expect((await connect().findTwin('user', person("o'hara")))?.id).toBe(id);
  expect(await connect().findTwin('user', person('nobody'))).toBeNull();
});

test('the twin of a group is found by uniqueName, and no other name is asked where there is one', async () => {
  const connector = connect();
  const id = await created(connector, 'group', { displayName: 'T', mailNickname: 't', uniqueName: 'team one' });
  expect((await connector.findTwin('group', { displayName: 'X', uniqueName: 'team one' }))?.id).toBe(id);
  expect(await connector.findTwin('group', { displayName: 'T', mailNickname: 't', uniqueName: 'team two' })).toBeNull();
  expect((await connector.findTwin('group', { displayName: 'T', mailNickname: 't' }))?.id).toBe(id);
  expect(await bodyOf(connector, 'group', id)).toMatchObject({ uniqueName: 'team one', members: [] });
});

test('a group name that two groups hold finds no twin but says so', async () => {
  for (let index = 0; index < 2; index += 1)
    sandbox.state.addGroup({ displayName: 'twice', mailNickname: `t${index}` });
  await expect(connect().findTwin('group', { displayName: 'twice' })).rejects.toMatchObject({ code: 'nameTaken' });
});

test('an object that does not exist is null, one that may not be seen is an error', async () => {
  const id = sandbox.state.addUser(person('ada')).id;
  expect(await connect().readOne('user', '11111111-2222-4333-8444-555555555555')).toBeNull();
  sandbox.faults.add({ kind: 'forbidden', operation: 'GET /users/{id}' });
  await expect(connect().readOne('user', id)).rejects.toMatchObject({ code: 'forbidden' });
});

test('the token is sent to no other origin than the endpoint', async () => {
  const graph = createGraph(entraConfig(tenant.mesh, tenant.environment));
  const port = sandbox.port === 65_535 ? 1_024 : sandbox.port + 1;
  await expect(graph.ask({ method: 'GET', path: `https://127.0.0.1:${port}/v1.0/users` })).rejects.toMatchObject({
    code: 'unexpectedAnswer',
  });
});

test('what is missing from the environment is named, and plain http is refused', async () => {
  const lacking = createEntraConnector({ mesh: tenant.mesh, environment: { AZURE_CLIENT_ID: 'x' } });
  await expect(everything(lacking)).rejects.toThrow(/AZURE_CLIENT_SECRET/);
  await expect(everything(connect({ endpoint: 'http://127.0.0.1/v1.0' }))).rejects.toMatchObject({
    code: 'invalidFederation',
  });
  expect(await lacking.probe()).toMatchObject({ reachable: false, code: 'credentialsMissing' });
});

test('a tenant that the token service does not know is an error of every read', async () => {
  const other = connect({ tenant: '00000000-0000-4000-8000-000000000000' });
  await expect(everything(other)).rejects.toThrow(/does not know the tenant/);
  expect(sandbox.calls()['GET /users']).toBeUndefined();
});

test('a standard chain whose token is for another tenant than the file names reads nothing', async () => {
  vi.stubEnv('AZURE_TENANT_ID', sandbox.state.tenant);
  for (const [name, value] of Object.entries(tenant.environment)) vi.stubEnv(name, value);
  try {
    const { clientSecretFrom: _, ...mesh } = tenant.mesh;
    const { environment } = tenant;
    expect(endsOf(await everything(createEntraConnector({ mesh, environment })))).toEqual(['users', 'groups']);
    const elsewhere = { ...mesh, tenant: '00000000-0000-4000-8000-000000000000' };
    sandbox.forgetCalls();
    await expect(everything(createEntraConnector({ mesh: elsewhere, environment }))).rejects.toMatchObject({
      code: 'wrongAccount',
    });
    expect(sandbox.calls()['GET /users']).toBeUndefined();
  } finally {
    vi.unstubAllEnvs();
  }
});

test('a token service that fails is told apart from one that refuses', async () => {
  sandbox.faults.add({
    kind: 'serverFault',
    status: 500,
    operation: 'POST /{tenant}/oauth2/v2.0/token',
    count: 'always',
  });
  await expect(everything(connect())).rejects.toMatchObject({ code: 'providerFault' });
});

test('the probe names the permissions that are held, and those that are not', async () => {
  expect(await connect().probe()).toMatchObject({
    reachable: true,
    authenticated: true,
    permissions: [
      { permission: 'User.Read.All', held: true },
      { permission: 'GroupMember.Read.All', held: true },
      { permission: 'User.ReadWrite.All', held: true },
      { permission: 'Group.ReadWrite.All', held: true },
    ],
  });
  sandbox.state.application.roles = ['User.Read.All'];
  const { permissions } = await connect().probe();
  expect(permissions.map(({ held }) => held)).toEqual([true, false, false, false]);
});

test('the probe of a tenant named by its domain says when Graph answers for another', async () => {
  expect(await connect({ tenant: 'contoso.example' }).probe()).not.toHaveProperty('code');
  sandbox.faults.add({ kind: 'forbidden', operation: 'GET /organization', count: 'always' });
  expect(await connect({ tenant: 'contoso.example' }).probe()).not.toHaveProperty('code');
});

test('the probe of an address where nobody listens never throws', async () => {
  const mesh = { endpoint: 'https://127.0.0.1:1/v1.0' };
  expect(await connect(mesh).probe()).toMatchObject({ reachable: false, code: 'unreachable' });
});
