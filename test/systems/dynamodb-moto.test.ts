/** The dynamodb connector against moto, an implementation of DynamoDB that is not ours: the cases of every store of records, and what only DynamoDB has. */
import { createServer, request as onward, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  CreateTableCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateTableCommand,
  type AttributeValue,
  type CreateTableCommandInput,
} from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDynamodbConnector } from '../../activities/connectors/dynamodb/connector.js';
import type { DynamodbMesh } from '../../activities/connectors/dynamodb/config.js';
import type { Connector } from '../../activities/connectors/connector.js';
import { batchCases } from '../conformance/batch-cases.js';
import { recordCases } from '../conformance/record-cases.js';
import { holdsEveryValue, sampleMap } from '../conformance/record-types.js';
import { collect, declaresIn, endsIn } from '../conformance/scene.js';
import { describeWorld } from '../conformance/suite.js';
import { systemWorld } from '../conformance/world.js';
import { positionsOf, toldSince } from './support/object-changes.js';
import { startMoto } from '../support/systems/moto.js';
import { missingWords, type System } from '../support/systems/system.js';

const system: System = await startMoto();
if (system.kind === 'missing') process.stderr.write(`${missingWords(system)}\n`);
afterAll(async () => {
  if (system.kind === 'available') await system.stop();
});

function available(): Extract<System, { readonly kind: 'available' }> {
  if (system.kind === 'missing') throw new Error('skipped where it is missing');
  return system;
}

function administrator(): DynamoDBClient {
  const { endpoint } = available();
  const credentials = { accessKeyId: 'testing', secretAccessKey: 'testing' };
  return new DynamoDBClient({ region: 'eu-west-3', endpoint, credentials });
}

type Definition = readonly [name: string, type: 'S' | 'N' | 'B'];

async function createTable(
  name: string,
  key: readonly Definition[],
  more: Partial<CreateTableCommandInput> = {},
  others: readonly Definition[] = [],
): Promise<void> {
  await administrator().send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [...key, ...others].map(([AttributeName, AttributeType]) => ({
        AttributeName,
        AttributeType,
      })),
      KeySchema: key.map(([AttributeName], at) => ({ AttributeName, KeyType: at === 0 ? 'HASH' : 'RANGE' })),
      ...more,
    }),
  );
}

const mesh = (tables: DynamodbMesh['tables'], change: Partial<DynamodbMesh> = {}): DynamodbMesh => ({
  kind: 'dynamodb',
  region: 'eu-west-3',
  endpoint: available().endpoint,
  segments: 3,
  tables,
  ...change,
});

const parcels: DynamodbMesh['tables'] = {
  parcel: { table: 'parcels', key: ['id'] },
  pair: { table: 'pairs', key: ['left', 'right'] },
};

describeWorld(
  'dynamodb',
  [],
  () => {
    if (system.kind === 'missing') return Promise.resolve(systemWorld(system, []));
    const reset = async (): Promise<void> => {
      await system.reset();
      await createTable('parcels', [['id', 'S']]);
      await createTable('pairs', [
        ['left', 'S'],
        ['right', 'S'],
      ]);
    };
    // The suite ends its world; moto is ended once for the whole file.
    return Promise.resolve(systemWorld({ ...system, reset, stop: async () => undefined }, [], mesh(parcels)));
  },
  [],
  undefined,
  [...recordCases, ...batchCases],
);

const connectorOver = (of: DynamodbMesh, pageSize = 2): Connector =>
  createDynamodbConnector({
    mesh: of,
    environment: available().environment,
    limits: { pageSize, backOffBaseMs: 1, requestTimeoutMs: 2_000, readAttemptsMax: 2 },
  });

const read = async (connector: Connector, cursor?: string) => {
  const items = await collect(connector.readAll(cursor === undefined ? {} : { cursor }));
  return { ends: endsIn(items), objects: items.flatMap((item) => (item.kind === 'objects' ? item.objects : [])) };
};
const put = async (table: string, item: Record<string, AttributeValue>): Promise<void> => {
  await administrator().send(new PutItemCommand({ TableName: table, Item: item }));
};
const held = async (table: string, key: Record<string, AttributeValue>) =>
  (await administrator().send(new GetItemCommand({ TableName: table, Key: key, ConsistentRead: true }))).Item;

describe.skipIf(system.kind === 'missing')('tables of DynamoDB', () => {
  beforeEach(async () => {
    await available().reset();
  });

  it('hold values of every kind', async () => {
    await createTable('samples', [['id', 'S']]);
    const attributes = {
      long: 'number',
      amount: 'number',
      weight: 'number',
      raw: 'binary',
      tags: 'textSet',
      numbers: 'numberList',
    } as const;
    const connector = connectorOver(mesh({ sample: { table: 'samples', key: ['id'], attributes } }));
    await holdsEveryValue(
      connector,
      sampleMap({
        price: [{ number: 'json' }],
        weight: [{ unit: 'kg', times: '1000' }],
        localAt: [{ zone: '+02:00' }],
        tags: [{ set: true }],
      }),
      25,
    );
  });

  it('keep numbers, bytes, sets, lists and maps that the authority file says nothing about, each as it is', async () => {
    await createTable('samples', [['id', 'S']]);
    const item: Record<string, AttributeValue> = {
      id: { S: 'a' },
      long: { N: '9223372036854775807' },
      precise: { N: '0.1234567890123456789012345678901234567' },
      small: { N: '1.5' },
      bytes: { B: new Uint8Array([0, 255]) },
      texts: { SS: ['b', 'a'] },
      numbers: { NS: ['1', '9007199254740993'] },
      blobs: { BS: [new Uint8Array([1]), new Uint8Array([2, 3])] },
      nothing: { NULL: true },
      empty: { S: '' },
      list: { L: [{ N: '1' }, { S: '1' }, { NULL: true }, { L: [] }, { SS: ['x'] }] },
      map: { M: { a: { N: '1' }, b: { M: {} } } },
      ours: { M: { $number: { S: '1' } } },
      note: { S: 'x' },
    };
    await put('samples', item);
    const connector = connectorOver(mesh({ sample: { table: 'samples', key: ['id'] } }));
    const [object] = (await read(connector)).objects;
    expect(object?.body).toEqual({
      id: 'a',
      long: { $number: '9223372036854775807' },
      precise: { $number: '0.1234567890123456789012345678901234567' },
      small: 1.5,
      bytes: { $binary: 'AP8=' },
      texts: { $textSet: ['a', 'b'] },
      numbers: { $numberSet: ['1', '9007199254740993'] },
      blobs: { $binarySet: ['AQ==', 'AgM='] },
      nothing: null,
      empty: '',
      list: [1, '1', null, [], { $textSet: ['x'] }],
      map: { a: 1, b: {} },
      ours: { $map: { $number: '1' } },
      note: 'x',
    });
    const before = object?.body ?? {};
    const copy = { ...before, id: 'b' };
    expect(await connector.write({ kind: 'create', type: 'sample', after: copy })).toEqual({
      kind: 'applied',
      id: 'b',
    });
    expect((await connector.readOne('sample', 'b'))?.body).toEqual(copy);
    // Each attribute stands in the condition: another value of any of them refuses the write.
    for (const name of Object.keys(before).filter((each) => each !== 'id')) {
      const stale = { ...before, [name]: name === 'nothing' ? 'other' : null };
      const write = { kind: 'update', type: 'sample', id: 'a', before: stale, after: { ...stale, more: 1 } } as const;
      expect(await connector.write(write), name).toMatchObject({ kind: 'conflict', code: 'expectationFailed' });
    }
    const { note: _, ...kept } = before;
    const after = { ...kept, small: { $number: '2.50' }, nothing: { $binary: '' } };
    expect(await connector.write({ kind: 'update', type: 'sample', id: 'a', before, after })).toMatchObject({
      kind: 'applied',
    });
    expect(await held('samples', { id: { S: 'a' } })).toEqual({
      ...Object.fromEntries(Object.entries(item).filter(([name]) => name !== 'note')),
      small: { N: '2.5' },
      nothing: { B: new Uint8Array([]) },
    });
  });

  it('tell an attribute that is null from one that is absent, and one that somebody added from both', async () => {
    await createTable('samples', [['id', 'S']]);
    const connector = connectorOver(mesh({ sample: { table: 'samples', key: ['id'] } }));
    await put('samples', { id: { S: 'a' }, nothing: { NULL: true } });
    expect((await connector.readOne('sample', 'a'))?.body).toEqual({ id: 'a', nothing: null });
    const update = (before: object, after: object) =>
      connector.write({
        kind: 'update',
        type: 'sample',
        id: 'a',
        before: { id: 'a', ...before },
        after: { id: 'a', ...after },
      });
    expect(await update({ nothing: null }, {})).toMatchObject({ kind: 'applied' });
    expect(await held('samples', { id: { S: 'a' } })).toEqual({ id: { S: 'a' } });
    expect(await update({ nothing: null }, { nothing: 'x' })).toMatchObject({ kind: 'conflict' });
    await put('samples', { id: { S: 'a' }, nothing: { S: 'theirs' } });
    expect(await update({}, { nothing: 'ours' })).toMatchObject({ kind: 'conflict', code: 'expectationFailed' });
    expect(await held('samples', { id: { S: 'a' } })).toEqual({ id: { S: 'a' }, nothing: { S: 'theirs' } });
  });

  it('have keys of numbers and bytes, and of each key one id', async () => {
    await createTable('counted', [
      ['at', 'N'],
      ['hash', 'B'],
    ]);
    const connector = connectorOver(mesh({ counted: { table: 'counted', key: ['hash', 'at'] } }));
    const after = { at: '9223372036854775807', hash: 'AP8=', note: 'x' };
    const id = '["AP8=","9223372036854775807"]';
    expect(await connector.write({ kind: 'create', type: 'counted', after })).toEqual({ kind: 'applied', id });
    for (const at of ['-1.5', '0', '12'])
      await connector.write({ kind: 'create', type: 'counted', after: { ...after, at } });
    expect(declaresIn(await collect(connector.readAll({})))).toEqual([{ at: 'N', hash: 'B' }]);
    const { objects } = await read(connector);
    expect(new Set(objects.map(({ body }) => body['at']))).toEqual(new Set(['-1.5', '0', '12', '9223372036854775807']));
    expect(await connector.findTwin('counted', after)).toEqual({ type: 'counted', id, body: after });
    for (const other of ['["AP8=","9223372036854775807.0"]', '["AP8","1"]', '["AP8=", "0"]', '["AP8="]', '["AP8=",0]'])
      expect(await connector.readOne('counted', other), other).toBeNull();
    for (const change of [{ at: '1.0' }, { at: 'x' }, { hash: '!' }, { at: `1${'0'.repeat(126)}` }])
      expect(await connector.write({ kind: 'create', type: 'counted', after: { ...after, ...change } })).toMatchObject({
        kind: 'refused',
        code: 'valueNotRepresentable',
      });
  });

  it('refuse an empty or too long key, a number beyond 38 digits and what no attribute can be, before anything is sent', async () => {
    await createTable('pairs', [
      ['left', 'S'],
      ['right', 'S'],
    ]);
    const attributes = { weight: 'number', tags: 'textSet', raw: 'binary' } as const;
    const connector = connectorOver(mesh({ pair: { table: 'pairs', key: ['left', 'right'], attributes } }));
    const announced: unknown[] = [];
    for (const after of [
      { left: '', right: 'b' },
      { left: 'a', right: '' },
      { left: 'é'.repeat(1_025), right: 'b' },
      { left: 'a', right: 'b'.repeat(1_025) },
      { left: '\ud800', right: 'b' },
      { left: 'a', right: 'b', weight: '1'.repeat(39) },
      { left: 'a', right: 'b', weight: 'NaN' },
      { left: 'a', right: 'b', weight: '1e126' },
      { left: 'a', right: 'b', weight: '1e-131' },
      { left: 'a', right: 'b', tags: ['x', 'x'] },
      { left: 'a', right: 'b', tags: 'x' },
      { left: 'a', right: 'b', raw: 'no base64' },
      { left: 'a', right: 'b', other: { $unknown: 1 } },
      { left: 'a', right: 'b', other: ['\udc00'] },
    ]) {
      const write = { kind: 'create', type: 'pair', after } as const;
      const answer = await connector.write(write, (call) => Promise.resolve(void announced.push(call)));
      expect(answer, JSON.stringify(after)).toMatchObject({ kind: 'refused', code: 'valueNotRepresentable' });
    }
    expect(announced).toEqual([]);
    const largest = { left: 'é'.repeat(1_024), right: 'b'.repeat(1_024), weight: `9.${'9'.repeat(37)}e125` };
    expect(await connector.write({ kind: 'create', type: 'pair', after: largest })).toMatchObject({ kind: 'applied' });
    const tooLarge = { left: 'a', right: 'b', note: 'x'.repeat(400 * 1_024) };
    expect(await connector.write({ kind: 'create', type: 'pair', after: tooLarge })).toMatchObject({
      kind: 'refused',
      code: 'valueNotRepresentable',
    });
    expect((await read(connector)).objects).toHaveLength(1);
  });

  it('leave what is the key of an index absent where it would be null, and refuse what the index cannot hold', async () => {
    const GlobalSecondaryIndexes = [
      {
        IndexName: 'byOwner',
        KeySchema: [{ AttributeName: 'owner', KeyType: 'HASH' as const }],
        Projection: { ProjectionType: 'ALL' as const },
      },
    ];
    await createTable('owned', [['id', 'S']], { GlobalSecondaryIndexes }, [['owner', 'S']]);
    const connector = connectorOver(mesh({ owned: { table: 'owned', key: ['id'] } }));
    expect(declaresIn(await collect(connector.readAll({})))).toEqual([{ id: 'S', owner: 'S' }]);
    const create = (after: object) => connector.write({ kind: 'create', type: 'owned', after: { id: 'a', ...after } });
    for (const owner of ['', 1, ['x']])
      expect(await create({ owner })).toMatchObject({ kind: 'refused', code: 'valueNotRepresentable' });
    expect(await create({ owner: null, note: null })).toMatchObject({ kind: 'applied' });
    expect((await connector.readOne('owned', 'a'))?.body).toEqual({ id: 'a', note: null });
    const [bare, owned] = [
      { id: 'a', note: null },
      { id: 'a', note: null, owner: 'ann' },
    ];
    expect(await connector.write({ kind: 'update', type: 'owned', id: 'a', before: bare, after: owned })).toMatchObject(
      { kind: 'applied' },
    );
    const none = { ...owned, owner: null };
    expect(await connector.write({ kind: 'update', type: 'owned', id: 'a', before: owned, after: none })).toMatchObject(
      { kind: 'applied' },
    );
    expect(await held('owned', { id: { S: 'a' } })).toEqual({ id: { S: 'a' }, note: { NULL: true } });
  });

  it('show an item of more attributes than a condition can name as opaque, and do not write it', async () => {
    await createTable('samples', [['id', 'S']]);
    const wide = (count: number): Record<string, AttributeValue> =>
      Object.fromEntries(Array.from({ length: count - 1 }, (_, at) => [`a${at}`, { N: String(at) }]));
    await put('samples', { id: { S: 'fits' }, ...wide(140) });
    await put('samples', { id: { S: 'wide' }, ...wide(141) });
    const connector = connectorOver(mesh({ sample: { table: 'samples', key: ['id'] } }));
    for (const { id, body, opaque } of (await read(connector)).objects) {
      expect(opaque !== undefined).toBe(id === 'wide');
      const deleted = await connector.write({
        kind: 'delete',
        type: 'sample',
        id,
        before: body,
        deletionMayRemove: [],
      });
      expect(deleted.kind).toBe(id === 'wide' ? 'refused' : 'applied');
    }
  });

  it('are incomplete where they are not there or have another key, and another table is no continuation of a read', async () => {
    await createTable('parcels', [['id', 'S']]);
    for (const id of ['a', 'b', 'c']) await put('parcels', { id: { S: id } });
    expect((await read(connectorOver(mesh(parcels)))).ends).toEqual(['parcel', 'pair: scopeNotFound']);
    const other = connectorOver(mesh({ parcel: { table: 'parcels', key: ['id', 'name'] } }));
    expect(await read(other)).toEqual({ ends: ['parcel: scopeNotFound'], objects: [] });
    expect((await other.probe()).detail).toBe(
      'the key of the table parcels is id, and the authority file says id, name',
    );
    expect(await other.write({ kind: 'create', type: 'parcel', after: { id: 'd', name: 'x' } })).toMatchObject({
      kind: 'refused',
      code: 'scopeNotFound',
    });
    const only = { parcel: { table: 'parcels', key: ['id'] } };
    await expect(read(connectorOver(mesh(only, { account: '999999999999' })))).rejects.toMatchObject({
      code: 'wrongAccount',
    });
    const [first] = await collect(connectorOver(mesh(only), 1).readAll({}));
    await administrator().send(new DeleteTableCommand({ TableName: 'parcels' }));
    await createTable('parcels', [['id', 'S']]);
    await expect(read(connectorOver(mesh(only)), first?.cursor)).rejects.toMatchObject({ code: 'cursorLost' });
  });
});

interface Answer {
  readonly status: number;
  readonly type: string;
}

describe.skipIf(system.kind === 'missing')('between the connector and DynamoDB', () => {
  let server: Server;
  const seen: string[] = [];
  /** What happens to a request, by its action: an error in place of the table, `lost` where its answer is. */
  let meet: (action: string) => Answer | 'lost' | undefined = () => undefined;

  beforeEach(async () => {
    await available().reset();
    await createTable('parcels', [['id', 'S']]);
    seen.length = 0;
    meet = () => undefined;
    const target = new URL(available().endpoint);
    server = createServer((incoming, outgoing) => {
      const action = String(incoming.headers['x-amz-target']).split('.')[1] ?? '';
      seen.push(action);
      const met = meet(action);
      if (met !== undefined && met !== 'lost') {
        incoming.resume();
        outgoing.writeHead(met.status, { 'content-type': 'application/x-amz-json-1.0' });
        outgoing.end(
          JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${met.type}`, message: 'of the secret key p-1' }),
        );
        return;
      }
      const { method, url, headers } = incoming;
      const passed = onward({ host: target.hostname, port: target.port, method, path: url, headers }, (answer) => {
        if (met === 'lost') {
          answer.resume().once('end', () => outgoing.destroy());
          return;
        }
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      incoming.pipe(passed);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });

  const through = (pageSize = 1, change: Partial<DynamodbMesh> = {}): Connector =>
    connectorOver(
      mesh(
        { parcel: { table: 'parcels', key: ['id'] } },
        { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ...change },
      ),
      pageSize,
    );
  const create = { kind: 'create', type: 'parcel', after: { id: 'p-1' } } as const;

  it('a slow reader slows the requests: of each segment one page is on its way or waits', async () => {
    for (let number = 0; number < 30; number += 1) await put('parcels', { id: { S: `p-${number}` } });
    let pages = 0;
    for await (const item of through().readAll({})) {
      if (item.kind !== 'objects') continue;
      pages += 1;
      // Whatever is under way has time to arrive, and would be followed by more if anything went ahead.
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(seen.filter((action) => action === 'Scan').length).toBeLessThanOrEqual(pages + 2);
    }
    expect(pages).toBe(30);
  });

  it('an update of a batch is told what it left by its own answer, in the words of a read', async () => {
    const ids = ['p-1', 'p-2', 'p-3'];
    for (const id of ids) await put('parcels', { id: { S: id }, count: { N: '1.50' }, none: { NULL: true } });
    const { batches } = through();
    if (!batches) throw new Error('it takes one item at a time');
    const read = await batches.readMany('parcel', ids);
    seen.length = 0;
    const answers = await batches.writeMany(
      ids.map((id) => {
        const before = read.get(id)?.body ?? {};
        return { kind: 'update', type: 'parcel', id, before, after: { ...before, note: 'x' } } as const;
      }),
    );
    expect([...new Set(seen)]).toEqual(['UpdateItem']);
    const left = await batches.readMany('parcel', ids);
    expect(answers).toEqual(ids.map((id) => ({ kind: 'applied', id, object: left.get(id) })));
    expect(left.get('p-1')?.body).toMatchObject({ id: 'p-1', note: 'x', none: null });
  });

  it('a lost answer to a write is unknown and the write is sent once; an answer that it was throttled sends it again', async () => {
    meet = (action) => (action === 'PutItem' ? 'lost' : undefined);
    expect(await through().write(create)).toMatchObject({ kind: 'unknown', code: 'effectUnknown' });
    expect(seen.filter((action) => action === 'PutItem')).toHaveLength(1);
    expect(await held('parcels', { id: { S: 'p-1' } })).toBeDefined();
    meet = (action) => (action === 'DeleteItem' ? { status: 500, type: 'InternalServerError' } : undefined);
    const gone = { kind: 'delete', type: 'parcel', id: 'p-1', before: { id: 'p-1' }, deletionMayRemove: [] } as const;
    expect(await through().write(gone)).toMatchObject({ kind: 'unknown', code: 'effectUnknown' });
    let throttled = 0;
    meet = (action) =>
      action === 'DeleteItem' && (throttled += 1) <= 3
        ? { status: 400, type: throttled === 1 ? 'ThrottlingException' : 'ProvisionedThroughputExceededException' }
        : undefined;
    expect(await through().write(gone)).toEqual({ kind: 'applied', id: 'p-1' });
    meet = (action) =>
      action === 'PutItem' ? { status: 400, type: 'ProvisionedThroughputExceededException' } : undefined;
    expect(await through().write(create)).toMatchObject({ kind: 'refused', code: 'throttled' });
  });

  it('what is forbidden is told by the probe, ends the scope as incomplete, and refuses the write, without a value in its words', async () => {
    for (const denied of ['Scan', 'UpdateItem', 'PutItem', 'DeleteItem', 'GetItem', 'DescribeTable']) {
      meet = (action) => (action === denied ? { status: 400, type: 'AccessDeniedException' } : undefined);
      const probe = await through().probe();
      expect(probe).toMatchObject({ reachable: true, authenticated: true });
      expect(probe.permissions.filter(({ held: is }) => is === false).map(({ permission }) => permission)).toEqual([
        `dynamodb:${denied} on parcels`,
      ]);
    }
    meet = (action) =>
      action === 'Scan' || action === 'PutItem' ? { status: 400, type: 'AccessDeniedException' } : undefined;
    expect((await read(through())).ends).toEqual(['parcel: forbidden']);
    const answer = await through().write(create);
    expect(answer).toMatchObject({ kind: 'refused', code: 'forbidden' });
    expect(JSON.stringify(answer)).not.toContain('p-1"}');
    expect(JSON.stringify(answer)).not.toContain('secret');
    meet = () => ({ status: 400, type: 'UnrecognizedClientException' });
    expect(await through().probe()).toMatchObject({
      reachable: true,
      authenticated: false,
      code: 'credentialsRejected',
    });
    meet = () => undefined;
    expect((await read(through())).objects).toEqual([]);
  });

  it('a probe changes nothing, not even under the key that it uses', async () => {
    await put('parcels', { id: { S: 'concordat-probe' }, note: { S: 'x' } });
    await through().probe();
    expect(await held('parcels', { id: { S: 'concordat-probe' } })).toEqual({
      id: { S: 'concordat-probe' },
      note: { S: 'x' },
    });
    expect((await read(through())).objects).toHaveLength(1);
  });
});

describe.skipIf(system.kind === 'missing')('changes of tables of DynamoDB', () => {
  const streamed = { StreamSpecification: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' } } as const;
  const numbered: DynamodbMesh['tables'] = { pair: { table: 'pairs', key: ['left', 'right'] } };
  const connector = (): Connector => connectorOver(mesh(numbered, { changes: { fullReadEvery: 24 } }));
  const pair = (left: string, right: string, note?: string): Record<string, AttributeValue> => ({
    left: { S: left },
    right: { N: right },
    ...(note === undefined ? {} : { note: { S: note } }),
  });
  const key: readonly Definition[] = [
    ['left', 'S'],
    ['right', 'N'],
  ];

  beforeEach(async () => {
    await available().reset();
  });

  it('come to what a full read shows, however often they are told', async () => {
    await createTable('pairs', key, streamed);
    for (const right of ['1', '2', '3']) await put('pairs', pair('a', right, 'first'));
    const at = connector();
    let cursors = await positionsOf(at, ['pair']);
    const known = new Map((await read(at)).objects.map((object) => [object.id, object]));
    expect(await toldSince(at, cursors)).toMatchObject({ objects: [], gone: [], untold: [] });
    for (const change of [
      async () => put('pairs', pair('a', '2', 'second')),
      async () => {
        await put('pairs', pair('b', '9', 'new'));
        await put('pairs', pair('b', '9', 'newer'));
        await administrator().send(new DeleteItemCommand({ TableName: 'pairs', Key: pair('a', '1') }));
      },
      async () => {
        await administrator().send(new DeleteItemCommand({ TableName: 'pairs', Key: pair('b', '9') }));
        await put('pairs', pair('b', '9', 'again'));
      },
    ]) {
      await change();
      const first = await toldSince(at, cursors);
      expect((await toldSince(at, cursors)).objects).toEqual(first.objects);
      expect(first.untold).toEqual([]);
      for (const object of first.objects) known.set(object.id, object);
      for (const id of first.gone) known.delete(id);
      ({ cursors } = first);
      const all = new Map((await read(at)).objects.map((object) => [object.id, object]));
      expect(known).toEqual(all);
    }
    expect(await toldSince(at, cursors)).toMatchObject({ objects: [], gone: [], untold: [] });
  });

  it('are not told of a table without a stream, and are in doubt once it is switched off or another', async () => {
    await createTable('pairs', key);
    expect(await connector().changes?.positions(['pair'])).toMatchObject({ pair: { kind: 'none', why: 'notOffered' } });
    await administrator().send(new UpdateTableCommand({ TableName: 'pairs', ...streamed }));
    const cursors = await positionsOf(connector(), ['pair']);
    await administrator().send(
      new UpdateTableCommand({ TableName: 'pairs', StreamSpecification: { StreamEnabled: false } }),
    );
    // moto takes no write to a table whose stream was switched off.
    expect(await toldSince(connector(), cursors)).toMatchObject({ gone: [], untold: ['pair doubtful'], cursors: {} });
    await administrator().send(new DeleteTableCommand({ TableName: 'pairs' }));
    expect((await toldSince(connector(), cursors)).untold).toEqual(['pair doubtful']);
    await createTable('pairs', key, streamed);
    expect((await toldSince(connector(), cursors)).untold).toEqual(['pair expired']);
    // Read in another way, what was read before is not what would be read now.
    const other = await positionsOf(connector(), ['pair']);
    const attributes = { note: 'number' } as const;
    const changed = connectorOver(
      mesh({ pair: { table: 'pairs', key: ['left', 'right'], attributes } }, { changes: { fullReadEvery: 24 } }),
    );
    expect((await toldSince(changed, other)).untold).toEqual(['pair expired']);
  });

  it('need permissions of their own, which doctor shows', async () => {
    await createTable('pairs', key, streamed);
    const { permissions } = await connector().probe();
    expect(permissions).toContainEqual({ permission: 'dynamodb:GetRecords on the stream of pairs', held: true });
    const without = await connectorOver(mesh(numbered)).probe();
    expect(without.permissions.filter(({ permission }) => permission.includes('stream'))).toEqual([]);
  });
});
