/** The postgresql connector against PostgreSQL itself: the cases of every store of records, and what only tables can get wrong. */
import { afterAll, describe, expect, it } from 'vitest';
import { createPostgresqlConnector } from '../../activities/connectors/postgresql/connector.js';
import type { PostgresqlMesh } from '../../activities/connectors/postgresql/config.js';
import type { Connector } from '../../activities/connectors/connector.js';
import type { ConformanceCase } from '../conformance/cases.js';
import { batchCases } from '../conformance/batch-cases.js';
import { recordCases } from '../conformance/record-cases.js';
import { holdsEveryValue, sampleMap } from '../conformance/record-types.js';
import { collect, endsIn } from '../conformance/scene.js';
import { describeWorld } from '../conformance/suite.js';
import { systemWorld } from '../conformance/world.js';
import { startPostgresql, type PostgresqlSystem } from '../support/systems/postgresql.js';
import { missingWords } from '../support/systems/system.js';

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

let databases = 0;
/** A database of its own with one table, named `sample`. */
async function connectorOver(
  columns: string,
  { key = ['id'], more = '' }: { readonly key?: string[]; readonly more?: string } = {},
): Promise<{ readonly connector: Connector; readonly sql: (text: string) => Promise<void> }> {
  const name = `own${(databases += 1)}`;
  const environment = await available().database(name);
  const sql = (text: string) => available().sql(text, name);
  await sql(`CREATE TABLE sample (${columns}); ${more}`);
  const mesh: PostgresqlMesh = { ...available().mesh, tables: { sample: { table: 'sample', key } } };
  return { connector: createPostgresqlConnector({ mesh, environment, pageSize: 2 }), sql };
}

const read = async (connector: Connector) => {
  const items = await collect(connector.readAll({}));
  return { ends: endsIn(items), objects: items.flatMap((item) => (item.kind === 'objects' ? item.objects : [])) };
};

describe.skipIf(system.kind === 'missing')('tables of PostgreSQL', () => {
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
