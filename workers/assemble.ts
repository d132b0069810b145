/** Puts a worker together: its context, activities, Nexus service and workflow bundle. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { heartbeat } from '@temporalio/activity';
import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import { createAuthorityActivities } from '../activities/authority/activities.js';
import type { AuthorityContext } from '../activities/authority/context.js';
import { toFailure } from '../activities/failure.js';
import { createFederationActivities } from '../activities/federation/activities.js';
import { loadSignedFederation } from '../activities/federation-folder/load-signed.js';
import { publicKeyOf, readKeyFile, type PrivateKey } from '../activities/keys/private-key.js';
import type { ObjectStore } from '../activities/store.js';
import { createFileStore } from '../activities/store-files.js';
import { checkEndpoints } from '../activities/temporal-setup/nexus-endpoints.js';
import { ConcordatError } from '../core/errors.js';
import type { Federation } from '../core/federation/federation.js';
import { authorityNamespace, federationNamespace, reviewWorkflowId, taskQueue } from '../core/names.js';
import { replacedSignal } from '../workflows/messages.js';
import { createAuthorityService } from './authority-service.js';
import { bundleFile } from './bundle-workflows.js';
import type { AuthorityWorkerConfig, FederationWorkerConfig, WorkerConfig } from './config.js';
import { createConnector } from './connectors.js';
import { createFederationService } from './federation-service.js';

export async function openFolder(config: WorkerConfig): Promise<Federation> {
  const loaded = await loadSignedFederation(config.federationFolder);
  if (loaded.kind === 'valid') return loaded.federation;
  const faults = loaded.faults.map(
    ({ file, line, column, field, message }) => `  ${file}:${line}:${column} ${field} ${message}`,
  );
  throw new ConcordatError(
    loaded.faults.every(({ code }) => code === 'notSigned') ? 'notSigned' : 'invalidFederation',
    `the federation folder cannot be used:\n${faults.join('\n')}`,
  );
}

export function namespaceOf(config: WorkerConfig, federation: Federation): string {
  return config.kind === 'federation'
    ? federationNamespace(federation.file.federation)
    : authorityNamespace(federation.file.federation, config.authority);
}

const common = {
  taskQueue,
  // Long enough to end the native call a worker is in, so that a deploy leaves no unknown effects.
  shutdownGraceTime: '20s',
  maxConcurrentActivityTaskExecutions: 20,
  maxCachedWorkflows: 200,
  interceptors: {
    activity: [
      () => ({
        inbound: {
          async execute(input, next) {
            try {
              return await next(input);
            } catch (error) {
              throw toFailure(error);
            }
          },
        },
      }),
    ],
  },
} satisfies Partial<WorkerOptions>;

export async function createFederationWorker(
  config: FederationWorkerConfig,
  federation: Federation,
  connection: NativeConnection,
): Promise<Worker> {
  return Worker.create({
    ...common,
    connection,
    namespace: namespaceOf(config, federation),
    workflowBundle: { codePath: bundleFile('federation') },
    activities: createFederationActivities({
      federation,
      exchange: createFileStore(config.exchangeFolder),
      missingEndpoints: (names) => checkEndpoints(connection, names),
      heartbeat: () => heartbeat(),
      ...(config.absentAfterMs === undefined ? {} : { absentAfterMs: config.absentAfterMs }),
    }),
    nexusServices: [createFederationService()],
  });
}

export async function createAuthorityWorker(
  config: AuthorityWorkerConfig,
  federation: Federation,
  connection: NativeConnection,
  connectionOptions: ConnectionOptions,
): Promise<Worker> {
  const context = await authorityContext(config, federation);
  const namespace = namespaceOf(config, federation);
  const client = new Client({ connection: Connection.lazy(connectionOptions), namespace });
  return Worker.create({
    ...common,
    connection,
    namespace,
    workflowBundle: { codePath: bundleFile('authority') },
    activities: createAuthorityActivities(context, {
      replaced: async (dataset, oldPlan, newPlan) => {
        try {
          await client.workflow.getHandle(reviewWorkflowId(dataset, oldPlan)).signal(replacedSignal, { plan: newPlan });
        } catch (error) {
          // It had ended by itself already.
          if (!(error instanceof Error && error.name === 'WorkflowNotFoundError')) throw error;
        }
      },
    }),
    nexusServices: [createAuthorityService(context)],
  });
}

async function authorityContext(config: AuthorityWorkerConfig, federation: Federation): Promise<AuthorityContext> {
  const authority = federation.authorities[config.authority];
  if (!authority)
    throw new ConcordatError(
      'invalidFederation',
      `the federation has no authority ${config.authority}; it has ${Object.keys(federation.authorities).join(', ')}`,
    );
  const signingKey = await ownSigningKey(config, federation);
  const privateStore = createFileStore(config.privateFolder);
  return {
    id: config.authority,
    federation,
    exchange: createFileStore(config.exchangeFolder),
    privateStore,
    signingKey,
    linkKey: await ownLinkKey(privateStore),
    connector: await createConnector(authority.mesh, config.environment),
    now: () => Date.now(),
    heartbeat: (details) => heartbeat(details),
    ...killPoint(config),
  };
}

async function ownSigningKey(config: AuthorityWorkerConfig, federation: Federation): Promise<PrivateKey> {
  const file = path.join(config.keysFolder, 'authorities', `${config.authority}.key.json`);
  const key = await readKeyFile(file);
  if (!key) throw new ConcordatError('notSigned', `${file} is missing: the key of authority ${config.authority}`);
  const pinned = federation.file.members.find(({ id }) => id === config.authority)?.key;
  if (pinned?.x !== publicKeyOf(key).x)
    throw new ConcordatError('notSigned', `${file} is not the key that federation.yaml pins for ${config.authority}`);
  return key;
}

/** Made on the first start and kept with the private state, which it is as secret as. */
async function ownLinkKey(store: ObjectStore): Promise<Uint8Array> {
  await store.putIfAbsent('secrets/link-key', randomBytes(32));
  const key = await store.get('secrets/link-key');
  if (!key || key.length !== 32) throw new ConcordatError('storeFault', 'the private store has lost its link key');
  return key;
}

/** For crash tests only: the process kills itself when a commit reaches the named point; `beforeCall:2` is the second time. */
function killPoint(config: AuthorityWorkerConfig): Pick<AuthorityContext, 'checkpoint'> {
  const wanted = config.environment['CONCORDAT_TEST_KILL_AT'];
  if (wanted === undefined || wanted === '') return {};
  const [wantedPoint, time = '1'] = wanted.split(':');
  let reached = 0;
  return {
    checkpoint: async (point) => {
      if (point === wantedPoint) reached += 1;
      if (point === wantedPoint && reached === Number(time)) process.kill(process.pid, 'SIGKILL');
      await Promise.resolve();
    },
  };
}
