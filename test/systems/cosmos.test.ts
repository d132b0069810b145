/**
 * The cosmos connector against cosmosdb-server, which is neither ours nor Microsoft's: the cases of every store of records, and
 * what only Cosmos DB has. What that stand-in lacks (429, lost answers, rights) is put between the two.
 */
import { createServer, request as onward, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCosmosConnector } from '../../activities/connectors/cosmos/connector.js';
import type { CosmosMesh } from '../../activities/connectors/cosmos/config.js';
import type { Connector } from '../../activities/connectors/connector.js';
import type { JsonObject } from '../../core/json.js';
import { batchCases } from '../conformance/batch-cases.js';
import { recordedHolds } from '../conformance/pace-cases.js';
import { recordCases } from '../conformance/record-cases.js';
import { holdsEveryValue, sampleMap } from '../conformance/record-types.js';
import { collect, endsIn } from '../conformance/scene.js';
import { describeWorld } from '../conformance/suite.js';
import { connectorFor, systemWorld } from '../conformance/world.js';
import { startCosmosdbServer, type CosmosdbServer } from '../support/systems/cosmosdb-server.js';
import { missingWords } from '../support/systems/system.js';

const system = await startCosmosdbServer();
if (system.kind === 'missing') process.stderr.write(`${missingWords(system)}\n`);
afterAll(async () => {
  if (system.kind === 'available') await system.stop();
});

function available(): CosmosdbServer {
  if (system.kind === 'missing') throw new Error('skipped where it is missing');
  return system;
}

const containers: CosmosMesh['containers'] = {
  parcel: { container: 'parcels', key: ['id'] },
  pair: { container: 'pairs', key: ['left', 'right'] },
};
const reset = (): Promise<void> => available().reset({ parcels: 'id', pairs: 'left', samples: 'id' });
const meshOf = (change: Partial<CosmosMesh> = {}): CosmosMesh => ({
  kind: 'cosmos',
  account: 'harbour',
  connectionFrom: 'AZURE_COSMOS_CONNECTION_STRING',
  // Given, so that no regions are looked for.
  endpoint: available().endpoint,
  database: 'records',
  containers,
  ...change,
});

describeWorld(
  'cosmos',
  [],
  () => {
    if (system.kind === 'missing') return Promise.resolve(systemWorld(system, []));
    const { name, version, endpoint, environment } = system;
    // The suite ends its world; the server is ended once for the whole file.
    const ends = { reset, stop: async () => undefined };
    return Promise.resolve(
      systemWorld({ kind: 'available', name, version, endpoint, environment, mesh: meshOf(), ...ends }, []),
    );
  },
  [],
  undefined,
  [...recordCases, ...batchCases],
);

const connectorOver = (change: Partial<CosmosMesh> = {}, pageSize = 2): Connector =>
  createCosmosConnector({
    mesh: meshOf(change),
    environment: available().environment,
    limits: { pageSize, backOffBaseMs: 1, backOffMaxMs: 5, readAttemptsMax: 2, throttledAttemptsMax: 4 },
  });
const items = (name: string) => available().administrator.database('records').container(name).items;
const read = async (connector: Connector, cursor?: string) => {
  const all = await collect(connector.readAll(cursor === undefined ? {} : { cursor }));
  return { ends: endsIn(all), objects: all.flatMap((item) => (item.kind === 'objects' ? item.objects : [])) };
};
const update = (before: JsonObject & { readonly id?: string }, after: JsonObject) =>
  ({ kind: 'update', type: 'parcel', id: before.id ?? '', before, after }) as const;

describe.skipIf(system.kind === 'missing')('items of Cosmos DB', () => {
  beforeEach(reset);

  it('hold values of every kind, those that a binary fraction would change as text', async () => {
    const samples: CosmosMesh['containers'] = { sample: { container: 'samples', key: ['id'] } };
    await holdsEveryValue(
      connectorOver({ containers: samples }),
      sampleMap({
        price: [{ number: 'json' }],
        weight: [{ unit: 'kg', times: '1000' }],
        localAt: [{ epoch: 'second' }],
        raw: [{ bytes: 'hex' }],
        tags: [{ set: true }],
      }),
      15,
    );
  });

  it('keep null, what is absent, and every property that a write does not name', async () => {
    const before = { id: 'a', name: 'A', none: null, deep: { list: [1, 'x', null, { is: true }] }, third: 0.1 };
    await items('parcels').create({ ...before });
    const connector = connectorOver();
    expect((await connector.readOne('parcel', 'a'))?.body).toEqual(before);
    const { name: _gone, ...rest } = before;
    expect(await connector.write(update(before, { ...rest, note: 'x' }))).toEqual({ kind: 'applied', id: 'a' });
    expect((await connector.readOne('parcel', 'a'))?.body).toEqual({ ...rest, note: 'x' });
  });

  it.each([
    ['a whole number beyond 2^53', { count: { $number: '9007199254740993' } }],
    ['a decimal of 20 digits', { price: { $number: '0.10000000000000000001' } }],
    ['a number that is none', { price: { $number: 'NaN' } }],
    ['a number too large', { price: { $number: '1e400' } }],
    ['such a number in a list', { tags: [{ deep: { $number: '9007199254740993' } }] }],
    ['half of a character', { name: '\ud800' }],
    ['a name of the service', { _etag: 'x' }],
    ['an id with a slash', { id: 'a/b' }],
    ['an id that ends in a space', { id: 'a ' }],
    ['an id of more than 1,023 bytes', { id: 'é'.repeat(512) }],
    ['more than 2 MB', { name: 'x'.repeat(2 * 1024 * 1024) }],
  ])('refuse %s and send nothing', async (_what, value) => {
    const connector = connectorOver();
    const announced: string[] = [];
    const write = { kind: 'create', type: 'parcel', after: { id: 'a', ...value } } as const;
    expect(await connector.write(write, async ({ call }) => void announced.push(call))).toMatchObject({
      kind: 'refused',
      code: 'valueNotRepresentable',
    });
    expect(announced).toEqual([]);
    expect((await read(connector)).objects).toEqual([]);
  });

  it('take a decimal that a binary fraction is', async () => {
    const connector = connectorOver();
    const after = {
      id: 'a',
      price: { $number: '0.10' },
      count: { $number: '9007199254740992' },
      large: { $number: '1e21' },
    };
    expect(await connector.write({ kind: 'create', type: 'parcel', after })).toEqual({ kind: 'applied', id: 'a' });
    expect((await connector.readOne('parcel', 'a'))?.body).toEqual({
      id: 'a',
      price: 0.1,
      count: 2 ** 53,
      large: 1e21,
    });
  });

  it('whose key is no text, or has another name, are incomplete; those that cannot be shown are opaque and not written', async () => {
    await items('pairs').create({ id: 'r', left: 'l' });
    await items('pairs').create({ id: 's', left: 5 });
    await items('parcels').create({ id: 'a', price: { $number: '5' } });
    await items('pairs').create({ id: 't', left: 'l', right: 'mine' });
    const connector = connectorOver({}, 1);
    const all = await read(connector);
    expect(all.ends).toEqual(['parcel', 'pair: rowUnreadable']);
    expect(all.objects.map(({ id, opaque }) => [id, opaque !== undefined])).toEqual([
      ['a', true],
      ['["l","r"]', false],
      ['["l","t"]', true],
    ]);
    const [a] = all.objects;
    expect(await connector.write(update({ ...a?.body, id: 'a' }, { id: 'a', note: 'x' }))).toMatchObject({
      kind: 'refused',
      code: 'opaqueRecord',
    });
  });

  it('of a container that is not there, or partitioned by something else, are incomplete and not empty', async () => {
    const elsewhere = connectorOver({ containers: { ...containers, parcel: { container: 'nowhere', key: ['id'] } } });
    expect((await read(elsewhere)).ends).toEqual(['parcel: scopeNotFound', 'pair']);
    expect(await elsewhere.probe()).toMatchObject({ reachable: true, code: 'scopeNotFound' });
    await expect(elsewhere.readOne('parcel', 'a')).rejects.toMatchObject({ code: 'scopeNotFound' });
    expect(await elsewhere.write({ kind: 'create', type: 'parcel', after: { id: 'a' } })).toMatchObject({
      kind: 'refused',
      code: 'scopeNotFound',
    });
    const otherwise = connectorOver({ containers: { pair: { container: 'pairs', key: ['right'] } } });
    expect((await read(otherwise)).ends).toEqual(['pair: scopeNotFound']);
  });

  it('that somebody changes between read and write keep that change, wherever it is', async () => {
    await items('parcels').create({ id: 'a', name: 'A' });
    const connector = connectorOver();
    const before = { id: 'a', name: 'A' };
    const theirs = async (note: string) => void (await items('parcels').upsert({ ...before, note }));
    const conflict = { kind: 'conflict', code: 'expectationFailed' };
    expect(await connector.write(update(before, { ...before, x: 1 }), () => theirs('first'))).toMatchObject(conflict);
    const now = { ...before, note: 'first' };
    const remove = { kind: 'delete', type: 'parcel', id: 'a', before: now, deletionMayRemove: [] } as const;
    expect(await connector.write(remove, () => theirs('again'))).toMatchObject(conflict);
    expect((await connector.readOne('parcel', 'a'))?.body).toEqual({ ...before, note: 'again' });
  });

  it('of another account than the authority file names are not touched', () => {
    const over = (connection: string) => () =>
      createCosmosConnector({ mesh: meshOf(), environment: { AZURE_COSMOS_CONNECTION_STRING: connection } });
    expect(over('AccountEndpoint=https://quay.documents.azure.com:443/;AccountKey=c2VjcmV0;')).toThrow(
      /another account/,
    );
    expect(over('secret')).toThrow(/no connection string/);
    expect(over('secret')).not.toThrow(/secret/);
  });
});

describe.skipIf(system.kind === 'missing')('between the connector and Cosmos DB', () => {
  let server: Server;
  const seen: string[] = [];
  type Met = { readonly status: number; readonly headers?: Readonly<Record<string, string>> } | 'lost' | undefined;
  let meet: (method: string) => Met = () => undefined;

  beforeEach(async () => {
    await reset();
    for (const id of ['a', 'b', 'c']) await items('parcels').create({ id });
    seen.length = 0;
    meet = () => undefined;
    const target = new URL(available().endpoint);
    server = createServer((incoming, outgoing) => {
      const { method = '', url, headers } = incoming;
      seen.push(method);
      const met = meet(method);
      if (met === undefined && method === 'GET' && url === '/') {
        // The account of several regions, all of them here: where the SDK would turn to with what it sends again.
        incoming.resume();
        const { port } = server.address() as AddressInfo;
        const regions = ['north', 'south'].map((name) => ({
          name,
          databaseAccountEndpoint: `http://127.0.0.1:${port}/`,
        }));
        const told = { writableLocations: regions, readableLocations: regions, enableMultipleWriteLocations: true };
        outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(told));
        return;
      }
      if (met !== undefined && met !== 'lost') {
        incoming.resume();
        outgoing.writeHead(met.status, { 'content-type': 'application/json', ...met.headers });
        outgoing.end(JSON.stringify({ code: 'x', message: 'of the secret item a' }));
        return;
      }
      const passed = onward({ host: target.hostname, port: target.port, method, path: url, headers }, (answer) => {
        if (met === 'lost') {
          answer.resume().once('end', () => outgoing.destroy());
          return;
        }
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(outgoing);
      });
      incoming.pipe(passed);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const through = (): Connector =>
    connectorOver({ endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` });
  const create = { kind: 'create', type: 'parcel', after: { id: 'd' } } as const;
  const idsThere = async () => (await read(connectorOver())).objects.map(({ id }) => id);

  it('a write whose answer is lost, or that meets a fault, is unknown and is sent once', async () => {
    meet = (method) => (method === 'POST' ? 'lost' : undefined);
    expect(await through().write(create)).toMatchObject({ kind: 'unknown', code: 'effectUnknown' });
    expect(seen.filter((method) => method === 'POST')).toHaveLength(1);
    expect(await idsThere()).toEqual(['a', 'b', 'c', 'd']);
    for (const status of [503, 500, 408]) {
      seen.length = 0;
      meet = (method) => (method === 'PUT' ? { status } : undefined);
      const answer = await through().write(update({ id: 'a' }, { id: 'a', note: 'x' }));
      expect(answer).toMatchObject({ kind: 'unknown', code: 'effectUnknown' });
      expect(JSON.stringify(answer)).not.toContain('secret');
      expect(seen.filter((method) => method === 'PUT')).toHaveLength(1);
    }
  });

  it('a batch reads each item once: its write takes the ETag of that read, and shows what it left', async () => {
    const connector = through();
    const { batches } = connector;
    if (!batches) throw new Error('it takes one item at a time');
    const ids = ['a', 'b', 'c'];
    const noted = ids.map((id) => ({ id, note: 'x' }));
    // The client asks for the account with its first request.
    await connector.readOne('parcel', 'a');
    seen.length = 0;
    await batches.readMany('parcel', ids);
    const answers = await batches.writeMany(noted.map((after) => update({ id: after.id }, after)));
    expect(answers).toMatchObject(noted.map((body) => ({ kind: 'applied', object: { id: body.id, body } })));
    expect([...seen].sort()).toEqual(['GET', 'GET', 'GET', 'PUT', 'PUT', 'PUT']);

    const read = await batches.readMany('parcel', ids);
    await items('parcels').upsert({ id: 'a', note: 'x', since: true });
    seen.length = 0;
    const writes = noted.map((before) => update(before, { ...before, note: 'y' }));
    expect(await batches.writeMany(writes)).toMatchObject([
      { kind: 'conflict', code: 'expectationFailed' },
      { kind: 'applied', object: { body: { id: 'b', note: 'y' } } },
      { kind: 'applied' },
    ]);
    expect(seen).toEqual(['PUT', 'PUT', 'PUT']);
    // A second write of the same item is after that one, so its own read counts.
    const again = { id: 'b', note: 'y' };
    expect(await batches.writeMany([update(again, { ...again, note: 'z' })])).toMatchObject([{ kind: 'applied' }]);
    expect(read.get('b')?.body).toEqual({ id: 'b', note: 'x' });

    // Whether the container itself is gone is asked once for all that are not there.
    seen.length = 0;
    expect((await batches.readMany('parcel', ['x', 'y', 'z'])).size).toBe(0);
    expect(seen).toEqual(['GET', 'GET', 'GET', 'GET']);
    await available().administrator.database('records').container('parcels').delete();
    await expect(batches.readMany('parcel', ['x', 'y'])).rejects.toMatchObject({ code: 'scopeNotFound' });
  });

  it('a write leaves once, also where the SDK knows of other regions to send it to', async () => {
    const { port } = server.address() as AddressInfo;
    const key = Buffer.from('any key').toString('base64');
    const { endpoint: _none, ...mesh } = meshOf();
    const connector = createCosmosConnector({
      mesh,
      environment: { AZURE_COSMOS_CONNECTION_STRING: `AccountEndpoint=http://127.0.0.1:${port}/;AccountKey=${key};` },
      limits: { readAttemptsMax: 2, backOffBaseMs: 1, requestTimeoutMs: 20_000 },
    });
    for (const met of [{ status: 503 }, 'lost'] as const) {
      seen.length = 0;
      meet = (method) => (method === 'PUT' ? met : undefined);
      const answer = await connector.write(update({ id: 'a' }, { id: 'a', note: 'x' }));
      expect(answer).toMatchObject({ kind: 'unknown', code: 'effectUnknown' });
      expect(seen.filter((method) => method === 'PUT')).toHaveLength(1);
    }
  });

  it('a request too many is waited for as long as Cosmos DB says, a read as well as a write', async () => {
    const busy = { status: 429, headers: { 'x-ms-retry-after-ms': '20' } };
    const times = new Map<string, number>();
    meet = (method) => {
      times.set(method, (times.get(method) ?? 0) + 1);
      return (times.get(method) ?? 0) <= 2 ? busy : undefined;
    };
    expect(await through().write(update({ id: 'a' }, { id: 'a', note: 'x' }))).toEqual({ kind: 'applied', id: 'a' });
    expect(times.get('PUT')).toBe(3);
    times.clear();
    const { makePace, holds } = recordedHolds();
    const own = meshOf({ endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` });
    const other = connectorFor(own, available().environment, { makePace });
    expect(await other.write({ ...create, after: { id: 'e' } })).toMatchObject({ kind: 'applied' });
    expect(holds.length).toBeGreaterThanOrEqual(2);
    expect(new Set(holds)).toEqual(new Set([20]));
    meet = (method) => (method === 'PUT' ? busy : undefined);
    expect(await through().write(update({ id: 'b' }, { id: 'b', note: 'x' }))).toMatchObject({
      kind: 'refused',
      code: 'throttled',
    });
    expect((await connectorOver().readOne('parcel', 'b'))?.body).toEqual({ id: 'b' });
  });

  it('what is forbidden is told by the probe, ends the scope as incomplete, and refuses the write', async () => {
    meet = (method) => (method === 'PUT' || method === 'DELETE' ? { status: 403 } : undefined);
    expect((await through().probe()).permissions.slice(0, 3).map(({ held }) => held)).toEqual([true, false, false]);
    meet = () => ({ status: 403 });
    expect(await through().write(create)).toMatchObject({ kind: 'refused', code: 'forbidden' });
    expect((await read(through())).ends).toEqual(['parcel: forbidden', 'pair: forbidden']);
    meet = () => ({ status: 401 });
    expect(await through().probe()).toMatchObject({ authenticated: false, code: 'credentialsRejected' });
  });

  it('a read that fails on its way is no shorter list, and one that is resumed where nobody knows begins again', async () => {
    let gets = 0;
    meet = () => ((gets += 1) > 2 ? { status: 500 } : undefined);
    await expect(read(through())).rejects.toMatchObject({ code: 'providerFault' });
    meet = () => undefined;
    const first = (await collect(connectorOver().readAll({})))[0];
    gets = 0;
    meet = () => ((gets += 1) > 1 ? { status: 400 } : undefined);
    await expect(read(through(), first?.cursor)).rejects.toMatchObject({ code: 'cursorLost' });
  });

  it('a probe writes nothing', async () => {
    const { permissions } = await through().probe();
    expect(permissions.filter(({ held }) => held !== true)).toEqual([]);
    expect(seen).toEqual(expect.arrayContaining(['GET', 'PUT', 'DELETE']));
    expect(await idsThere()).toEqual(['a', 'b', 'c']);
  });
});
