/**
 * What one authority's snapshot costs, through the activities that a run calls: reading the table into the private store,
 * then translating, keying and sealing it; beside parsing the same stored pages once, which is the floor. Then the same in the next
 * run, of the table with one row in a thousand changed: what is as it was is neither parsed nor translated.
 *
 *   npx tsc -p bench/snapshot/tsconfig.json
 *   node node_modules/.cache/concordat-bench/bench/snapshot/snapshot.js [rows ...] [--rounds 3] [--json file]
 *
 * Every measurement is a fresh process, in turns, medians, of processor time; the page cache is warm.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pagesIn } from '../../activities/authority/page-files.js';
import { readPages, sealSnapshot } from '../../activities/authority/snapshot.js';
import { sealedRoot } from '../../core/sealed.js';
import { SnapshotStatement, snapshotType } from '../../core/messages.js';
import { getMessage } from '../../activities/exchange.js';
import { createFileStore } from '../../activities/store-files.js';
import { keysOf } from '../../core/federation/keys-of.js';
import { contextOf, inputsOf, openNext, prepare } from './authority.js';

interface Outcome {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakMb: number;
  /** Of what came out: the same from run to run. */
  readonly digest: string;
}

/** What is made ready is not measured: a worker lives long. */
const steps = { read, parse, seal, readAgain, sealAgain: seal } satisfies Record<
  string,
  (root: string, rows: number) => Promise<() => Promise<string>>
>;
type Step = keyof typeof steps;

async function main(): Promise<void> {
  const [first, step = '', root = '', rows = ''] = process.argv.slice(2);
  if (first === '--child') {
    process.stdout.write(JSON.stringify(await run(step as Step, root, Number(rows))));
    return;
  }
  const { values, positionals } = parseArgs({
    options: { rounds: { type: 'string', default: '3' }, json: { type: 'string' } },
    allowPositionals: true,
  });
  const loadBefore = loadavg()[0];
  const report: object[] = [];
  for (const rowCount of positionals.length > 0 ? positionals.map(Number) : [10_000, 100_000, 1_000_000])
    report.push(await measure(rowCount, Number(values.rounds)));
  const machine = { node: process.version, processors: cpus().length, loadBefore, loadAfter: loadavg()[0] };
  process.stdout.write(`${JSON.stringify(machine)}\n`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ machine, report }, null, 2)}\n`);
}

async function measure(rows: number, rounds: number): Promise<object> {
  const outcomes = new Map<Step, Outcome[]>((Object.keys(steps) as Step[]).map((step) => [step, []]));
  for (let round = 0; round < rounds; round += 1) {
    const root = mkdtempSync(path.join(tmpdir(), 'concordat-bench-snapshot-'));
    try {
      await prepare(root, rows);
      for (const [step, all] of outcomes) all.push(child(step, root, rows));
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  }
  const medians = Object.fromEntries([...outcomes].map(([step, all]) => [step, medianOf(all)]));
  const floor = medians['parse']?.cpuMs ?? Number.NaN;
  const ratios = Object.fromEntries(
    Object.entries(medians).map(([step, { cpuMs }]) => [`${step} / parse`, cpuMs / floor]),
  );
  const lines = [
    `${rows.toLocaleString('en')} rows`,
    ...Object.entries(medians).map(
      ([step, { wallMs, cpuMs, peakMb }]) =>
        `  ${step.padEnd(9)} ${wallMs.toFixed(0).padStart(8)} ms  cpu ${cpuMs.toFixed(0).padStart(7)} ms  ${peakMb.toFixed(0).padStart(5)} MB`,
    ),
    ...Object.entries(ratios).map(([name, ratio]) => `  ${name}: ${ratio.toFixed(2)}`),
    `  sealed root ${medians['seal']?.digest.slice(0, 16)}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n\n`);
  return { rows, medians, ratios };
}

function child(step: Step, root: string, rows: number): Outcome {
  const script = fileURLToPath(import.meta.url);
  const output = execFileSync(process.execPath, [script, '--child', step, root, String(rows)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(output) as Outcome;
}

async function run(step: Step, root: string, rows: number): Promise<Outcome> {
  const work = await steps[step](root, rows);
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  const digest = await work();
  const wallMs = performance.now() - before;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { wallMs, cpuMs: (user + system) / 1000, peakMb: process.resourceUsage().maxRSS / 1024, digest };
}

async function read(root: string, rows: number): Promise<() => Promise<string>> {
  const context = await contextOf(root, rows);
  const inputs = inputsOf(root);
  return async () => String((await readPages(context, inputs)).objects);
}

/** Every stored page parsed once, and nothing else. */
function parse(root: string): Promise<() => Promise<string>> {
  const { dataset, run: id } = inputsOf(root);
  const store = createFileStore(path.join(root, 'private', 'alpha'));
  return Promise.resolve(async () => {
    let objects = 0;
    for await (const item of pagesIn(store, dataset, id)) if (item.kind === 'objects') objects += item.objects.length;
    return String(objects);
  });
}

/** The next run, of a table of which one row in a thousand changed. */
async function readAgain(root: string, rows: number): Promise<() => Promise<string>> {
  await openNext(root, rows, 2);
  const context = await contextOf(root, rows, undefined, 1_000);
  const inputs = inputsOf(root);
  return async () => String((await readPages(context, inputs)).objects);
}

async function seal(root: string, rows: number): Promise<() => Promise<string>> {
  const context = await contextOf(root, rows);
  const inputs = inputsOf(root);
  return async () => {
    const { snapshot } = await sealSnapshot(context, inputs);
    const keys = keysOf(context.federation, context.id, 'messages');
    const given = { typ: snapshotType, schema: SnapshotStatement, keys };
    return sealedRoot((await getMessage(context.exchange, snapshot, given)).payload.types);
  };
}

function medianOf(outcomes: readonly Outcome[]): Outcome {
  const [first] = outcomes;
  if (!first) throw new Error('nothing was measured');
  if (outcomes.some(({ digest }) => digest !== first.digest)) throw new Error('two runs gave two results');
  const median = (pick: (outcome: Outcome) => number): number =>
    outcomes.map(pick).sort((a, b) => a - b)[outcomes.length >> 1] ?? Number.NaN;
  return {
    ...first,
    wallMs: median(({ wallMs }) => wallMs),
    cpuMs: median(({ cpuMs }) => cpuMs),
    peakMb: median(({ peakMb }) => peakMb),
  };
}

await main();
