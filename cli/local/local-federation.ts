/**
 * A whole federation on this machine: the sandboxed clouds, a Temporal server prepared for it, the federation worker and
 * one worker per authority. Each is a process with exactly the environment it may have: the coordinator sees no
 * credential and no key, an authority only its own.
 */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Connection } from '@temporalio/client';
import { z } from 'zod';
import { prepareTemporal } from '../../activities/temporal-setup/prepare-temporal.js';
import type { Authority, Mesh } from '../../core/federation/authority.js';
import type { Federation } from '../../core/federation/federation.js';
import type { AuthorityId } from '../../core/record.js';
import type { SandboxExample } from '../examples.js';
import { layoutOf, type Layout } from './layout.js';
import { superviseProcesses, type Processes, type RunningProcess } from './processes.js';
import { sandboxProgram, workerProgram } from './program.js';
import { workerMemory } from './worker-memory.js';
import { startTemporalServer, type TemporalServer } from './temporal-server.js';

const Cloud = z.object({ endpoint: z.string(), environment: z.record(z.string(), z.string()) });
const SandboxReady = z.object({
  aws: Cloud,
  entra: Cloud.extend({ authorityHost: z.string(), caFile: z.string() }),
  keystone: Cloud,
});
export type SandboxReady = z.infer<typeof SandboxReady>;

export interface LocalFederationOptions {
  readonly federation: Federation;
  readonly federationFolder: string;
  /** Logs, sandbox state and, where kept, the server's data. */
  readonly dataFolder: string;
  /** Clouds to stand in; leave out where the authority files name real ones. */
  readonly sandbox?: {
    readonly people?: number;
    readonly teams?: number;
    readonly seed?: number;
    readonly example?: SandboxExample;
    readonly persist?: boolean;
  };
  /** A server that runs already; else one is started. */
  readonly temporalAddress?: string;
  readonly keepTemporalData?: boolean;
  /** Of the server that is started; any free port where left out. */
  readonly port?: number;
  readonly uiPort?: number;
  readonly headless?: boolean;
  /** Where the exchange store is, where not beside the federation's files, and what every worker needs to reach it. */
  readonly exchange?: { readonly location: string; readonly environment: Readonly<Record<string, string>> };
  /** Added to the environment of one authority's worker. */
  readonly environmentOf?: (authority: Authority) => Readonly<Record<string, string>>;
  readonly report?: (text: string) => void;
  readonly signal?: AbortSignal;
  readonly onUnexpectedEnd?: (process: Pick<RunningProcess, 'name' | 'logFile'>, code: number) => void;
}

export interface LocalFederation {
  readonly layout: Layout;
  readonly address: string;
  readonly uiAddress: string | undefined;
  readonly connection: Connection;
  readonly sandbox: SandboxReady | undefined;
  readonly processes: Processes;
  /** Starts the worker of an authority again, for example after it was killed; under a `name` of its own beside the first. */
  readonly startAuthority: (
    authority: AuthorityId,
    environment?: Readonly<Record<string, string>>,
    name?: string,
  ) => Promise<RunningProcess>;
  readonly startFederation: () => Promise<RunningProcess>;
  readonly stop: () => Promise<void>;
}

/** Of the names of processes: `worker-aws`, `worker-federation`. */
export const workerPrefix = 'worker-';

export async function startLocalFederation(options: LocalFederationOptions): Promise<LocalFederation> {
  const { federation, federationFolder, dataFolder } = options;
  const report = options.report ?? ((): void => undefined);
  const { exchange } = options;
  const layout = layoutOf(federationFolder, exchange ? { CONCORDAT_EXCHANGE: exchange.location } : {});
  const logFolder = path.join(dataFolder, 'logs');
  await mkdir(logFolder, { recursive: true });
  const serverLogFile = path.join(logFolder, 'temporal-server.log');
  const serverLog = createWriteStream(serverLogFile, { flags: 'a', mode: 0o600 });
  // A full disk must not end the demo.
  serverLog.on('error', () => undefined);
  const processes = superviseProcesses({
    logFolder,
    ...(options.signal ? { signal: options.signal } : {}),
    ...(options.onUnexpectedEnd ? { onUnexpectedEnd: options.onUnexpectedEnd } : {}),
  });
  let server: TemporalServer | undefined;
  let connection: Connection | undefined;
  let stopping = false;
  const stop = async (): Promise<void> => {
    stopping = true;
    // Workers finish what they are in, side by side; then nobody needs clouds and server any more.
    const workers = processes.running().filter(({ name }) => name.startsWith(workerPrefix));
    await Promise.all(workers.map((worker) => worker.stop()));
    await processes.stopAll();
    // HAZARD: a call that is to be tried again throws past everybody once its channel is closed. After Ctrl-C some are
    // under way; the channel then ends with this process.
    if (!options.signal?.aborted) await connection?.close();
    await server?.stop();
    serverLog.end();
  };
  try {
    const sandboxStarting = options.sandbox
      ? startSandboxProcess(processes, dataFolder, options.sandbox, report)
      : undefined;
    // Awaited below; until then its failure must not end the process, or nothing would be stopped.
    sandboxStarting?.catch(() => undefined);
    if (options.temporalAddress === undefined) {
      report('starting a Temporal server');
      server = await startTemporalServer({
        ...(options.keepTemporalData ? { folder: path.join(dataFolder, 'temporal') } : {}),
        ...(options.port === undefined ? {} : { port: options.port }),
        ...(options.uiPort === undefined ? {} : { uiPort: options.uiPort }),
        headless: options.headless ?? false,
        log: (line) => void serverLog.write(`${line}\n`),
        report,
      });
      void server.exited.then((code) => {
        if (!stopping) options.onUnexpectedEnd?.({ name: 'temporal-server', logFile: serverLogFile }, code);
      });
    }
    options.signal?.throwIfAborted();
    const address = options.temporalAddress ?? server?.address ?? '';
    connection = await Connection.connect({ address, connectTimeout: 30_000 });
    report('making namespaces, endpoints and search attributes');
    await prepareTemporal({
      connection,
      federation: federation.file.federation,
      authorities: Object.keys(federation.authorities),
    });
    const sandbox = await sandboxStarting;

    const startAuthority = async (
      id: AuthorityId,
      environment: Readonly<Record<string, string>> = {},
      name: string = id,
    ): Promise<RunningProcess> => {
      const authority = federation.authorities[id];
      if (!authority) throw new Error(`the federation has no authority ${id}`);
      return processes.start({
        name: `${workerPrefix}${name}`,
        command: process.execPath,
        arguments: [workerProgram, '--authority', id],
        environment: {
          ...workerMemory,
          TEMPORAL_ADDRESS: address,
          CONCORDAT_FEDERATION: federationFolder,
          CONCORDAT_EXCHANGE: layout.exchangeLocation,
          CONCORDAT_PRIVATE: layout.privateFolder(id),
          CONCORDAT_KEYS: layout.keysFolder,
          ...exchange?.environment,
          ...(sandbox ? sandboxEnvironment(authority.mesh, sandbox) : {}),
          ...options.environmentOf?.(authority),
          ...environment,
        },
        readyWithinMs: 60_000,
        graceMs: 25_000,
      });
    };
    const startFederation = (): Promise<RunningProcess> =>
      processes.start({
        name: `${workerPrefix}federation`,
        command: process.execPath,
        arguments: [workerProgram, '--federation'],
        environment: {
          ...workerMemory,
          TEMPORAL_ADDRESS: address,
          CONCORDAT_FEDERATION: federationFolder,
          CONCORDAT_EXCHANGE: layout.exchangeLocation,
          ...exchange?.environment,
        },
        readyWithinMs: 60_000,
      });
    report('starting the workers');
    await Promise.all([startFederation(), ...Object.keys(federation.authorities).map((id) => startAuthority(id))]);
    return {
      layout,
      address,
      uiAddress: server?.uiAddress,
      connection,
      sandbox,
      processes,
      startAuthority,
      startFederation,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startSandboxProcess(
  processes: Processes,
  dataFolder: string,
  wanted: NonNullable<LocalFederationOptions['sandbox']>,
  report: (text: string) => void,
): Promise<SandboxReady> {
  report('starting three local clouds');
  const given = ([name, value]: readonly [string, number | string | undefined]): readonly string[] =>
    value === undefined ? [] : [`--${name}`, String(value)];
  const running = await processes.start({
    name: 'clouds',
    command: process.execPath,
    arguments: [
      sandboxProgram,
      '--folder',
      path.join(dataFolder, 'clouds'),
      ...(
        [
          ['people', wanted.people],
          ['teams', wanted.teams],
          ['seed', wanted.seed],
          ['example', wanted.example],
        ] as const
      ).flatMap(given),
      ...(wanted.persist ? ['--persist'] : []),
    ],
    environment: {},
    readyWithinMs: 60_000,
  });
  return SandboxReady.parse(running.ready);
}

/** The credentials of one stand-in, and where it answers, under the names that the authority file gives. */
function sandboxEnvironment(mesh: Mesh, sandbox: SandboxReady): Readonly<Record<string, string>> {
  switch (mesh.kind) {
    case 'aws-iam':
      return { ...sandbox.aws.environment, ...named(mesh.endpointFrom, sandbox.aws.endpoint) };
    case 'entra':
      return {
        ...sandbox.entra.environment,
        ...named(mesh.endpointFrom, sandbox.entra.endpoint),
        ...named(mesh.authorityHostFrom, sandbox.entra.authorityHost),
      };
    case 'keystone':
      return { ...sandbox.keystone.environment, ...named(mesh.endpointFrom, sandbox.keystone.endpoint) };
    // Nothing stands in for a store of records: it is small enough to be there itself.
    case 'folder':
    case 'postgresql':
      return {};
    // Its credentials come with its endpoint, from whoever gave that.
    case 'dynamodb':
    case 's3':
    case 'azure-tables':
    case 'azure-blob':
    case 'cosmos':
    case 'swift':
      return {};
  }
}

function named(name: string | undefined, value: string): Readonly<Record<string, string>> {
  return name === undefined ? {} : { [name]: value };
}
