/** The sandboxed Keystone, spoken to over HTTP: each sentence is something that Keystone does. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { byCodeUnit } from '../../core/json.js';
import { serveKeystone, type KeystoneSandbox } from '../../sandbox/keystone/server.js';

let keystone: KeystoneSandbox;
let token: string;

beforeAll(async () => {
  keystone = await serveKeystone();
});
afterAll(() => keystone.close());
beforeEach(async () => {
  keystone.reset();
  token = (await authenticate()).token;
});

async function authenticate(
  password = 'sandbox-password',
  domain = 'workforce',
): Promise<{ status: number; token: string }> {
  const response = await fetch(`${keystone.origin}/v3/auth/tokens`, {
    method: 'POST',
    body: JSON.stringify({
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: 'concordat', domain: { id: 'default' }, password } },
        },
        scope: { domain: { id: domain } },
      },
    }),
  });
  return { status: response.status, token: response.headers.get('x-subject-token') ?? '' };
}

interface Entry {
  readonly id: string;
  readonly name: string;
}

/** The members of Keystone's answers that these tests read; each answer has one or two of them. */
interface Answer {
  readonly user?: Entry;
  readonly users?: readonly Entry[];
  readonly group?: Entry;
  readonly truncated?: boolean;
  readonly links?: { readonly next: string | null };
}

async function call(method: string, path: string, body?: unknown) {
  const response = await fetch(`${keystone.origin}/v3${path}`, {
    method,
    headers: { 'x-auth-token': token },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Answer };
}

describe('tokens', () => {
  it('are refused for a wrong password, an unknown scope and a scope without a role', async () => {
    expect((await authenticate()).status).toBe(201);
    expect((await authenticate('wrong')).status).toBe(401);
    expect((await authenticate(undefined, 'nowhere')).status).toBe(401);
    expect((await authenticate(undefined, 'default')).status).toBe(401);
  });

  it('name the domain of their scope, and roles with what these imply', async () => {
    const response = await fetch(`${keystone.origin}/v3/auth/tokens`, {
      headers: { 'x-auth-token': token, 'x-subject-token': token },
    });
    expect(await response.json()).toMatchObject({
      token: {
        user: { name: 'concordat' },
        domain: { id: 'workforce' },
        roles: [{ name: 'reader' }, { name: 'member' }, { name: 'admin' }],
      },
    });
  });

  it('end when their user leaves a group', async () => {
    const service = keystone.state.users.named('default', 'concordat');
    const group = await call('POST', '/groups', { group: { name: 'operators' } });
    const path = `/groups/${group.body.group?.id}/users/${service?.id}`;
    expect((await call('PUT', path)).status).toBe(204);
    expect((await call('DELETE', path)).status).toBe(204);
    expect((await call('GET', '/users')).status).toBe(401);
    // Later, one that was issued in a later second is good again.
    await expect
      .poll(
        async () => {
          token = (await authenticate()).token;
          return (await call('GET', '/users')).status;
        },
        { timeout: 5_000, interval: 100 },
      )
      .toBe(200);
  });

  it('end all at once on demand', async () => {
    await fetch(`${keystone.origin}/_sandbox/expire-tokens`, { method: 'POST' });
    expect((await call('GET', '/users')).status).toBe(401);
    token = (await authenticate()).token;
    expect((await call('GET', '/users')).status).toBe(200);
  });
});

describe('users and groups', () => {
  it('keep extra attributes, which can be nulled but not removed', async () => {
    const made = await call('POST', '/users', {
      user: { name: 'jane', email: 'jane@example.org', employee_id: '7', enabled: false },
    });
    expect(made).toMatchObject({
      status: 201,
      body: { user: { name: 'jane', domain_id: 'workforce', employee_id: '7', enabled: false } },
    });
    const id = made.body.user?.id;
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    await call('PATCH', `/users/${id}`, { user: { employee_id: null, name: 'Jane' } });
    expect((await call('GET', `/users/${id}`)).body.user).toMatchObject({
      name: 'Jane',
      employee_id: null,
      email: 'jane@example.org',
    });
    expect((await call('DELETE', `/users/${id}`)).status).toBe(204);
    expect((await call('GET', `/users/${id}`)).status).toBe(404);
  });

  it('have names that are taken once in a domain', async () => {
    const first = await call('POST', '/users', { user: { name: 'jane' } });
    expect((await call('POST', '/users', { user: { name: 'jane' } })).status).toBe(409);
    const other = await call('POST', '/users', { user: { name: 'john' } });
    expect((await call('PATCH', `/users/${other.body.user?.id}`, { user: { name: 'jane' } })).status).toBe(409);
    expect(first.status).toBe(201);
    expect((await call('GET', '/users?name=jane')).body.users).toHaveLength(1);
    expect((await call('POST', '/users', { user: { name: 'x', enabled: 'yes' } })).status).toBe(400);
  });

  it('join groups repeatedly, and leave once', async () => {
    const user = (await call('POST', '/users', { user: { name: 'jane' } })).body.user?.id;
    const group = (await call('POST', '/groups', { group: { name: 'team', description: 'x' } })).body.group?.id;
    const path = `/groups/${group}/users/${user}`;
    expect((await call('HEAD', path)).status).toBe(404);
    expect((await call('PUT', path)).status).toBe(204);
    expect((await call('PUT', path)).status).toBe(204);
    expect((await call('HEAD', path)).status).toBe(204);
    expect((await call('GET', `/groups/${group}/users`)).body.users?.map(({ id }) => id)).toEqual([user]);
    expect((await call('DELETE', path)).status).toBe(204);
    expect((await call('DELETE', path)).status).toBe(404);
  });
});

describe('what a domain-scoped token sees', () => {
  it('leaves out group members of other domains where this Keystone hides them', async () => {
    const group = (await call('POST', '/groups', { group: { name: 'mixed' } })).body.group?.id;
    const own = (await call('POST', '/users', { user: { name: 'own' } })).body.user?.id;
    const foreign = keystone.state.addUser({ domain: 'default', name: 'foreign' }).id;
    for (const user of [own, foreign]) expect((await call('PUT', `/groups/${group}/users/${user}`)).status).toBe(204);
    const { users: listed } = (await call('GET', `/groups/${group}/users`)).body;
    expect(listed?.map(({ id }) => id)).toEqual([own ?? '', foreign].sort(byCodeUnit));
    keystone.options.hidesForeignMembers = true;
    const { users: hidden } = (await call('GET', `/groups/${group}/users`)).body;
    expect(hidden?.map(({ id }) => id)).toEqual([own]);
  });

  it('has names without the white space around them', async () => {
    expect((await call('POST', '/users', { user: { name: ' jane ' } })).body.user?.name).toBe('jane');
  });
});

describe('lists', () => {
  it('are empty, not refused, for a domain that the token is not scoped to', async () => {
    await call('POST', '/users', { user: { name: 'jane' } });
    expect((await call('GET', '/users')).body.users).toHaveLength(1);
    expect(await call('GET', '/users?domain_id=default')).toMatchObject({ status: 200, body: { users: [] } });
    expect(await call('GET', '/groups?domain_id=nowhere')).toMatchObject({ status: 200, body: { groups: [] } });
    expect((await call('GET', '/domains/workforce')).status).toBe(200);
    expect((await call('GET', '/domains/nowhere')).status).toBe(404);
  });

  it('say that a limit cut them, or name the next page where this Keystone pages', async () => {
    for (const name of ['a', 'b', 'c']) await call('POST', '/users', { user: { name } });
    keystone.options.listLimit = 2;
    const cut = await call('GET', '/users');
    expect(cut.body.users).toHaveLength(2);
    expect(cut.body.truncated).toBe(true);

    keystone.options.pages = true;
    const seen: string[] = [];
    let next: string | null = `${keystone.origin}/v3/users?limit=2`;
    while (next !== null) {
      const page = await call('GET', next.slice(`${keystone.origin}/v3`.length));
      seen.push(...(page.body.users ?? []).map((user) => user.name));
      next = page.body.links?.next ?? null;
    }
    expect(seen.sort()).toEqual(['a', 'b', 'c']);
  });
});

describe('faults', () => {
  it('hit one object where the fault names it, after the calls that are let through', async () => {
    keystone.faults.add({ kind: 'forbidden', operation: 'GET /v3/groups/{id}/users', target: 'f00', count: 'always' });
    keystone.faults.add({ kind: 'throttled', operation: 'GET /v3/users', skip: 1, retryAfterSeconds: 7 });
    expect((await call('GET', '/groups/f00/users')).status).toBe(403);
    expect((await call('GET', '/groups/ba4/users')).status).toBe(404);
    expect((await call('GET', '/users')).status).toBe(200);
    expect((await call('GET', '/users')).status).toBe(429);
    expect((await call('GET', '/users')).status).toBe(200);
  });

  it('reset a connection after the effect', async () => {
    keystone.faults.add({ kind: 'resetAfter', operation: 'POST /v3/users' });
    await expect(call('POST', '/users', { user: { name: 'jane' } })).rejects.toThrow();
    expect(keystone.calls()['POST /v3/users']).toBe(1);
    expect((await call('GET', '/users?name=jane')).body.users).toHaveLength(1);
  });
});
