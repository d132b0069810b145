/**
 * Somebody changes the unit of one column in every row of one of three tables: a whole run through Temporal. Shows that the
 * brakes trip, that `show` and `plan` name the one field and factor behind it all, that nothing is written without the quorum,
 * and that the next run agrees once the unit is put right; and what time and memory each step, process and command took.
 *
 *   npm run build && npx tsc -p bench/unit-change/tsconfig.json
 *   node node_modules/.cache/concordat-bench/bench/unit-change/unit-change.js [rows] [--factor 10] [--html file] [--json file]
 *
 * A factor of a hundred or more is a drift of the schema and held where it is read (docs/records.md), so no plan has it.
 */
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startPostgresql, type PostgresqlSystem } from '../../test/support/systems/postgresql.js';
import { watchMemory } from '../crash/watch.js';
import { requireAgreed, startLocalRuns, type LocalRuns } from '../whole-run/local-runs.js';
import { federationFiles, loading, words } from '../whole-run/three-schemas.js';
import { commandsOf, type Told } from './commands.js';

const operationsMax = 1_000;
const { values, positionals } = parseArgs({
  options: { factor: { type: 'string', default: '10' }, html: { type: 'string' }, json: { type: 'string' } },
  allowPositionals: true,
});
const rows = Number(positionals[0] ?? 20_000);
const factor = Number(values.factor);
type Available = Extract<PostgresqlSystem, { readonly kind: 'available' }>;

const failures: string[] = [];
function hold(what: string, holds: boolean): void {
  console.error(`${new Date().toISOString()} ${what}${holds ? '' : '  FAILED'}`);
  if (!holds) failures.push(what);
}

/** Two people for each authority: one is enough for a small change, and a brake asks for both. */
function files(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(federationFiles('unit', rows)).map(([name, text]) => [
      name,
      text
        .replace(/operationsMax: [0-9]+/, `operationsMax: ${operationsMax}`)
        .replace('quorumWhenBraked: 1', 'quorumWhenBraked: 2')
        .replace('[{ id: you }]', '[{ id: you }, { id: second }]'),
    ]),
  );
}

/** Of the tables of the other two, as their database has them: what a write of any row would change. */
async function others(client: pg.Pool): Promise<string> {
  const sums = await Promise.all(
    (['alpha', 'beta'] as const).map(async (name) => {
      const { rows: found } = await client.query<{ sum: string }>(
        `SELECT count(*) || ' ' || sum(hashtextextended(row::text, 0)) AS sum FROM ${words[name].table} AS row`,
      );
      return found[0]?.sum;
    }),
  );
  return sums.join('; ');
}

async function main(system: Available): Promise<void> {
  const environment = await system.database('unit');
  for (const text of loading(rows)) await system.sql(text, 'unit');
  const client = new pg.Pool({ connectionString: environment['PGCONNECTION'] ?? '' });
  const runs = await startLocalRuns(files(), environment);
  const memory = watchMemory(runs);
  const load = [loadavg()[0] ?? 0];
  const told: Told[] = [];
  const seconds: Record<string, number> = {};
  const timed = async (what: string, work: () => Promise<unknown>): Promise<unknown> => {
    const began = performance.now();
    const answer = await work();
    seconds[what] = (performance.now() - began) / 1000;
    console.error(`${new Date().toISOString()} ${what}: ${seconds[what].toFixed(1)} s`);
    return answer;
  };
  try {
    await timed('first contact', async () => requireAgreed(await runs.cliLater('run')));
    const before = await others(client);
    await system.sql(`UPDATE ${words.gamma.table} SET vekt = vekt * ${factor}`, 'unit');
    await timed('run until people are asked', () => runs.cliLater('run', '--no-wait'));
    load.push(loadavg()[0] ?? 0);
    told.push(...(await looked(runs)));
    hold('nothing is written while nobody approved', (await others(client)) === before);
    load.push(loadavg()[0] ?? 0);
    await system.sql(`UPDATE ${words.gamma.table} SET vekt = vekt / ${factor}`, 'unit');
    const after = (await timed('a run after the unit was put right', () => runs.cliLater('run'))) as {
      readonly plan?: { readonly divergences?: number };
    };
    requireAgreed(after);
    hold('the next run finds nothing', after.plan?.divergences === 0);
    hold('nothing was written at all', (await others(client)) === before);
  } finally {
    memory.end();
    load.push(loadavg()[0] ?? 0);
    const result = { node: process.version, rows, factor, load, seconds, told, processes: memory.lives, failures };
    console.log(JSON.stringify(result, null, 2));
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
    await client.end();
    await runs.stop();
    await system.sql('DROP DATABASE unit WITH (FORCE)');
  }
}

/** What people are told, and what one person alone can do. */
async function looked(runs: LocalRuns): Promise<readonly Told[]> {
  const concordat = commandsOf(runs);
  const page = values.html === undefined ? [] : ['--html', path.resolve(values.html)];
  const plan = await concordat('plan', 'latest');
  const json = await concordat('plan', 'latest', '--json');
  // A review of a large plan prepares itself for some minutes after the run has ended, and takes no decision until then.
  const part = ['approve', 'latest', '--as', 'you', '--authority', 'alpha', '--only', '1-1500', '--yes'] as const;
  let some = await concordat(...part);
  for (let tries = 1; some.status !== 0 && tries < 60; tries += 1) some = await concordat(...part);
  const all = await concordat('approve', 'latest', '--as', 'you', '--yes');
  const show = await concordat('show', 'latest', ...page);
  // Each record of two tables; the share, the field, who, and by how much. One row in 50,000 weighs nothing.
  const count = String((rows - Math.floor(rows / 50_000)) * 2).replace(/\B(?=(?:\d{3})+$)/g, ',');
  const cause = `100 % (${count} of ${count} operations) is weight of parcel, changed in gamma: each is ${factor} times what it was`;
  for (const { command, stdout } of [show, plan]) hold(`${command} names the one cause`, stdout.includes(cause));
  hold('show says that a brake asks for more people', show.stdout.includes('quorum 2 (raised by a brake)'));
  hold('plan names the brake', plan.stdout.includes(`operationsMax allows ${operationsMax}`));
  hold('plan --json has all of it', json.length > rows * 2 * 300);
  hold('one of two approved some', some.status === 0);
  hold(
    'one of two approved all, with one decision for each authority',
    all.status === 0 && !/decisions are signed/.test(all.stdout),
  );
  return [plan, json, some, all, show];
}

const system = await startPostgresql();
if (system.kind === 'missing') throw new Error(system.reason);
try {
  await main(system);
} finally {
  await system.stop();
}
if (failures.length > 0) {
  console.error(`FAILED:\n${failures.join('\n')}`);
  process.exitCode = 1;
}
