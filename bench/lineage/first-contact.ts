/**
 * What taking up the first agreement costs an authority: three members whose tables are equal, and one of them that makes
 * the lineage of every record, links it and keeps it. The floor is as many bare HMACs as its hops are made of.
 *
 *   npx tsc -p bench/lineage/tsconfig.json
 *   node node_modules/.cache/concordat-bench/bench/lineage/first-contact.js [rows ...] [--rounds 3] [--json file]
 *
 * Every measurement is a fresh process over a copy of the same stores, in turns; medians, processor time, the page cache is
 * warm. `--prepared folder` keeps the stores, so that another version can be measured over them with `--over folder`.
 */
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { acceptSeal } from '../../activities/authority/seal.js';
import { readPages, sealSnapshot } from '../../activities/authority/snapshot.js';
import { witnessCandidate } from '../../activities/authority/witness.js';
import { createFederationActivities } from '../../activities/federation/activities.js';
import { createFileStore } from '../../activities/store-files.js';
import type { Ref } from '../../core/messages.js';
import { contextOf, dataset, inputsOf, prepare } from '../snapshot/authority.js';
import { members } from '../whole-run/three-schemas.js';

const fieldCount = 9;
const here = 'alpha';

interface Outcome {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakMb: number;
  /** Of what came out: the same from run to run. */
  readonly digest: string;
}

const steps = { floor, accept } satisfies Record<
  string,
  (root: string, rows: number) => Promise<() => Promise<string>>
>;
type Step = keyof typeof steps;

async function main(): Promise<void> {
  const [first, step = '', root = '', rows = ''] = process.argv.slice(2);
  if (first === '--prepare') return agreeUntilSealed(step, Number(root));
  if (first === '--child') {
    process.stdout.write(JSON.stringify(await run(step as Step, root, Number(rows))));
    return;
  }
  const { values, positionals } = parseArgs({
    options: {
      rounds: { type: 'string', default: '3' },
      json: { type: 'string' },
      prepared: { type: 'string' },
      over: { type: 'string' },
    },
    allowPositionals: true,
  });
  const loadBefore = loadavg()[0];
  const report: object[] = [];
  for (const rowCount of positionals.length > 0 ? positionals.map(Number) : [10_000, 100_000])
    report.push(measure(rowCount, Number(values.rounds), values.over, values.prepared));
  const machine = { node: process.version, processors: cpus().length, loadBefore, loadAfter: loadavg()[0] };
  process.stdout.write(`${JSON.stringify(machine)}\n`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ machine, report }, null, 2)}\n`);
}

function measure(rows: number, rounds: number, over: string | undefined, keep: string | undefined): object {
  const root = over ?? keep ?? mkdtempSync(path.join(tmpdir(), 'concordat-bench-first-contact-'));
  try {
    if (over === undefined) program(['--prepare', root, String(rows)]);
    const outcomes: Record<Step, Outcome[]> = { floor: [], accept: [] };
    for (let round = 0; round < rounds; round += 1) {
      outcomes.floor.push(child('floor', root, rows));
      const copy = mkdtempSync(path.join(tmpdir(), 'concordat-bench-first-contact-'));
      try {
        cpSync(root, copy, { recursive: true });
        outcomes.accept.push(child('accept', copy, rows));
      } finally {
        rmSync(copy, { recursive: true, force: true });
      }
    }
    const medians = { floor: medianOf(outcomes.floor), accept: medianOf(outcomes.accept) };
    const lines = [
      `${rows.toLocaleString('en')} rows`,
      ...Object.entries(medians).map(
        ([step, { wallMs, cpuMs, peakMb }]) =>
          `  ${step.padEnd(6)} ${wallMs.toFixed(0).padStart(8)} ms  cpu ${cpuMs.toFixed(0).padStart(7)} ms  ${peakMb.toFixed(0).padStart(5)} MB`,
      ),
      `  accept / floor: ${(medians.accept.cpuMs / medians.floor.cpuMs).toFixed(2)}`,
      `  processor time a record: ${((medians.accept.cpuMs * 1_000) / rows).toFixed(1)} µs`,
      `  lineage ${medians.accept.digest}`,
    ];
    process.stdout.write(`${lines.join('\n')}\n\n`);
    return { rows, medians, ratio: medians.accept.cpuMs / medians.floor.cpuMs };
  } finally {
    if (over === undefined && keep === undefined) rmSync(root, { recursive: true, force: true });
  }
}

function program(given: readonly string[]): string {
  return execFileSync(process.execPath, [fileURLToPath(import.meta.url), ...given], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

function child(step: Step, root: string, rows: number): Outcome {
  return JSON.parse(program(['--child', step, root, String(rows)])) as Outcome;
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

/** All that comes before, of all members: what the last step of a run finds. */
async function agreeUntilSealed(root: string, rows: number): Promise<void> {
  await prepare(root, rows, here);
  const opened = inputsOf(root);
  const snapshots: Ref[] = [];
  const contexts = await Promise.all(members.map((id) => contextOf(root, rows, id)));
  for (const context of contexts) {
    await readPages(context, opened);
    snapshots.push((await sealSnapshot(context, opened)).snapshot);
  }
  const inputs = { ...opened, snapshots };
  const [first] = contexts;
  if (!first) throw new Error('there are no members');
  const coordinator = createFederationActivities({
    federation: first.federation,
    exchange: createFileStore(path.join(root, 'exchange')),
    missingEndpoints: () => Promise.resolve([]),
    now: first.now,
    heartbeat: () => undefined,
  });
  const { plan } = await coordinator.compareAndPlan(inputs);
  const { permit } = await coordinator.settleReviews({ inputs, plan, reviews: [] });
  const { proposal } = await coordinator.proposeCandidate({ inputs, plan, reviews: [], permit, receipts: [] });
  if (!proposal) throw new Error('there is nothing to agree on');
  const witnesses: Ref[] = [];
  for (const context of contexts)
    witnesses.push(
      (await witnessCandidate(context, { dataset, run: inputs.run, opens: inputs.opens, proposal })).witness,
    );
  const { seal } = await coordinator.assembleSeal({ dataset, opens: inputs.opens, witnesses, proposal });
  writeFileSync(path.join(root, 'seal.json'), JSON.stringify(seal));
}

async function accept(root: string, rows: number): Promise<() => Promise<string>> {
  const context = await contextOf(root, rows, here);
  const seal = JSON.parse(readFileSync(path.join(root, 'seal.json'), 'utf8')) as Ref;
  return async () => {
    await acceptSeal(context, { dataset, seal });
    const table = await context.exchange.readHead(`${here}/lineage/${dataset}/table`);
    const links = await context.privateStore.readHead(`links/${dataset}`);
    if (!table || !links) throw new Error('nothing was taken up');
    const digestOf = (bytes: Uint8Array): string => createHmac('sha256', 'of').update(bytes).digest('hex').slice(0, 16);
    return `${digestOf(table.bytes)} ${digestOf(links.bytes)}`;
  };
}

/** A salt and a digest for each field, a name and a keyed native id, by objects of createHmac. */
function floor(_root: string, rows: number): Promise<() => Promise<string>> {
  const key = Buffer.alloc(32, 7);
  const text = 'concordat/field of a parcel';
  return Promise.resolve(() => {
    let last = '';
    for (let at = 0; at < rows * (2 * fieldCount + 2); at += 1)
      last = createHmac('sha256', key).update(text).digest('hex');
    return Promise.resolve(last);
  });
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
