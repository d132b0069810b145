/** `concordat dev`: a whole federation on this machine, until Ctrl-C. Its data stays in the federation folder. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { ConcordatError } from '../../core/errors.js';
import type { Federation } from '../../core/federation/federation.js';
import type { SandboxExample } from '../examples.js';
import type { Invocation } from '../invocation.js';
import { endingOf } from '../local/ending.js';
import { startLocalFederation, workerPrefix, type LocalFederation } from '../local/local-federation.js';
import { isFree } from '../local/ports.js';
import { withTemporal } from '../temporal/with-temporal.js';
import { credentialsOf, requireKindsApart } from './credentials.js';
import { keepRunning } from './keep-running.js';
import { holdFolder } from './only-one.js';
import { openOrMake } from './open-or-make.js';
import { placesOf, placeLines } from './places.js';

export interface DevOptions {
  readonly folder: string;
  readonly people: number;
  /** What new stand-ins hold. */
  readonly example: SandboxExample;
  /** Stand-ins instead of the clouds themselves. */
  readonly sandbox: boolean;
  /** A server that runs already; else one is started. */
  readonly temporalAddress?: string;
  readonly port?: number;
  readonly uiPort?: number;
}

/** Where Temporal's own tools look first, so that the commands need no TEMPORAL_ADDRESS. */
const usualPorts = { server: 7233, ui: 8233 } as const;

/** Ends with Ctrl-C. Throws where something does not start, and where clouds or server end by themselves. */
export async function runDev(invocation: Invocation, options: DevOptions): Promise<void> {
  const { output } = invocation;
  const { folder, temporalAddress } = options;
  await mkdir(folder, { recursive: true });
  const held = await holdFolder(folder);
  const ending = endingOf(invocation.signal);
  const { signal } = ending;
  let local: LocalFederation | undefined;
  try {
    const { federation, isNew } = await openOrMake(folder, options.sandbox);
    if (!options.sandbox) requireKindsApart(federation);
    if (temporalAddress !== undefined) await requireServer(temporalAddress);
    const restart = keepRunning({
      startAgain: (name) => startWorker(local, name),
      report: (line) => output.note(line),
      signal,
    });
    local = await startLocalFederation({
      ...(await localOptions(invocation, options, federation)),
      signal,
      onUnexpectedEnd: (ended, code) => {
        if (ended.name.startsWith(workerPrefix)) return void restart(ended, code);
        const what = `${ended.name} ended with code ${code}; its log is ${ended.logFile}`;
        ending.breakWith(new ConcordatError('processFailed', what));
      },
    });
    const places = placesOf(federation, folder, local, options.example);
    held.announce(`Temporal at ${places.temporal}${places.ui === null ? '' : `, its UI at ${places.ui}`}`);
    output.result(places, placeLines(places, federation, isNew));
    await ending.over;
    const failure = ending.failure();
    if (failure) throw failure;
  } catch (error) {
    throw ending.failure() ?? error;
  } finally {
    if (local) output.progress('stopping workers, clouds and server');
    await local?.stop();
    await held.release();
  }
}

async function localOptions(
  { output, environment }: Invocation,
  { folder, people, example, sandbox, temporalAddress, port, uiPort }: DevOptions,
  federation: Federation,
): Promise<Parameters<typeof startLocalFederation>[0]> {
  return {
    federation,
    federationFolder: folder,
    dataFolder: path.join(folder, '.concordat'),
    ...(sandbox ? { sandbox: { people, example, persist: true } } : {}),
    ...(temporalAddress === undefined
      ? {
          keepTemporalData: true,
          ...named('port', port ?? (await ifFree(usualPorts.server))),
          ...named('uiPort', uiPort ?? (await ifFree(usualPorts.ui))),
        }
      : { temporalAddress }),
    environmentOf: ({ mesh }) => (sandbox ? {} : credentialsOf(mesh, environment)),
    report: (text) => output.progress(text),
  };
}

function named<Name extends string>(name: Name, port: number | undefined): { readonly [Key in Name]?: number } {
  return port === undefined ? {} : ({ [name]: port } as { readonly [Key in Name]: number });
}

async function ifFree(port: number): Promise<number | undefined> {
  return (await isFree(port)) ? port : undefined;
}

/** Throws temporalUnreachable before anything is started. */
async function requireServer(address: string): Promise<void> {
  await withTemporal({ environment: { TEMPORAL_ADDRESS: address }, withinMs: 10_000 }, ({ connection }) =>
    connection.workflowService.getSystemInfo({}),
  );
}

async function startWorker(local: LocalFederation | undefined, name: string): Promise<void> {
  if (!local) throw new ConcordatError('processFailed', `${name} ended while the others were still starting`);
  const id = name.slice(workerPrefix.length);
  await (id === 'federation' ? local.startFederation() : local.startAuthority(id));
}
