/**
 * What an authority's table of links costs in a file store: the first write of all, a thousand of them looked up, a hundred more and a
 * hundred less. The floor is reading as many bytes as a plain JSON table of them has, and parsing it.
 *
 *   npx tsc -p bench/links/tsconfig.json
 *   node node_modules/.cache/concordat-bench/bench/links/links.js [links ...] [--rounds 3] [--json file]
 *
 * Every measurement is a fresh process over a copy of the same store; medians, processor time, the page cache is warm. `--over` a
 * compiled copy of this file of another version measures that in turns with this one.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { LinkPairs } from '../../activities/link-pairs.js';
import { Links, loadLinks, saveLinks } from '../../activities/links.js';
import { createFileStore } from '../../activities/store-files.js';

const dataset = 'parcels';
const type = 'parcel';
const linkKey = new Uint8Array(32).fill(7);
const lookedUp = 1_000;
const changed = 100;
/** More links have no place in one text. */
const floorMax = 2_000_000;

const steps = ['floor', 'write', 'look', 'change'] as const;
type Step = (typeof steps)[number];
interface Outcome {
  readonly cpuMs: number;
  readonly peakMb: number;
}

const nativeIdOf = (at: number): string => `["parcel-${String(at).padStart(9, '0')}"]`;
const keyOf = (at: number): string => createHash('sha256').update(nativeIdOf(at)).digest('hex');
const spread = (count: number, links: number): readonly number[] =>
  Array.from({ length: count }, (_, at) => Math.floor(((at + 0.5) * links) / count));

async function main(): Promise<void> {
  const [first, step = '', root = '', count = ''] = process.argv.slice(2);
  if (first === '--child') {
    process.stdout.write(JSON.stringify(await run(step as Step, root, Number(count))));
    return;
  }
  const { values, positionals } = parseArgs({
    options: { rounds: { type: 'string', default: '3' }, json: { type: 'string' }, over: { type: 'string' } },
    allowPositionals: true,
  });
  const programs = { now: fileURLToPath(import.meta.url), ...(values.over ? { other: values.over } : {}) };
  const loadBefore = loadavg()[0];
  const report = (positionals.length > 0 ? positionals.map(Number) : [1_000_000]).map((count) =>
    measure(count, Number(values.rounds), programs),
  );
  const machine = { node: process.version, processors: cpus().length, loadBefore, loadAfter: loadavg()[0] };
  process.stdout.write(`${JSON.stringify(machine)}\n`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ machine, report }, null, 2)}\n`);
}

function measure(links: number, rounds: number, programs: Readonly<Record<string, string>>): object {
  const roots = new Map(
    Object.keys(programs).map((name) => [name, mkdtempSync(path.join(tmpdir(), `links-${name}-`))]),
  );
  const outcomes = new Map<string, Outcome[]>();
  try {
    for (let round = 0; round < rounds; round += 1)
      for (const step of links > floorMax ? steps.slice(1) : steps)
        for (const [name, program] of Object.entries(programs)) {
          const root = roots.get(name) ?? '';
          if (step === 'write') rmSync(root, { recursive: true, force: true });
          const over = step === 'change' ? mkdtempSync(path.join(tmpdir(), 'links-change-')) : root;
          if (over !== root) cpSync(root, over, { recursive: true });
          const given = [program, '--child', step, over, String(links)];
          const outcome = JSON.parse(execFileSync(process.execPath, given, { encoding: 'utf8' })) as Outcome;
          if (over !== root) rmSync(over, { recursive: true, force: true });
          outcomes.set(`${name} ${step}`, [...(outcomes.get(`${name} ${step}`) ?? []), outcome]);
        }
  } finally {
    for (const root of roots.values()) rmSync(root, { recursive: true, force: true });
  }
  const medians = Object.fromEntries([...outcomes].map(([name, some]) => [name, medianOf(some)]));
  const floor = medians['now floor']?.cpuMs ?? Number.NaN;
  process.stdout.write(`${links.toLocaleString('en')} links\n`);
  for (const [name, { cpuMs, peakMb }] of Object.entries(medians))
    process.stdout.write(
      `  ${name.padEnd(14)} ${cpuMs.toFixed(0).padStart(7)} ms  ${(cpuMs / floor).toFixed(2).padStart(6)}  ${peakMb.toFixed(0).padStart(5)} MB\n`,
    );
  return { links, medians };
}

async function run(step: Step, root: string, count: number): Promise<Outcome> {
  const store = createFileStore(root);
  const pairs = new LinkPairs();
  if (step === 'write') for (let at = 0; at < count; at += 1) pairs.set(nativeIdOf(at), keyOf(at));
  const plain = path.join(root, 'plain.json');
  if (step === 'floor') {
    const table = Array.from({ length: count }, (_, at) => `"${nativeIdOf(at).replaceAll('"', '\\"')}":"${keyOf(at)}"`);
    await store.putIfAbsent('plain', Buffer.from(`{${table.join(',')}}`));
    writeFileSync(plain, `{${table.join(',')}}`);
    table.length = 0;
  }
  const before = process.cpuUsage();
  if (step === 'floor') JSON.parse(readFileSync(plain, 'utf8'));
  else if (step === 'write') {
    const links = new Links({}, linkKey, dataset);
    links.take(type, pairs);
    await saveLinks(store, dataset, links);
  } else {
    const links = await loadLinks(store, dataset, linkKey);
    const some = spread(step === 'look' ? lookedUp : changed, count);
    await links.narrow(type, new Set(some.map(nativeIdOf)), new Set(some.map(keyOf)));
    for (const at of some)
      if (links.keyOf(type, nativeIdOf(at)) !== keyOf(at) || links.nativeIdOf(type, keyOf(at)) !== nativeIdOf(at))
        throw new Error(`link ${at} is not as it was written`);
    if (step === 'change') {
      for (const at of some) links.remove(type, nativeIdOf(at));
      for (const at of some) links.set(type, nativeIdOf(at + count), keyOf(at + count));
      await saveLinks(store, dataset, links);
    }
  }
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1000, peakMb: process.resourceUsage().maxRSS / 1024 };
}

function medianOf(outcomes: readonly Outcome[]): Outcome {
  const middle = (of: (outcome: Outcome) => number): number =>
    outcomes.map(of).sort((left, right) => left - right)[Math.floor(outcomes.length / 2)] ?? 0;
  return { cpuMs: middle(({ cpuMs }) => cpuMs), peakMb: middle(({ peakMb }) => peakMb) };
}

await main();
