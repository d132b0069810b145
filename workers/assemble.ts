/** Puts a worker together: its context, activities, Nexus service and workflow bundle. */
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { log } from '@temporalio/activity';
import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import { beat, cancellation } from '../activities/heartbeat.js';
import { createAuthorityActivities } from '../activities/authority/activities.js';
import { createAuthorityClock } from '../activities/authority/clock.js';
import type { AuthorityContext } from '../activities/authority/context.js';
import { toFailure } from '../activities/failure.js';
import { createFederationActivities } from '../activities/federation/activities.js';
import { openLivingFederation } from '../activities/federation-folder/living-federation.js';
import { loadSignedFederation } from '../activities/federation-folder/load-signed.js';
import { readAnchor } from '../activities/keys/anchor.js';
import {
  authorityKeyFolder,
  keyFilesOf,
  publicKeyOf,
  readKeyFile,
  type PrivateKey,
} from '../activities/keys/private-key.js';
import type { Signer } from '../activities/keys/signer.js';
import { ownSigners, signerNow } from '../activities/manifests/own-keys.js';
import type { ObjectStore } from '../activities/store.js';
import { openStore } from '../activities/store-location.js';
import { checkEndpoints } from '../activities/temporal-setup/nexus-endpoints.js';
import { durationMs } from '../core/duration.js';
import { ConcordatError } from '../core/errors.js';
import type { Federation } from '../core/federation/federation.js';
import { keysOf } from '../core/federation/keys-of.js';
import { signingState } from '../core/key-state.js';
import { isSameKey } from '../core/public-key.js';
import { authorityNamespace, federationNamespace, compareQueue, reviewWorkflowId, taskQueue } from '../core/names.js';
import { replacedSignal } from '../workflows/messages.js';
import { createAuthorityService } from './authority-service.js';
import { bundleFile } from './bundle-workflows.js';
import type { AuthorityWorkerConfig, FederationWorkerConfig, WorkerConfig } from './config.js';
import { createConnector } from './connectors.js';
import { createFederationService } from './federation-service.js';
import { webhookFrom } from './webhook.js';

export async function openFolder(config: WorkerConfig): Promise<Federation> {
  const view = config.kind === 'authority' ? { anchor: config.authority } : {};
  const loaded = await loadSignedFederation(config.federationFolder, view);
  if (loaded.kind === 'valid') {
    if (config.kind === 'authority') await requireAnchor(config, loaded.federation);
    return loaded.federation;
  }
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
  // A cancellation comes with the answer to a heartbeat, so none may wait for long to be sent.
  maxHeartbeatThrottleInterval: '5s',
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

/** Each walks in a thread of its own that holds the columns of one segment a member, about 80 MB. */
const groupsAtOnceMax = 2;

/**
 * The worker of the federation, and the one that compares groups of buckets: it takes as many at once as this machine has
 * processors, so that another machine finds some left.
 */
export async function createFederationWorkers(
  config: FederationWorkerConfig,
  federation: Federation,
  connection: NativeConnection,
): Promise<readonly [Worker, Worker]> {
  const living = await openLivingFederation({
    folder: config.federationFolder,
    read: () => openFolder(config),
    now: () => Date.now(),
    initial: federation,
  });
  const activities = createFederationActivities({
    get federation() {
      return living.current();
    },
    refreshTerms: () => living.refresh(),
    exchange: openStore(config.exchangeLocation),
    missingEndpoints: (names) => checkEndpoints(connection, names),
    now: () => Date.now(),
    heartbeat: beat,
    signal: cancellation,
    warn: (message) => log.warn(message),
    ...(config.absentAfterMs === undefined ? {} : { absentAfterMs: config.absentAfterMs }),
    ...(config.recordsPerGroup === undefined ? {} : { recordsPerGroup: config.recordsPerGroup }),
  });
  const namespace = namespaceOf(config, federation);
  const { checkpoint } = killPoint(config);
  return [
    await Worker.create({
      ...common,
      connection,
      namespace,
      workflowBundle: { codePath: bundleFile('federation') },
      activities,
      nexusServices: [createFederationService()],
    }),
    await Worker.create({
      ...common,
      connection,
      namespace,
      taskQueue: compareQueue,
      activities: {
        compareGroup: async (input: Parameters<typeof activities.compareGroup>[0]) => {
          const compared = await activities.compareGroup(input);
          // What it found is put, and the workflow does not know yet.
          await checkpoint?.('groupPut');
          return compared;
        },
      },
      maxConcurrentActivityTaskExecutions: Math.min(groupsAtOnceMax, availableParallelism()),
      // One that is cancelled ends at the next record.
      shutdownGraceTime: '5s',
    }),
  ];
}

export async function createAuthorityWorker(
  config: AuthorityWorkerConfig,
  federation: Federation,
  connection: NativeConnection,
  connectionOptions: ConnectionOptions,
): Promise<Worker> {
  const context = await authorityContext(config, federation);
  const namespace = namespaceOf(config, federation);
  const webhook = federation.authorities[config.authority]?.approval.webhookFrom;
  const notify = webhookFrom(webhook, config.environment);
  const client = new Client({ connection: Connection.lazy(connectionOptions), namespace });
  return Worker.create({
    ...common,
    connection,
    namespace,
    workflowBundle: { codePath: bundleFile('authority') },
    activities: createAuthorityActivities(context, {
      ...(notify ? { notify } : {}),
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
  const privateStore = openStore(config.privateLocation);
  const now = (): number => Date.now();
  const living = await openLivingFederation({
    folder: config.federationFolder,
    read: () => openFolder(config),
    privateStore,
    now,
    initial: federation,
  });
  const messageKey = await openMessageKey(config, () => living.current());
  const logKey = await openLogKey(config, () => living.current());
  return {
    id: config.authority,
    get federation() {
      return living.current();
    },
    refreshTerms: async () => {
      await living.refresh();
      await messageKey.refresh();
      await logKey.refresh();
    },
    exchange: openStore(config.exchangeLocation),
    privateStore,
    get signingKey() {
      return messageKey.now();
    },
    get logKey() {
      return logKey.now();
    },
    encryptionKeys: await ownEncryptionKeys(config),
    linkKey: await ownLinkKey(privateStore),
    connector: await createConnector(authority.mesh, config.environment, config.federationFolder),
    clock: createAuthorityClock({
      privateStore,
      physicalMs: now,
      maxAheadMs: durationMs(authority.clock.maxAhead),
    }),
    now,
    heartbeat: beat,
    signal: cancellation,
    ...killPoint(config),
  };
}

/** HAZARD: federation.yaml is shared. What it says of this authority's own key must be what its own keys folder says. */
async function requireAnchor(config: AuthorityWorkerConfig, federation: Federation): Promise<void> {
  const anchor = await readAnchor(config.keysFolder, config.authority);
  const pinned = federation.file.members.find(({ id }) => id === config.authority)?.key;
  if (!pinned || !isSameKey(anchor, pinned))
    throw new ConcordatError(
      'notSigned',
      `federation.yaml names another key of ${config.authority}'s manifest than the keys folder of its worker; if the key was replaced, copy manifest.public.json to the worker, else somebody changed federation.yaml`,
    );
}

interface MessageKey {
  /** The key that counts now: after a rotation the next one takes over by itself. Throws notSigned where none is here. */
  now(): Signer;
  /** Looks into the keys folder again, where a rotation may have put the next key. */
  refresh(): Promise<void>;
}

async function openMessageKey(config: AuthorityWorkerConfig, federation: () => Federation): Promise<MessageKey> {
  let signers = await ownSigners(config.keysFolder, config.authority, 'messages');
  const now = (): Signer => {
    const signer = signerNow(signers, keysOf(federation(), config.authority, 'messages'), Date.now());
    if (!signer)
      throw new ConcordatError(
        'notSigned',
        `no message key in ${config.keysFolder}/authorities/${config.authority} is one that the manifest of ${config.authority} names and that counts now`,
      );
    return signer;
  };
  now();
  return {
    now,
    refresh: async () => {
      signers = await ownSigners(config.keysFolder, config.authority, 'messages');
    },
  };
}

interface LogKey {
  /** As the message key: after a rotation the next one signs by itself. */
  now(): PrivateKey;
  refresh(): Promise<void>;
}

async function openLogKey(config: AuthorityWorkerConfig, federation: () => Federation): Promise<LogKey> {
  const folder = authorityKeyFolder(config.keysFolder, config.authority);
  const read = async (): Promise<readonly PrivateKey[]> => {
    const keys = await Promise.all((await keyFilesOf(folder, 'log')).map((file) => readKeyFile(file)));
    return keys.flatMap((key) => (key ? [key] : []));
  };
  let keys = await read();
  const now = (): PrivateKey => {
    const here = keysOf(federation(), config.authority, 'log').filter((state) =>
      keys.some((key) => isSameKey(state.key, publicKeyOf(key))),
    );
    const signs = signingState(here, Date.now());
    const found = signs && keys.find((key) => isSameKey(signs.key, publicKeyOf(key)));
    if (!found)
      throw new ConcordatError(
        'notSigned',
        `no log key in ${folder} is one that the manifest of ${config.authority} names and that counts now`,
      );
    return found;
  };
  now();
  return {
    now,
    refresh: async () => {
      keys = await read();
    },
  };
}

/** All that are here: what a peer encrypted to a key of earlier days must still open. */
async function ownEncryptionKeys(config: AuthorityWorkerConfig): Promise<readonly PrivateKey[]> {
  const folder = authorityKeyFolder(config.keysFolder, config.authority);
  const keys: PrivateKey[] = [];
  for (const file of await keyFilesOf(folder, 'encryption')) {
    const key = await readKeyFile(file);
    if (key) keys.push(key);
  }
  return keys;
}

/** Made on the first start and kept with the private state, which it is as secret as. */
async function ownLinkKey(store: ObjectStore): Promise<Uint8Array> {
  await store.putIfAbsent('secrets/link-key', randomBytes(32));
  const key = await store.get('secrets/link-key');
  if (!key || key.length !== 32) throw new ConcordatError('storeFault', 'the private store has lost its link key');
  return key;
}

/**
 * For crash tests only: the process kills itself when it reaches the named point of its work; `beforeCall:2` is the second time,
 * and with `groupPut:5:2000` it waits 2000 ms before: what passed the point earlier is told by then, and nothing else passes it.
 */
function killPoint({ environment }: WorkerConfig): Pick<AuthorityContext, 'checkpoint'> {
  const wanted = environment['CONCORDAT_TEST_KILL_AT'];
  if (wanted === undefined || wanted === '') return {};
  const [wantedPoint, time = '1', waitMs = '0'] = wanted.split(':');
  let reached = 0;
  return {
    checkpoint: async (point) => {
      if (point !== wantedPoint) return;
      reached += 1;
      if (reached < Number(time)) return;
      if (Number(waitMs) > 0) await setTimeout(Number(waitMs));
      process.kill(process.pid, 'SIGKILL');
    },
  };
}
