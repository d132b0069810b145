/** Reading a domain: paging, cursors, and what an incomplete list says of itself. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { serveKeystone, type KeystoneSandbox } from '../../../../sandbox/keystone/server.js';
import { connectTo, created, domain, endsOf, everything, objectsOf } from './sandbox-domain.js';

let keystone: KeystoneSandbox;
beforeAll(async () => {
  keystone = await serveKeystone();
});
afterAll(() => keystone.close());
beforeEach(() => keystone.reset());

const sortedIds = (objects: readonly { id: string }[]): string[] => objects.map(({ id }) => id).sort();

function seed(users: number, groups: number): void {
  const ids = Array.from({ length: users }, (_, index) => keystone.state.addUser({ domain, name: `user ${index}` }).id);
  for (let index = 0; index < groups; index += 1) {
    const group = keystone.state.addGroup({ domain, name: `group ${index}` });
    for (const id of ids.slice(index, index + 2)) group.members.add(id);
  }
}

describe('reading a whole domain', () => {
  it('gives users before groups, each once, with sorted members of the domain and of others apart', async () => {
    seed(3, 1);
    const [group] = keystone.state.groups.all();
    const stranger = keystone.state.addUser({ domain: 'default', name: 'stranger' });
    group?.members.add(stranger.id);
    const items = await everything(connectTo(keystone.origin));
    expect(items.map((item) => item.scope)).toEqual(['users', 'users', 'groups', 'groups']);
    expect(sortedIds(objectsOf(items, 'user'))).toEqual(
      sortedIds(keystone.state.users.all().filter((user) => user.domain === domain)),
    );
    const own = [...(group?.members ?? [])].filter((id) => id !== stranger.id).sort();
    expect(objectsOf(items, 'group')).toEqual([
      {
        type: 'group',
        id: group?.id,
        body: {
          name: 'group 0',
          description: '',
          domain_id: domain,
          members: own,
          otherMembers: [stranger.id],
        },
      },
    ]);
  });

  it('follows the pages of a Keystone that pages, and of one that does not reads the same', async () => {
    seed(25, 12);
    const whole = objectsOf(await everything(connectTo(keystone.origin)));
    expect(whole).toHaveLength(37);
    Object.assign(keystone.options, { pages: true, listLimit: 4 });
    const paged = await everything(connectTo(keystone.origin));
    expect(endsOf(paged)).toEqual(['users true', 'groups true']);
    expect(sortedIds(objectsOf(paged))).toEqual(sortedIds(whole));
    expect(objectsOf(paged, 'group')).toEqual(objectsOf(await everything(connectTo(keystone.origin)), 'group'));
    expect(paged.length).toBeGreaterThan(10);
  });

  it.each([
    ['whole lists', {}],
    ['pages', { pages: true, listLimit: 4 }],
  ])('goes on after any item, in another process, with the rest: %s', async (_, options) => {
    seed(9, 20);
    Object.assign(keystone.options, options);
    const forbidden = keystone.state.groups.all().slice(9, 11);
    for (const { id } of forbidden) {
      keystone.faults.add({ kind: 'forbidden', target: `/groups/${id}/users`, count: 'always' });
    }
    const items = await everything(connectTo(keystone.origin));
    const members = forbidden.map(({ id }) => `groups/${id}/members forbidden`);
    expect(endsOf(items)).toEqual(['users true', ...members, 'groups true']);
    for (const [index, item] of items.entries()) {
      expect(await everything(connectTo(keystone.origin), item.cursor)).toEqual(items.slice(index + 1));
    }
  });

  it('refuses a cursor that it did not make', async () => {
    await expect(everything(connectTo(keystone.origin), '{"at":"elsewhere"}')).rejects.toMatchObject({
      code: 'cursorLost',
    });
  });

  it('stops when its signal is aborted, between pages and while it waits', async () => {
    seed(9, 0);
    Object.assign(keystone.options, { pages: true, listLimit: 2 });
    const controller = new AbortController();
    const read = connectTo(keystone.origin).readAll({ signal: controller.signal });
    const take = async (): Promise<void> => {
      for await (const _ of read) controller.abort(new Error('cancelled'));
    };
    await expect(take()).rejects.toThrow('cancelled');
    expect(keystone.calls()['GET /v3/users']).toBe(1);
  });
});

describe('a list that proves nothing', () => {
  it('is incomplete where the cloud forbids it, and the next scope is read nevertheless', async () => {
    seed(2, 1);
    keystone.faults.add({ kind: 'forbidden', operation: 'GET /v3/users', count: 'always' });
    const items = await everything(connectTo(keystone.origin));
    expect(endsOf(items)).toEqual(['users forbidden', 'groups true']);
    expect(objectsOf(items, 'group')).toHaveLength(1);
  });

  it('is incomplete where the cloud cut it short, and members that were cut short are left out', async () => {
    seed(3, 1);
    const [group] = keystone.state.groups.all();
    keystone.options.listLimit = 1;
    const items = await everything(connectTo(keystone.origin));
    expect(endsOf(items)).toEqual(['users truncated', `groups/${group?.id}/members truncated`, 'groups true']);
    expect(objectsOf(items, 'group')[0]?.body).not.toHaveProperty('members');
    expect(objectsOf(items, 'group')[0]?.body).not.toHaveProperty('otherMembers');
  });

  it('leaves the members out of a group that vanished after it was listed, and says so', async () => {
    seed(2, 1);
    const [group] = keystone.state.groups.all();
    const connector = connectTo(keystone.origin);
    let items: string[] = [];
    for await (const item of connector.readAll({})) {
      if (item.kind === 'scopeEnd' && item.scope === 'users') {
        keystone.faults.add({ kind: 'slow', operation: 'GET /v3/groups/{id}/users', delayMs: 1 });
        const listGroups = keystone.state.groups.all.bind(keystone.state.groups);
        keystone.state.groups.all = () => {
          const all = listGroups();
          if (group) keystone.state.removeGroup(group);
          return all;
        };
      }
      items = [...items, ...endsOf([item])];
    }
    Reflect.deleteProperty(keystone.state.groups, 'all');
    expect(items).toEqual(['users true', `groups/${group?.id}/members expectationFailed`, 'groups true']);
  });
});

describe('one object', () => {
  it('is null where it does not exist or belongs to another domain, and is never guessed where it is forbidden', async () => {
    const connector = connectTo(keystone.origin);
    const stranger = keystone.state.addUser({ domain: 'default', name: 'stranger' });
    const ada = keystone.state.addUser({ domain, name: 'ada', extra: { email: 'ada@example.org' } });
    expect(await connector.readOne('user', 'nobody')).toBeNull();
    expect(await connector.readOne('user', stranger.id)).toBeNull();
    expect((await connector.readOne('user', ada.id))?.body).toEqual({
      name: 'ada',
      enabled: true,
      email: 'ada@example.org',
      domain_id: domain,
    });
    keystone.faults.add({ kind: 'forbidden', operation: 'GET /v3/users/{id}' });
    await expect(connector.readOne('user', ada.id)).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('has no members where they may not be read', async () => {
    const connector = connectTo(keystone.origin);
    const id = await created(connector, 'group', { name: 'physics', members: [] });
    expect((await connector.readOne('group', id))?.body['members']).toEqual([]);
    keystone.faults.add({ kind: 'forbidden', operation: 'GET /v3/groups/{id}/users' });
    expect((await connector.readOne('group', id))?.body).not.toHaveProperty('members');
  });

  it('is found as a twin by its name, in its own domain and type only', async () => {
    const connector = connectTo(keystone.origin);
    keystone.state.addUser({ domain: 'default', name: 'bo' });
    const ada = keystone.state.addUser({ domain, name: 'ada & co' });
    expect((await connector.findTwin('user', { name: 'ada & co' }))?.id).toBe(ada.id);
    expect(await connector.findTwin('user', { name: 'bo' })).toBeNull();
    expect(await connector.findTwin('group', { name: 'ada & co' })).toBeNull();
  });
});

describe('a read that fails', () => {
  it.each(['throttled', 'serverFault', 'resetBefore', 'resetAfter', 'cutBody'] as const)(
    'goes on by itself after %s',
    async (kind) => {
      seed(3, 2);
      const expected = objectsOf(await everything(connectTo(keystone.origin)));
      for (const operation of [
        'POST /v3/auth/tokens',
        'GET /v3/users',
        'GET /v3/groups',
        'GET /v3/groups/{id}/users',
      ]) {
        keystone.faults.add({ kind, operation, count: 2 });
      }
      const items = await everything(connectTo(keystone.origin));
      expect(objectsOf(items)).toEqual(expected);
      expect(keystone.faults.list()).toEqual([]);
    },
  );

  it.each([
    ['throttled', 'throttled'],
    ['serverFault', 'providerFault'],
    ['resetBefore', 'unreachable'],
  ] as const)('gives up after a while of %s, and never calls it an empty list', async (kind, code) => {
    keystone.faults.add({ kind, operation: 'GET /v3/users', count: 'always' });
    await expect(everything(connectTo(keystone.origin))).rejects.toMatchObject({ code });
    expect(keystone.calls()['GET /v3/users']).toBe(5);
  });

  it('leaves a long wait that the cloud asks for to whoever called', async () => {
    keystone.faults.add({ kind: 'throttled', operation: 'GET /v3/users', retryAfterSeconds: 120 });
    await expect(everything(connectTo(keystone.origin))).rejects.toMatchObject({
      code: 'throttled',
      retryAfterMs: 120_000,
    });
  });
});
