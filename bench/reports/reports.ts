/**
 * Shows a plan of many operations beside parsing the same bytes, in one run, and prints ratios and peak memory.
 *
 *   npx tsc -p bench/reports/tsconfig.json
 *   node node_modules/.cache/concordat-bench/bench/reports/reports.js [count ...] [--json file]
 *
 * One divergence for each operation, 96 in 100 of one field that oslo counts in another unit. Every measurement is a fresh
 * process, in turns, medians of three; processor time, because a busy machine disturbs it less than the clock on the wall.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createFileStore } from '../../activities/store-files.js';
import { partOf, planPieces } from '../../cli/reading/large-plan.js';
import { documentParts } from '../../activities/documents/document-parts.js';
import { openDocument } from '../../activities/documents/open-document.js';
import { putTexts } from '../../activities/documents/put-in-pieces.js';
import { readPlanReport } from '../../cli/reading/plan-report.js';
import type { RunReport } from '../../cli/reading/run-report.js';
import { runPage } from '../../cli/showing/html/run-page.js';
import { oneCauseText } from '../../cli/showing/census-text.js';
import type { PlanFilter } from '../../cli/reading/plan-view.js';
import { syntheticNumber, syntheticPieces } from '../../test/support/synthetic-plan.js';

const rounds = 3;
const taxonomy = { shipment: { type: 'shipment', key: ['number'], fields: { number: { kind: 'text' } } } } as never;

interface Outcome {
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly peakMb: number;
  readonly found: string;
}

type Task = (folder: string, digest: string, count: number) => Promise<string>;

async function filtered(folder: string, digest: string, filter: PlanFilter): Promise<string> {
  const store = createFileStore(folder);
  const report = await readPlanReport(store, digest);
  const part = await partOf(store, { taxonomy }, report, filter, 10);
  return `${part.census.operations} operations, ${part.census.divergences} divergences`;
}

const tasks: Readonly<Record<string, Task>> = {
  // The floor: each element of each list by JSON.parse, and nothing else. The document as one text is longer than Node can hold.
  parse: async (folder, digest) => {
    let parsed = 0;
    const ref = { ref: `federation/documents/${digest}`, sha256: digest };
    for await (const parts of documentParts(createFileStore(folder), ref, () => true))
      for (const { text } of parts) if (JSON.parse(text) !== undefined) parsed += 1;
    return `${parsed} elements`;
  },
  show: async (folder, digest) => {
    const { census } = await readPlanReport(createFileStore(folder), digest);
    return census.oneCause ? oneCauseText(census.oneCause) : 'no one cause';
  },
  'show --html': async (folder, digest) => {
    const plan = await readPlanReport(createFileStore(folder), digest);
    const run = { dataset: 'shipments', runId: 'bench', startedAt: new Date(0), status: 'running' } as RunReport['run'];
    const nothing = {
      steps: [],
      summary: null,
      snapshots: [],
      reviews: [],
      consequences: [],
      unapplied: [],
      hidden: [],
    };
    const report: RunReport = { run, plan, ...nothing };
    const text = runPage({ federation: 'bench', report, part: null, brakes: [], madeAt: new Date(0), values: null });
    return `a page of ${Math.round(text.length / 1_000)} thousand characters`;
  },
  plan: (folder, digest) => filtered(folder, digest, {}),
  'plan --field': (folder, digest) => filtered(folder, digest, { field: 'receiver' }),
  'plan --kind': (folder, digest) => filtered(folder, digest, { kind: 'missing' }),
  'plan --key': (folder, digest, count) => filtered(folder, digest, { key: syntheticNumber(count >> 1) }),
  'plan --json': async (folder, digest) => {
    const store = createFileStore(folder);
    const report = await readPlanReport(store, digest);
    let length = 0;
    for await (const piece of planPieces(store, { taxonomy }, report, {}, {})) length += piece.length;
    return `${Math.round(length / 1e6)} million characters`;
  },
};

async function main(): Promise<void> {
  const given = process.argv.slice(2);
  if (given[0] === '--child') {
    const [, name = '', folder = '', digest = '', count = ''] = given;
    const startedMs = performance.now();
    const found = await tasks[name]?.(folder, digest, Number(count));
    const { user, system } = process.cpuUsage();
    const outcome = {
      cpuMs: (user + system) / 1000,
      wallMs: performance.now() - startedMs,
      peakMb: process.resourceUsage().maxRSS / 1024,
      found,
    };
    process.stdout.write(JSON.stringify(outcome));
    return;
  }
  const jsonAt = given.indexOf('--json');
  const jsonFile = jsonAt < 0 ? undefined : given.splice(jsonAt, 2)[1];
  const counts = given.length > 0 ? given.map(Number) : [1_000_000];
  const loadBefore = loadavg()[0];
  const report = [];
  for (const count of counts) {
    report.push(await measure(count));
    const machine = {
      node: process.version,
      processors: cpus().length,
      model: cpus()[0]?.model,
      loadBefore,
      loadAfter: loadavg()[0],
    };
    if (jsonFile) writeFileSync(jsonFile, `${JSON.stringify({ machine, rounds, report }, null, 2)}\n`);
  }
}

async function measure(count: number): Promise<object> {
  const folder = mkdtempSync(join(tmpdir(), 'concordat-bench-'));
  try {
    const { digest, bytes } = await generate(folder, count);
    const outcomes = Object.fromEntries(Object.keys(tasks).map((name) => [name, [] as Outcome[]]));
    for (let round = 0; round < rounds; round += 1)
      for (const name of Object.keys(tasks)) outcomes[name]?.push(child(name, folder, digest, count));
    const medians = Object.fromEntries(Object.entries(outcomes).map(([name, all]) => [name, medianOf(all)]));
    const floorMs = medians['parse']?.cpuMs ?? Number.NaN;
    process.stdout.write(`${count.toLocaleString('en')} operations, ${Math.round(bytes / 1e6)} MB\n`);
    for (const [name, { cpuMs, peakMb, found }] of Object.entries(medians))
      process.stdout.write(
        `  ${name.padEnd(14)} cpu ${cpuMs.toFixed(0).padStart(7)} ms  ${(cpuMs / floorMs).toFixed(2).padStart(5)} x parse  ${peakMb.toFixed(0).padStart(5)} MB  ${found}\n`,
      );
    return { count, bytes, medians };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function generate(folder: string, count: number): Promise<{ readonly digest: string; readonly bytes: number }> {
  const store = createFileStore(folder);
  const texts = syntheticPieces({ count, weight: (grams) => String(grams * 1000), otherOneIn: 50 });
  const ref = await putTexts(store, 'federation', texts);
  return { digest: ref.sha256, bytes: (await openDocument(store, ref))?.bytes ?? 0 };
}

function child(name: string, folder: string, digest: string, count: number): Outcome {
  const output = execFileSync(
    process.execPath,
    [fileURLToPath(import.meta.url), '--child', name, folder, digest, String(count)],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  );
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
    peakMb: median((outcome) => outcome.peakMb),
  };
}

await main();
