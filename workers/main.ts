/**
 * A worker as a process: `node dist/workers/main.js --federation` or `--authority ID`.
 *
 * Follows TEMPORAL_* (address, TLS, API key, profiles). Says `{"ready":true,...}` on standard output once it polls, touches
 * the file that CONCORDAT_READY_FILE names while it does, and ends in order on SIGTERM and SIGINT.
 */
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, type Worker } from '@temporalio/worker';
import { openStore } from '../activities/store-location.js';
import { ConcordatError, errorTable } from '../core/errors.js';
import { createAuthorityWorker, createFederationWorkers, namespaceOf, openFolder } from './assemble.js';
import { parseConfig } from './config.js';
import { startLineageEvents } from './lineage-events.js';
import { installLogging } from './logging.js';
import { keepReadyFile } from './ready-file.js';

async function main(): Promise<void> {
  const config = parseConfig(process.argv.slice(2), process.env);
  const name = config.kind === 'federation' ? 'federation' : config.authority;
  const logger = installLogging(name, process.env);
  const federation = await openFolder(config);
  const namespace = namespaceOf(config, federation);
  const { connectionOptions } = loadClientConnectConfig();
  const connection = await connect(connectionOptions);
  try {
    const workers =
      config.kind === 'federation'
        ? await createFederationWorkers(config, federation, connection)
        : [await createAuthorityWorker(config, federation, connection, connectionOptions)];
    // Each installs its own handlers for SIGTERM and SIGINT and drains before run() returns.
    const running = runTogether(workers);
    logger.info({ namespace, federation: federation.file.federation }, 'worker polls');
    process.stdout.write(`${JSON.stringify({ ready: true, worker: name, namespace, pid: process.pid })}\n`);
    const readyFile = process.env['CONCORDAT_READY_FILE'];
    const lineage =
      config.kind === 'federation' && config.lineage
        ? startLineageEvents({
            federation,
            exchange: openStore(config.exchangeLocation),
            connection,
            settings: config.lineage,
            logger,
          })
        : null;
    const endReadyFile = readyFile
      ? keepReadyFile({
          file: readyFile,
          isReady: async () =>
            workers.every((worker) => worker.getState() === 'RUNNING') && (await answers(connection)),
        })
      : undefined;
    try {
      await running;
    } finally {
      await endReadyFile?.();
      await lineage?.stop();
    }
    logger.info('worker has ended');
  } finally {
    await connection.close();
  }
}

/** Where one of them fails, the others end too. */
async function runTogether(workers: readonly Worker[]): Promise<void> {
  const end = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const ended = await Promise.allSettled(workers.map((worker) => worker.run().finally(end)));
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
}

async function answers(connection: NativeConnection): Promise<boolean> {
  await connection.withDeadline(Date.now() + 5_000, () => connection.workflowService.getSystemInfo({}));
  return true;
}

async function connect(options: Parameters<typeof NativeConnection.connect>[0]): Promise<NativeConnection> {
  try {
    return await NativeConnection.connect(options);
  } catch (error) {
    throw new ConcordatError(
      'temporalUnreachable',
      `no Temporal server answers at ${options?.address ?? 'localhost:7233'}`,
      { cause: error },
    );
  }
}

try {
  await main();
  process.exitCode = 0;
} catch (error) {
  if (error instanceof ConcordatError)
    process.stderr.write(`error: ${error.message}\n${errorTable[error.code].next}\n`);
  else process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
}
