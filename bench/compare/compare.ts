/**
 * Compares three sealed sets beside the floor, the plain way and other engines, in one run, and prints the ratios.
 *
 *   npx tsc -p bench/compare/tsconfig.json
 *   node node_modules/.cache/concordat-bench/bench/compare/compare.js [count ...] [--rivals] [--only engine,engine] [--rates 2.2,0.1] [--json file]
 *
 * Every measurement is a fresh process, in turns (round-robin), medians of three; the page cache is warm. Absolute times
 * are of one machine and hour; the ratios are what to hold on to. They are of processor time, which a busy machine
 * disturbs less than the clock on the wall; those with PostgreSQL, which is a process of its own, are of the clock.
 * `walk` is one thread; `walkInThreads` takes the threads that a worker gives it, as DuckDB and polars take both processors.
 *
 * `--rivals` installs DuckDB and polars for Python (rivals.txt) beside the compiled bench, and needs the programs of
 * PostgreSQL. Each of them must find the same differences.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, type EngineName, type Outcome } from './engines.js';
import { prepareRivals, rivals, runRival, type RivalName } from './rivals.js';
import type { World } from './data.js';

const rounds = 3;
const rates = [
  { name: '2.2 % of keys differ', editedOneIn: 100, missingOneIn: 1000 },
  { name: '0.1 % of keys differ', editedOneIn: 2500, missingOneIn: 10_000 },
  { name: '50 % of keys differ', editedOneIn: 3, missingOneIn: 1000 },
];
const compared = [
  'read',
  'parse',
  'walk',
  'walkInThreads',
  'plan',
  'nothing',
  'maps',
] as const satisfies readonly EngineName[];
/** Maps in memory need 1.6 GB for a million records of three participants, which says enough once. */
const mapsCountMax = 200_000;

async function main(): Promise<void> {
  const [first, ...rest] = process.argv.slice(2);
  if (first === '--child') {
    const [engine = '', folder = '', world = ''] = rest;
    process.stdout.write(JSON.stringify(await run(engine as EngineName, folder, JSON.parse(world) as World)));
    return;
  }
  const arguments_ = process.argv.slice(2);
  const jsonAt = arguments_.indexOf('--json');
  const jsonFile = jsonAt < 0 ? undefined : arguments_.splice(jsonAt, 2)[1];
  const ratesAt = arguments_.indexOf('--rates');
  const chosen = ratesAt < 0 ? undefined : arguments_.splice(ratesAt, 2)[1]?.split(',');
  const rivalsAt = arguments_.indexOf('--rivals');
  const withRivals = rivalsAt >= 0 && arguments_.splice(rivalsAt, 1).length > 0;
  const onlyAt = arguments_.indexOf('--only');
  const only = onlyAt < 0 ? undefined : arguments_.splice(onlyAt, 2)[1]?.split(',');
  const isWanted = (engine: string): boolean => only?.includes(engine) ?? true;
  const loadBefore = loadavg()[0];
  const counts = arguments_.length > 0 ? arguments_.map(Number) : [10_000, 100_000];
  const report: object[] = [];
  const { version: node } = process;
  for (const count of counts)
    for (const rate of rates.filter(({ name }) => chosen?.some((start) => name.startsWith(`${start} %`)) ?? true)) {
      report.push(measure(count, rate, withRivals ? rivals.filter(isWanted) : [], isWanted));
      const [model, loadAfter] = [cpus()[0]?.model, loadavg()[0]];
      const machine = { node, processors: cpus().length, model, loadBefore, loadAfter };
      // Each takes minutes: what was measured stays where a later one is broken off.
      if (jsonFile) writeFileSync(jsonFile, `${JSON.stringify({ machine, rounds, report }, null, 2)}\n`);
    }
}

function measure(
  count: number,
  rate: (typeof rates)[number],
  measuredRivals: readonly RivalName[],
  isWanted: (engine: string) => boolean,
): object {
  const world: World = { count, editedOneIn: rate.editedOneIn, missingOneIn: rate.missingOneIn };
  const folder = mkdtempSync(join(tmpdir(), 'concordat-bench-'));
  try {
    const generated = child('generate', folder, world);
    const sealed = child('seal', folder, world);
    if (measuredRivals.length > 0) {
      child('rows', folder, world);
      prepareRivals(folder);
    }
    const engines = compared.filter(
      (engine) => isWanted(engine) && (engine !== 'maps' || count <= mapsCountMax || measuredRivals.length > 0),
    );
    const outcomes = new Map<EngineName | RivalName, Outcome[]>();
    const add = (engine: EngineName | RivalName, outcome: Outcome): void => {
      outcomes.set(engine, [...(outcomes.get(engine) ?? []), outcome]);
    };
    for (let round = 0; round < rounds; round += 1) {
      for (const engine of engines) add(engine, child(engine, folder, world));
      for (const rival of measuredRivals) add(rival, runRival(rival, folder));
    }
    const medians = Object.fromEntries([...outcomes].map(([engine, all]) => [engine, medianOf(all)]));
    const walk = medians['walk'];
    for (const engine of ['walkInThreads', 'maps', ...measuredRivals])
      if (medians[engine] && medians[engine].digest !== walk?.digest)
        throw new Error(`${engine} does not find the same differences`);
    const ratios = {
      'compare / reading the same bytes': ratio(walk, medians['read']),
      'compare / parsing the same bytes': ratio(walk, medians['parse']),
      'recomputed plan / compare': ratio(medians['plan'], walk),
      'nothing changed / compare': ratio(medians['nothing'], walk),
      'bytes read / bytes stored': (walk?.bytesRead ?? Number.NaN) / (walk?.bytesStored ?? Number.NaN),
      'sealing made records / parsing them sealed':
        (sealed.cpuMs - generated.cpuMs) / (medians['parse']?.cpuMs ?? Number.NaN),
      ...besides('compare', walk, ['walkInThreads', 'maps', ...measuredRivals], medians),
      ...besides('compare in threads', medians['walkInThreads'], ['maps', ...measuredRivals], medians),
    };
    print(count, rate.name, sealed, medians, ratios);
    return { count, rate: rate.name, sealed, medians, ratios };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Time of a processor, time of the clock and peak memory of each over those of `ours`. */
function besides(
  name: string,
  ours: Outcome | undefined,
  engines: readonly string[],
  medians: Readonly<Record<string, Outcome>>,
): Readonly<Record<string, number | null>> {
  const over = (engine: string, pick: (outcome: Outcome) => number): number | null =>
    ours && medians[engine] ? pick(medians[engine]) / pick(ours) : null;
  return Object.fromEntries(
    engines.flatMap((engine) => [
      [`${engine} / ${name}`, over(engine, ({ cpuMs }) => cpuMs)],
      [`${engine} / ${name}, of the clock`, over(engine, ({ wallMs }) => wallMs)],
      [`${engine} / ${name}, peak memory`, over(engine, ({ peakRssMb }) => peakRssMb)],
    ]),
  );
}

function child(engine: EngineName, folder: string, world: World): Outcome {
  const script = fileURLToPath(import.meta.url);
  const output = execFileSync(process.execPath, [script, '--child', engine, folder, JSON.stringify(world)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(output) as Outcome;
}

function medianOf(outcomes: readonly Outcome[]): Outcome {
  const [first] = outcomes;
  if (!first) throw new Error('nothing was measured');
  const median = (pick: (outcome: Outcome) => number): number =>
    outcomes.map(pick).sort((a, b) => a - b)[outcomes.length >> 1] ?? Number.NaN;
  return {
    ...first,
    wallMs: median((outcome) => outcome.wallMs),
    cpuMs: median((outcome) => outcome.cpuMs),
    peakRssMb: median((outcome) => outcome.peakRssMb),
  };
}

function ratio(left: Outcome | undefined, right: Outcome | undefined): number | null {
  return left && right ? left.cpuMs / right.cpuMs : null;
}

function print(
  count: number,
  rate: string,
  sealed: Outcome,
  medians: Readonly<Record<string, Outcome>>,
  ratios: Readonly<Record<string, number | null>>,
): void {
  const rows = [
    `3 × ${count.toLocaleString('en')} records, ${rate} (${medians['walk']?.count} records)`,
    ...Object.entries({ seal: sealed, ...medians }).map(
      ([engine, { wallMs, cpuMs, peakRssMb }]) =>
        `  ${engine.padEnd(16)} ${wallMs.toFixed(1).padStart(9)} ms  cpu ${cpuMs.toFixed(0).padStart(6)} ms  ${peakRssMb.toFixed(0).padStart(5)} MB`,
    ),
    ...Object.entries(ratios).map(
      ([name, value]) => `  ${name}: ${value === null || Number.isNaN(value) ? 'not measured' : value.toFixed(4)}`,
    ),
  ];
  process.stdout.write(`${rows.join('\n')}\n\n`);
}

await main();
