/**
 * What translating and sealing costs, beside parsing the same native pages, in one run.
 *
 *   npx tsc -p bench/seal/tsconfig.json
 *   node node_modules/.cache/concordat-bench/bench/seal/seal.js [count ...] [--json file]
 *
 * Every measurement is a fresh process, in turns, medians of three, of processor time; the page cache is warm.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { World } from '../compare/data.js';
import { run, type EngineName, type Outcome } from './engines.js';

const rounds = 3;
const measured = ['parse', 'translate', 'seal'] as const satisfies readonly EngineName[];

async function main(): Promise<void> {
  const [first, engine = '', folder = '', world = ''] = process.argv.slice(2);
  if (first === '--child') {
    process.stdout.write(JSON.stringify(await run(engine as EngineName, folder, JSON.parse(world) as World)));
    return;
  }
  const given = process.argv.slice(2);
  const jsonAt = given.indexOf('--json');
  const jsonFile = jsonAt < 0 ? undefined : given.splice(jsonAt, 2)[1];
  const loadBefore = loadavg()[0];
  const report = (given.length > 0 ? given.map(Number) : [100_000, 1_000_000]).map(measure);
  const machine = { node: process.version, processors: cpus().length, loadBefore, loadAfter: loadavg()[0] };
  if (jsonFile) writeFileSync(jsonFile, `${JSON.stringify({ machine, rounds, report }, null, 2)}\n`);
}

function measure(count: number): object {
  const world: World = { count, editedOneIn: 0, missingOneIn: 0 };
  const folder = mkdtempSync(join(tmpdir(), 'concordat-bench-'));
  try {
    child('generate', folder, world);
    const outcomes = new Map<EngineName, Outcome[]>(measured.map((engine) => [engine, []]));
    for (let round = 0; round < rounds; round += 1)
      for (const engine of measured) outcomes.get(engine)?.push(child(engine, folder, world));
    const medians = Object.fromEntries([...outcomes].map(([engine, all]) => [engine, medianOf(all)]));
    const floor = medians['parse']?.cpuMs ?? Number.NaN;
    const ratios = {
      'translate / parse': (medians['translate']?.cpuMs ?? Number.NaN) / floor,
      'translate and seal / parse': (medians['seal']?.cpuMs ?? Number.NaN) / floor,
    };
    const rows = [
      `${count.toLocaleString('en')} native objects`,
      ...Object.entries(medians).map(
        ([engine, { wallMs, cpuMs, peakRssMb }]) =>
          `  ${engine.padEnd(10)} ${wallMs.toFixed(0).padStart(8)} ms  cpu ${cpuMs.toFixed(0).padStart(7)} ms  ${peakRssMb.toFixed(0).padStart(5)} MB`,
      ),
      ...Object.entries(ratios).map(([name, value]) => `  ${name}: ${value.toFixed(3)}`),
      `  sealed root ${medians['seal']?.digest.slice(0, 16)}`,
    ];
    process.stdout.write(`${rows.join('\n')}\n\n`);
    return { count, medians, ratios };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
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
  if (outcomes.some(({ digest }) => digest !== first.digest)) throw new Error('two runs gave two seals');
  const median = (pick: (outcome: Outcome) => number): number =>
    outcomes.map(pick).sort((a, b) => a - b)[outcomes.length >> 1] ?? Number.NaN;
  return {
    ...first,
    wallMs: median((outcome) => outcome.wallMs),
    cpuMs: median((outcome) => outcome.cpuMs),
    peakRssMb: median((outcome) => outcome.peakRssMb),
  };
}

await main();
