/**
 * The compare of one large run by one and by two worker processes of the coordinator, in turns, over an exchange store on S3:
 * through Temporal, each worker held to one processor of its own, as in a container of one.
 *
 *   npm run build && npx tsc -p bench/two-workers/tsconfig.json
 *   node node_modules/.cache/concordat-bench/bench/two-workers/two-workers.js [records of each member]
 *     [--edited-one-in 1000] [--delay-ms 20] [--rounds 3] [--records-per-group N] [--json file]
 *
 * Beside the store as it is, the same with every request delayed by `--delay-ms`, as by a store in another region. Medians of
 * the rounds. S3 server, Temporal server and this program share the processors with the workers.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { prepareTemporal } from '../../activities/temporal-setup/prepare-temporal.js';
import { openStore } from '../../activities/store-location.js';
import { startTemporalServer } from '../../cli/local/temporal-server.js';
import { recordsPerGroupUsually } from '../../core/compare-groups.js';
import { federationNamespace } from '../../core/names.js';
import { median } from '../whole-run/local-runs.js';
import type { CompareTask, CompareTimes } from './compare-workflow.js';
import { sealDataset, type Sealed } from './dataset.js';
import { startFarAway, startS3, type Counted } from './s3-server.js';

const bucket = 'exchange';
const program = path.resolve('dist', 'workers', 'main.js');
const benchQueue = 'two-workers-bench';

interface Round extends CompareTimes {
  /** Processor time of all workers together. */
  readonly processorSeconds: number;
  readonly peakMb: number;
  readonly passed: Counted;
}

interface Case {
  readonly store: string;
  readonly one: readonly Round[];
  readonly two: readonly Round[];
}

async function main(): Promise<void> {
  const given = process.argv.slice(2);
  const option = (name: string): string | undefined =>
    given.includes(name) ? given[given.indexOf(name) + 1] : undefined;
  const rows = Number(/^[0-9]+$/.test(given[0] ?? '') ? given[0] : 100_000);
  const editedOneIn = Number(option('--edited-one-in') ?? 1_000);
  const delayMs = Number(option('--delay-ms') ?? 20);
  const rounds = Number(option('--rounds') ?? 3);
  const recordsPerGroup = Number(option('--records-per-group') ?? recordsPerGroupUsually);
  // Whoever ends this program ends it at once: the processes that it started end with it.
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
  const root = mkdtempSync(path.join(tmpdir(), 'concordat-two-workers-'));
  const s3 = await startS3(path.join(root, 's3'), bucket);
  const temporal = await startTemporalServer({ headless: true });
  try {
    const sealed = await sealDataset(root, openStore(locationAt(s3.endpoint)), rows, editedOneIn);
    // Else the store makes the first runs wait for gigabytes that are on their way to the disk.
    spawnSync('sync');
    console.error(`${sealed.records} records in ${(sealed.bytes / 1e6).toFixed(0)} MB are sealed`);
    await prepare(temporal.address, sealed);
    const bench = await startBench(temporal.address, sealed, recordsPerGroup);
    const cases: Case[] = [];
    for (const wait of [0, delayMs]) {
      const far = await startFarAway(s3.endpoint, wait);
      const run = async (workers: number): Promise<Round> => {
        const round = await measure(workers, temporal.address, s3.environment, sealed, far, bench.compare);
        console.error(
          `${wait} ms, ${workers} workers: ${round.groups} groups ${round.groupsMs} ms, plan ${round.planMs} ms, ${round.passed.requests} requests, load ${loadavg()[0]?.toFixed(1)}`,
        );
        return round;
      };
      const [one, two]: [Round[], Round[]] = [[], []];
      for (let at = 0; at < rounds; at += 1) {
        one.push(await run(1));
        two.push(await run(2));
      }
      cases.push({ store: wait === 0 ? 'as it is' : `each request ${wait} ms later`, one, two });
      await far.stop();
    }
    await bench.stop();
    if (new Set(cases.flatMap(({ one, two }) => [...one, ...two].map(({ plan }) => plan.planDigest))).size !== 1)
      throw new Error('not all made the same plan');
    print(sealed, cases);
    const file = option('--json');
    if (file !== undefined)
      writeFileSync(file, `${JSON.stringify({ rows, editedOneIn, load: loadavg(), cases }, null, 2)}\n`);
  } finally {
    await temporal.stop();
    await s3.stop();
    rmSync(root, { recursive: true, force: true });
  }
}

function locationAt(endpoint: string): string {
  return `s3://${bucket}/federation?region=us-east-1&endpoint=${encodeURIComponent(endpoint)}`;
}

async function prepare(address: string, { federation }: Sealed): Promise<void> {
  const connection = await Connection.connect({ address });
  const { federation: name, members } = federation.file;
  await prepareTemporal({ connection, federation: name, authorities: members.map(({ id }) => id) });
  await connection.close();
}

/** The workflow runs here, so that the workers that are measured do nothing but compare and plan. */
async function startBench(
  address: string,
  { federation, inputs, records }: Sealed,
  recordsPerGroup: number,
): Promise<{ readonly compare: () => Promise<CompareTimes>; readonly stop: () => Promise<void> }> {
  const namespace = federationNamespace(federation.file.federation);
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: benchQueue,
    workflowsPath: path.join(import.meta.dirname, 'compare-workflow.js'),
  });
  const running = worker.run();
  const client = new Client({ connection: await Connection.connect({ address }), namespace });
  let at = 0;
  return {
    compare: () => {
      const task: CompareTask = { inputs, records, recordsPerGroup };
      return client.workflow.execute<(task: CompareTask) => Promise<CompareTimes>>('compareOnly', {
        workflowId: `compare-${at++}`,
        taskQueue: benchQueue,
        args: [task],
      });
    },
    stop: async () => {
      worker.shutdown();
      await running;
      await connection.close();
      await client.connection.close();
    },
  };
}

async function measure(
  count: number,
  address: string,
  environment: Readonly<Record<string, string>>,
  { folder }: Sealed,
  far: Awaited<ReturnType<typeof startFarAway>>,
  compare: () => Promise<CompareTimes>,
): Promise<Round> {
  const workers = await Promise.all(
    Array.from({ length: count }, (_, at) =>
      startWorker(at, {
        ...environment,
        TEMPORAL_ADDRESS: address,
        CONCORDAT_FEDERATION: folder,
        CONCORDAT_EXCHANGE: locationAt(far.endpoint),
      }),
    ),
  );
  try {
    far.take();
    const before = workers.map(usageOf);
    const times = await compare();
    const after = workers.map(usageOf);
    return {
      ...times,
      processorSeconds: after.reduce((sum, one, at) => sum + one.seconds - (before[at]?.seconds ?? 0), 0),
      peakMb: Math.max(...after.map(({ peakMb }) => peakMb)),
      passed: far.take(),
    };
  } finally {
    await Promise.all(workers.map(end));
  }
}

async function startWorker(processor: number, environment: Readonly<Record<string, string>>): Promise<ChildProcess> {
  const worker = spawn('taskset', ['-c', String(processor), process.execPath, program, '--federation'], {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await new Promise<void>((resolve, reject) => {
    worker.stdout.once('data', () => resolve());
    worker.once('exit', (code) => reject(new Error(`a worker ended with ${code}`)));
  });
  return worker;
}

async function end(worker: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  worker.kill('SIGTERM');
  await ended;
}

function usageOf({ pid }: ChildProcess): { readonly seconds: number; readonly peakMb: number } {
  const parts = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    seconds: (Number(parts[11]) + Number(parts[12])) / 100,
    peakMb: Number(/VmHWM:\s+([0-9]+)/.exec(status)?.[1]) / 1024,
  };
}

function print({ records, bytes }: Sealed, cases: readonly Case[]): void {
  console.log(`${records} records of three members, ${(bytes / 1e6).toFixed(0)} MB; load ${loadavg()[0]?.toFixed(1)}`);
  console.table(
    cases.map(({ store, one, two }) => {
      const of = (rounds: readonly Round[], what: (round: Round) => number): number => median(rounds.map(what));
      const compare = ({ groupsMs }: Round): number => groupsMs;
      const whole = ({ groupsMs, planMs }: Round): number => groupsMs + planMs;
      return {
        store,
        groups: one[0]?.groups,
        'compare, one over two': Number((of(one, compare) / of(two, compare)).toFixed(2)),
        'with the plan, one over two': Number((of(one, whole) / of(two, whole)).toFixed(2)),
        'compare s, one': of(one, compare) / 1000,
        'compare s, two': of(two, compare) / 1000,
        'plan s': of(two, ({ planMs }) => planMs) / 1000,
        'processor s, one': of(one, ({ processorSeconds }) => processorSeconds),
        'processor s, two': of(two, ({ processorSeconds }) => processorSeconds),
        'peak MB': of(two, ({ peakMb }) => peakMb),
        requests: of(one, ({ passed }) => passed.requests),
        'MB read': of(one, ({ passed }) => passed.megabytes),
        divergences: one[0]?.plan.divergences,
      };
    }),
  );
}

await main();
