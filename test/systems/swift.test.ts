/**
 * The swift connector against Swift itself: the cases of every store of objects, what Swift does not refuse, and what the
 * connector makes of that: no change of somebody else is lost without a word.
 */
import { createServer, request as onward, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSwiftConnector } from '../../activities/connectors/swift/connector.js';
import type { Limits, SwiftMesh } from '../../activities/connectors/swift/config.js';
import type { Connector } from '../../activities/connectors/connector.js';
import { describeObjectStore, type ObjectWorld } from '../conformance/object-suite.js';
import { collect, endsIn } from '../conformance/scene.js';
import { startKeystone } from '../support/systems/keystone.js';
import { startSwift, type Swift } from '../support/systems/swift.js';
import { missingWords } from '../support/systems/system.js';

const system = await startSwift();
if (system.kind === 'missing') process.stderr.write(`${missingWords(system)}\n`);
afterAll(async () => {
  if (system.kind === 'available') await system.stop();
});

function available(): Swift {
  if (system.kind === 'missing') throw new Error('skipped where it is missing');
  return system;
}

const files: SwiftMesh['files'] = { parcel: { file: 'parcels.jsonl', format: 'jsonLines', key: ['id'] } };

const meshOf = (of: SwiftMesh['files'], change: Partial<SwiftMesh> = {}): SwiftMesh => ({
  kind: 'swift',
  endpoint: available().endpoint,
  userFrom: 'OS_USERNAME',
  passwordFrom: 'OS_PASSWORD',
  userDomain: 'default',
  interface: 'public',
  container: 'records',
  prefix: 'daily/',
  files: of,
  ...change,
});

async function asked(...[method, path, headers, body]: Parameters<Swift['request']>): Promise<Response> {
  const answer = await available().request(method, path, headers, body);
  if (!answer.ok) throw new Error(`${method} answered ${answer.status}`);
  return answer;
}

const place = (name: string): string => `/records/daily/${name}`;
const put = async (name: string, bytes: string | Buffer, headers: Readonly<Record<string, string>> = {}) => {
  const answer = await asked('PUT', place(name), headers, typeof bytes === 'string' ? bytes : new Uint8Array(bytes));
  return answer.headers.get('x-object-version-id') ?? '';
};
/** Not as `text()` of fetch, which takes a byte order mark away. */
const held = async (name: string): Promise<string> =>
  Buffer.from(await (await asked('GET', place(name))).arrayBuffer()).toString();

interface Listed {
  readonly name: string;
}

/** Old versions stay, as in every container that keeps them. */
async function emptied(): Promise<void> {
  await asked('PUT', '/records', { 'x-versions-enabled': 'true' });
  const listed = (await (await asked('GET', '/records?format=json')).json()) as readonly Listed[];
  for (const { name } of listed) await asked('DELETE', `/records/${name}`);
}

const more = { 'content-type': 'application/x-ndjson', 'x-object-meta-owner': 'harbour' };

function worldOf({ name, version, environment, origin }: Swift): ObjectWorld {
  return {
    name: 'swift',
    layouts: ['files'],
    valueRuns: 2,
    system: { name, version, environment },
    origin,
    label: 'records/',
    mesh: meshOf,
    nowhere: (of) => meshOf(of, { container: 'nowhere' }),
    through: (of, port) => meshOf(of, { storageUrl: `http://127.0.0.1:${port}/v1/AUTH_test` }),
    emptied,
    put: async (file, bytes) => void (await put(file, bytes)),
    held,
    remove: async (file) => void (await asked('DELETE', place(file))),
    putWithMore: async (file, text) => void (await put(file, text, more)),
    expectMore: async (file) => {
      const { headers } = await asked('HEAD', place(file));
      expect(Object.fromEntries(headers)).toMatchObject(more);
    },
    busy: { status: 498 },
    forbidden: { status: 403 },
    rejected: { status: 401 },
    fault: () => ({ headers: { 'content-type': 'text/html' }, body: '<p>of the secret row a</p>' }),
  };
}

describeObjectStore('swift', system.kind === 'missing' ? system : worldOf(system));

const connectorOver = (change: Partial<SwiftMesh> = {}, limits: Partial<Limits> = {}): Connector =>
  createSwiftConnector({
    mesh: meshOf(files, change),
    environment: available().environment,
    limits: { backOffBaseMs: 1, backOffMaxMs: 5, readAttemptsMax: 3, writeAttemptsMax: 4, ...limits },
  });
const endsOf = async (connector: Connector) => endsIn(await collect(connector.readAll({})));
const create = (id: string) => ({ kind: 'create', type: 'parcel', after: { id } }) as const;

describe.skipIf(system.kind === 'missing')('Swift', () => {
  beforeEach(emptied);

  it('takes a put that names another version: a condition is none there', async () => {
    await put('parcels.jsonl', 'first');
    await put('parcels.jsonl', 'second', { 'if-match': '"0123456789abcdef0123456789abcdef"' });
    expect(await held('parcels.jsonl')).toBe('second');
  });

  it('is written only where its container keeps versions, and the doctor says so', async () => {
    await asked('PUT', '/bare');
    await asked('PUT', '/bare/daily/parcels.jsonl', {}, '{"id":"a"}\n');
    const connector = connectorOver({ container: 'bare' });
    expect(await endsOf(connector)).toEqual(['parcel']);
    expect(await connector.write(create('b'))).toMatchObject({ kind: 'refused', code: 'versionsNotKept' });
    expect(await connector.probe()).toMatchObject({
      code: 'versionsNotKept',
      detail: expect.stringContaining('X-Versions-Enabled') as string,
      permissions: [{ held: true }, { held: false }],
    });
    expect(await (await asked('GET', '/bare/daily/parcels.jsonl')).text()).toBe('{"id":"a"}\n');
    // What was put before versions were kept is the first of them.
    await asked('POST', '/bare', { 'x-versions-enabled': 'true' });
    expect(await connector.write(create('b'))).toMatchObject({ kind: 'applied' });
    expect(await connector.write(create('c'))).toMatchObject({ kind: 'applied' });
    expect(await endsOf(connector)).toEqual(['parcel']);
    expect(await (await asked('GET', '/bare/daily/parcels.jsonl')).text()).toBe('{"id":"a"}\n{"id":"b"}\n{"id":"c"}\n');
  });

  it('shows objects of segments and compressed ones as incomplete, and they are not written', async () => {
    for (const headers of [{ 'content-encoding': 'gzip' }, { 'x-object-manifest': 'records/segments/' }]) {
      await put('parcels.jsonl', '{"id":"a"}\n', headers);
      expect(await endsOf(connectorOver())).toEqual(['parcel: objectNotPlain']);
      expect(await connectorOver().write(create('b'))).toMatchObject({ kind: 'refused', code: 'objectNotPlain' });
    }
    await put('parcels.jsonl', '{"id":"a"}\n');
    expect(await connectorOver({}, { objectBytesMax: 20 }).write(create('b'))).toMatchObject({
      kind: 'refused',
      code: 'valueNotRepresentable',
    });
    expect(await held('parcels.jsonl')).toBe('{"id":"a"}\n');
  });

  it('answers 403 to a user without rights, and to a wrong password not at all', async () => {
    await put('parcels.jsonl', '{"id":"a"}\n');
    const as = (name: string, password: string) =>
      createSwiftConnector({
        mesh: meshOf(files),
        environment: { OS_USERNAME: name, OS_PASSWORD: password },
        limits: { backOffBaseMs: 1, backOffMaxMs: 5, readAttemptsMax: 2 },
      });
    expect(await endsOf(as('test:reader', 'reading'))).toEqual(['parcel: forbidden']);
    expect(await as('test:reader', 'reading').write(create('b'))).toMatchObject({ kind: 'refused', code: 'forbidden' });
    await asked('POST', '/records', { 'x-container-read': 'test:reader' });
    expect(await as('test:reader', 'reading').probe()).toMatchObject({
      permissions: [{ held: true }, { held: false }],
    });
    await asked('POST', '/records', { 'x-remove-container-read': 'x' });
    expect(await as('test:tester', 'wrong').probe()).toMatchObject({
      authenticated: false,
      code: 'credentialsRejected',
    });
    await expect(collect(as('test:tester', '').readAll({}))).rejects.toMatchObject({ code: 'credentialsMissing' });
  });
});

describe.skipIf(system.kind === 'missing')('a put that crosses another', () => {
  let server: Server;
  let before: (method: string, url: string) => Promise<number | undefined>;
  beforeEach(async () => {
    await emptied();
    before = () => Promise.resolve(undefined);
    const target = new URL(available().origin);
    server = createServer((incoming, outgoing) => {
      const { method = '', url = '', headers } = incoming;
      void before(method, url).then((status) => {
        if (status !== undefined) {
          incoming.resume();
          outgoing.writeHead(status).end();
          return;
        }
        const passed = onward({ host: target.hostname, port: target.port, method, path: url, headers }, (answer) => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(outgoing);
        });
        passed.on('error', () => {
          if (!outgoing.headersSent) outgoing.destroy();
        });
        incoming.pipe(passed);
      });
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });
  const through = (limits: Partial<Limits> = {}): Connector => {
    const { port } = server.address() as AddressInfo;
    return connectorOver({ storageUrl: `http://127.0.0.1:${port}/v1/AUTH_test` }, limits);
  };

  it('lists as many names at once as the authority file says', async () => {
    const urls: string[] = [];
    before = (_method, url) => Promise.resolve(void urls.push(url));
    await put('parcels/a.jsonl', '{"id":"a"}\n');
    const { port } = server.address() as AddressInfo;
    const parts: SwiftMesh['files'] = { parcel: { parts: 'parcels/', format: 'jsonLines', key: ['id'] } };
    const change = { storageUrl: `http://127.0.0.1:${port}/v1/AUTH_test`, files: parts, pageSize: 1 };
    expect(await endsOf(connectorOver(change))).toEqual(['parcel']);
    expect(urls.filter((url) => url.includes('limit=')).every((url) => url.includes('limit=1&'))).toBe(true);
    expect(urls.filter((url) => url.includes('limit=1&')).length).toBeGreaterThan(1);
  });

  it('puts back what it did not see, and is made again from it', async () => {
    await put('parcels.jsonl', '{"id":"a"}\n');
    let puts = 0;
    before = async (method) => {
      // Right between the look at the newest version and the put.
      if (method === 'PUT' && (puts += 1) === 1) await put('parcels.jsonl', '{"id":"a"}\n{"id":"theirs"}\n');
      return undefined;
    };
    expect(await through().write(create('ours'))).toEqual({ kind: 'applied', id: 'ours' });
    expect(puts).toBe(3);
    expect(await held('parcels.jsonl')).toBe('{"id":"a"}\n{"id":"theirs"}\n{"id":"ours"}\n');
    expect(await endsOf(connectorOver())).toEqual(['parcel']);
  });

  it('over a change of the same row is a conflict, and their row stands', async () => {
    await put('parcels.jsonl', '{"id":"a","note":"x"}\n');
    let puts = 0;
    before = async (method) => {
      if (method === 'PUT' && (puts += 1) === 1) await put('parcels.jsonl', '{"id":"a","note":"theirs"}\n');
      return undefined;
    };
    const [note, ours] = [
      { id: 'a', note: 'x' },
      { id: 'a', note: 'ours' },
    ];
    const write = { kind: 'update', type: 'parcel', id: 'a', before: note, after: ours } as const;
    expect(await through().write(write)).toMatchObject({ kind: 'conflict', code: 'expectationFailed' });
    expect(await held('parcels.jsonl')).toBe('{"id":"a","note":"theirs"}\n');
  });

  it('is never silent: where it cannot be put right, the write, every read and the doctor say so until somebody puts the object', async () => {
    await put('parcels.jsonl', '{"id":"a"}\n');
    let puts = 0;
    before = async (method) => {
      if (method !== 'PUT') return undefined;
      puts += 1;
      if (puts === 1) await put('parcels.jsonl', '{"id":"a"}\n{"id":"theirs"}\n');
      // What puts it back does not arrive: as if the worker had died there.
      return puts === 1 ? undefined : 403;
    };
    expect(await through().write(create('ours'))).toMatchObject({ kind: 'unknown', code: 'versionsCrossed' });
    expect(await held('parcels.jsonl')).toBe('{"id":"a"}\n{"id":"ours"}\n');
    const other = connectorOver();
    expect(await endsOf(other)).toEqual(['parcel: versionsCrossed']);
    expect(await other.write(create('b'))).toMatchObject({ kind: 'refused', code: 'versionsCrossed' });
    expect(await other.probe()).toMatchObject({ code: 'versionsCrossed' });
    await put('parcels.jsonl', '{"id":"a"}\n{"id":"ours"}\n{"id":"theirs"}\n');
    expect(await endsOf(other)).toEqual(['parcel']);
    expect(await other.write(create('b'))).toMatchObject({ kind: 'applied' });
  });

  it('is found by the next read where the other began first and ended last', async () => {
    const first = await put('parcels.jsonl', '{"id":"a"}\n');
    await put('parcels.jsonl', '{"id":"a"}\n{"id":"theirs"}\n');
    await put('parcels.jsonl', '{"id":"a"}\n{"id":"ours"}\n', { 'x-object-meta-concordat-over': first });
    expect(await endsOf(connectorOver())).toEqual(['parcel: versionsCrossed']);
  });

  it('is unknown where the versions cannot be looked at afterwards', async () => {
    await put('parcels.jsonl', '{"id":"a"}\n');
    before = (_method, url) => Promise.resolve(url.includes('versions') ? 503 : undefined);
    expect(await through().write(create('b'))).toMatchObject({ kind: 'unknown', code: 'effectUnknown' });
  });

  it('renews a token that ended, and sends the same bytes again', async () => {
    await put('parcels.jsonl', '{"id":"a"}\n');
    const refused = new Set<string>();
    before = (method) => {
      const is = refused.has(method);
      refused.add(method);
      return Promise.resolve(is ? undefined : 401);
    };
    expect(await through().write(create('b'))).toMatchObject({ kind: 'applied' });
    expect([...refused].sort()).toEqual(['GET', 'HEAD', 'PUT']);
    expect(await held('parcels.jsonl')).toBe('{"id":"a"}\n{"id":"b"}\n');
  });

  it('of workers that do not know of each other keeps the rows of all, or says that it does not', async () => {
    await put('parcels.jsonl', '');
    // Another address is another process as far as taking turns goes.
    const { port } = server.address() as AddressInfo;
    const addresses = [available().origin, `http://127.0.0.1:${port}`, `http://localhost:${port}`];
    const workers = addresses.map((origin) =>
      connectorOver(
        { endpoint: `${origin}/auth/v1.0`, storageUrl: `${origin}/v1/AUTH_test` },
        { writeAttemptsMax: 20 },
      ),
    );
    const ids = Array.from({ length: 6 }, (_, at) => `p${at}`);
    const answers = await Promise.all(ids.map((id, at) => (workers[at % 3] as Connector).write(create(id))));
    const rows = await held('parcels.jsonl');
    const ends = await endsOf(connectorOver());
    const missing = ids.filter((id, at) => answers[at]?.kind === 'applied' && !rows.includes(`"${id}"`));
    if (missing.length > 0) expect(ends).toEqual(['parcel: versionsCrossed']);
    expect(answers.filter(({ kind }) => kind === 'applied').length).toBeGreaterThan(0);
  });
});

describe('a token of Keystone', () => {
  it('is of the project, and leads to the account that the catalog names for the region', async (context) => {
    const keystone = await startKeystone();
    if (keystone.kind === 'missing') return context.skip(missingWords(keystone));
    // Instead of Swift, which would ask Keystone for the same: whose token is it?
    const asked: string[] = [];
    const server = createServer((incoming, outgoing) => {
      const token = String(incoming.headers['x-auth-token']);
      void fetch(`${identity}/auth/tokens`, { headers: { 'x-auth-token': token, 'x-subject-token': token } })
        .then((answer) => answer.json())
        .then((body) => {
          const { token: told } = body as { readonly token?: { readonly project?: { readonly id: string } } };
          asked.push(`${incoming.method ?? ''} ${incoming.url ?? ''} of ${told?.project?.id ?? 'nobody'}`);
          outgoing.writeHead(404).end();
        });
    });
    const identity = keystone.mesh.kind === 'keystone' ? keystone.mesh.endpoint : '';
    try {
      await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
      const { admin } = keystone;
      const must = async (method: string, path: string, body?: object): Promise<Record<string, { id: string }>> => {
        const answer = await admin.request(method, path, body);
        if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}`);
        return (answer.body ?? {}) as Record<string, { id: string }>;
      };
      const { project } = await must('POST', '/projects', { project: { name: 'harbour', domain_id: 'default' } });
      const user = { name: 'quay', domain_id: 'default', password: 'quayside' };
      const made = await must('POST', '/users', { user });
      const { roles } = (await admin.request('GET', '/roles?name=admin')).body as {
        readonly roles: readonly { id: string }[];
      };
      await must('PUT', `/projects/${project?.id}/users/${made['user']?.id}/roles/${roles[0]?.id}`);
      const { service } = await must('POST', '/services', { service: { type: 'object-store', name: 'swift' } });
      for (const [region, port] of [
        ['north', 9],
        ['south', (server.address() as AddressInfo).port],
      ] as const) {
        await must('POST', '/regions', { region: { id: region } });
        const url = `http://127.0.0.1:${port}/v1/AUTH_$(project_id)s`;
        const endpoint = { interface: 'public', region_id: region, url, service_id: service?.id };
        await must('POST', '/endpoints', { endpoint });
      }
      const over = (change: Partial<SwiftMesh>, password = 'quayside'): Connector =>
        createSwiftConnector({
          mesh: {
            kind: 'swift',
            endpoint: identity,
            project: project?.id ?? '',
            region: 'south',
            userFrom: 'OS_USERNAME',
            passwordFrom: 'OS_PASSWORD',
            userDomain: 'default',
            interface: 'public',
            container: 'records',
            prefix: 'daily/',
            files,
            ...change,
          },
          environment: { OS_USERNAME: 'quay', OS_PASSWORD: password },
          limits: { readAttemptsMax: 2, backOffBaseMs: 1 },
        });
      expect(await endsOf(over({}))).toEqual(['parcel: scopeNotFound']);
      expect(asked).toEqual([`GET /v1/AUTH_${project?.id}/records/daily/parcels.jsonl of ${project?.id}`]);
      expect(await over({ region: 'west' }).probe()).toMatchObject({ code: 'scopeNotFound' });
      expect(await over({ interface: 'internal' }).probe()).toMatchObject({ code: 'scopeNotFound' });
      for (const rejected of [over({ project: 'nobody' }), over({}, 'wrong')])
        expect(await rejected.probe()).toMatchObject({ authenticated: false, code: 'credentialsRejected' });
      expect(asked).toHaveLength(1);
    } finally {
      server.closeAllConnections();
      server.close();
      await keystone.stop();
    }
  });
});
