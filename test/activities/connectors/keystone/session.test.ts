/** Tokens, scopes and answers that no well-behaved Keystone gives, from a server that says what it is told to. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { serveKeystone } from '../../../../sandbox/keystone/server.js';
import { connectTo, domain, endsOf, everything, objectsOf } from './sandbox-domain.js';

interface Scripted {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  server = undefined;
});

type Script = (request: IncomingMessage, path: string) => Scripted | Promise<Scripted>;

async function serveScript(answer: Script): Promise<string> {
  const started = createServer((request, response) => {
    request.resume().on('end', () => {
      void Promise.resolve(answer(request, new URL(request.url ?? '/', 'http://x').pathname)).then((scripted) => {
        response.writeHead(scripted.status, { 'content-type': 'application/json', ...scripted.headers });
        response.end(scripted.body === undefined ? undefined : JSON.stringify(scripted.body));
      });
    });
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(started.address() as AddressInfo).port}`;
}

function tokenAnswer(scope: string | undefined, id = 'token', seconds = 3600): Scripted {
  const issued = new Date('2026-01-01T00:00:00Z');
  const token = {
    issued_at: issued.toISOString(),
    expires_at: new Date(issued.getTime() + seconds * 1_000).toISOString(),
    user: { id: 'service', name: 'concordat', domain: { id: 'default' } },
    roles: [{ name: 'admin' }],
    ...(scope === undefined ? {} : { domain: { id: scope } }),
  };
  return { status: 201, body: { token }, headers: { 'x-subject-token': id } };
}

const links = { self: '', next: null, previous: null };

describe('a token', () => {
  it.each([undefined, 'elsewhere'])(
    'that is scoped to %s makes no list complete, and nothing is written',
    async (scope) => {
      const asked: string[] = [];
      const origin = await serveScript((request, path) => {
        asked.push(`${request.method} ${path}`);
        if (path === '/v3/auth/tokens') return tokenAnswer(scope);
        if (path.startsWith('/v3/domains/')) return { status: 200, body: { domain: { id: domain } } };
        return { status: 200, body: { users: [], groups: [], links } };
      });
      const connector = connectTo(origin);
      const items = await everything(connector);
      expect(objectsOf(items)).toEqual([]);
      expect(endsOf(items)).toEqual(['users wrongAccount', 'groups wrongAccount']);
      expect(await connector.probe()).toMatchObject({ authenticated: true, code: 'wrongAccount' });
      await expect(connector.readOne('user', 'x')).rejects.toMatchObject({ code: 'wrongAccount' });
      await expect(connector.findTwin('user', { name: 'x' })).rejects.toMatchObject({ code: 'wrongAccount' });
      const answer = await connector.write({ kind: 'create', type: 'user', after: { name: 'x' } });
      expect(answer).toMatchObject({ kind: 'refused', code: 'wrongAccount' });
      expect(asked).not.toContain('POST /v3/users');
    },
  );

  it('that changes its scope between two pages makes the rest incomplete', async () => {
    let scope = domain;
    const origin = await serveScript((request, path) => {
      if (path === '/v3/auth/tokens') return tokenAnswer(scope, scope);
      if (path.startsWith('/v3/domains/')) return { status: 200, body: {} };
      if (path === '/v3/groups') return { status: 200, body: { groups: [], links } };
      if (request.url?.includes('marker')) {
        // The first token was revoked; the one that follows it sees nothing.
        if (request.headers['x-auth-token'] === 'elsewhere') return { status: 200, body: { users: [], links } };
        scope = 'elsewhere';
        return { status: 401 };
      }
      const next = '/v3/users?marker=ada';
      return { status: 200, body: { users: [{ id: 'ada', domain_id: domain }], links: { ...links, next } } };
    });
    expect(endsOf(await everything(connectTo(origin)))).toEqual(['users wrongAccount', 'groups wrongAccount']);
  });

  it('is asked for once by all who need it, and again once the second of a revocation has passed', async () => {
    const issuedAt: number[] = [];
    let revoked = false;
    const origin = await serveScript((request, path) => {
      if (path === '/v3/auth/tokens') {
        issuedAt.push(performance.now());
        return tokenAnswer(domain, `token ${issuedAt.length}`);
      }
      if (revoked && request.headers['x-auth-token'] === 'token 1') return { status: 401 };
      return { status: 200, body: { user: { id: 'x', name: 'x', domain_id: domain } } };
    });
    const connector = connectTo(origin, {}, { timing: {} });
    const readFive = () => Promise.all(Array.from({ length: 5 }, () => connector.readOne('user', 'x')));
    await readFive();
    expect(issuedAt).toHaveLength(1);
    revoked = true;
    const revokedAt = performance.now();
    await readFive();
    expect(issuedAt).toHaveLength(2);
    expect((issuedAt[1] ?? 0) - revokedAt).toBeGreaterThan(1_000);
  });

  it('that was replaced already is not replaced again by a refusal that comes late', async () => {
    let issued = 0;
    let refuseLate: (answer: Scripted) => void = () => undefined;
    const late = new Promise<Scripted>((resolve) => (refuseLate = resolve));
    const origin = await serveScript((request, path) => {
      if (path === '/v3/auth/tokens') return tokenAnswer(domain, `token ${(issued += 1)}`);
      if (request.headers['x-auth-token'] !== 'token 1') return { status: 404 };
      return path === '/v3/users/late' ? late : { status: 401 };
    });
    const connector = connectTo(origin);
    const waiting = connector.readOne('user', 'late');
    await connector.readOne('user', 'early');
    expect(issued).toBe(2);
    refuseLate({ status: 401 });
    expect(await waiting).toBeNull();
    expect(issued).toBe(2);
  });

  it('that has ended is replaced before it is used, by the length of its life and not by the clock of the cloud', async () => {
    let issued = 0;
    const origin = await serveScript((_, path) => {
      if (path === '/v3/auth/tokens') {
        issued += 1;
        // Far in the past by our clock; the first lives no time at all.
        return tokenAnswer(domain, 'token', issued === 1 ? 0 : 3600);
      }
      return { status: 404 };
    });
    const connector = connectTo(origin);
    for (let count = 0; count < 4; count += 1) await connector.readOne('user', 'x');
    expect(issued).toBe(2);
  });
});

describe('an endpoint', () => {
  it('that does not know the domain has no empty domain', async () => {
    const origin = await serveScript((_, path) => {
      if (path === '/v3/auth/tokens') return tokenAnswer(domain);
      if (path.startsWith('/v3/domains/')) return { status: 404 };
      return { status: 200, body: { users: [], groups: [], links } };
    });
    expect(endsOf(await everything(connectTo(origin)))).toEqual(['users scopeNotFound', 'groups scopeNotFound']);
  });

  it('that names a twin of another domain, or of another spelling, is believed in the spelling only', async () => {
    const users = [
      { id: '1', name: 'ada', domain_id: 'elsewhere' },
      { id: '2', name: 'ADA', domain_id: domain },
      { id: '3', name: 'bo', domain_id: domain },
    ];
    const origin = await serveScript((_, path) =>
      path === '/v3/auth/tokens' ? tokenAnswer(domain) : { status: 200, body: { users, links } },
    );
    const connector = connectTo(origin);
    expect((await connector.findTwin('user', { name: 'ada' }))?.id).toBe('2');
    expect((await connector.findTwin('user', { name: 'bo' }))?.id).toBe('3');
    expect(await connector.findTwin('user', { name: 'cy' })).toBeNull();
  });

  it('that redirects is not followed with the token', async () => {
    let carried: string | string[] | undefined;
    const elsewhere = createServer((request, response) => {
      carried = request.headers['x-auth-token'];
      response.end('{}');
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    const location = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`;
    const origin = await serveScript((_, path) =>
      path === '/v3/auth/tokens' ? tokenAnswer(domain) : { status: 307, headers: { location } },
    );
    const connector = connectTo(origin);
    expect(endsOf(await everything(connector))).toEqual(['users unexpectedAnswer', 'groups unexpectedAnswer']);
    const answer = await connector.write({ kind: 'create', type: 'user', after: { name: 'x' } });
    expect(answer).toMatchObject({ kind: 'unknown', code: 'effectUnknown' });
    expect(carried).toBeUndefined();
    await new Promise((resolve) => elsewhere.close(resolve));
  });

  it('whose next page is on another host, or is the same page, is not followed', async () => {
    const queries: (string | undefined)[] = [];
    const origin = await serveScript((request, path) => {
      if (path === '/v3/auth/tokens') return tokenAnswer(domain);
      if (path === '/v3/groups') return { status: 200, body: { groups: [], links } };
      if (path === '/v3/users') queries.push(request.url);
      const next = 'http://elsewhere.invalid/v3/users?marker=a';
      return { status: 200, body: { users: [{ id: 'a' }], links: { ...links, next } } };
    });
    expect(endsOf(await everything(connectTo(origin)))).toEqual(['users unexpectedAnswer', 'groups true']);
    expect(queries.map((url) => new URLSearchParams(url?.replace(/^[^?]*/, '')).get('marker'))).toEqual([null, 'a']);
  });

  it('whose records lost their ids makes the scope incomplete, and a record that gained properties keeps them', async () => {
    const origin = await serveScript((_, path) => {
      if (path === '/v3/auth/tokens') return tokenAnswer(domain);
      if (path === '/v3/groups') return { status: 200, body: { groups: [{ name: 'no id' }], links } };
      return { status: 200, body: { users: [{ id: 'a', name: 7, rank: { level: 1 } }], links } };
    });
    const items = await everything(connectTo(origin));
    expect(endsOf(items)).toEqual(['users true', 'groups unexpectedAnswer']);
    expect(objectsOf(items)).toEqual([{ type: 'user', id: 'a', body: { name: 7, rank: { level: 1 } } }]);
  });

  it('whose marker is gone loses the cursor, so that the read starts again', async () => {
    const origin = await serveScript((request, path) => {
      if (path === '/v3/auth/tokens') return tokenAnswer(domain);
      if (request.url?.includes('marker')) return { status: 404 };
      const next = '/v3/users?marker=a';
      return { status: 200, body: { users: [{ id: 'a' }], links: { ...links, next } } };
    });
    await expect(everything(connectTo(origin))).rejects.toMatchObject({ code: 'cursorLost' });
  });

  it('that created something without saying which has an unknown effect', async () => {
    const origin = await serveScript((_, path) => (path === '/v3/auth/tokens' ? tokenAnswer(domain) : { status: 201 }));
    const answer = await connectTo(origin).write({ kind: 'create', type: 'user', after: { name: 'x' } });
    expect(answer).toMatchObject({ kind: 'unknown', code: 'effectUnknown' });
  });

  it('whose paged groups are in no order is told page by page, so that no cursor stands inside a page', async () => {
    const ids = ['m', 'c', 'x', 'a', 'q', 'b', 'z', 'k', 'd', 'e'];
    const origin = await serveScript((request, path) => {
      if (path === '/v3/auth/tokens') return tokenAnswer(domain);
      if (path === '/v3/users') return { status: 200, body: { users: [], links } };
      if (path === '/v3/groups') {
        const second = request.url?.includes('marker') === true;
        const groups = (second ? ['y', 'f'] : ids).map((id) => ({ id, domain_id: domain }));
        return { status: 200, body: { groups, links: { ...links, next: second ? null : '?marker=e' } } };
      }
      return { status: 200, body: { users: [], links } };
    });
    const items = await everything(connectTo(origin));
    const pages = items.flatMap((item) => (item.kind === 'objects' ? [item.objects.length] : []));
    expect(pages).toEqual([10, 2]);
    for (const [index, item] of items.entries()) {
      expect(await everything(connectTo(origin), item.cursor)).toEqual(items.slice(index + 1));
    }
  });
});

describe('the doctor', () => {
  it('learns of credentials that are missing or wrong, and shows no secret', async () => {
    const keystone = await serveKeystone();
    const missing = connectTo(keystone.origin, {}, { environment: { OS_USERNAME: 'concordat' } });
    expect(await missing.probe()).toMatchObject({ authenticated: false, code: 'credentialsMissing' });
    expect(await missing.write({ kind: 'create', type: 'user', after: { name: 'x' } })).toMatchObject({
      kind: 'refused',
      code: 'credentialsMissing',
    });
    const environment = { OS_USERNAME: 'concordat', OS_PASSWORD: 'not-this-one' };
    const wrong = await connectTo(keystone.origin, {}, { environment }).probe();
    expect(wrong).toMatchObject({ reachable: true, authenticated: false, code: 'credentialsRejected' });
    expect(JSON.stringify(wrong)).not.toContain('not-this-one');
    keystone.faults.add({ kind: 'forbidden', operation: 'GET /v3/groups', count: 'always' });
    const confined = await connectTo(keystone.origin).probe();
    expect(confined.permissions.map(({ held }) => held)).toEqual([false, true]);
    expect(confined.code).toBe('forbidden');
    await keystone.close();
  });
});
