/**
 * A Temporal development server for this machine: for the demo, `concordat dev` and the tests. It has no access control and
 * one shard; production runs a server of its own (docs, docker-compose.yml).
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { ConcordatError } from '../../core/errors.js';
import { childEnvironment } from './child-environment.js';
import { freePorts, isFree } from './ports.js';
import { findTemporalBinary } from './temporal-binary.js';
import { startWatched, type WatchedProcess } from './watched-process.js';

export interface TemporalServerOptions {
  /** Keeps runs and schedules here between starts; without it everything is in memory and gone at the end. */
  readonly folder?: string;
  /** Any free port where left out. */
  readonly port?: number;
  readonly uiPort?: number;
  /** Without the Temporal UI. */
  readonly headless?: boolean;
  /** The program, where the caller knows it already. */
  readonly binary?: string;
  readonly readyWithinMs?: number;
  /** Takes every line of the server's own log. */
  readonly log?: (line: string) => void;
  /** Told in a sentence what takes time; goes to `log` where left out. */
  readonly report?: (sentence: string) => void;
}

export interface TemporalServer {
  readonly address: string;
  readonly uiAddress: string | undefined;
  readonly pid: number;
  readonly version: string | undefined;
  readonly exited: Promise<number>;
  stop(): Promise<void>;
}

/**
 * Local settings. The first makes a Nexus operation whose worker was away go on 4 s after it is back instead of 89 s; the
 * second gives ids the length that a server on a SQL database allows, so that what works here works there; the third
 * keeps the server from asking the internet for newer versions.
 */
const dynamicConfig = [
  'component.nexusoperations.retryPolicy.maxInterval="5s"',
  'limit.maxIDLength=255',
  'frontend.enableServerVersionCheck=false',
] as const;

const portAttempts = 5;

/** Throws `serverNotFound`, or `processFailed` with the end of the server's log where it does not come up. */
export async function startTemporalServer(options: TemporalServerOptions = {}): Promise<TemporalServer> {
  const log = options.log ?? (() => {});
  const report = options.report ?? log;
  const found = options.binary ? undefined : await findTemporalBinary({ report });
  const binary = options.binary ?? found?.path ?? 'temporal';

  for (const [what, port] of [
    ['port', options.port],
    ['UI port', options.uiPort],
  ] as const) {
    if (port !== undefined && !(await isFree(port))) {
      throw new ConcordatError('processFailed', `the ${what} ${port} of the Temporal server is taken; choose another`);
    }
  }
  // The server writes into its home folder, which may be read-only in a container or somebody's own.
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'concordat-temporal-')));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const removeFolder = async () => {
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
  };

  let lastFailure: unknown;
  for (let attempt = 0; attempt < portAttempts; attempt++) {
    const outcome = await tryStart(binary, folder, options, log);
    if (outcome.kind === 'up') {
      const { watched, address, uiAddress } = outcome;
      const exited = watched.exited.then(async (code) => {
        await removeFolder();
        return code;
      });
      return {
        address,
        uiAddress,
        pid: watched.pid,
        version: found?.version,
        exited,
        async stop() {
          await watched.stop();
          await exited;
        },
      };
    }
    lastFailure = outcome.failure;
    if (!outcome.collision) break;
    report('A port was taken by another process in the meantime; trying others.');
  }
  await removeFolder();
  throw lastFailure;
}

type Attempt =
  | {
      readonly kind: 'up';
      readonly watched: WatchedProcess;
      readonly address: string;
      readonly uiAddress: string | undefined;
    }
  | { readonly kind: 'failed'; readonly failure: ConcordatError; readonly collision: boolean };

async function tryStart(
  binary: string,
  folder: string,
  options: TemporalServerOptions,
  log: (line: string) => void,
): Promise<Attempt> {
  const [freePort = 0, freeUiPort = 0, httpPort = 0, metricsPort = 0] = await freePorts(4);
  const port = options.port ?? freePort;
  const uiPort = options.uiPort ?? freeUiPort;
  const recent: string[] = [];
  const keep = (line: string) => {
    log(line);
    recent.push(line);
    if (recent.length > 40) recent.shift();
  };

  const watched = await startWatched({
    command: binary,
    arguments: [
      'server',
      'start-dev',
      `--ip=127.0.0.1`,
      `--port=${port}`,
      `--http-port=${httpPort}`,
      `--metrics-port=${metricsPort}`,
      ...(options.headless ? ['--headless'] : ['--ui-ip=127.0.0.1', `--ui-port=${uiPort}`, '--ui-disable-news-fetch']),
      ...(options.folder === undefined ? [] : [`--db-filename=${join(folder, 'temporal.db')}`]),
      ...dynamicConfig.map((setting) => `--dynamic-config-value=${setting}`),
    ],
    environment: childEnvironment({ HOME: folder }),
    workingFolder: folder,
    onStdoutLine: keep,
    onStderrLine: keep,
  });
  const address = `127.0.0.1:${port}`;
  const withinMs = options.readyWithinMs ?? 90_000;
  const deadline = performance.now() + withinMs;
  let ended: number | undefined;
  const end = watched.exited.then((code) => {
    ended = code;
    return false;
  });

  while (ended === undefined && performance.now() < deadline) {
    // The address may answer although our server did not get the port: `ended` is asked once more.
    if ((await Promise.race([answers(address), end])) && ended === undefined) {
      return { kind: 'up', watched, address, uiAddress: options.headless ? undefined : `http://127.0.0.1:${uiPort}` };
    }
  }
  const what =
    ended === undefined
      ? `the Temporal server did not answer within ${Math.round(withinMs / 1_000)} s`
      : `the Temporal server ended with code ${ended} before it answered`;
  const collision = ended !== undefined && recent.some((line) => /address already in use|can't (set|bind)/i.test(line));
  await watched.stop();
  return {
    kind: 'failed',
    failure: new ConcordatError('processFailed', [what, ...recent.slice(-12)].join('\n  ')),
    collision,
  };
}

/** True once the server lists its namespaces: it then also registers them. */
async function answers(address: string): Promise<boolean> {
  let connection: Connection | undefined;
  try {
    connection = await Connection.connect({ address, connectTimeout: 1_000 });
    const asked = connection;
    await asked.withDeadline(Date.now() + 2_000, () => asked.workflowService.listNamespaces({ pageSize: 1 }));
    return true;
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 100));
    return false;
  } finally {
    await connection?.close();
  }
}
