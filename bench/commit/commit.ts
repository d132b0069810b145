/**
 * What it costs to write many records into PostgreSQL with a condition, a place in the journal and a receipt for each, against
 * the bare conditional UPDATE of the same rows in batches of a thousand, in one run, of the clock.
 *
 *   npm run build && npx tsc -p bench/commit/tsconfig.json
 *   node node_modules/.cache/concordat-bench/bench/commit/commit.js [rows ...] [--rounds 3] [--json file]
 *
 * All rows of one side change; people approve; the other side writes them. Counted is the step `commit` of the authority that
 * writes: its gate, which makes the plan again, and every write. The gate is also given apart: it ends at the first write.
 */
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { authorityNamespace } from '../../core/names.js';
import { startPostgresql, type PostgresqlSystem } from '../../test/support/systems/postgresql.js';
import { federationFiles, loading } from '../reladiff/two-databases.js';
import { calm, median, requireAgreed, startLocalRuns, type LocalRuns } from '../whole-run/local-runs.js';

const batchRows = 1_000;
const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, json: { type: 'string' } },
  allowPositionals: true,
});
const sizes = positionals.length > 0 ? positionals.map(Number) : [10_000];
const rounds = Number(values.rounds);
type Available = Extract<PostgresqlSystem, { readonly kind: 'available' }>;

/** Into a table of its own, with the values that the other side would get. */
async function bareSeconds(connectionString: string, round: number): Promise<number> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const { rows } = await client.query<{ number: string; city: string }>(
      'SELECT number, city FROM bare ORDER BY number',
    );
    const began = performance.now();
    for (let from = 0; from < rows.length; from += batchRows) {
      const batch = rows.slice(from, from + batchRows);
      await client.query('BEGIN');
      const { rowCount } = await client.query(
        `UPDATE bare AS row SET city = given.next FROM unnest($1::uuid[], $2::text[], $3::text[]) AS given(number, old, next)
         WHERE row.number = given.number AND row.city = given.old RETURNING row.*`,
        [batch.map(({ number }) => number), batch.map(({ city }) => city), batch.map(({ city }) => `${city} ${round}`)],
      );
      await client.query('COMMIT');
      if (rowCount !== batch.length) throw new Error(`${rowCount} of ${batch.length} rows were written`);
    }
    return (performance.now() - began) / 1000;
  } finally {
    await client.end();
  }
}

interface Step {
  readonly seconds: number;
  readonly firstWriteAfterSeconds: number;
}

/** The latest step `commit` of the authority. */
async function commitStep(address: string, firstWriteMs: number): Promise<Step> {
  const connection = await Connection.connect({ address });
  try {
    const client = new Client({ connection, namespace: authorityNamespace('twosides', 'south') });
    const steps: { readonly startedMs: number; readonly closedMs: number }[] = [];
    for await (const { startTime, closeTime } of client.workflow.list({ query: `WorkflowType = 'commit'` }))
      if (closeTime) steps.push({ startedMs: startTime.getTime(), closedMs: closeTime.getTime() });
    const last = steps.sort((left, right) => left.startedMs - right.startedMs).at(-1);
    if (!last) throw new Error('nothing was committed');
    return {
      seconds: (last.closedMs - last.startedMs) / 1000,
      firstWriteAfterSeconds: (firstWriteMs - last.startedMs) / 1000,
    };
  } finally {
    await connection.close();
  }
}

async function committed(system: Available, rows: number, local: LocalRuns, round: number): Promise<Step> {
  await system.sql(`UPDATE parcels SET city = city || ' ${round}'; DELETE FROM written`, 'north');
  await system.sql('DELETE FROM written', 'south');
  local.cli('run', '--no-wait');
  local.cli('approve', 'latest', '--as', 'you', '--yes');
  await calm(local.cli);
  const client = new pg.Client({ connectionString: connections.south });
  await client.connect();
  const { rows: found } = await client.query<{ count: string; first: Date }>(
    'SELECT count(*), min(at) AS first FROM written',
  );
  await client.end();
  const [written] = found;
  if (Number(written?.count) !== rows) throw new Error(`${written?.count} of ${rows} rows were written`);
  return commitStep(local.address, written?.first.getTime() ?? Number.NaN);
}

let connections = { north: '', south: '' };

async function measure(system: Available, rows: number) {
  for (const side of ['north', 'south'] as const) {
    const { PGCONNECTION = '' } = await system.database(side);
    connections = { ...connections, [side]: PGCONNECTION };
    for (const text of loading(rows)) await system.sql(text, side);
    // When each row was written, as the database saw it.
    await system.sql(
      `CREATE TABLE written (at timestamptz NOT NULL); GRANT ALL ON written TO concordat;
       CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO written VALUES (clock_timestamp()); RETURN NULL; END $$;
       CREATE TABLE bare (LIKE parcels INCLUDING ALL); INSERT INTO bare SELECT * FROM parcels; GRANT ALL ON bare TO concordat;
       CREATE TRIGGER note AFTER UPDATE ON parcels FOR EACH ROW EXECUTE FUNCTION note();
       CREATE TRIGGER note AFTER UPDATE ON bare FOR EACH ROW EXECUTE FUNCTION note();`,
      side,
    );
  }
  const local = await startLocalRuns(federationFiles(rows), {
    PG_NORTH: connections.north,
    PG_SOUTH: connections.south,
  });
  try {
    requireAgreed(local.cli('run'));
    const bare: number[] = [];
    const steps: Step[] = [];
    for (let round = 0; round < rounds; round += 1) {
      bare.push(await bareSeconds(connections.south, round));
      steps.push(await committed(system, rows, local, round));
      console.error(`${rows} rows: bare ${bare.at(-1)} s, step ${JSON.stringify(steps.at(-1))}`);
    }
    const [floor, step, gate] = [
      median(bare),
      median(steps.map(({ seconds }) => seconds)),
      median(steps.map(({ firstWriteAfterSeconds }) => firstWriteAfterSeconds)),
    ];
    return {
      rows,
      bareSeconds: floor,
      stepSeconds: step,
      gateSeconds: gate,
      'step / bare': step / floor,
      'after the gate / bare': (step - gate) / floor,
      load: loadavg()[0],
      processes: local.usage(),
    };
  } finally {
    await local.stop();
    for (const side of ['north', 'south']) await system.sql(`DROP DATABASE "${side}" WITH (FORCE)`);
  }
}

const system = await startPostgresql();
if (system.kind === 'missing') throw new Error(system.reason);
try {
  const results = [];
  for (const rows of sizes) {
    results.push(await measure(system, rows));
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
  }
  process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
} finally {
  await system.stop();
}
