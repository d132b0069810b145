/**
 * What a run costs at two sizes: history events, time and peak memory, with and without differences.
 *
 *   npm run build && npx tsc -p bench/runs/tsconfig.json
 *   node node_modules/.cache/concordat-bench/bench/runs/runs.js [people ...] [--json file]
 *
 * Starts `concordat dev` over the stand-ins for each size and types the commands that a person would. Events must be the
 * same at every size; time and memory are given as ratios to the first size, measured in the same run of this program.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const program = resolve('dist/cli/main.js');
const rounds = 3;

interface Size {
  readonly people: number;
  readonly firstContact: Measured;
  readonly withDifferences: Measured;
  readonly withoutDifferences: Measured;
  /** Peak resident memory since start, in MB, of the coordinator and of the largest authority worker. */
  readonly coordinatorMb: number;
  readonly authorityMb: number;
}
interface Measured {
  readonly events: number;
  readonly seconds: number;
}

interface Dev {
  readonly child: ChildProcess;
  readonly environment: NodeJS.ProcessEnv;
  readonly storyUrl: string;
}

async function main(): Promise<void> {
  const given = process.argv.slice(2);
  const at = given.indexOf('--json');
  const file = at < 0 ? undefined : given[at + 1];
  const sizes = given.filter((word) => /^[0-9]+$/.test(word)).map(Number);
  const results: Size[] = [];
  for (const people of sizes.length > 0 ? sizes : [100, 2_000, 10_000]) {
    results.push(await measure(people));
    // Each size takes minutes: what was measured is kept, whatever becomes of the next one.
    if (file !== undefined) writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  }
  print(results);
}

async function measure(people: number): Promise<Size> {
  const folder = mkdtempSync(join(tmpdir(), 'concordat-runs-'));
  const dev = await startDev(folder, people);
  try {
    const concordat = (...argv: readonly string[]): Readonly<Record<string, unknown>> => command(dev, argv);
    concordat('run', '--plan-only');
    const firstContact = lengthOf(dev);
    concordat('run', '--no-wait');
    await approved(dev, concordat);
    const [found] = (concordat('cases')['cases'] ?? []) as readonly { readonly case: { readonly id: string } }[];
    if (found) concordat('link', found.case.id, '1', '--as', 'you');
    concordat('run', '--no-wait');
    await approved(dev, concordat, '--choose', '1=1');
    const without = Array.from({ length: rounds }, () => {
      concordat('run');
      return lengthOf(dev);
    });
    await fetch(dev.storyUrl, { method: 'POST' });
    concordat('run', '--plan-only');
    const withDifferences = lengthOf(dev);
    const [middle] = [...without].sort((a, b) => a.seconds - b.seconds).slice(Math.floor(rounds / 2));
    if (!middle) throw new Error('no run was measured');
    const peaks = workerPeaksMb(folder);
    return {
      people,
      firstContact,
      withDifferences,
      withoutDifferences: middle,
      coordinatorMb: Math.max(0, ...peaks.coordinator),
      authorityMb: Math.max(0, ...peaks.authorities),
    };
  } finally {
    await stop(dev);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startDev(folder: string, people: number): Promise<Dev> {
  const federation = join(folder, 'federation');
  const child = spawn(process.execPath, [program, 'dev', '--folder', federation, '--people', String(people)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  const lines = await new Promise<string>((done, failed) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('Ctrl-C')) done(text);
    });
    child.once('exit', (code) => failed(new Error(`concordat dev ended with ${code}`)));
  });
  const address = /TEMPORAL_ADDRESS=(\S+)/.exec(lines)?.[1];
  const storyUrl = /(http\S+\/_sandbox\/story)/.exec(lines)?.[1];
  if (address === undefined || storyUrl === undefined)
    throw new Error(`concordat dev said nothing of its address:\n${lines}`);
  return {
    child,
    storyUrl,
    environment: { ...process.env, TEMPORAL_ADDRESS: address, CONCORDAT_FEDERATION: federation },
  };
}

/** Runs one command with --json. 2 means that something is open, which is no failure here. */
function command(dev: Dev, argv: readonly string[]): Readonly<Record<string, unknown>> {
  try {
    return parsed(
      execFileSync(process.execPath, [program, ...argv, '--json'], {
        env: dev.environment,
        stdio: ['ignore', 'pipe', 'ignore'],
        maxBuffer: 256 * 1024 * 1024,
      }),
    );
  } catch (error) {
    const { status, stdout } = error as { readonly status?: number; readonly stdout?: Buffer };
    if (status === 2 && stdout) return parsed(stdout);
    throw new Error(`concordat ${argv.join(' ')} failed: ${stdout?.toString() ?? ''}`, { cause: error });
  }
}

/** A command that changes nothing, asked again where the server of a busy machine did not answer in time. */
function looked(dev: Dev, argv: readonly string[]): Readonly<Record<string, unknown>> {
  for (let tries = 1; ; tries += 1) {
    try {
      return command(dev, argv);
    } catch (error) {
      if (tries === 5 || !(error instanceof Error && error.message.includes('temporalUnreachable'))) throw error;
    }
  }
}

function parsed(output: Buffer): Readonly<Record<string, unknown>> {
  return JSON.parse(output.toString()) as Readonly<Record<string, unknown>>;
}

/** Approves what waits, then waits until the run that the closing reviews ask for has ended. */
async function approved(
  dev: Dev,
  concordat: (...argv: readonly string[]) => unknown,
  ...choices: readonly string[]
): Promise<void> {
  concordat('approve', 'latest', '--as', 'you', ...choices);
  for (let calm = 0; calm < 3;) {
    await new Promise((done) => setTimeout(done, 1_000));
    const { runs } = looked(dev, ['runs']) as { readonly runs: readonly { readonly status: string }[] };
    calm = runs.some(({ status }) => status === 'running') ? 0 : calm + 1;
  }
}

/** Of the latest run, from the server: what the command line spends on starting itself does not count. */
function lengthOf(dev: Dev): Measured {
  const { runs } = looked(dev, ['runs', '--limit', '1']) as { readonly runs: readonly RunLine[] };
  const [run] = runs;
  if (!run) throw new Error('there is no run');
  return { events: run.events, seconds: (Date.parse(run.closedAt) - Date.parse(run.startedAt)) / 1000 };
}

interface RunLine {
  readonly events: number;
  readonly startedAt: string;
  readonly closedAt: string;
}

function workerPeaksMb(folder: string): {
  readonly coordinator: readonly number[];
  readonly authorities: readonly number[];
} {
  const coordinator: number[] = [];
  const authorities: number[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))) {
    try {
      const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      if (!commandLine.includes('workers/main.js') || !readFileSync(`/proc/${pid}/environ`, 'utf8').includes(folder))
        continue;
      const peakMb = Number(/VmHWM:\s+([0-9]+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
      (commandLine.includes('--federation') ? coordinator : authorities).push(peakMb);
    } catch {
      // It ended while we looked, or is not ours to look at.
    }
  }
  return { coordinator, authorities };
}

async function stop(dev: Dev): Promise<void> {
  const ended = new Promise((done) => dev.child.once('exit', done));
  dev.child.kill('SIGINT');
  await ended;
}

function print(results: readonly Size[]): void {
  const [first] = results;
  if (!first) return;
  const row = (...cells: readonly string[]): void =>
    console.log(cells.map((cell, column) => (column === 0 ? cell.padEnd(34) : cell.padStart(12))).join(''));
  row('people', ...results.map(({ people }) => String(people)));
  row('events, no differences', ...results.map(({ withoutDifferences }) => String(withoutDifferences.events)));
  row('events, differences, plan only', ...results.map(({ withDifferences }) => String(withDifferences.events)));
  row('events, first contact, plan only', ...results.map(({ firstContact }) => String(firstContact.events)));
  const ratio = (of: (size: Size) => number): readonly string[] =>
    results.map((size) => `${(of(size) / of(first)).toFixed(2)}×`);
  row('time, no differences', ...ratio(({ withoutDifferences }) => withoutDifferences.seconds));
  row('time, differences, plan only', ...ratio(({ withDifferences }) => withDifferences.seconds));
  row('time, first contact, plan only', ...ratio(({ firstContact }) => firstContact.seconds));
  row('peak memory, coordinator', ...ratio(({ coordinatorMb }) => coordinatorMb));
  row('peak memory, largest authority', ...ratio(({ authorityMb }) => authorityMb));
  row('peak MB, coordinator', ...results.map(({ coordinatorMb }) => coordinatorMb.toFixed(0)));
  row('peak MB, largest authority', ...results.map(({ authorityMb }) => authorityMb.toFixed(0)));
}

await main();
