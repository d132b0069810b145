/** The postgresql connector against PostgreSQL itself: the cases of every store of records, and what only tables can get wrong. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { createPostgresqlConnector } from '../../activities/connectors/postgresql/connector.js';
import type { PostgresqlMesh } from '../../activities/connectors/postgresql/config.js';
import type { BatchAnswer, Connector, NativeWrite } from '../../activities/connectors/connector.js';
import type { ConformanceCase } from '../conformance/cases.js';
import { batchCases } from '../conformance/batch-cases.js';
import { recordCases } from '../conformance/record-cases.js';
import { holdsEveryValue, sampleMap } from '../conformance/record-types.js';
import { collect, declaresIn, endsIn } from '../conformance/scene.js';
import { describeWorld } from '../conformance/suite.js';
import { systemWorld, type World } from '../conformance/world.js';
import { startPostgresql, type PostgresqlSystem } from '../support/systems/postgresql.js';
import { byCodeUnit } from '../../core/json.js';
import { missingWords } from '../support/systems/system.js';
import { throughLines } from '../support/through-lines.js';

const own: readonly ConformanceCase[] = [
  {
    name: 'a probe with a wrong secret says that the credentials are rejected',
    run: async ({ world }) => {
      const probe = await world.connector({ wrongSecret: true }).probe();
      expect(probe).toMatchObject({ reachable: true, authenticated: false, code: 'credentialsRejected' });
    },
  },
];

const system: PostgresqlSystem = await startPostgresql();
if (system.kind === 'missing') process.stderr.write(`${missingWords(system)}\n`);

function available(): Extract<PostgresqlSystem, { readonly kind: 'available' }> {
  if (system.kind === 'missing') throw new Error('skipped where it is missing');
  return system;
}

afterAll(async () => {
  if (system.kind === 'available') await system.stop();
});

describeWorld(
  'postgresql',
  [],
  // The suite ends its world; the server is ended once for the whole file.
  () =>
    Promise.resolve(systemWorld(system.kind === 'missing' ? system : { ...system, stop: async () => undefined }, [])),
  own,
  undefined,
  [...recordCases, ...batchCases],
);

describeWorld(
  'postgresql, read by lines',
  [],
  () => {
    const attempt = systemWorld(system.kind === 'missing' ? system : { ...system, stop: async () => undefined }, []);
    if (!attempt.available) return Promise.resolve(attempt);
    const { world } = attempt;
    const connector: World['connector'] = (wishes) => throughLines(world.connector(wishes));
    return Promise.resolve({ available: true, world: { ...world, connector } });
  },
  [],
  undefined,
  recordCases,
);

let databases = 0;
/** A database of its own with one table, named `sample`. */
async function connectorTo(
  columns: string,
  {
    key = ['id'],
    before = '',
    more = '',
  }: { readonly key?: string[]; readonly before?: string; readonly more?: string } = {},
): Promise<{
  readonly connector: Connector;
  readonly sql: (text: string) => Promise<void>;
  readonly environment: Readonly<Record<string, string>>;
}> {
  const name = `own${(databases += 1)}`;
  const environment = await available().database(name);
  const sql = (text: string) => available().sql(text, name);
  await sql(`${before}; CREATE TABLE sample (${columns}); ${more}`);
  const mesh: PostgresqlMesh = { ...available().mesh, tables: { sample: { table: 'sample', key } } };
  return { connector: createPostgresqlConnector({ mesh, environment, pageSize: 2 }), sql, environment };
}

const read = async (connector: Connector) => {
  const items = await collect(connector.readAll({}));
  return { ends: endsIn(items), objects: items.flatMap((item) => (item.kind === 'objects' ? item.objects : [])) };
};

describe.skipIf(system.kind === 'missing').each([
  ['through a cursor', (connector: Connector) => connector],
  ['through COPY', throughLines],
])('tables of PostgreSQL %s', (_by, through) => {
  const connectorOver = async (...asked: Parameters<typeof connectorTo>) => {
    const { connector, ...rest } = await connectorTo(...asked);
    return { connector: through(connector), ...rest };
  };

  it('hold values of every kind in columns of their types', async () => {
    const { connector } = await connectorOver(
      `id text PRIMARY KEY, text text, composed text, folded text, flag boolean, long bigint, amount numeric,
       price numeric(12, 2), weight numeric, "seenAt" timestamptz, "localAt" timestamp, day date, raw bytea,
       tags text[], numbers bigint[], lines jsonb`,
    );
    await holdsEveryValue(
      connector,
      sampleMap({ weight: [{ unit: 'kg', times: '1000' }], localAt: [{ zone: '+02:00' }], tags: [{ set: true }] }),
      60,
    );
  });

  it('hold NaN and the infinities in columns that have them, and refuse them for others', async () => {
    const { connector } = await connectorOver(
      `id text PRIMARY KEY, level float8, peak float4, price numeric, cents numeric(6, 2), whole int4, list float8[]`,
    );
    const create = (id: string, more: object) =>
      connector.write({ kind: 'create', type: 'sample', after: { id, ...more } });
    const held = {
      level: 'NaN',
      peak: 'Infinity',
      price: '-Infinity',
      cents: 'NaN',
      list: ['NaN', '-Infinity', '1.5'],
    };
    expect(await create('a', held)).toEqual({ kind: 'applied', id: 'a' });
    expect((await connector.readOne('sample', 'a'))?.body).toEqual({ id: 'a', ...held, whole: null });
    for (const more of [{ cents: 'Infinity' }, { whole: 'NaN' }]) {
      expect(await create('b', more)).toMatchObject({ kind: 'refused', code: 'valueNotRepresentable' });
      expect(await connector.readOne('sample', 'b')).toBeNull();
    }
  });

  it('never round, cut or pad: what a column would hold otherwise is taken back and refused', async () => {
    const { connector } = await connectorOver(
      `id text PRIMARY KEY, price numeric(6, 2), short varchar(3), at timestamptz(0), small int2, ratio float4`,
    );
    const create = (after: object) => connector.write({ kind: 'create', type: 'sample', after: { id: 'a', ...after } });
    for (const after of [
      { price: '1.005' },
      { price: '99999' },
      { short: 'abcd' },
      { at: '2024-01-01T00:00:00.5Z' },
      { small: '40000' },
      { ratio: '0.123456789' },
      { short: 'a\0b' },
      { short: true },
      { other: 'x' },
    ])
      expect(await create(after), JSON.stringify(after)).toMatchObject({
        kind: 'refused',
        code: 'valueNotRepresentable',
      });
    expect((await read(connector)).objects).toEqual([]);
    expect(await create({ price: '1.5', at: '2024-01-01T02:00:00+02:00', small: '007', ratio: '0.5' })).toEqual({
      kind: 'applied',
      id: 'a',
    });
    expect((await connector.readOne('sample', 'a'))?.body).toMatchObject({ price: '1.50', small: '7', ratio: '0.5' });
  });

  it('without a unique index show rows with one key as one opaque row, and write none of them', async () => {
    const { connector, sql } = await connectorOver('id text, note text');
    await sql(`INSERT INTO sample VALUES ('a', '1'), ('b', '2'), ('a', '3'), ('c', '4'), ('a', '1'), (NULL, '5')`);
    const { ends, objects } = await read(connector);
    expect(ends).toEqual(['sample: rowUnreadable']);
    expect(objects.map(({ id, opaque }) => [id, opaque !== undefined])).toEqual([
      ['a', true],
      ['b', false],
      ['c', false],
    ]);
    const before = { id: 'a', note: '1' };
    const write = { kind: 'delete', type: 'sample', id: 'a', before, deletionMayRemove: [] } as const;
    expect(await connector.write(write)).toMatchObject({ kind: 'refused', code: 'opaqueRecord' });
    expect((await read(connector)).objects).toHaveLength(3);
    expect((await connector.probe()).nativeTypes?.[0]?.detail).toMatch(/no unique index/);
  });

  it('are read as one moment: rows that come while it is read are not there', async () => {
    const { connector, sql } = await connectorOver('id text PRIMARY KEY');
    await sql(`INSERT INTO sample SELECT 'k' || n FROM generate_series(1, 5) n`);
    let rows = 0;
    let later = 0;
    for await (const item of connector.readAll({})) {
      if (item.kind === 'objects') rows += item.objects.length;
      await sql(`INSERT INTO sample VALUES ('later ${(later += 1)}'); DELETE FROM sample WHERE id = 'k5'`);
    }
    expect(rows).toBe(5);
  });

  it('are read on in another process where a read died, unless what it read is not as it was', async () => {
    const { connector, sql } = await connectorOver('id text PRIMARY KEY, note text, mood mood', {
      before: `CREATE TYPE mood AS ENUM ('calm')`,
    });
    const again = async (): Promise<string> => {
      await sql(`TRUNCATE sample`);
      await sql(`INSERT INTO sample SELECT 'k' || n, 'as it was', 'calm' FROM generate_series(1, 9) n`);
      const [, second] = await collect(connector.readAll({}));
      return second?.cursor ?? '';
    };
    const restAfter = async (...changes: readonly string[]): Promise<readonly string[] | string> => {
      const cursor = await again();
      for (const change of changes) await sql(change);
      const rest = await collect(connector.readAll({ cursor })).catch((error: unknown) => error);
      if (!Array.isArray(rest)) return String((rest as { readonly code?: string }).code);
      const objects = (rest as Awaited<ReturnType<typeof collect>>).flatMap((item) =>
        item.kind === 'objects' ? item.objects.map(({ id }) => id) : [],
      );
      return [...objects].sort(byCodeUnit);
    };
    expect(await restAfter()).toEqual(['k5', 'k6', 'k7', 'k8', 'k9']);
    expect(await restAfter(`INSERT INTO sample VALUES ('k0'); DELETE FROM sample WHERE id = 'k8'`)).toEqual([
      'k0',
      'k5',
      'k6',
      'k7',
      'k9',
    ]);
    expect(await restAfter(`UPDATE sample SET note = 'new' WHERE id = 'k7'`)).toHaveLength(5);
    expect(await restAfter(`UPDATE sample SET note = 'new' WHERE id = 'k2'`)).toBe('cursorLost');
    expect(await restAfter(`DELETE FROM sample WHERE id = 'k2'`)).toBe('cursorLost');
    // Another row in its very place, so that as many are there.
    expect(
      await restAfter(`DELETE FROM sample WHERE id = 'k2'`, 'VACUUM sample', `INSERT INTO sample VALUES ('k0')`),
    ).toBe('cursorLost');
    // As many rows before the place, and other ones.
    expect(await restAfter('VACUUM FULL sample')).toBe('cursorLost');
    expect(await restAfter(`ALTER TYPE mood RENAME VALUE 'calm' TO 'quiet'`)).toBe('cursorLost');
    await sql(`ALTER TYPE mood RENAME VALUE 'quiet' TO 'calm'`);
    expect(await restAfter(`ALTER TABLE sample ADD COLUMN more text DEFAULT 'x'`)).toBe('cursorLost');
  });

  it('are incomplete where the user may not read them, they are not there, or row security would hide rows', async () => {
    const { connector, sql } = await connectorOver('id text PRIMARY KEY');
    await sql('REVOKE SELECT ON sample FROM concordat');
    expect((await read(connector)).ends).toEqual(['sample: forbidden']);
    await sql(
      `GRANT SELECT ON sample TO concordat; INSERT INTO sample VALUES ('a'); ALTER TABLE sample ENABLE ROW LEVEL SECURITY`,
    );
    expect(await read(connector)).toEqual({ ends: ['sample: forbidden'], objects: [] });
    await sql('DROP TABLE sample');
    expect((await read(connector)).ends).toEqual(['sample: scopeNotFound']);
    expect((await connector.probe()).permissions.some(({ held }) => held === false)).toBe(true);
  });

  it('refuse what constraints forbid, and leave what other rows refer to', async () => {
    const { connector, sql } = await connectorOver('id text PRIMARY KEY, n int CHECK (n > 0), code text UNIQUE', {
      more: 'CREATE TABLE line (sample text REFERENCES sample)',
    });
    await sql(`INSERT INTO sample VALUES ('a', 1, 'x'); INSERT INTO line VALUES ('a')`);
    const write = (after: object) => connector.write({ kind: 'create', type: 'sample', after: { id: 'b', ...after } });
    expect(await write({ n: '-1' })).toMatchObject({ kind: 'refused', code: 'valueNotRepresentable' });
    expect(await write({ code: 'x' })).toMatchObject({ kind: 'conflict', code: 'nameTaken' });
    const before = { id: 'a', n: '1', code: 'x' };
    expect(
      await connector.write({ kind: 'delete', type: 'sample', id: 'a', before, deletionMayRemove: [] }),
    ).toMatchObject({ kind: 'refused', code: 'deletionBlocked' });
  });

  it('keep generated columns, defaults and what was added since, and show every type as the text it has', async () => {
    const { connector, sql } = await connectorOver(
      `id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, twice text GENERATED ALWAYS AS (name || name) STORED,
       span interval, at timetz, money numeric, place point, padded char(5), sure boolean, doc json, ip inet, nan float8, matrix int[], moved int[]`,
    );
    await sql(
      `INSERT INTO sample (name, span, at, money, place, padded, sure, doc, ip, nan, matrix, moved)
       VALUES ('n', '1 year 2 days', '12:00+02', '1.10', '(1,2)', 'ab', true, '{"a": 1.0}', '10.0.0.1', 'NaN', '{{1,2},{3,NULL}}', '[0:1]={1,2}')`,
    );
    const { objects } = await read(connector);
    const [object] = objects;
    expect(object).toEqual({
      type: 'sample',
      id: '1',
      body: {
        id: '1',
        name: 'n',
        twice: 'nn',
        span: 'P1Y2D',
        at: '12:00:00+02',
        money: '1.10',
        place: '(1,2)',
        padded: 'ab   ',
        sure: true,
        doc: '{"a": 1.0}',
        ip: '10.0.0.1',
        nan: 'NaN',
        matrix: [
          ['1', '2'],
          ['3', null],
        ],
        moved: '[0:1]={1,2}',
      },
    });
    if (!object) throw new Error('nothing was read');
    const { type, id, body } = object;
    await sql('ALTER TABLE sample ADD COLUMN later text');
    const after = { ...body, name: 'm', twice: 'mm' };
    expect(await connector.write({ kind: 'update', type, id, before: body, after })).toMatchObject({
      kind: 'refused',
      code: 'valueNotRepresentable',
    });
    const named = { ...body, name: 'm' };
    expect(await connector.write({ kind: 'update', type, id, before: body, after: named })).toEqual({
      kind: 'applied',
      id,
    });
    expect((await connector.readOne(type, id))?.body).toEqual({ ...named, twice: 'mm', later: null });
  });

  it('are told with the types that the database declares, as they are now', async () => {
    const { connector, sql } = await connectorOver(
      'id text PRIMARY KEY, price numeric(12,2), "seenAt" timestamptz, tags text[], mood mood NOT NULL',
      { before: `CREATE TYPE mood AS ENUM ('well')` },
    );
    const declared = async () => declaresIn(await collect(connector.readAll({})));
    const types = {
      id: 'text',
      price: 'numeric(12,2)',
      seenAt: 'timestamp with time zone',
      tags: 'text[]',
      mood: 'mood',
    };
    expect(await declared()).toEqual([types]);
    await sql('ALTER TABLE sample ALTER COLUMN price TYPE text');
    expect(await declared()).toEqual([{ ...types, price: 'text' }]);
  });

  it('say unknown where the answer to the commit is lost, and tell no value in what they say', async () => {
    const { connector, sql } = await connectorOver('id text PRIMARY KEY', {
      more: `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
               BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
             ALTER FUNCTION fail() SECURITY DEFINER;
             CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON sample DEFERRABLE INITIALLY DEFERRED
               FOR EACH ROW EXECUTE FUNCTION fail();`,
    });
    const answer = await connector.write({ kind: 'create', type: 'sample', after: { id: 'secret-value' } });
    expect(answer).toMatchObject({ kind: 'unknown', code: 'effectUnknown' });
    expect(JSON.stringify(answer)).not.toContain('secret-value');
    await sql('DROP TRIGGER at_commit ON sample');
    expect(await connector.write({ kind: 'create', type: 'sample', after: { id: 'a' } })).toMatchObject({
      kind: 'applied',
    });
  });
});

describe.skipIf(system.kind === 'missing')('many rows of PostgreSQL at once', () => {
  const columns =
    'id text PRIMARY KEY, price numeric(6, 2), short varchar(3), at timestamptz, flag boolean, tags text[], data jsonb';
  const row = (id: string, change: object = {}) => ({
    id,
    price: '1.50',
    short: null,
    at: '2024-01-01 00:00:00+00',
    flag: true,
    tags: ['a', 'b,"c"'],
    data: { x: [1, null] },
    ...change,
  });
  const batches = ({ batches: offered }: Connector) => {
    if (!offered) throw new Error('there are no batches');
    return offered;
  };
  const ids = [...Array(20).keys()].map((number) => `r${number}`);
  const create = (id: string, change: object = {}): NativeWrite => ({
    kind: 'create',
    type: 'sample',
    after: row(id, change),
  });
  const update = (id: string, change: object, before: object = {}): NativeWrite => ({
    kind: 'update',
    type: 'sample',
    id,
    before: row(id, before),
    after: row(id, { ...before, ...change }),
  });
  const kinds = (answers: readonly BatchAnswer[]) => answers.map(({ kind }) => kind);

  it('refuse alone what a column would round, cut or not take, and write the rest', async () => {
    const { connector } = await connectorTo(columns);
    const writeMany = (writes: readonly NativeWrite[]) => batches(connector).writeMany(writes);
    expect(new Set(kinds(await writeMany(ids.map((id) => create(id)))))).toEqual(new Set(['applied']));
    const answers = await writeMany([
      update('r0', { price: '2.50' }),
      update('r1', { price: '1.005' }),
      update('r2', { price: '99999' }),
      update('r3', { price: '3.50' }),
      update('r4', { short: 'abcd' }),
      update('r5', { short: 'abc', tags: null, data: null }),
      update('r6', { price: '4' }, { flag: false }),
    ]);
    expect(kinds(answers)).toEqual(['applied', 'refused', 'refused', 'applied', 'refused', 'applied', 'conflict']);
    const found = await batches(connector).readMany('sample', ids);
    expect(ids.slice(0, 7).map((id) => found.get(id)?.body)).toEqual([
      row('r0', { price: '2.50' }),
      row('r1'),
      row('r2'),
      row('r3', { price: '3.50' }),
      row('r4'),
      row('r5', { short: 'abc', tags: null, data: null }),
      row('r6'),
    ]);
    // Null is expected as null, and every type is compared as what it is.
    const again = await writeMany([
      update('r5', { short: 'x' }, { short: 'abc', tags: null, data: null }),
      update('r7', { short: 'x' }, { tags: ['b,"c"', 'a'] }),
      update('r8', { short: 'x' }, { data: { x: [1] } }),
      update('r9', { short: 'x' }, { at: '2024-01-01 00:00:00.000001+00' }),
    ]);
    expect(kinds(again)).toEqual(['applied', 'conflict', 'conflict', 'conflict']);
  });

  it('keep rows that others refer to, delete the rest, and write no row whose key stands twice', async () => {
    const { connector, sql } = await connectorTo('id text PRIMARY KEY', {
      more: 'CREATE TABLE child (parent text REFERENCES sample)',
    });
    await sql(`INSERT INTO sample SELECT 'r' || n FROM generate_series(0, 9) n; INSERT INTO child VALUES ('r4')`);
    const answers = await batches(connector).writeMany(
      ids.slice(0, 10).map((id) => ({ kind: 'delete', type: 'sample', id, before: { id }, deletionMayRemove: [] })),
    );
    expect(
      answers.map((answer) => (answer.kind === 'applied' ? 'applied' : answer.kind === 'refused' ? answer.code : '?')),
    ).toEqual(ids.slice(0, 10).map((id) => (id === 'r4' ? 'deletionBlocked' : 'applied')));
    const twice = await connectorTo('id text, note text');
    await twice.sql(`INSERT INTO sample VALUES ('a', '1'), ('a', '1'), ('b', '1')`);
    const notes = await batches(twice.connector).writeMany(
      ['a', 'b'].map((id) => ({
        kind: 'update',
        type: 'sample',
        id,
        before: { id, note: '1' },
        after: { id, note: '2' },
      })),
    );
    expect(kinds(notes)).toEqual(['refused', 'applied']);
    expect((await read(twice.connector)).objects.map(({ body }) => body['note'])).toEqual(['1', '2']);
  });

  it('ask the server what became of a COMMIT whose answer was lost, and are unknown where it cannot say', async () => {
    const { connector: direct, environment } = await connectorTo(columns);
    for (const fate of ['answered', 'gone'] as const) {
      const proxy = await losingCommit(environment['PGCONNECTION'] ?? '', fate);
      const connector = createPostgresqlConnector({
        mesh: { ...available().mesh, tables: { sample: { table: 'sample', key: ['id'] } } },
        environment: { PGCONNECTION: proxy.connection },
      });
      const answers = await batches(connector).writeMany(ids.slice(0, 5).map((id) => create(`${fate}-${id}`)));
      expect(kinds(answers)).toEqual(Array(5).fill(fate === 'answered' ? 'applied' : 'unknown'));
      expect(
        (
          await batches(direct).readMany(
            'sample',
            ids.map((id) => `${fate}-${id}`),
          )
        ).size,
      ).toBe(5);
      await proxy.stop();
    }
  });
});

/** Between the connector and the server: takes the first COMMIT there and its answer nowhere; `gone`: and nothing after it. */
async function losingCommit(connection: string, fate: 'answered' | 'gone') {
  const url = new URL(connection);
  const serverPort = Number(url.port);
  const sockets = new Set<Socket>();
  let lost = false;
  const server = createServer((client) => {
    if (lost && fate === 'gone') return client.destroy();
    const upstream = connect(serverPort, url.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    let isLosing = false;
    client.on('data', (bytes) => {
      if (!lost && bytes.includes('COMMIT')) {
        lost = true;
        isLosing = true;
      }
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (isLosing) client.destroy();
      else client.write(bytes);
    });
    client.on('close', () => upstream.end());
    upstream.on('close', () => client.end());
    return client;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url.port = String((server.address() as AddressInfo).port);
  return {
    connection: url.href,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
