/** The keystone connector against Keystone 22 itself. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createKeystoneConnector } from '../../activities/connectors/keystone/connector.js';
import type { KeystoneMesh } from '../../activities/connectors/keystone/config.js';
import type { Connector, ReadItem } from '../../activities/connectors/connector.js';
import type { JsonObject } from '../../core/json.js';
import type { NativeObject } from '../../core/record.js';
import { startKeystone, workforceDomain as domain_id, type KeystoneSystem } from '../support/systems/keystone.js';

const system = await startKeystone();
if (system.kind === 'missing')
  process.stderr.write(`${system.name} is missing: ${system.reason}. ${system.howToGet}\n`);

type Available = Extract<KeystoneSystem, { kind: 'available' }>;

function available(): Available {
  if (system.kind === 'missing') throw new Error('skipped where it is missing');
  return system;
}

function connect(
  change: Partial<KeystoneMesh> = {},
  environment: Record<string, string> = {},
  to?: Available,
): Connector {
  const target = to ?? available();
  return createKeystoneConnector({
    mesh: { ...(target.mesh as KeystoneMesh), ...change },
    environment: { ...target.environment, ...environment },
    timing: { retryPauseMs: 10 },
  });
}

async function everything(connector: Connector, cursor?: string): Promise<ReadItem[]> {
  const items: ReadItem[] = [];
  for await (const item of connector.readAll(cursor === undefined ? {} : { cursor })) items.push(item);
  return items;
}

const objectsOf = (items: readonly ReadItem[]): NativeObject[] =>
  items.flatMap((item) => (item.kind === 'objects' ? item.objects : []));

const endsOf = (items: readonly ReadItem[]): string[] =>
  items.flatMap((item) => (item.kind === 'scopeEnd' ? [`${item.scope} ${item.reason ?? item.complete}`] : []));

async function created(connector: Connector, type: 'user' | 'group', after: JsonObject): Promise<string> {
  const answer = await connector.write({ kind: 'create', type, after });
  if (answer.kind !== 'applied') throw new Error(`not created: ${JSON.stringify(answer)}`);
  return answer.id;
}

async function bodyOf(connector: Connector, type: 'user' | 'group', id: string): Promise<JsonObject> {
  const found = await connector.readOne(type, id);
  if (found === null) throw new Error('not found');
  return found.body;
}

/** A user of the default domain, which the service user's domain is too. */
async function outsider(name: string, password?: string): Promise<string> {
  const user = { name, domain_id: 'default', ...(password === undefined ? {} : { password }) };
  const answer = await available().admin.request('POST', '/users', { user });
  return (answer.body as { user: { id: string } }).user.id;
}

async function roleId(name: string): Promise<string> {
  const answer = await available().admin.request('GET', `/roles?name=${name}`);
  return (answer.body as { roles: { id: string }[] }).roles[0]?.id ?? '';
}

describe.skipIf(system.kind === 'missing')('the keystone connector against Keystone', () => {
  beforeEach(async () => {
    if (system.kind === 'available') await system.reset();
  });
  afterAll(async () => {
    if (system.kind === 'available') await system.stop();
  });

  test('an empty domain reads as two complete scopes and no object', async () => {
    const items = await everything(connect());
    expect(objectsOf(items)).toEqual([]);
    expect(endsOf(items)).toEqual(['users true', 'groups true']);
  });

  test('a user comes back as it was written, with its extra attributes and disabled unless said otherwise', async () => {
    const connector = connect();
    const after = { name: 'ada', email: 'ada@example.org', department: 'Physics', costCentre: 42, manager: null };
    const id = await created(connector, 'user', after);
    expect(await connector.readOne('user', id)).toEqual({
      type: 'user',
      id,
      body: { ...after, enabled: false, domain_id },
    });
    expect(objectsOf(await everything(connector))).toEqual([await connector.readOne('user', id)]);
  });

  test('an update sends only what changed, and what is to go becomes null', async () => {
    const connector = connect();
    const id = await created(connector, 'user', { name: 'ada', email: 'a@example.org', department: 'Physics' });
    const before = await bodyOf(connector, 'user', id);
    const { department: _, ...rest } = before;
    const write = { kind: 'update', type: 'user', id, before, after: { ...rest, enabled: true } } as const;
    expect(connector.plannedCalls(write)).toEqual([
      { call: 'PATCH /v3/users/{id}', target: id, arguments: { department: null, enabled: true } },
    ]);
    expect(await connector.write(write)).toEqual({ kind: 'applied', id });
    expect(await bodyOf(connector, 'user', id)).toEqual({ ...before, department: null, enabled: true });
  });

  test('a group is created with its members, gains one, loses one, and keeps those of other domains', async () => {
    const connector = connect();
    const [ada, bo, cy] = await Promise.all(['ada', 'bo', 'cy'].map((name) => created(connector, 'user', { name })));
    if (!ada || !bo || !cy) throw new Error('not created');
    const id = await created(connector, 'group', { name: 'physics', description: 'P', members: [ada, bo] });
    const stranger = await outsider('stranger');
    const { admin } = available();
    expect((await admin.request('PUT', `/groups/${id}/users/${stranger}`)).status).toBe(204);

    const before = await bodyOf(connector, 'group', id);
    expect(before).toEqual({
      name: 'physics',
      description: 'P',
      domain_id,
      members: [ada, bo].sort(),
      // Keystone 22 hides them from a token of this domain.
      otherMembers: [],
    });
    const write = { kind: 'update', type: 'group', id, before, after: { ...before, members: [bo, cy] } } as const;
    expect(connector.plannedCalls(write).map(({ call, target }) => `${call} ${target}`)).toEqual([
      `PUT /v3/groups/{id}/users/{id} ${id}/${cy}`,
      `DELETE /v3/groups/{id}/users/{id} ${id}/${ada}`,
    ]);
    expect(await connector.write(write)).toEqual({ kind: 'applied', id });
    // Sent again it changes nothing: PUT is idempotent, and a membership that is gone is done.
    expect(await connector.write(write)).toEqual({ kind: 'applied', id });
    expect((await bodyOf(connector, 'group', id))['members']).toEqual([bo, cy].sort());
    const all = (await admin.request('GET', `/groups/${id}/users`)).body as { users: { id: string }[] };
    expect(all.users.map((user) => user.id).sort()).toEqual([bo, cy, stranger].sort());
    await admin.request('DELETE', `/users/${stranger}`);
  });

  test('a read goes on from every cursor with what was not told yet', async () => {
    const connector = connect();
    const ada = await created(connector, 'user', { name: 'ada' });
    for (let index = 0; index < 10; index += 1) {
      await created(connector, 'group', { name: `group ${index}`, members: [ada] });
    }
    const items = await everything(connector);
    expect(objectsOf(items)).toHaveLength(11);
    expect(items.length).toBeGreaterThan(4);
    for (const [index, item] of items.entries()) {
      expect(await everything(connect(), item.cursor)).toEqual(items.slice(index + 1));
    }
  });

  test('a name that is taken is a conflict, and the twin that holds it is found, by its exact spelling only', async () => {
    const connector = connect();
    const id = await created(connector, 'user', { name: 'ada' });
    const answer = await connector.write({ kind: 'create', type: 'user', after: { name: 'ada' } });
    expect(answer).toMatchObject({ kind: 'conflict', code: 'nameTaken' });
    expect(answer).toHaveProperty('detail', expect.stringMatching(/^POST \/v3\/users answered 409, request req-\S+$/));
    expect((await connector.findTwin('user', { name: 'ada' }))?.id).toBe(id);
    // SQLite tells upper and lower case apart; the answer is the backend's.
    expect(await connector.findTwin('user', { name: 'ADA' })).toBeNull();
    expect(await connector.findTwin('group', { name: 'ada' })).toBeNull();
  });

  test('what Keystone cannot hold is refused, and what is not there any more is a conflict', async () => {
    const connector = connect();
    const tooLong = await connector.write({ kind: 'create', type: 'user', after: { name: 'x'.repeat(256) } });
    expect(tooLong).toMatchObject({ kind: 'refused', code: 'valueNotRepresentable' });
    const padded = await connector.write({ kind: 'create', type: 'group', after: { name: ' physics' } });
    expect(padded).toMatchObject({ kind: 'refused', code: 'valueNotRepresentable' });
    const before = { name: 'ada', domain_id };
    const after = { ...before, email: 'a@example.org' };
    const gone = await connector.write({ kind: 'update', type: 'user', id: 'f'.repeat(32), before, after });
    expect(gone).toMatchObject({ kind: 'conflict', code: 'expectationFailed' });
    expect(await connector.readOne('user', 'f'.repeat(32))).toBeNull();
    expect(await connector.readOne('group', 'f'.repeat(32))).toBeNull();
    expect(objectsOf(await everything(connector))).toEqual([]);
  });

  test('an object that is in a group, or a group that has members, goes only where memberships may go', async () => {
    const connector = connect();
    const ada = await created(connector, 'user', { name: 'ada' });
    const id = await created(connector, 'group', { name: 'physics', members: [ada] });
    for (const [type, target] of [
      ['user', ada],
      ['group', id],
    ] as const) {
      const before = await bodyOf(connector, type, target);
      const write = { kind: 'delete', type, id: target, before, deletionMayRemove: [] as string[] } as const;
      expect(await connector.write(write)).toMatchObject({ kind: 'refused', code: 'deletionBlocked' });
      expect(await connector.readOne(type, target)).not.toBeNull();
      expect(await connector.write({ ...write, deletionMayRemove: ['memberships'] })).toEqual({
        kind: 'applied',
        id: target,
      });
      expect(await connector.readOne(type, target)).toBeNull();
      if (type === 'user') await connector.write(memberAgain(id, await created(connector, 'user', { name: 'bo' })));
    }
  });

  test('a token that was revoked while it was used is replaced, after the second of its revocation', async () => {
    const connector = connect();
    await everything(connector);
    const { admin } = available();
    const id = await created(connector, 'group', { name: 'physics', members: [] });
    const listed = await admin.request('GET', '/users?name=concordat&domain_id=default');
    const self = (listed.body as { users: { id: string }[] }).users[0]?.id ?? '';
    await admin.request('PUT', `/groups/${id}/users/${self}`);
    await admin.request('DELETE', `/groups/${id}/users/${self}`);
    const answer = await connector.write({ kind: 'create', type: 'user', after: { name: 'ada' } });
    expect(answer.kind).toBe('applied');
    expect(endsOf(await everything(connector))).toEqual(['users true', 'groups true']);
  });

  test('an object of another domain is not ours, though role admin of Keystone 22 could write it', async () => {
    const connector = connect();
    const stranger = await outsider('stranger');
    expect(await connector.readOne('user', stranger)).toBeNull();
    const before = { name: 'stranger', domain_id: 'default' };
    const write = { kind: 'delete', type: 'user', id: stranger, before, deletionMayRemove: ['memberships'] } as const;
    expect(await connector.write(write)).toMatchObject({ kind: 'refused', code: 'wrongAccount' });
    expect((await available().admin.request('DELETE', `/users/${stranger}`)).status).toBe(204);
  });

  test('the doctor learns who we are, and which roles are missing', async () => {
    expect(await connect().probe()).toMatchObject({
      reachable: true,
      authenticated: true,
      identity: expect.stringMatching(/^user concordat \([0-9a-f]{32}\) of domain default$/) as string,
      permissions: [{ held: true }, { held: true }],
    });
    expect(await connect({}, { OS_PASSWORD: 'wrong' }).probe()).toMatchObject({
      reachable: true,
      authenticated: false,
      code: 'credentialsRejected',
    });
    expect(await connect({ endpoint: 'http://127.0.0.1:1/v3' }).probe()).toMatchObject({
      reachable: false,
      code: 'unreachable',
    });
  });

  test('role reader reads everything and is refused every write', async () => {
    const { admin } = available();
    const reader = await outsider('observer', 'observers-word');
    await admin.request('PUT', `/domains/${domain_id}/users/${reader}/roles/${await roleId('reader')}`);
    const ada = await created(connect(), 'user', { name: 'ada' });
    await created(connect(), 'group', { name: 'physics', members: [ada] });

    const connector = connect({}, { OS_USERNAME: 'observer', OS_PASSWORD: 'observers-word' });
    expect(await everything(connector)).toEqual(await everything(connect()));
    expect((await connector.probe()).permissions.map(({ held }) => held)).toEqual([true, false]);
    const answer = await connector.write({ kind: 'create', type: 'user', after: { name: 'bo' } });
    expect(answer).toMatchObject({ kind: 'refused', code: 'forbidden' });
    await admin.request('DELETE', `/users/${reader}`);
  });

  test('a domain that does not exist, or gives no role, is never an empty one', async () => {
    await created(connect(), 'user', { name: 'ada' });
    for (const domain of ['f'.repeat(32), 'default']) {
      const items = await everything(connect({ domain }));
      expect(objectsOf(items)).toEqual([]);
      expect(endsOf(items)).toEqual(['users scopeNotFound', 'groups scopeNotFound']);
    }
    await expect(everything(connect({}, { OS_PASSWORD: 'wrong' }))).rejects.toMatchObject({
      code: 'credentialsRejected',
    });
  });

  test('a list that Keystone cuts short is incomplete, and so are members', async () => {
    const small = await startKeystone({ configuration: '[DEFAULT]\nlist_limit = 2' });
    if (small.kind === 'missing') throw new Error('it was there before');
    try {
      const connector = connect({}, {}, small);
      const users = [];
      for (const name of ['ada', 'bo', 'cy']) users.push(await created(connector, 'user', { name }));
      const id = await created(connector, 'group', { name: 'physics', members: users });
      const items = await everything(connector);
      expect(endsOf(items)).toEqual(['users truncated', `groups/${id}/members truncated`, 'groups true']);
      const group = objectsOf(items).find((object) => object.id === id);
      expect(group?.body).not.toHaveProperty('members');
    } finally {
      await small.stop();
    }
  });
});

function memberAgain(id: string, member: string) {
  const before = { name: 'physics', domain_id, members: [] };
  return { kind: 'update', type: 'group', id, before, after: { ...before, members: [member] } } as const;
}
