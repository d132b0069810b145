/**
 * Two PostgreSQL databases with one table each, compared end to end: by reladiff, and by a run of ours through Temporal that
 * reads, translates, seals, compares and plans. In one run, in turns, of the clock; the two must find the same keys.
 *
 *   npm run build && npx tsc -p bench/reladiff/tsconfig.json
 *   node node_modules/.cache/concordat-bench/bench/reladiff/reladiff.js [rows] [--rounds 3] [--json file]
 *
 * Installs reladiff from PyPI (requirements.txt) beside the compiled bench; needs the programs of PostgreSQL. Ours knows what
 * was agreed before, so it says which side moved, and does all that a run does; reladiff compares two tables.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startPostgresql, type PostgresqlSystem } from '../../test/support/systems/postgresql.js';
import { median, requireAgreed, startLocalRuns, type LocalRuns } from '../whole-run/local-runs.js';
import { columns, drifting, federationFiles, loading, sides } from './two-databases.js';

const cache = fileURLToPath(new URL('../../', import.meta.url));
const source = (name: string): string =>
  fileURLToPath(new URL(`../../../../../bench/reladiff/${name}`, import.meta.url));
const script = source('compare.py');
const environmentFolder = `${cache}python-reladiff`;
const python = `${environmentFolder}/bin/python`;

const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, json: { type: 'string' } },
  allowPositionals: true,
});
const rows = Number(positionals[0] ?? 1_000_000);
const rounds = Number(values.rounds);

interface Measured {
  readonly seconds: number;
  readonly keys: number;
}
type Connections = readonly [left: string, right: string];
type Available = Extract<PostgresqlSystem, { readonly kind: 'available' }>;

function install(): void {
  if (!existsSync(python)) execFileSync('python3', ['-m', 'venv', environmentFolder], { stdio: 'inherit' });
  execFileSync(python, ['-m', 'pip', 'install', '--quiet', '--requirement', source('requirements.txt')], {
    stdio: 'inherit',
  });
}

/** All columns, row by row, with the threads and bisection that are its own defaults. */
function byReladiff([left, right]: Connections): Measured {
  const began = performance.now();
  const output = execFileSync(python, [script, left, right, ...columns], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { seconds: (performance.now() - began) / 1000, keys: (JSON.parse(output) as { readonly keys: number }).keys };
}

function byRun({ cli, lastRun }: LocalRuns, isEqual: boolean): Measured {
  const answer = cli('run', '--plan-only');
  if (isEqual) return { seconds: lastRun().seconds, keys: 0 };
  const { divergences } = answer['plan'] as { readonly divergences: number };
  return { seconds: lastRun().seconds, keys: divergences };
}

function copySeconds(connection: string): number {
  const began = performance.now();
  execFileSync('psql', [connection, '-q', '-c', String.raw`\copy parcels TO '/dev/null'`], { stdio: 'ignore' });
  return (performance.now() - began) / 1000;
}

function inTurns(name: string, connections: Connections, local: LocalRuns, isEqual: boolean) {
  const theirs: Measured[] = [];
  const ours: Measured[] = [];
  const copies: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    copies.push(connections.reduce((sum, connection) => sum + copySeconds(connection), 0));
    theirs.push(byReladiff(connections));
    ours.push(byRun(local, isEqual));
    console.error(
      `${name}: reladiff ${theirs.at(-1)?.seconds.toFixed(1)} s, ours ${ours.at(-1)?.seconds.toFixed(1)} s`,
    );
  }
  const found = new Set([...theirs, ...ours].map(({ keys }) => keys));
  if (found.size !== 1)
    throw new Error(
      `${name}: reladiff found ${theirs.map(({ keys }) => keys).join(', ')} keys, ours ${ours.map(({ keys }) => keys).join(', ')}`,
    );
  const [theirSeconds, ourSeconds] = [theirs, ours].map((all) => median(all.map(({ seconds }) => seconds)));
  return {
    name,
    differing: [...found][0],
    reladiffSeconds: theirSeconds,
    ourSeconds,
    copySeconds: median(copies),
    'reladiff / ours': (theirSeconds ?? Number.NaN) / (ourSeconds ?? Number.NaN),
    'ours / bare COPY of both': (ourSeconds ?? Number.NaN) / median(copies),
  };
}

async function main(system: Available): Promise<void> {
  install();
  const connections: string[] = [];
  for (const side of sides) {
    const { PGCONNECTION = '' } = await system.database(side);
    for (const text of loading(rows)) await system.sql(text, side);
    connections.push(PGCONNECTION);
  }
  const [left = '', right = ''] = connections;
  const local = await startLocalRuns(federationFiles(rows), { PG_NORTH: left, PG_SOUTH: right });
  try {
    const loadBefore = loadavg()[0];
    requireAgreed(local.cli('run'));
    const equal = inTurns('equal', [left, right], local, true);
    for (const side of sides) for (const text of drifting(side)) await system.sql(text, side);
    const differing = inTurns('differing', [left, right], local, false);
    const result = { rows, rounds, loadBefore, loadAfter: loadavg()[0], equal, differing, processes: local.usage() };
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
  } finally {
    await local.stop();
  }
}

const system = await startPostgresql();
if (system.kind === 'missing') throw new Error(system.reason);
try {
  await main(system);
} finally {
  await system.stop();
}
