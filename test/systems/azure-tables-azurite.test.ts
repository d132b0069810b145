/** The azure-tables connector against azurite: the cases of every store of records, and what only Azure Tables has. */
import { createServer, request as onward, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TableClient, TableServiceClient, type TableEntity } from '@azure/data-tables';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAzureTablesConnector } from '../../activities/connectors/azure-tables/connector.js';
import type { AzureTablesMesh } from '../../activities/connectors/azure-tables/config.js';
import type { Batches, Connector, NativeWrite } from '../../activities/connectors/connector.js';
import { batchCases } from '../conformance/batch-cases.js';
import { recordedHolds } from '../conformance/pace-cases.js';
import { recordCases } from '../conformance/record-cases.js';
import { holdsEveryValue, sampleMap } from '../conformance/record-types.js';
import { collect, endsIn } from '../conformance/scene.js';
import { describeWorld } from '../conformance/suite.js';
import { connectorFor, systemWorld } from '../conformance/world.js';
import { startAzurite, type Azurite } from '../support/systems/azurite.js';
import { missingWords } from '../support/systems/system.js';

const system = await startAzurite();
if (system.kind === 'missing') process.stderr.write(`${missingWords(system)}\n`);
afterAll(async () => {
  if (system.kind === 'available') await system.stop();
});

function available(): Azurite {
  if (system.kind === 'missing') throw new Error('skipped where it is missing');
  return system;
}

const connection = (): string => available().environment.AZURE_STORAGE_CONNECTION_STRING;
const insecure = { allowInsecureConnection: true };
const table = (name: string): TableClient => TableClient.fromConnectionString(connection(), name, insecure);
const makeTables = async (...names: readonly string[]): Promise<void> => {
  await available().reset();
  const service = TableServiceClient.fromConnectionString(connection(), insecure);
  for (const name of names) await service.createTable(name);
};

const mesh = (change: Partial<AzureTablesMesh> = {}): AzureTablesMesh => ({
  kind: 'azure-tables',
  account: available().account,
  connectionFrom: 'AZURE_STORAGE_CONNECTION_STRING',
  tables: {
    parcel: { table: 'parcels', partition: 'harbour', key: ['id'], properties: { name: 'text', note: 'text' } },
    pair: { table: 'pairs', key: ['left', 'right'] },
  },
  ...change,
});

describeWorld(
  'azure-tables',
  [],
  () => {
    if (system.kind === 'missing') return Promise.resolve(systemWorld(system, []));
    const { name, version, tableEndpoint: endpoint, environment } = system;
    // The suite ends its world; azurite is ended once for the whole file.
    const ends = { reset: () => makeTables('parcels', 'pairs'), stop: async () => undefined };
    return Promise.resolve(
      systemWorld({ kind: 'available', name, version, endpoint, environment, mesh: mesh(), ...ends }, []),
    );
  },
  [],
  undefined,
  [...recordCases, ...batchCases],
);

const connectorOver = (of: AzureTablesMesh, pageSize = 2): Connector =>
  createAzureTablesConnector({
    mesh: of,
    environment: available().environment,
    limits: { pageSize, backOffBaseMs: 1, backOffMaxMs: 5, requestTimeoutMs: 5_000, readRetriesMax: 1 },
  });
const read = async (connector: Connector, cursor?: string) => {
  const items = await collect(connector.readAll(cursor === undefined ? {} : { cursor }));
  return {
    items,
    ends: endsIn(items),
    objects: items.flatMap((item) => (item.kind === 'objects' ? item.objects : [])),
  };
};

describe.skipIf(system.kind === 'missing')('tables of Azure', () => {
  beforeEach(() => makeTables('parcels', 'pairs', 'samples'));

  it('hold values of every kind that they have a type for', async () => {
    const tables: AzureTablesMesh['tables'] = {
      sample: {
        table: 'samples',
        partition: 'all',
        key: ['id'],
        properties: { long: 'int64', seenAt: 'dateTime', localAt: 'int64', raw: 'binary' },
      },
    };
    await holdsEveryValue(
      connectorOver(mesh({ tables })),
      sampleMap({
        // Moments before the year 1601 have no DateTime, and lists no property at all.
        seenAt: null,
        weight: [{ unit: 'kg', times: '1000' }],
        localAt: [{ epoch: 'second' }],
        tags: null,
        numbers: null,
        lines: null,
      }),
      20,
    );
  });

  it('show each type of property as what it is, and a write changes none that it does not name', async () => {
    const wire: TableEntity = {
      partitionKey: 'harbour',
      rowKey: 'a',
      name: 'A',
      small: 7,
      long: { type: 'Int64', value: '9223372036854775807' },
      five: { type: 'Double', value: '5.0' },
      third: { type: 'Double', value: '0.1' },
      none: { type: 'Double', value: 'NaN' },
      at: { type: 'DateTime', value: '2024-05-01T11:00:00.1234567Z' },
      guid: { type: 'Guid', value: 'c9da6455-213d-42c9-9a79-3e9149a57833' },
      bytes: new Uint8Array([0, 255]),
      is: false,
      empty: '',
    };
    await table('parcels').createEntity(wire);
    const connector = connectorOver(mesh());
    const body = {
      id: 'a',
      name: 'A',
      note: null,
      small: 7,
      long: { $int64: '9223372036854775807' },
      five: { $double: '5' },
      third: { $double: '0.1' },
      none: { $double: 'NaN' },
      at: { $dateTime: '2024-05-01T11:00:00.1234567Z' },
      guid: { $guid: 'c9da6455-213d-42c9-9a79-3e9149a57833' },
      bytes: { $binary: 'AP8=' },
      is: false,
      empty: '',
    };
    expect((await connector.readOne('parcel', 'a'))?.body).toEqual(body);
    const after = { ...body, note: 'changed' };
    expect(await connector.write({ kind: 'update', type: 'parcel', id: 'a', before: body, after })).toEqual({
      kind: 'applied',
      id: 'a',
    });
    const typed = await table('parcels').getEntity<Record<string, unknown>>('harbour', 'a', {
      disableTypeConversion: true,
      onResponse: ({ bodyAsText }) => expect(bodyAsText).toContain('"five":5.0'),
    });
    expect(typed).toMatchObject({
      note: { type: 'String', value: 'changed' },
      small: { type: 'Int32', value: '7' },
      long: { type: 'Int64', value: '9223372036854775807' },
      third: { type: 'Double', value: '0.1' },
      none: { type: 'Double', value: 'NaN' },
      at: { type: 'DateTime', value: '2024-05-01T11:00:00.1234567Z' },
      guid: { type: 'Guid' },
      bytes: { type: 'Binary', value: 'AP8=' },
    });
    expect((await connector.readOne('parcel', 'a'))?.body).toEqual(after);
  });

  it.each([
    ['a decimal that a binary fraction would change', { price: '0.10000000000000000001' }],
    ['a number of 64 bits and one more', { count: '9223372036854775808' }],
    ['a fraction where a whole number belongs', { count: '1.5' }],
    ['a moment finer than 100 nanoseconds', { at: '2024-05-01T11:00:00.12345678Z' }],
    ['a moment before the year 1601', { at: '1600-12-31T23:59:59Z' }],
    ['a moment without a zone', { at: '2024-05-01T11:00:00' }],
    ['what is no base64', { bytes: 'AP8' }],
    ['a list', { tags: ['a'] }],
    ['a JSON number that is no Int32', { other: 1.5 }],
    ['a text of more than 32,768 characters', { name: 'x'.repeat(32_769) }],
    ['half of a character', { name: '\ud800' }],
    ['a name that the client keeps for itself', { rowKey: 'x' }],
    ['a key with a slash', { id: 'a/b' }],
    ['a key with a tab', { id: 'a\tb' }],
    ['a key of more than 512 characters', { id: 'x'.repeat(513) }],
  ])('refuse %s and send nothing', async (_what, value) => {
    const tables: AzureTablesMesh['tables'] = {
      parcel: {
        table: 'parcels',
        partition: 'harbour',
        key: ['id'],
        properties: { price: 'double', count: 'int64', at: 'dateTime', bytes: 'binary' },
      },
    };
    const connector = connectorOver(mesh({ tables }));
    const announced: string[] = [];
    const write = { kind: 'create', type: 'parcel', after: { id: 'a', ...value } } as const;
    expect(await connector.write(write, async ({ call }) => void announced.push(call))).toMatchObject({
      kind: 'refused',
      code: 'valueNotRepresentable',
    });
    expect(announced).toEqual([]);
    expect((await read(connector)).objects).toEqual([]);
  });

  it('hold a property that is null as one that is not there, and show those that are declared as null', async () => {
    const connector = connectorOver(mesh());
    await connector.write({ kind: 'create', type: 'parcel', after: { id: 'a', name: null, other: null } });
    expect((await connector.readOne('parcel', 'a'))?.body).toEqual({ id: 'a', name: null, note: null });
    expect(Object.keys(await table('parcels').getEntity('harbour', 'a'))).not.toContain('other');
  });

  it('show one partition where the authority file names one, and are incomplete where keys are not as it says', async () => {
    await table('parcels').createEntity({ partitionKey: 'harbour', rowKey: 'a' });
    await table('parcels').createEntity({ partitionKey: "o'clock", rowKey: 'b' });
    expect((await read(connectorOver(mesh()))).objects.map(({ id }) => id)).toEqual(['a']);
    const quoted = mesh({ tables: { parcel: { table: 'parcels', partition: "o'clock", key: ['id'] } } });
    expect((await read(connectorOver(quoted))).objects.map(({ id }) => id)).toEqual(['b']);
    const ofPartitions = mesh({ tables: { parcel: { table: 'parcels', key: ['id'] } } });
    expect((await read(connectorOver(ofPartitions))).ends).toEqual(['parcel: rowUnreadable']);
    await makeTables('parcels');
    await connectorOver(ofPartitions).write({ kind: 'create', type: 'parcel', after: { id: 'p' } });
    expect(await table('parcels').getEntity('p', '')).toMatchObject({ partitionKey: 'p', rowKey: '' });
    expect((await read(connectorOver(ofPartitions))).ends).toEqual(['parcel']);
  });

  it('that are not there are incomplete and not empty', async () => {
    await makeTables('pairs');
    const connector = connectorOver(mesh());
    expect((await read(connector)).ends).toEqual(['parcel: scopeNotFound', 'pair']);
    expect(await connector.probe()).toMatchObject({ reachable: true, code: 'scopeNotFound' });
    await expect(connector.readOne('parcel', 'a')).rejects.toMatchObject({ code: 'scopeNotFound' });
    expect(await connector.write({ kind: 'create', type: 'parcel', after: { id: 'a' } })).toMatchObject({
      kind: 'refused',
      code: 'scopeNotFound',
    });
  });

  it('an entity that somebody changes between read and write keeps that change, wherever it is', async () => {
    const connector = connectorOver(mesh());
    await connector.write({ kind: 'create', type: 'parcel', after: { id: 'a', name: 'A', note: null } });
    const before = (await connector.readOne('parcel', 'a'))?.body ?? {};
    const theirs = { partitionKey: 'harbour', rowKey: 'a', added: 'meanwhile' };
    const meanwhile = async (): Promise<void> => void (await table('parcels').updateEntity(theirs, 'Merge'));
    const conflict = { kind: 'conflict', code: 'expectationFailed' };
    const update = { kind: 'update', type: 'parcel', id: 'a', before, after: { ...before, note: 'x' } } as const;
    expect(await connector.write(update, meanwhile)).toMatchObject(conflict);
    const now = (await connector.readOne('parcel', 'a'))?.body ?? {};
    const remove = { kind: 'delete', type: 'parcel', id: 'a', before: now, deletionMayRemove: [] } as const;
    theirs.added = 'again';
    expect(await connector.write(remove, meanwhile)).toMatchObject(conflict);
    expect((await connector.readOne('parcel', 'a'))?.body).toMatchObject({ name: 'A', note: null, added: 'again' });
  });

  it('an entity with a property that the client takes for its own is opaque and is not written', async () => {
    const answer = await fetch(await signedInsert('parcels'), {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json;odata=nometadata' },
      body: JSON.stringify({ PartitionKey: 'harbour', RowKey: 'a', etag: 'mine', name: 'A' }),
    });
    expect(answer.status).toBeLessThan(300);
    const connector = connectorOver(mesh());
    const object = await connector.readOne('parcel', 'a');
    expect(object).toMatchObject({ body: { etag: 'mine', name: 'A' }, opaque: expect.any(String) as string });
    const before = object?.body ?? {};
    const write = { kind: 'update', type: 'parcel', id: 'a', before, after: { ...before, note: 'x' } } as const;
    expect(await connector.write(write)).toMatchObject({ kind: 'refused' });
  });

  it('of another account than the authority file names are not touched', () => {
    expect(() => connectorOver(mesh({ account: 'elsewhere' }))).toThrow(/another account/);
    const environment = { AZURE_STORAGE_CONNECTION_STRING: 'secret' };
    expect(() => createAzureTablesConnector({ mesh: mesh(), environment })).toThrow(/no connection string/);
    expect(() => createAzureTablesConnector({ mesh: mesh(), environment })).not.toThrow(/secret/);
  });
});

/** The SDK itself cannot send such a property. */
async function signedInsert(name: string): Promise<string> {
  const { generateTableSas } = await import('@azure/data-tables');
  const { AzureNamedKeyCredential } = await import('@azure/data-tables');
  const key = /AccountKey=([^;]+)/.exec(connection())?.[1] ?? '';
  const signature = generateTableSas(name, new AzureNamedKeyCredential(available().account, key), {
    permissions: { add: true },
    expiresOn: new Date(Date.now() + 600_000),
  });
  return `${available().tableEndpoint}/${name}?${signature}`;
}

describe.skipIf(system.kind === 'missing')('between the connector and Azure Tables', () => {
  let server: Server;
  const seen: string[] = [];
  /** Paths of what was sent. */
  const places: string[] = [];
  type Met =
    | { readonly status: number; readonly code: string; readonly headers?: Readonly<Record<string, string>> }
    | 'lost'
    | 'halved'
    | undefined;
  let meet: (method: string) => Met = () => undefined;

  beforeEach(async () => {
    await makeTables('parcels', 'pairs');
    for (const rowKey of ['a', 'b', 'c']) await table('parcels').createEntity({ partitionKey: 'harbour', rowKey });
    seen.length = 0;
    places.length = 0;
    meet = () => undefined;
    const target = new URL(available().tableEndpoint);
    server = createServer((incoming, outgoing) => {
      const { method = '', url, headers } = incoming;
      seen.push(method);
      places.push(url?.replace(/^.*\//, '') ?? '');
      const met = meet(method);
      if (typeof met === 'object') {
        incoming.resume();
        const told = { 'content-type': 'application/json', 'x-ms-error-code': met.code, ...met.headers };
        outgoing.writeHead(met.status, told);
        const error = { code: met.code, message: { lang: 'en', value: 'of the secret row a' } };
        outgoing.end(JSON.stringify({ 'odata.error': error }));
        return;
      }
      const passed = onward({ host: target.hostname, port: target.port, method, path: url, headers }, (answer) => {
        if (met === 'lost') {
          answer.resume().once('end', () => outgoing.destroy());
          return;
        }
        if (met === 'halved') {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.once('end', () => {
            // A whole HTTP answer that speaks of one write only.
            const parts = Buffer.concat(chunks).toString().split('--changesetresponse_');
            const text = [parts[0], parts[1], parts.at(-1)].join('--changesetresponse_');
            outgoing.writeHead(202, { 'content-type': answer.headers['content-type'] ?? '' });
            outgoing.end(text);
          });
          return;
        }
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(outgoing);
      });
      incoming.pipe(passed);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  const through = (): Connector => {
    const { port } = server.address() as AddressInfo;
    return connectorOver(mesh({ endpoint: `http://127.0.0.1:${port}/${available().account}` }));
  };
  const create = { kind: 'create', type: 'parcel', after: { id: 'd', name: 'D', note: null } } as const;
  const idsThere = async (): Promise<readonly string[]> =>
    (await read(connectorOver(mesh()))).objects.map(({ id }) => id);

  it('what Azure asks to wait is heeded by all writes that wait for a turn', async () => {
    const { makePace, holds } = recordedHolds();
    const { port } = server.address() as AddressInfo;
    const own = mesh({ endpoint: `http://127.0.0.1:${port}/${available().account}` });
    let busy = 0;
    meet = (method) =>
      method === 'POST' && (busy += 1) <= 2
        ? { status: 503, code: 'ServerBusy', headers: { 'retry-after': '3' } }
        : undefined;
    const connector = connectorFor(own, available().environment, { makePace });
    expect(await connector.write(create)).toEqual({ kind: 'applied', id: 'd' });
    expect(holds).toEqual([3_000, 3_000]);
  });

  it('a write whose answer is lost is unknown and is not sent again', async () => {
    meet = (method) => (method === 'POST' ? 'lost' : undefined);
    expect(await through().write(create)).toMatchObject({ kind: 'unknown', code: 'effectUnknown' });
    expect(seen.filter((method) => method === 'POST')).toHaveLength(1);
    expect(await idsThere()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('a write that meets a fault is unknown, one that meets a busy service is sent until it is taken', async () => {
    meet = (method) => (method === 'POST' ? { status: 500, code: 'OperationTimedOut' } : undefined);
    const answer = await through().write(create);
    expect(answer).toMatchObject({ kind: 'unknown', code: 'effectUnknown' });
    expect(JSON.stringify(answer)).not.toContain('secret');
    let busy = 0;
    meet = (method) => (method === 'POST' && (busy += 1) <= 3 ? { status: 503, code: 'ServerBusy' } : undefined);
    expect(await through().write(create)).toEqual({ kind: 'applied', id: 'd' });
  });

  it('what is forbidden is told by the probe, ends the scope as incomplete, and refuses the write', async () => {
    const forbidden = { status: 403, code: 'AuthorizationPermissionMismatch' };
    meet = (method) => (method === 'GET' ? undefined : forbidden);
    const probe = await through().probe();
    expect(probe.permissions.slice(0, 4).map(({ held }) => held)).toEqual([true, false, false, false]);
    expect(await through().write(create)).toMatchObject({ kind: 'refused', code: 'forbidden' });
    meet = () => forbidden;
    expect((await read(through())).ends).toEqual(['parcel: forbidden', 'pair: forbidden']);
    meet = () => ({ status: 403, code: 'AuthenticationFailed' });
    expect(await through().probe()).toMatchObject({ authenticated: false, code: 'credentialsRejected' });
  });

  const batchesThrough = (): Batches => {
    const { batches } = through();
    if (!batches) throw new Error('it takes one entity at a time');
    return batches;
  };
  const ids = [...Array(30).keys()].map((number) => `n-${number}`);
  const bodyOf = (id: string, note: string | null = null) => ({ id, name: `Name of ${id}`, note });
  const creates = ids.map((id): NativeWrite => ({ kind: 'create', type: 'parcel', after: bodyOf(id) }));
  const updates = ids.map((id): NativeWrite => ({
    kind: 'update',
    type: 'parcel',
    id,
    before: bodyOf(id),
    after: bodyOf(id, 'changed'),
  }));
  const deletes = ids.map((id): NativeWrite => ({
    kind: 'delete',
    type: 'parcel',
    id,
    before: bodyOf(id),
    deletionMayRemove: [],
  }));
  const kinds = (answers: readonly { readonly kind: string }[]): readonly string[] => answers.map(({ kind }) => kind);
  const all = (kind: string): readonly string[] => ids.map(() => kind);
  const transactions = (): number => places.filter((place) => place === '$batch').length;
  /** What somebody else does to an entity. */
  const changedBySomebody = (id: string): Promise<object> =>
    table('parcels').updateEntity({ partitionKey: 'harbour', rowKey: id, added: 'meanwhile' }, 'Merge');

  it.each([
    ['changes', updates],
    ['deletions', deletes],
  ])('%s of one partition are one transaction, under the ETags of the read before', async (_words, writes) => {
    const batches = batchesThrough();
    expect(kinds(await batches.writeMany(creates))).toEqual(all('applied'));
    expect(places).toEqual(['$batch']);
    await batches.readMany('parcel', ids);
    seen.length = places.length = 0;
    let announced = 0;
    const announce = () => Promise.resolve(void (announced += 1));
    expect(kinds(await batches.writeMany(writes, { announce }))).toEqual(all('applied'));
    expect(places).toEqual(['$batch']);
    expect(announced).toBe(1);
  });

  it.each([
    ['changes', updates],
    ['deletions', deletes],
  ])(
    'of %s, those that somebody else changed meanwhile are conflicts, and keep that change',
    async (_words, writes) => {
      const batches = batchesThrough();
      await batches.writeMany(creates);
      await batches.readMany('parcel', ids);
      for (const id of ['n-3', 'n-17']) await changedBySomebody(id);
      places.length = 0;
      const answers = await batches.writeMany(writes);
      expect(kinds(answers)).toEqual(ids.map((id) => (['n-3', 'n-17'].includes(id) ? 'conflict' : 'applied')));
      expect(answers[3]).toMatchObject({ code: 'expectationFailed' });
      // One for each that takes all back, and one of the rest.
      expect(transactions()).toBe(3);
      for (const id of ['n-3', 'n-17'])
        expect(await table('parcels').getEntity('harbour', id)).toMatchObject({ added: 'meanwhile' });
      expect((await read(connectorOver(mesh()))).objects.filter(({ body }) => body['note'] === 'changed')).toHaveLength(
        writes === updates ? 28 : 0,
      );
    },
  );

  it('what the read right before shows otherwise than a write expects is a conflict, and no transaction is sent for it', async () => {
    const batches = batchesThrough();
    await batches.writeMany(creates);
    await changedBySomebody('n-3');
    await batches.readMany('parcel', ids);
    places.length = 0;
    for (const writes of [updates.slice(0, 5), deletes.slice(3, 4)])
      expect(kinds(await batches.writeMany(writes))).toEqual(
        writes.map((write) => (write.kind !== 'create' && write.id === 'n-3' ? 'conflict' : 'applied')),
      );
    expect(transactions()).toBe(1);
    expect(await table('parcels').getEntity('harbour', 'n-3')).toMatchObject({ added: 'meanwhile' });
  });

  it('where many take a transaction back, the rest is sent one by one', async () => {
    const batches = batchesThrough();
    await batches.writeMany(creates);
    await batches.readMany('parcel', ids);
    for (const id of ids.slice(0, 20)) await changedBySomebody(id);
    places.length = 0;
    expect(kinds(await batches.writeMany(updates))).toEqual(ids.map((_, at) => (at < 20 ? 'conflict' : 'applied')));
    expect(transactions()).toBe(3);
  });

  it('a transaction whose answer is lost, or does not speak of each write, is unknown as a whole and ends the batch', async () => {
    for (const met of ['lost', 'halved'] as const) {
      await makeTables('parcels');
      let sent = 0;
      meet = (method) => (method === 'POST' && (sent += 1) === 1 ? met : undefined);
      const writes = [
        ...creates,
        ...ids.map((id): NativeWrite => ({ kind: 'create', type: 'parcel', after: bodyOf(`alone-${id}`) })),
      ];
      const elsewhere = mesh({ tables: { parcel: { table: 'parcels', key: ['name', 'id'] } } });
      const { port } = server.address() as AddressInfo;
      const { batches } = connectorOver({ ...elsewhere, endpoint: `http://127.0.0.1:${port}/${available().account}` });
      // Thirty of one partition, and thirty of one each.
      const keyed = writes.map((write, at): NativeWrite => ({
        kind: 'create',
        type: 'parcel',
        after: { ...(write.kind === 'create' ? write.after : {}), name: at < 30 ? 'one' : `of-${at}`, note: 'x' },
      }));
      const answers = await batches?.writeMany(keyed);
      expect(kinds(answers ?? [])).toEqual([...all('unknown'), ...all('notSent')]);
      expect(answers?.[0]).toMatchObject({ code: 'effectUnknown' });
      expect(sent).toBe(1);
      const there: unknown[] = [];
      for await (const entity of table('parcels').listEntities()) there.push(entity.partitionKey);
      expect(there).toEqual(all('one'));
    }
  });

  it('a transaction that meets a fault is unknown, a busy service gets it until it takes it, and a refusal is one of all', async () => {
    const isTransaction = () => places.at(-1) === '$batch';
    meet = () => (isTransaction() ? { status: 500, code: 'OperationTimedOut' } : undefined);
    const faulty = await batchesThrough().writeMany(creates);
    expect(kinds(faulty)).toEqual(all('unknown'));
    expect(JSON.stringify(faulty)).not.toContain('secret');
    let busy = 0;
    meet = () => (isTransaction() && (busy += 1) <= 3 ? { status: 503, code: 'ServerBusy' } : undefined);
    expect(kinds(await batchesThrough().writeMany(creates))).toEqual(all('applied'));
    places.length = 0;
    meet = (method) => (method === 'GET' ? undefined : { status: 403, code: 'AuthorizationPermissionMismatch' });
    const forbidden = await batchesThrough().writeMany(deletes);
    expect(forbidden).toMatchObject(ids.map(() => ({ kind: 'refused', code: 'forbidden' })));
    expect(transactions()).toBe(1);
    expect(places.filter((place) => !place.includes('('))).toEqual(['$batch']);
  });

  it('a transaction that is refused without a word on which write it is about is made one by one', async () => {
    meet = () => (places.at(-1) === '$batch' ? { status: 413, code: 'RequestBodyTooLarge' } : undefined);
    expect(kinds(await batchesThrough().writeMany(creates))).toEqual(all('applied'));
    expect(transactions()).toBe(1);
  });

  it('no transaction has more than a hundred entities or four MiB', async () => {
    const many = [...Array(230).keys()].map((number): NativeWrite => ({
      kind: 'create',
      type: 'parcel',
      after: bodyOf(`many-${number}`),
    }));
    expect(kinds(await batchesThrough().writeMany(many))).toEqual(many.map(() => 'applied'));
    expect(transactions()).toBe(3);
    places.length = 0;
    const text = '\u00e9'.repeat(30_000);
    const large = [...Array(11).keys()].map((number): NativeWrite => ({
      kind: 'create',
      type: 'parcel',
      after: {
        ...bodyOf(`large-${number}`),
        ...Object.fromEntries([...Array(7).keys()].map((at) => [`p${at}`, text])),
      },
    }));
    expect(kinds(await batchesThrough().writeMany(large))).toEqual(large.map(() => 'applied'));
    expect(transactions()).toBe(2);
    expect(await table('parcels').getEntity('harbour', 'large-10')).toMatchObject({ p6: text });
  });

  it('what lies together is read by pages, the rest by its key, and nothing is missed', async () => {
    const many = [...Array(400).keys()].map((number) => `m-${String(number).padStart(3, '0')}`);
    const made = many.map((id): NativeWrite => ({ kind: 'create', type: 'parcel', after: bodyOf(id) }));
    const { port } = server.address() as AddressInfo;
    const endpoint = `http://127.0.0.1:${port}/${available().account}`;
    const { batches } = connectorOver(mesh({ endpoint }), 1_000);
    if (!batches) throw new Error('it takes one entity at a time');
    await batches.writeMany(made);
    const requests = async (asked: readonly string[], there: readonly string[] = asked): Promise<number> => {
      places.length = 0;
      const shown = await batches.readMany('parcel', asked);
      expect(shown).toEqual(new Map(there.map((id) => [id, { type: 'parcel', id, body: bodyOf(id) }])));
      return places.length;
    };
    expect(await requests(many.slice(100, 300))).toBe(1);
    // Every other one, and some that are not there.
    const some = many.filter((_, at) => at % 2 === 0);
    expect(await requests([...some, 'm-0005', 'nobody', 'm-9'], some)).toBeLessThanOrEqual(6);
    // One of twenty: a page of which little was asked for, and then each.
    expect(await requests(many.filter((_, at) => at % 16 === 0))).toBeLessThanOrEqual(26);
    // Two places that lie far apart.
    expect(await requests([...many.slice(0, 20), ...many.slice(380)])).toBeLessThanOrEqual(22);
    expect(await requests(some.slice(0, 30).reverse(), some.slice(0, 30))).toBeLessThanOrEqual(2);
  });

  it('keys with quotes and letters of every kind are those keys in a transaction too', async () => {
    const names = ["o'clock", 'Zoë 李 😀', '100 %', 'a+b&c=d', "''", '(x)'];
    const connector = through();
    const made = names.map((id): NativeWrite => ({ kind: 'create', type: 'parcel', after: bodyOf(id) }));
    expect(kinds((await connector.batches?.writeMany(made)) ?? [])).toEqual(names.map(() => 'applied'));
    await connector.batches?.readMany('parcel', names);
    places.length = 0;
    const changed = names.map((id): NativeWrite => ({
      kind: 'update',
      type: 'parcel',
      id,
      before: bodyOf(id),
      after: bodyOf(id, `note of ${id}`),
    }));
    expect(kinds((await connector.batches?.writeMany(changed)) ?? [])).toEqual(names.map(() => 'applied'));
    expect(places).toEqual(['$batch']);
    for (const id of names) expect((await connector.readOne('parcel', id))?.body).toEqual(bodyOf(id, `note of ${id}`));
  });

  it('a read that fails on its way is no shorter list', async () => {
    meet = (method) => (method === 'GET' && seen.length > 1 ? { status: 500, code: 'InternalError' } : undefined);
    await expect(read(through())).rejects.toMatchObject({ code: 'providerFault' });
  });

  it('a probe writes nothing', async () => {
    const { permissions } = await through().probe();
    expect(permissions.filter(({ held }) => held !== true)).toEqual([]);
    expect(seen).toEqual(expect.arrayContaining(['GET', 'POST', 'DELETE']));
    expect(await idsThere()).toEqual(['a', 'b', 'c']);
  });
});
