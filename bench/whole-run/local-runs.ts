/** A federation of this machine for one measurement: its folder, its workers as processes, and commands with --json. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadFederation } from '../../activities/federation-folder/load.js';
import { loadSignedFederation } from '../../activities/federation-folder/load-signed.js';
import { generateKeys } from '../../activities/keys/generate.js';
import { signFolder } from '../../activities/manifests/sign-folder.js';
import type { LocalFederation, startLocalFederation as Start } from '../../cli/local/local-federation.js';

const dist = path.resolve('dist');
const program = path.join(dist, 'cli', 'main.js');

export type Answer = Readonly<Record<string, unknown>>;
/** Runs one command with --json. 2 means that something is open, which is no failure here. */
export type Cli = (...argv: readonly string[]) => Answer;

export interface ProcessUsage {
  readonly name: string;
  /** Since its start. */
  readonly peakMb: number;
  readonly processorSeconds: number;
}

export interface LocalRuns {
  readonly cli: Cli;
  /** The same, while other things go on. */
  readonly cliLater: (...argv: readonly string[]) => Promise<Answer>;
  /** The command itself, and what it is given. */
  readonly program: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly local: LocalFederation;
  /** Of processes whose end was asked for nothing is said. */
  readonly expectEnd: (name: string) => void;
  /** Of its Temporal server. */
  readonly address: string;
  /** Of the run that began last. */
  readonly lastRun: () => { readonly status: string; readonly events: number; readonly seconds: number };
  usage(): readonly ProcessUsage[];
  stop(): Promise<void>;
}

interface RunLine {
  readonly status: string;
  readonly events: number;
  readonly startedAt: string;
  readonly closedAt: string;
}

/** KEEP_LOGS keeps the folder and names it; WORKER_NODE_OPTIONS are the workers' NODE_OPTIONS. */
export async function startLocalRuns(
  files: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string>>,
): Promise<LocalRuns> {
  const root = mkdtempSync(path.join(tmpdir(), 'concordat-whole-run-'));
  const folder = path.join(root, 'federation');
  const { startLocalFederation } = (await import(path.join(dist, 'cli/local/local-federation.js'))) as {
    readonly startLocalFederation: typeof Start;
  };
  const federation = await makeFederation(folder, files);
  const expected = new Set<string>();
  const local = await startLocalFederation({
    federation,
    federationFolder: folder,
    dataFolder: path.join(root, 'data'),
    headless: true,
    environmentOf: () => ({
      ...environment,
      ...(process.env['WORKER_NODE_OPTIONS'] === undefined ? {} : { NODE_OPTIONS: process.env['WORKER_NODE_OPTIONS'] }),
    }),
    onUnexpectedEnd: ({ name, logFile }, code) => {
      if (!expected.has(name))
        console.error(`${name} ended with ${code}\n${readFileSync(logFile, 'utf8').slice(-4_000)}`);
    },
  });
  const cli = commandOf(folder, local.address);
  return {
    cli,
    cliLater: laterOf(folder, local.address),
    program,
    environment: environmentOf(folder, local.address),
    local,
    expectEnd: (name) => void expected.add(name),
    address: local.address,
    lastRun: () => {
      const { runs } = cli('runs', '--limit', '1') as { readonly runs: readonly RunLine[] };
      const [run] = runs;
      if (!run) throw new Error('there is no run');
      const { status, events } = run;
      return { status, events, seconds: (Date.parse(run.closedAt) - Date.parse(run.startedAt)) / 1000 };
    },
    usage: () => local.processes.running().map(({ name, pid }) => ({ name, ...usageOf(pid) })),
    stop: async () => {
      await local.stop();
      if (process.env['KEEP_LOGS'] === undefined) rmSync(root, { recursive: true, force: true });
      else console.error(root);
    },
  };
}

async function makeFederation(folder: string, files: Readonly<Record<string, string>>) {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  const valid = async () => {
    const loaded = await loadFederation(folder);
    if (loaded.kind !== 'valid') throw new Error(JSON.stringify(loaded));
    return loaded.federation;
  };
  await generateKeys(folder, await valid(), {});
  await signFolder(folder, await valid());
  const signed = await loadSignedFederation(folder);
  if (signed.kind !== 'valid') throw new Error(JSON.stringify(signed));
  return signed.federation;
}

function environmentOf(folder: string, address: string): NodeJS.ProcessEnv {
  return { ...process.env, TEMPORAL_ADDRESS: address, CONCORDAT_FEDERATION: folder };
}

/** A command that ended with another code than 0 and 2. */
export class CommandFailed extends Error {
  /** The codes of all that failed in it. */
  readonly codes: readonly string[];

  constructor(argv: readonly string[], status: number | null, stdout: string, stderr: string) {
    super(`concordat ${argv.join(' ')}: ${status} ${stdout.slice(0, 4_000)} ${stderr.slice(-4_000)}`);
    this.codes = [...stdout.matchAll(/^ *"code": "(\w+)",?$/gm)].map(([, code = '']) => code);
  }
}

function answerOf(argv: readonly string[], status: number | null, stdout: string, stderr: string): Answer {
  if (status !== 0 && status !== 2) throw new CommandFailed(argv, status, stdout, stderr);
  return JSON.parse(stdout) as Answer;
}

function commandOf(folder: string, address: string): Cli {
  return (...argv) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...argv, '--json'], {
      env: environmentOf(folder, address),
      maxBuffer: 1024 * 1024 * 1024,
      encoding: 'utf8',
    });
    return answerOf(argv, status, stdout, stderr);
  };
}

function laterOf(folder: string, address: string): LocalRuns['cliLater'] {
  return (...argv) =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [program, ...argv, '--json'], { env: environmentOf(folder, address) });
      const [out, err]: [Buffer[], Buffer[]] = [[], []];
      child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
      child.stderr.on('data', (bytes: Buffer) => err.push(bytes));
      child.once('error', reject);
      child.once('close', (status) => {
        try {
          resolve(answerOf(argv, status, Buffer.concat(out).toString(), Buffer.concat(err).toString()));
        } catch (error) {
          reject(error as Error);
        }
      });
    });
}

export function requireAgreed(answer: Answer): void {
  if (answer['outcome'] !== 'agreed' && (answer['result'] as Answer | undefined)?.['outcome'] !== 'agreed')
    throw new Error(`the run did not agree: ${JSON.stringify(answer).slice(0, 2_000)}`);
}

/** Until no run has been under way for three seconds. */
export async function calm(cli: Cli): Promise<void> {
  for (let quiet = 0; quiet < 3;) {
    await new Promise((done) => setTimeout(done, 1_000));
    const { runs } = cli('runs') as { readonly runs: readonly RunLine[] };
    quiet = runs.some(({ status }) => status === 'running') ? 0 : quiet + 1;
  }
}

export function usageOf(pid: number): Omit<ProcessUsage, 'name'> {
  const peakMb = Number(/VmHWM:\s+([0-9]+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
  const parts = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return { peakMb, processorSeconds: (Number(parts[11]) + Number(parts[12])) / 100 };
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
