/**
 * Shows a plan of many operations beside parsing the same bytes, in one run, and prints ratios and peak memory.
 *
 *   npx tsc -p bench/reports/tsconfig.json
 *   node node_modules/.cache/concordat-bench/bench/reports/reports.js [count ...] [--rounds number] [--only task,task] [--plan folder] [--json file]
 *
 * One divergence for each operation, 96 in 100 of one field that oslo counts in another unit. Every measurement is a fresh
 * process, in turns, medians of all rounds; processor time, because a busy machine disturbs it less than the clock on the wall.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createFileStore } from '../../activities/store-files.js';
import { openDocument } from '../../activities/documents/open-document.js';
import { putTexts } from '../../activities/documents/put-in-pieces.js';
import { syntheticPieces } from '../../test/support/synthetic-plan.js';
import { tasks } from './commands.js';

interface Outcome {
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly peakMb: number;
  /** The load of the machine over the last minute, when it ended. */
  readonly load: number;
  readonly found: string;
}

async function main(): Promise<void> {
  const given = process.argv.slice(2);
  if (given[0] === '--child') {
    const [, name = '', folder = '', digest = '', count = ''] = given;
    const startedMs = performance.now();
    const found = await tasks[name]?.({ folder, digest, count: Number(count) });
    const { user, system } = process.cpuUsage();
    const outcome = {
      cpuMs: (user + system) / 1000,
      wallMs: performance.now() - startedMs,
      peakMb: process.resourceUsage().maxRSS / 1024,
      load: loadavg()[0] ?? Number.NaN,
      found,
    };
    process.stdout.write(JSON.stringify(outcome));
    return;
  }
  const taken = (option: string): string | undefined => {
    const at = given.indexOf(option);
    return at < 0 ? undefined : given.splice(at, 2)[1];
  };
  const jsonFile = taken('--json');
  const rounds = Number(taken('--rounds') ?? 3);
  const kept = taken('--plan');
  const only = taken('--only')?.split(',') ?? Object.keys(tasks);
  const counts = given.length > 0 ? given.map(Number) : [1_000_000];
  const { model } = cpus()[0] ?? {};
  const machine = { node: process.version, processors: cpus().length, model, loadBefore: loadavg()[0] };
  const report: object[] = [];
  const keep = (measured: object): void => {
    const text = JSON.stringify(
      { machine: { ...machine, loadAfter: loadavg()[0] }, report: [...report, measured] },
      null,
      2,
    );
    if (jsonFile) writeFileSync(jsonFile, `${text}\n`);
  };
  for (const count of counts) report.push(await measure({ count, rounds, kept, only, keep }));
}

interface Measuring {
  readonly count: number;
  readonly rounds: number;
  /** A store that has the plan already. */
  readonly kept: string | undefined;
  readonly only: readonly string[];
  /** Told after each process what is known until then: a million take hours on a busy machine. */
  readonly keep: (measured: object) => void;
}

async function measure({ count, rounds, kept, only, keep }: Measuring): Promise<object> {
  const folder = kept ?? mkdtempSync(join(tmpdir(), 'concordat-bench-'));
  try {
    const { digest, bytes } = kept === undefined ? await generate(folder, count) : await lyingIn(folder);
    const outcomes: Record<string, Outcome[]> = {};
    let measured: object = {};
    for (let round = 0; round < rounds; round += 1)
      for (const name of only) {
        (outcomes[name] ??= []).push(child(name, folder, digest, count));
        measured = { count, rounds: round + 1, bytes, medians: withRatios(outcomes) };
        keep(measured);
      }
    process.stdout.write(`${count.toLocaleString('en')} operations, ${Math.round(bytes / 1e6)} MB\n`);
    for (const [name, { cpuMs, overParse, peakMb, found }] of Object.entries(withRatios(outcomes)))
      process.stdout.write(
        `  ${name.padEnd(26)} cpu ${cpuMs.toFixed(0).padStart(7)} ms  ${overParse.toFixed(2).padStart(5)} x parse  ${peakMb.toFixed(0).padStart(5)} MB  ${found}\n`,
      );
    return measured;
  } finally {
    if (kept === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

function withRatios(
  outcomes: Readonly<Record<string, readonly Outcome[]>>,
): Readonly<Record<string, Outcome & { readonly overParse: number; readonly load: number }>> {
  const floorMs = medianOf(outcomes['parse'] ?? []).cpuMs;
  return Object.fromEntries(
    Object.entries(outcomes).map(([name, all]) => {
      const { cpuMs, wallMs, peakMb, load, found } = medianOf(all);
      const overParse = Math.round((cpuMs / floorMs) * 100) / 100;
      return [
        name,
        { cpuMs: Math.round(cpuMs), wallMs: Math.round(wallMs), peakMb: Math.round(peakMb), load, overParse, found },
      ];
    }),
  );
}

async function lyingIn(folder: string): Promise<{ readonly digest: string; readonly bytes: number }> {
  const store = createFileStore(folder);
  const [ref] = await store.list('federation/documents/');
  if (ref === undefined) throw new Error(`${folder} has no plan`);
  const digest = ref.slice(ref.lastIndexOf('/') + 1);
  return { digest, bytes: (await openDocument(store, { ref, sha256: digest }))?.bytes ?? 0 };
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
  if (!first) throw new Error('nothing was measured: parse comes first, the others are held against it');
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
