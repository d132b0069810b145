/** What changed of tables of PostgreSQL itself, by logical decoding: never less than what a full read would show, and no deletion without proof. */
import { afterAll, describe, expect, it } from 'vitest';
import type { ChangeCursors, ChangeItem, Changes, Connector } from '../../activities/connectors/connector.js';
import type { PostgresqlMesh } from '../../activities/connectors/postgresql/config.js';
import { createPostgresqlConnector } from '../../activities/connectors/postgresql/connector.js';
import type { MakePace } from '../../activities/pace.js';
import type { NativeObject } from '../../core/record.js';
import { startPostgresql, type PostgresqlSystem } from '../support/systems/postgresql.js';
import { missingWords } from '../support/systems/system.js';
import { Client } from 'pg';

const system: PostgresqlSystem = await startPostgresql();
if (system.kind === 'missing') process.stderr.write(`${missingWords(system)}\n`);
afterAll(async () => {
  if (system.kind === 'available') await system.stop();
});

let databases = 0;
interface Scene {
  readonly connector: Connector;
  readonly changes: Changes;
  readonly sql: (text: string) => Promise<void>;
  readonly connectionString: string;
  readonly slot: string;
}

async function scene(
  columns: string,
  { key = ['id'], more = '', makePace }: { key?: string[]; more?: string; makePace?: MakePace } = {},
): Promise<Scene> {
  if (system.kind === 'missing') throw new Error('skipped where it is missing');
  const name = `changes${(databases += 1)}`;
  const environment = await system.database(name);
  const sql = (text: string): Promise<void> => system.sql(text, name);
  await sql(`CREATE TABLE sample (${columns}); ${more}`);
  await sql('CREATE PUBLICATION told FOR TABLE sample');
  await sql(`SELECT pg_create_logical_replication_slot('${name}', 'pgoutput')`);
  const mesh: PostgresqlMesh = {
    ...system.mesh,
    tables: { sample: { table: 'sample', key } },
    changes: { slot: name, publication: 'told', fullReadEvery: 24 },
  };
  const connector = createPostgresqlConnector({ mesh, environment, pageSize: 2, ...(makePace ? { makePace } : {}) });
  if (!connector.changes) throw new Error('changes are declared');
  return {
    connector,
    changes: connector.changes,
    sql,
    connectionString: environment['PGCONNECTION'] ?? '',
    slot: name,
  };
}

async function begin({ changes }: Scene): Promise<ChangeCursors> {
  const { sample } = await changes.positions(['sample']);
  if (sample?.kind !== 'cursor') throw new Error(JSON.stringify(sample));
  return { sample: sample.cursor };
}

async function since({ changes }: Scene, cursors: ChangeCursors) {
  const items: ChangeItem[] = [];
  for await (const item of changes.changesSince(cursors)) items.push(item);
  const end = items.at(-1);
  if (end?.kind !== 'end') throw new Error('it has no end');
  return {
    objects: items.flatMap((item): readonly NativeObject[] => (item.kind === 'objects' ? item.objects : [])),
    gone: items.flatMap((item) => (item.kind === 'gone' ? item.ids : [])),
    untold: items.flatMap((item) => (item.kind === 'untold' ? [item.why] : [])),
    cursors: end.cursors,
  };
}

async function all({ connector }: Scene): Promise<Map<string, NativeObject>> {
  const found = new Map<string, NativeObject>();
  for await (const item of connector.readAll({}))
    if (item.kind === 'objects') for (const object of item.objects) found.set(object.id, object);
  return found;
}

/** Applies what is told to what was known. */
async function follow(at: Scene, known: Map<string, NativeObject>, cursors: ChangeCursors): Promise<ChangeCursors> {
  const told = await since(at, cursors);
  expect(told.untold).toEqual([]);
  for (const object of told.objects) known.set(object.id, object);
  for (const id of told.gone) known.delete(id);
  return told.cursors;
}

describe.skipIf(system.kind === 'missing')('changes of a table of PostgreSQL', () => {
  it('come to what a full read shows, whatever values, keys and transactions did', async () => {
    const at = await scene(
      `a text, b bigint, amount numeric(20, 4), "At" timestamptz, raw bytea, long text, doc jsonb,
       twice numeric GENERATED ALWAYS AS (amount * 2) STORED, PRIMARY KEY (a, b)`,
      { key: ['b', 'a'] },
    );
    await at.sql(`INSERT INTO sample SELECT 'é"{,' || n, n, n / 7.0, '2024-01-01', '\\x00ff', repeat(md5(n::text), 400), '{"n": 1.50}'
      FROM generate_series(1, 9) AS n`);
    let cursors = await begin(at);
    const known = await all(at);
    expect(await since(at, cursors)).toMatchObject({ gone: [], untold: [] });
    for (const text of [
      `UPDATE sample SET amount = 1 WHERE b = 2; DELETE FROM sample WHERE b = 3; INSERT INTO sample VALUES (' ', 10)`,
      `UPDATE sample SET b = 40 WHERE b = 4; UPDATE sample SET long = 'short' WHERE b = 5`,
      `BEGIN; DELETE FROM sample WHERE b = 6; INSERT INTO sample (a, b) VALUES ('é"{,6', 6); UPDATE sample SET amount = 9 WHERE b = 6; COMMIT`,
      `BEGIN; INSERT INTO sample (a, b) VALUES ('x', 77); SAVEPOINT s; UPDATE sample SET amount = 5 WHERE b = 7; ROLLBACK TO s; COMMIT`,
      `BEGIN; DELETE FROM sample; ROLLBACK`,
      `DELETE FROM sample WHERE b > 6`,
    ]) {
      await at.sql(text);
      cursors = await follow(at, known, cursors);
      await at.changes.release(Object.values(cursors));
      const full = await all(at);
      expect(known).toEqual(full);
    }
    expect((await since(at, cursors)).objects).toEqual([]);
  });

  it('are told again until they are released, and then not', async () => {
    const at = await scene('id text PRIMARY KEY, note text');
    const cursors = await begin(at);
    await at.sql(`INSERT INTO sample VALUES ('a', '1')`);
    const first = await since(at, cursors);
    expect(first).toMatchObject({ objects: [{ id: 'a' }], gone: [] });
    expect((await since(at, cursors)).objects).toEqual(first.objects);
    await at.changes.release([...Object.values(first.cursors), ...Object.values(cursors)]);
    expect((await since(at, cursors)).objects).toEqual(first.objects);
    await at.changes.release(Object.values(first.cursors));
    expect((await since(at, first.cursors)).objects).toEqual([]);
    // What was released is gone: who still stands before it has to read all.
    await at.sql(`INSERT INTO sample VALUES ('b', '1')`);
    const second = await since(at, first.cursors);
    await at.changes.release(Object.values(second.cursors));
    expect(await since(at, first.cursors)).toMatchObject({ untold: ['expired'], objects: [], gone: [] });
  });

  it('are read at the pace of the authority file, a row a turn of it', async () => {
    const turns: number[] = [];
    const turn = (rows: number): Promise<void> => Promise.resolve(void turns.push(rows));
    const makePace: MakePace = () => ({ turn, used: () => undefined, hold: () => undefined });
    const at = await scene('id text PRIMARY KEY', { makePace });
    const cursors = await begin(at);
    await at.sql(`INSERT INTO sample VALUES ('a'), ('b'), ('c')`);
    turns.length = 0;
    expect((await since(at, cursors)).objects.length).toBe(3);
    expect(turns).toEqual([2, 1]);
  });

  it('of a transaction that is open at the moment of the read are told once it has ended', async () => {
    const at = await scene('id text PRIMARY KEY, note text');
    const cursors = await begin(at);
    const other = new Client({ connectionString: at.connectionString });
    await other.connect();
    await other.query(`BEGIN; INSERT INTO sample VALUES ('slow', '1')`);
    await at.sql(`INSERT INTO sample VALUES ('quick', '1')`);
    const first = await since(at, cursors);
    expect(first.objects.map(({ id }) => id)).toEqual(['quick']);
    await at.changes.release(Object.values(first.cursors));
    await other.query('COMMIT');
    await other.end();
    const second = await since(at, first.cursors);
    expect(second.objects.map(({ id }) => id)).toEqual(['slow']);
  });

  it.each([
    ['TRUNCATE sample', 'doubtful'],
    ['ALTER TABLE sample ADD COLUMN more text DEFAULT $$x$$', 'doubtful'],
    ['ALTER TABLE sample ALTER COLUMN note TYPE text USING upper(note)', 'doubtful'],
    [
      'ALTER PUBLICATION told DROP TABLE sample; DELETE FROM sample; ALTER PUBLICATION told ADD TABLE sample',
      'doubtful',
    ],
    ['DROP TABLE sample; CREATE TABLE sample (id text PRIMARY KEY, note text)', 'notOffered'],
    ['ALTER TABLE sample REPLICA IDENTITY NOTHING', 'notOffered'],
    ['ALTER PUBLICATION told SET (publish = $$insert, update$$)', 'notOffered'],
    ['ALTER PUBLICATION told SET TABLE sample WHERE (id > $$a$$)', 'notOffered'],
    ['DROP PUBLICATION told', 'notOffered'],
    ['SELECT pg_drop_replication_slot(current_database())', 'expired'],
    [
      'SELECT pg_drop_replication_slot(current_database()); SELECT pg_create_logical_replication_slot(current_database(), $$pgoutput$$)',
      'expired',
    ],
  ])('after `%s` are not told: %s', async (text, why) => {
    const at = await scene('id text PRIMARY KEY, note text');
    await at.sql(`INSERT INTO sample VALUES ('a', '1'), ('b', '1')`);
    const cursors = await begin(at);
    await at.sql(`UPDATE sample SET note = '2' WHERE id = 'b'`);
    await Promise.resolve(text.split('; ')).then(async (parts) => {
      for (const part of parts) await at.sql(part);
    });
    expect(await since(at, cursors)).toMatchObject({ untold: [why], objects: [], gone: [] });
  });

  it('are looked at by a probe, which says what is missing', async () => {
    const at = await scene('id text PRIMARY KEY, note text');
    const lacking = async (): Promise<readonly string[]> =>
      (await at.connector.probe()).permissions.flatMap(({ permission, held }) => (held === true ? [] : [permission]));
    expect(await lacking()).toEqual([]);
    await at.sql(`ALTER TABLE sample REPLICA IDENTITY NOTHING; SELECT pg_drop_replication_slot('${at.slot}')`);
    expect(await lacking()).toEqual([`the replication slot ${at.slot}`, 'public.sample in the publication told']);
  });

  it('without a key in the replica identity are not offered, and with all columns in it they are', async () => {
    const at = await scene('id text, note text');
    expect(await at.changes.positions(['sample'])).toMatchObject({ sample: { kind: 'none', why: 'notOffered' } });
    await at.sql('ALTER TABLE sample REPLICA IDENTITY FULL');
    const cursors = await begin(at);
    await at.sql(`INSERT INTO sample VALUES ('a', '1'), ('a', '2'), ('b', '1'); DELETE FROM sample WHERE id = 'b'`);
    const told = await since(at, cursors);
    expect(told).toMatchObject({ objects: [{ id: 'a', opaque: expect.any(String) as string }], gone: ['b'] });
    await at.sql(`INSERT INTO sample VALUES (NULL, '1')`);
    expect(await since(at, cursors)).toMatchObject({ untold: ['doubtful'] });
  });
});
