/**
 * Whole runs over three tables of one PostgreSQL, in three schemas, through Temporal: time against three bare COPY reads,
 * peak memory of each process, and events of the history.
 *
 *   npm run build && npx tsc -p bench/whole-run/tsconfig.json
 *   node node_modules/.cache/concordat-bench/bench/whole-run/whole-run.js [rows ...] [--one-in 1000] [--json file] [--timeline]
 *
 * For each size: first contact of equal tables, a run without differences (the middle one of three), and one row in
 * `--one-in` changed somewhere: the plan, the run that writes it everywhere, and one after it; with `--timeline` the activities of each run.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { startPostgresql, type PostgresqlSystem } from '../../test/support/systems/postgresql.js';
import { calm, median, requireAgreed, startLocalRuns, type ProcessUsage } from './local-runs.js';
import { activitySpans, printSpans } from './timeline.js';
import { drifting, federationFiles, loading, members, requireSame, words } from './three-schemas.js';

interface Measured {
  readonly events: number;
  readonly seconds: number;
  /** Over the sum of three bare reads, taken right before. */
  readonly overFloor: number;
}
interface Size {
  readonly rows: number;
  readonly floorSeconds: number;
  readonly firstContact: Measured;
  readonly withoutDifferences: Measured;
  readonly differing: number;
  readonly planned: Measured;
  readonly written: Measured;
  /** Without differences again, over the base that was written. */
  readonly after: Measured;
  readonly processes: readonly ProcessUsage[];
}

const timeline = process.argv.includes('--timeline');

type Available = Extract<PostgresqlSystem, { readonly kind: 'available' }>;

async function main(): Promise<void> {
  const given = process.argv.slice(2);
  const option = (name: string): string | undefined =>
    given.includes(name) ? given[given.indexOf(name) + 1] : undefined;
  const file = option('--json');
  const oneIn = Number(option('--one-in') ?? 1_000);
  const sizes = given
    .filter((word, at) => /^[0-9]+$/.test(word) && given[at - 1]?.startsWith('--') !== true)
    .map(Number);
  const system = await startPostgresql();
  if (system.kind === 'missing') throw new Error(system.reason);
  const results: Size[] = [];
  try {
    for (const rows of sizes.length > 0 ? sizes : [10_000, 100_000, 1_000_000]) {
      results.push(await measure(system, rows, oneIn));
      if (file !== undefined) writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
    }
  } finally {
    await system.stop();
  }
  print(results);
}

async function measure(system: Available, rows: number, oneIn: number): Promise<Size> {
  const database = `whole${rows}`;
  const environment = await system.database(database);
  for (const text of loading(rows)) await system.sql(text, database);
  const connection = environment['PGCONNECTION'] ?? '';
  const floor = (): number => median([0, 1, 2].map(() => copySeconds(connection)));
  const local = await startLocalRuns(federationFiles('whole', rows), environment);
  const { cli } = local;
  const spansSince = async (name: string, sinceMs: number): Promise<void> => {
    if (!timeline) return;
    console.log(name);
    printSpans(await activitySpans(local.address, 'whole', members, sinceMs));
  };
  try {
    const timed = (floorSeconds: number): Measured => {
      const { status, events, seconds } = local.lastRun();
      console.error(`${rows} rows: ${status} ${seconds} s`);
      return { events, seconds, overFloor: seconds / floorSeconds };
    };
    const first = floor();
    let beganMs = Date.now();
    requireAgreed(cli('run'));
    const firstContact = timed(first);
    await spansSince('first contact', beganMs);
    const without: Measured[] = [];
    for (let round = 0; round < 3; round += 1) {
      const before = floor();
      beganMs = Date.now();
      requireAgreed(cli('run'));
      without.push(timed(before));
    }
    await spansSince('without differences', beganMs);
    const [withoutDifferences] = [...without].sort((a, b) => a.overFloor - b.overFloor).slice(1);
    for (const text of drifting(oneIn)) await system.sql(text, database);
    const before = floor();
    beganMs = Date.now();
    const plan = cli('run', '--plan-only');
    const planned = timed(before);
    await spansSince('planned', beganMs);
    beganMs = Date.now();
    cli('run', '--no-wait');
    cli('approve', 'latest', '--as', 'you', '--yes');
    await calm(cli);
    const written = timed(before);
    requireSame(connection);
    await spansSince('written', beganMs);
    requireAgreed(cli('run'));
    const after = timed(before);
    return {
      rows,
      floorSeconds: first,
      firstContact,
      withoutDifferences: withoutDifferences as Measured,
      differing: Number((plan['plan'] as { readonly divergences?: number } | undefined)?.divergences ?? Number.NaN),
      planned,
      written,
      after,
      processes: local.usage(),
    };
  } finally {
    await local.stop();
    await system.sql(`DROP DATABASE ${database} WITH (FORCE)`);
  }
}

/** One COPY of each table to nowhere, one after another. */
function copySeconds(connection: string): number {
  const began = performance.now();
  for (const name of members)
    execFileSync('psql', [connection, '-q', '-c', `\\copy ${words[name].table} TO '/dev/null'`], { stdio: 'ignore' });
  return (performance.now() - began) / 1000;
}

function print(results: readonly Size[]): void {
  const row = (...cells: readonly string[]): void =>
    console.log(cells.map((cell, column) => (column === 0 ? cell.padEnd(38) : cell.padStart(14))).join(''));
  row('rows in each of three tables', ...results.map(({ rows }) => String(rows)));
  row('three bare COPY reads, s', ...results.map(({ floorSeconds }) => floorSeconds.toFixed(2)));
  const kinds = {
    'first contact': 'firstContact',
    'without differences': 'withoutDifferences',
    'planned only': 'planned',
    written: 'written',
    'after it': 'after',
  } as const;
  for (const [name, kind] of Object.entries(kinds)) {
    row(`${name}: seconds`, ...results.map((size) => size[kind].seconds.toFixed(1)));
    row(`${name}: over the reads`, ...results.map((size) => `${size[kind].overFloor.toFixed(1)}×`));
    row(`${name}: events`, ...results.map((size) => String(size[kind].events)));
  }
  for (const { name } of results[0]?.processes ?? []) {
    const of = (size: Size) => size.processes.find((one) => one.name === name);
    row(`${name}: peak MB`, ...results.map((size) => of(size)?.peakMb.toFixed(0) ?? ''));
    row(`${name}: processor s`, ...results.map((size) => of(size)?.processorSeconds.toFixed(1) ?? ''));
  }
}

await main();
