/**
 * The two ways of speaking to Cosmos DB: reads that are repeated, and writes that are sent once.
 *
 * HAZARD: after a lost answer the SDK sends a write again, to another region if need be (EndpointDiscoveryRetryPolicy on
 * REQUEST_SEND_ERROR, TimeoutFailoverRetryPolicy on 503). A repeated conditional write then fails its own condition and looks
 * like a conflict with somebody else. So each write carries a note under which it is sent; only 429, which says that nothing
 * was done and how long to wait, lets it be sent once more.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { CosmosClient, type Container, type CosmosClientOptions } from '@azure/cosmos';
import { createDefaultHttpClient, type HttpClient } from '@azure/core-rest-pipeline';
import { ConcordatError } from '../../../core/errors.js';
import { heed, pacesOf, type Pace } from '../../pace.js';
import type { WriteAnswer } from '../connector.js';
import { answerOf, answerWords, certainCode, isRefusal, passes, readFailure, type CosmosAnswer } from './answers.js';
import {
  accountOf,
  containerOf,
  standardLimits,
  type CosmosConnectorOptions,
  type CosmosMesh,
  type Limits,
} from './config.js';

type FailedWrite = Exclude<WriteAnswer, { readonly kind: 'applied' }>;

export interface CosmosRecordsClient {
  readonly mesh: CosmosMesh;
  readonly limits: Limits;
  /** Repeats on throttling, faults and network failures. Throws ConcordatError. */
  read<Answer>(
    type: string,
    action: string,
    call: (container: Container, signal: AbortSignal) => Promise<Answer>,
    signal?: AbortSignal,
  ): Promise<Answer>;
  /** Null where it was applied; `conflictOf` says which answers are conflicts. */
  writeOnce(
    type: string,
    action: string,
    call: (container: Container, signal: AbortSignal) => Promise<object>,
    conflictOf: (answer: CosmosAnswer) => FailedWrite | undefined,
  ): Promise<FailedWrite | null>;
}

/** Of one write: what its request met, once it was sent. */
interface Sending {
  met?: { readonly status: number } | { readonly error: unknown };
}

/** Ends a write that the SDK would send again; the SDK knows no reason to repeat it. */
class SentAlready extends Error {
  override readonly name = 'SentAlready';
}

/** Only the first request of a write that is not a read leaves, and those that follow a 429. */
function sendingOnce(sendings: AsyncLocalStorage<Sending>, http: HttpClient): HttpClient {
  return {
    sendRequest: async (request) => {
      const sending = sendings.getStore();
      if (sending === undefined || request.method === 'GET') return http.sendRequest(request);
      if (sending.met !== undefined && !('status' in sending.met && sending.met.status === 429))
        throw new SentAlready();
      try {
        const answer = await http.sendRequest(request);
        sending.met = { status: answer.status };
        return answer;
      } catch (error) {
        sending.met = { error };
        throw error;
      }
    },
  };
}

/** Each answer says what its request cost, and one too many how long to wait; those of the SDK's own repetitions too. */
function metered(paceNow: () => Pace, http: HttpClient): HttpClient {
  return {
    sendRequest: async (request) => {
      const pace = paceNow();
      const answer = await http.sendRequest(request);
      const units = Number(answer.headers.get('x-ms-request-charge') ?? 0);
      if (units > 0) pace.used(units);
      heed(pace, answer.status, (name) => answer.headers.get(name));
      return answer;
    },
  };
}

export function createCosmosRecordsClient(options: CosmosConnectorOptions): CosmosRecordsClient {
  const { mesh, environment } = options;
  const limits = { ...standardLimits, ...(mesh.pageSize ? { pageSize: mesh.pageSize } : {}), ...options.limits };
  const paces = pacesOf(mesh.unitsPerSecond, options.makePace);
  const account = accountOf(mesh, environment);
  const sendings = new AsyncLocalStorage<Sending>();
  let sdk: Promise<CosmosClient> | undefined;
  const connected = async (): Promise<CosmosClient> => {
    const shared: CosmosClientOptions = {
      endpoint: account.endpoint,
      connectionPolicy: {
        requestTimeout: limits.requestTimeoutMs,
        // Another address than Azure's own has no regions to be found.
        enableEndpointDiscovery: mesh.endpoint === undefined,
        retryOptions: {
          maxRetryAttemptCount: limits.throttledAttemptsMax,
          fixedRetryIntervalInMilliseconds: 0,
          maxWaitTimeInSeconds: limits.throttledWaitMaxSeconds,
        },
      },
      httpClient: sendingOnce(
        sendings,
        metered(() => (sendings.getStore() === undefined ? paces.read : paces.write), createDefaultHttpClient()),
      ),
    };
    if (account.key !== undefined) return new CosmosClient({ ...shared, key: account.key });
    const { DefaultAzureCredential } = await import('@azure/identity');
    return new CosmosClient({ ...shared, aadCredentials: new DefaultAzureCredential() });
  };
  const containerNamed = async (type: string): Promise<Container> =>
    (await (sdk ??= connected())).database(mesh.database).container(containerOf(mesh, type).container);
  const inTime = (): AbortSignal => AbortSignal.timeout(limits.requestTimeoutMs);

  return {
    mesh,
    limits,
    async read(type, action, call, signal) {
      for (let attempt = 1; ; attempt += 1) {
        await paces.read.turn(0, signal);
        const late = inTime();
        try {
          return await call(await containerNamed(type), signal ? AbortSignal.any([signal, late]) : late);
        } catch (error) {
          signal?.throwIfAborted();
          const failure = readFailure(action, error);
          if (error instanceof ConcordatError || !passes(answerOf(error)) || attempt >= limits.readAttemptsMax)
            throw failure;
        }
        const longestMs = Math.min(limits.backOffMaxMs, limits.backOffBaseMs * 2 ** Math.min(attempt, 20));
        await new Promise((resolve) => setTimeout(resolve, Math.random() * longestMs));
        signal?.throwIfAborted();
      }
    },
    async writeOnce(type, action, call, conflictOf) {
      const sending: Sending = {};
      await paces.write.turn(0);
      try {
        const container = await containerNamed(type);
        await sendings.run(sending, () => call(container, inTime()));
        return null;
      } catch (error) {
        if (error instanceof ConcordatError) return { kind: 'refused', code: error.code, detail: error.message };
        const { met } = sending;
        const isFirst = !(error instanceof SentAlready) || met === undefined;
        const answer = answerOf(isFirst ? error : 'error' in met ? met.error : { code: met.status });
        const detail = answerWords(action, answer);
        const conflict = conflictOf(answer);
        if (conflict !== undefined) return conflict;
        const certain = certainCode(answer);
        if (certain !== undefined) return { kind: 'refused', code: certain, detail };
        if (!isRefusal(answer)) return { kind: 'unknown', code: 'effectUnknown', detail };
        return { kind: 'refused', code: answer.status === 413 ? 'valueNotRepresentable' : 'refusedByCloud', detail };
      }
    },
  };
}
