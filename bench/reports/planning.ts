/**
 * Plans a divergence of every record, digests the plan and puts it in pieces, and prints time and heap of each step.
 *
 *   npx tsc -p bench/reports/tsconfig.json
 *   node --expose-gc node_modules/.cache/concordat-bench/bench/reports/planning.js [count] [members]
 *
 * Somebody at `oslo` counts weights in another unit; every other member is asked to follow. Records have eight fields.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getHeapStatistics } from 'node:v8';
import { digestInPieces } from '../../activities/documents/put-in-pieces.js';
import { inSlices } from '../../activities/event-loop.js';
import { getDocument, putDocument } from '../../activities/exchange.js';
import { createFileStore } from '../../activities/store-files.js';
import type { RecordView } from '../../core/compare.js';
import { byCodeUnit } from '../../core/json.js';
import { Plan, planSteps, type PlanInput } from '../../core/plan.js';
import { PlanCensus } from '../../core/report/plan-census.js';
import { oneCauseText } from '../../cli/showing/census-text.js';
import { syntheticKey, syntheticNumber } from '../../test/support/synthetic-plan.js';

const fieldNames = ['number', 'receiver', 'street', 'city', 'weight', 'sentAt', 'fragile', 'note'] as const;
const all = ['berlin', 'lyon', 'oslo'];

function fieldsOf(at: number, weight: string): string {
  return JSON.stringify({
    number: syntheticNumber(at),
    receiver: `Person Number ${at}`,
    street: `Street of position ${at % 977}`,
    city: `city-${at % 200}`,
    weight,
    sentAt: '2026-01-01T00:00:00Z',
    fragile: at % 7 === 0,
    note: `to be left with neighbour number ${at % 9973} where nobody opens`,
  });
}

function inputOf(views: readonly RecordView[], members: readonly string[]): PlanInput {
  const some = 'a'.repeat(64);
  const held = Object.fromEntries(members.map((member) => [member, [...fieldNames]]));
  const fields = Object.fromEntries(
    fieldNames.map((name) => [name, { kind: name === 'weight' ? 'decimal' : name === 'fragile' ? 'boolean' : 'text' }]),
  );
  return {
    shape: {
      dataset: { dataset: 'shipments', members: [...members], commit: 'perOperation', correlation: {} },
      configuration: some,
      members: [...members],
      absent: [],
      types: [{ taxonomy: { type: 'shipment', key: ['number'], fields }, held, groups: [], digests: [], absent: [] }],
    } as unknown as PlanInput['shape'],
    base: some,
    standing: some,
    rejections: {},
    correlation: some,
    cases: [],
    held: [],
    incomplete: [],
    views: { shipment: views },
    heldAtBase: { shipment: held },
  };
}

async function main(): Promise<void> {
  const count = Number(process.argv[2] ?? 1_000_000);
  const members = Number(process.argv[3] ?? 2) === 3 ? all : all.slice(1);
  const folder = mkdtempSync(join(tmpdir(), 'concordat-bench-'));
  const startedMb = usedMb();
  let beforeMs = performance.now();
  let cpuBefore = process.cpuUsage();
  const say = (what: string): void => {
    const { user, system } = process.cpuUsage(cpuBefore);
    const wall = performance.now() - beforeMs;
    process.stdout.write(
      `  ${what.padEnd(26)} ${((user + system) / 1e6).toFixed(1).padStart(7)} s cpu ${(wall / 1000).toFixed(1).padStart(7)} s  alive ${String(usedMb() - startedMb).padStart(6)} MB  peak ${Math.round(process.resourceUsage().maxRSS / 1024)} MB\n`,
    );
    beforeMs = performance.now();
    cpuBefore = process.cpuUsage();
  };
  try {
    process.stdout.write(`${count.toLocaleString('en')} records, ${members.length} members\n`);
    const views: RecordView[] = [];
    for (let at = 0; at < count; at += 1) {
      const grams = 250 + (at % 5_000) * 50;
      const before = JSON.parse(fieldsOf(at, String(grams))) as RecordView['base'];
      const after = JSON.parse(fieldsOf(at, String(grams * 1000))) as RecordView['base'];
      views.push({
        key: syntheticKey(at),
        members: Object.fromEntries(members.map((member) => [member, member === 'oslo' ? after : before])),
        base: before,
      });
    }
    views.sort((a, b) => byCodeUnit(a.key, b.key));
    say('views');
    const made = await inSlices(planSteps(inputOf(views, members)));
    const plan = { ...made, operations: [...made.operations], divergences: [...made.divergences] };
    say('plan');
    const digest = await digestInPieces(plan);
    say('digest');
    const store = createFileStore(folder);
    const ref = await putDocument(store, 'federation', plan);
    if (ref.sha256 !== digest) throw new Error('two digests of one plan');
    say('put');
    const census = new PlanCensus();
    for (const operation of plan.operations) census.addOperation(operation);
    const { oneCause } = census.result();
    say('count');
    process.stdout.write(
      `  ${plan.operations.length} operations, ${plan.divergences.length} divergences: ${oneCause ? oneCauseText(oneCause) : 'no one cause'}\n`,
    );
    if (process.argv.includes('--read')) {
      views.length = 0;
      plan.operations.length = 0;
      plan.divergences.length = 0;
      say('let go');
      const read = await getDocument(store, ref, Plan);
      say(`read ${read.operations.length}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function usedMb(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return Math.round(getHeapStatistics().used_heap_size / 1024 / 1024);
}

await main();
