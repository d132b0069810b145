/** `concordat worker`: the worker of one authority, or of the federation, in the foreground. */
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import { durationWords } from '../../core/duration.js';
import { ConcordatError } from '../../core/errors.js';
import { action, defineCommand, type ExitCode, type Invocation } from '../invocation.js';
import { layoutOf } from '../local/layout.js';
import { workerProgram } from '../local/program.js';
import { startWatched } from '../local/watched-process.js';
import { authorityWorkerEnvironment, federationWorkerEnvironment } from '../local/worker-environment.js';
import { openSignedFederation } from '../open-federation.js';

interface Options {
  readonly authority?: string;
  /** What `--federation` without a folder means here (cli/main.ts). */
  readonly coordinator?: true;
  readonly check?: true;
}

/** A worker touches its ready file every ten seconds while its server answers (workers/ready-file.ts). */
const healthyWithinMs = 35_000;
/** A worker ends the call to its cloud that it is in: workers/assemble.ts gives it 20 seconds. */
const graceMs = 25_000;

export function registerWorker(program: Command): void {
  defineCommand(program, {
    name: 'worker',
    description:
      'Start the worker of an authority, or of the federation, and stay until it is stopped. Folders come from CONCORDAT_* variables, else from the federation folder. The worker of the federation gets no key, no private state and no credential.',
    examples: [
      ['concordat worker --authority aws', 'with the credentials of aws in the environment'],
      ['concordat worker --federation', 'the worker of the federation'],
      ['concordat worker --authority aws --check', 'for the health check of a container'],
    ],
  })
    .option('--authority <id>', 'whose worker')
    .option('--coordinator', 'the worker of the federation; `--federation` without a folder says the same')
    .option('--check', 'start nothing: end with 0 where the worker on this machine is alive, else with 1')
    .action(
      action<Options>(async (invocation, options) => {
        if ((options.authority === undefined) === (options.coordinator === undefined))
          throw new ConcordatError('usage', 'give either --authority ID or --federation');
        const readyFile = readyFileOf(invocation, options);
        return options.check ? check(invocation, options, readyFile) : start(invocation, options, readyFile);
      }),
    );
}

function readyFileOf({ environment, federationFolder }: Invocation, { authority }: Options): string {
  const given = environment['CONCORDAT_READY_FILE'];
  if (given) return path.resolve(given);
  // One machine may hold several federations: the folder is part of the name.
  const place = Buffer.from(federationFolder).toString('base64url').slice(-40);
  return path.join(environment['TMPDIR'] || tmpdir(), `concordat-${authority ?? 'federation'}-${place}.ready`);
}

async function check({ output }: Invocation, options: Options, readyFile: string): Promise<ExitCode> {
  const who = nameOf(options);
  const found = await stat(readyFile).catch(() => undefined);
  const ageMs = found ? Date.now() - found.mtimeMs : undefined;
  const healthy = ageMs !== undefined && ageMs < healthyWithinMs;
  const detail =
    ageMs === undefined
      ? `no worker of ${who} has been polling here`
      : healthy
        ? `the worker of ${who} polls`
        : `the worker of ${who} polled last ${durationWords(ageMs)} ago`;
  output.result({ healthy, worker: who, readyFile, ageMs: ageMs ?? null }, detail);
  return healthy ? 0 : 1;
}

async function start(invocation: Invocation, options: Options, readyFile: string): Promise<ExitCode> {
  const { federationFolder, environment, output, signal, stdout, stderr } = invocation;
  const { authority } = options;
  const layout = layoutOf(federationFolder, environment);
  const federation = await openSignedFederation(federationFolder);
  if (authority !== undefined && !federation.authorities[authority])
    throw new ConcordatError(
      'usage',
      `there is no authority ${authority}; the federation has ${Object.keys(federation.authorities).join(', ')}`,
    );
  output.progress(`starting the worker of ${nameOf(options)}`);
  const worker = await startWatched({
    command: process.execPath,
    arguments: [workerProgram, ...(authority === undefined ? ['--federation'] : ['--authority', authority])],
    environment:
      authority === undefined
        ? federationWorkerEnvironment(layout, environment, readyFile)
        : authorityWorkerEnvironment(layout, authority, environment, readyFile),
    graceMs,
    onStdoutLine: (line) => void stdout.write(`${line}\n`),
    onStderrLine: (line) => void stderr.write(`${line}\n`),
  });
  const stop = (): void => void worker.stop();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const code = await worker.exited;
  signal.removeEventListener('abort', stop);
  if (code !== 0 && !signal.aborted)
    throw new ConcordatError(
      'processFailed',
      `the worker of ${nameOf(options)} ended with code ${code}; what it said is above`,
    );
  return 0;
}

function nameOf({ authority }: Options): string {
  return authority ?? 'the federation';
}
