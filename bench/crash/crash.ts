/**
 * kill -9 of workers in whole runs over three tables of PostgreSQL, at the size that is asked for: while an authority reads,
 * while one translates, while one puts its segments, while the coordinator compares, in the middle of a bulk commit, and in one
 * between the COMMIT of the database and its receipts. Shows that what was done is not done again, that nothing is lost,
 * and what memory each process took.
 *
 *   npm run build && npx tsc -p bench/crash/tsconfig.json
 *   node node_modules/.cache/concordat-bench/bench/crash/crash.js [rows] [--one-in n] [--from compare] [--until snapshots|contact] [--json file]
 *
 * What it shows comes from the files of the stores (a file that is put again has another number) and from a trigger that
 * writes down every row that is written. It fails where something was done twice or is missing.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { authorityNamespace, federationNamespace } from '../../core/names.js';
import { startPostgresql, type PostgresqlSystem } from '../../test/support/systems/postgresql.js';
import { CommandFailed, requireAgreed, startLocalRuns, type LocalRuns } from '../whole-run/local-runs.js';
import {
  drifting,
  federationFiles,
  loading,
  members,
  requireSame,
  words,
  type MemberName,
} from '../whole-run/three-schemas.js';
import { activitySpans, printSpans } from '../whole-run/timeline.js';
import { bytesOf, filesIn, isUnderWay, keptOf, pendingActivity, until, watchMemory, type Files } from './watch.js';

const federation = 'crash';
const bytesOfRow = 380;
type Available = Extract<PostgresqlSystem, { readonly kind: 'available' }>;

const { values, positionals } = parseArgs({
  options: {
    'one-in': { type: 'string' },
    json: { type: 'string' },
    from: { type: 'string' },
    until: { type: 'string' },
  },
  allowPositionals: true,
});
const rows = Number(positionals[0] ?? 20_000);
// 1: every row that falls to one of the three changes, two in three of all, and each is written by the two others.
const oneIn = Number(values['one-in'] ?? Math.max(4, Math.ceil(rows / 20_000)));

interface Shown {
  readonly what: string;
  readonly shows: string;
}
const shown: Shown[] = [];
const failures: string[] = [];

function show(what: string, shows: string, holds = true): void {
  shown.push({ what, shows: holds ? shows : `${shows}  FAILED` });
  if (!holds) failures.push(`${what}: ${shows}`);
  console.error(`${new Date().toISOString()} ${what}: ${shows}${holds ? '' : '  FAILED'}`);
}

async function kill(runs: LocalRuns, name: string): Promise<void> {
  const running = runs.local.processes.running().find((process) => process.name === `worker-${name}`);
  if (!running) throw new Error(`there is no worker ${name}`);
  runs.expectEnd(running.name);
  process.kill(running.pid, 'SIGKILL');
  await running.exited;
}

const folders = (runs: LocalRuns) => ({
  pages: (name: MemberName) => path.join(runs.local.layout.privateFolder(name), 'pages'),
  journal: (name: MemberName) => path.join(runs.local.layout.privateFolder(name), 'journal'),
  segments: (name: MemberName) => path.join(runs.local.layout.exchangeLocation, name, 'segments'),
});

const isPage = (name: string): boolean => /^\d{8}$/.test(path.basename(name));
const pagesIn = (folder: string): Files => new Map([...filesIn(folder)].filter(([name]) => isPage(name)));
const isDone = (folder: string): boolean => [...filesIn(folder).keys()].some((name) => path.basename(name) === 'done');

/** alpha dies while it reads: what it read stays, and the rest is read behind it. */
async function dieReading(runs: LocalRuns): Promise<void> {
  const folder = folders(runs).pages('alpha');
  const atDeath = await until(
    'alpha reads',
    () => {
      const pages = pagesIn(folder);
      if (isDone(folder)) throw new Error('alpha had read everything before it could be killed');
      return bytesOf(pages) > 0.4 * rows * bytesOfRow ? pages : undefined;
    },
    2,
  );
  await kill(runs, 'alpha');
  const left = pagesIn(folder);
  await runs.local.startAuthority('alpha');
  await until('alpha has read', () => (isDone(folder) ? true : undefined));
  const after = pagesIn(folder);
  const objects = objectsIn(folder, after);
  show(
    'alpha killed while it reads',
    `${left.size} page files (${Math.round(bytesOf(left) / 1e6)} MB) stood; ${keptOf(left, after)} of them are as they were, ${after.size - keptOf(left, after)} were read after it; ${objects.total} rows, ${objects.ids} different`,
    atDeath.size > 0 && keptOf(left, after) === left.size && objects.total === rows && objects.ids === rows,
  );
}

function objectsIn(folder: string, files: Files): { readonly total: number; readonly ids: number } {
  const ids = new Set<string>();
  let total = 0;
  for (const name of files.keys())
    for (const line of readFileSync(path.join(folder, name), 'utf8').split('\n')) {
      // An object stands on a line of its own.
      if (!line.startsWith('{"type":')) continue;
      total += 1;
      ids.add((JSON.parse(line.replace(/,$/, '')) as { readonly id: string }).id);
    }
  return { total, ids: ids.size };
}

/** gamma dies half way through its translation: its pages stay, and it is translated again from them. */
async function dieTranslating(runs: LocalRuns): Promise<void> {
  const { connection } = runs.local;
  const namespace = authorityNamespace(federation, 'gamma');
  const folder = folders(runs).pages('gamma');
  const translated = await until('gamma translates', async () => {
    if (filesIn(folders(runs).segments('gamma')).size > 0) return 'all';
    const details = await pendingActivity(connection, namespace, 'snapshot', 'sealSnapshot');
    return Number(details?.['translated'] ?? 0) >= rows / 4 ? String(details?.['translated']) : undefined;
  });
  const pages = pagesIn(folder);
  const segments = filesIn(folders(runs).segments('gamma'));
  await kill(runs, 'gamma');
  await runs.local.startAuthority('gamma');
  await until(
    'gamma has sealed',
    async () => ((await isUnderWay(connection, namespace, 'snapshot')) ? undefined : true),
    200,
  );
  const after = pagesIn(folder);
  const kept = keptOf(segments, filesIn(folders(runs).segments('gamma')));
  show(
    'gamma killed while it translates',
    `after ${translated} rows; ${keptOf(pages, after)} of ${pages.size} page files are as they were, none was read again; ${kept} of ${segments.size} segment files were put once`,
    keptOf(pages, after) === pages.size && after.size === pages.size && kept === segments.size,
  );
}

/** beta dies while it puts its segments: those that are there stay. */
async function diePutting(runs: LocalRuns): Promise<void> {
  const folder = folders(runs).segments('beta');
  await until('beta puts segments', () => (filesIn(folder).size > 0 ? true : undefined), 2);
  await kill(runs, 'beta');
  const left = filesIn(folder);
  await runs.local.startAuthority('beta');
  const namespace = authorityNamespace(federation, 'beta');
  await until(
    'beta has sealed',
    async () => ((await isUnderWay(runs.local.connection, namespace, 'snapshot')) ? undefined : true),
    200,
  );
  const after = filesIn(folder);
  show(
    'beta killed while it puts segments',
    `${left.size} segment files stood; ${keptOf(left, after)} of them are as they were, ${after.size} in the end`,
    left.size > 0 && keptOf(left, after) === left.size,
  );
}

/** The coordinator dies while it compares: what the authorities read and sealed is not asked for again. */
async function dieComparing(runs: LocalRuns): Promise<() => void> {
  const { connection } = runs.local;
  const namespace = federationNamespace(federation);
  await until(
    'the coordinator compares',
    async () =>
      (await pendingActivity(connection, namespace, 'reconcile', 'compareAndPlan')) === undefined ? undefined : true,
    1,
  );
  await kill(runs, 'federation');
  const before = members.map((name) => pagesIn(folders(runs).pages(name)));
  const segments = members.map((name) => filesIn(folders(runs).segments(name)));
  await runs.local.startFederation();
  return () => {
    const pages = members.map((name, at) => keptOf(before[at] ?? new Map(), pagesIn(folders(runs).pages(name))));
    const kept = members.map((name, at) => keptOf(segments[at] ?? new Map(), filesIn(folders(runs).segments(name))));
    show(
      'the coordinator killed while it compares',
      `${pages.join(', ')} page files and ${kept.join(', ')} segment files of the members are as they were`,
      pages.every((count, at) => count === before[at]?.size) && kept.every((count, at) => count === segments[at]?.size),
    );
  };
}

async function writtenIn(client: pg.Pool, name: MemberName) {
  const { rows: found } = await client.query<Record<'writes' | 'records' | 'transactions', string>>(
    `SELECT count(*) AS writes, count(DISTINCT key) AS records, count(DISTINCT transaction) AS transactions FROM ${name}.written`,
  );
  const [first] = found;
  return { writes: Number(first?.writes), records: Number(first?.records), transactions: Number(first?.transactions) };
}

const receiptFiles = (folder: string): Files =>
  new Map([...filesIn(folder)].filter(([name]) => path.basename(name) === 'receipts'));

/** beta dies in the middle of its writes, at no point that anybody chose. */
async function dieWriting(runs: LocalRuns, client: pg.Pool, expected: number): Promise<() => void> {
  const folder = folders(runs).journal('beta');
  await until(
    'beta writes',
    async () => ((await writtenIn(client, 'beta')).writes > 0.4 * expected ? true : undefined),
    5,
  );
  await kill(runs, 'beta');
  const { writes } = await writtenIn(client, 'beta');
  const receipts = receiptFiles(folder);
  await runs.local.startAuthority('beta');
  return () => {
    const after = receiptFiles(folder);
    show(
      'beta killed while it writes',
      `${writes} of ${expected} rows were written, with ${receipts.size} groups of receipts; ${keptOf(receipts, after)} of these are as they were, ${after.size} in the end`,
      writes < expected && keptOf(receipts, after) === receipts.size,
    );
  };
}

/** gamma dies between the answer of the database and its receipts. */
async function dieBeforeReceipts(runs: LocalRuns, client: pg.Pool): Promise<() => void> {
  const folder = folders(runs).journal('gamma');
  const running = runs.local.processes.running().find(({ name }) => name === 'worker-gamma');
  await running?.exited;
  const { writes } = await writtenIn(client, 'gamma');
  const receipts = receiptFiles(folder);
  await runs.local.startAuthority('gamma', { CONCORDAT_TEST_KILL_AT: '' });
  return () => {
    const after = receiptFiles(folder);
    show(
      'gamma killed between COMMIT and receipts',
      `${writes} rows were written, with ${receipts.size} groups of receipts; ${keptOf(receipts, after)} of these are as they were, ${after.size} in the end`,
      writes > 0 && keptOf(receipts, after) === receipts.size && after.size > receipts.size,
    );
  };
}

/** What `concordat approve` says while there is nothing to approve yet. Whatever else it says will be no other the next time. */
const notYet = ['notFound', 'notAnApprover', 'reviewClosed', 'authorityAbsent'];

/** `run` is the command that waits for it: where that ends first, nothing will be asked any more. */
async function approve(runs: LocalRuns, run: Promise<unknown>): Promise<void> {
  const over = run.then(
    () => Promise.reject(new Error('the run ended before anybody was asked')),
    (error: unknown) => Promise.reject(error instanceof Error ? error : new Error(String(error))),
  );
  const asked = until(
    'the run asks people',
    async () => {
      try {
        return await runs.cliLater('approve', 'latest', '--as', 'you', '--yes');
      } catch (error) {
        if (!(error instanceof CommandFailed) || error.codes.length === 0) throw error;
        if (!error.codes.every((code) => notYet.includes(code))) throw error;
        return undefined;
      }
    },
    2_000,
  );
  await Promise.race([asked, over]);
}

const audit = (name: MemberName): string => {
  const { table, columns } = words[name];
  const key = columns.split(' ')[0] ?? '';
  return `CREATE TABLE ${name}.written (key text NOT NULL, transaction bigint NOT NULL, at timestamptz NOT NULL);
    CREATE FUNCTION ${name}.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
      INSERT INTO ${name}.written VALUES (coalesce(NEW.${key}, OLD.${key}), txid_current(), clock_timestamp()); RETURN NULL; END $$;
    CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON ${table} FOR EACH ROW EXECUTE FUNCTION ${name}.note();`;
};

async function measure(system: Available): Promise<void> {
  const environment = await system.database('crash');
  for (const text of loading(rows)) await system.sql(text, 'crash');
  const connection = environment['PGCONNECTION'] ?? '';
  const client = new pg.Pool({ connectionString: connection });
  const runs = await startLocalRuns(federationFiles(federation, rows), environment);
  const memory = watchMemory(runs);
  const sinceMs = Date.now();
  const loads = [loadavg()[0] ?? 0];
  try {
    const first = runs.cliLater('run');
    // It may be left before its end.
    first.catch(() => undefined);
    if (values.from !== 'compare') await Promise.all([dieReading(runs), dieTranslating(runs), diePutting(runs)]);
    if (values.until === 'snapshots') return;
    const agreed = await first;
    requireAgreed(agreed);
    const records = agreed['records'] as Readonly<Record<string, number>> | undefined;
    show(
      'first contact',
      `agreed; records ${JSON.stringify(records)}`,
      Object.values(records ?? {}).every((count) => count === rows),
    );
    loads.push(loadavg()[0] ?? 0);
    if (values.until === 'contact') return;

    for (const text of drifting(oneIn)) await system.sql(text, 'crash');
    for (const name of members)
      await system.sql(`${audit(name)} GRANT SELECT ON ${name}.written TO concordat`, 'crash');
    const expected = await differing(client);
    const gamma = runs.local.processes.running().find(({ name }) => name === 'worker-gamma');
    runs.expectEnd('worker-gamma');
    await gamma?.stop();
    await runs.local.startAuthority('gamma', { CONCORDAT_TEST_KILL_AT: 'afterWrite:2' });
    const second = runs.cliLater('run');
    const compared = await dieComparing(runs);
    await approve(runs, second);
    compared();
    const died = await Promise.all([dieWriting(runs, client, expected.beta), dieBeforeReceipts(runs, client)]);
    requireAgreed(await second);
    for (const tell of died) tell();
    for (const name of members) {
      const { writes, records: written, transactions } = await writtenIn(client, name);
      show(
        `rows written in ${name}`,
        `${writes} writes to ${written} rows in ${transactions} transactions; ${expected[name]} were to be written`,
        writes === expected[name] && written === expected[name],
      );
    }
    requireSame(connection);
    show('the three tables', 'are the same');
    loads.push(loadavg()[0] ?? 0);
    const last = runs.cli('run');
    requireAgreed(last);
    const plan = last['plan'] as { readonly divergences?: number; readonly operations?: number } | undefined;
    show(
      'a run after it',
      `${plan?.divergences} divergences, ${plan?.operations} operations`,
      plan?.divergences === 0 && plan.operations === 0,
    );
    loads.push(loadavg()[0] ?? 0);
  } finally {
    memory.end();
    const spans = await activitySpans(runs.address, federation, members, sinceMs).catch(() => []);
    printSpans(spans);
    print(memory.lives, loads);
    if (values.json !== undefined)
      writeFileSync(
        values.json,
        `${JSON.stringify({ node: process.version, rows, oneIn, loads, shown, failures, processes: memory.lives, activities: spans }, null, 2)}\n`,
      );
    await client.end();
    await runs.stop();
    await system.sql('DROP DATABASE crash WITH (FORCE)');
  }
}

/** How many rows each has to write: those that the others changed. */
async function differing(client: pg.Pool): Promise<Readonly<Record<MemberName, number>>> {
  const changed = await Promise.all(
    members.map(async (name, at) => {
      const { table, columns } = words[name];
      const { rows: found } = await client.query<{ count: string }>(
        `SELECT count(*) FROM ${table} WHERE hashtext(${columns.split(' ')[0]}) % ${oneIn * members.length} = ${at}`,
      );
      return Number(found[0]?.count);
    }),
  );
  const all = changed.reduce((sum, count) => sum + count, 0);
  return Object.fromEntries(members.map((name, at) => [name, all - (changed[at] ?? 0)])) as Record<MemberName, number>;
}

function print(lives: ReturnType<typeof watchMemory>['lives'], loads: readonly number[]): void {
  console.log(
    `${rows} rows in each of three tables, one in ${oneIn} changed; load ${loads.map((load) => load.toFixed(1)).join(', ')}`,
  );
  for (const { what, shows } of shown) console.log(`  ${what.padEnd(42)} ${shows}`);
  for (const { name, pid, peakMb, processorSeconds } of lives)
    console.log(
      `  ${`${name} (${pid})`.padEnd(42)} peak ${peakMb.toFixed(0)} MB, ${processorSeconds.toFixed(1)} s of a processor`,
    );
}

const system = await startPostgresql();
if (system.kind === 'missing') throw new Error(system.reason);
try {
  await measure(system);
} finally {
  await system.stop();
}
if (failures.length > 0) {
  console.error(`FAILED:\n${failures.join('\n')}`);
  process.exitCode = 1;
}
