/**
 * The two ways of speaking to DynamoDB: reads that the SDK may repeat, and writes that are sent once.
 *
 * HAZARD: after a lost reply the SDK sends a request again. A repeated conditional write then fails its own condition and
 * looks like a conflict with somebody else, so writes have a client of their own with `maxAttempts: 1`; only throttling,
 * which DynamoDB answers before it does anything, repeats them, here.
 */
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { ConcordatError } from '../../../core/errors.js';
import { answerOf, answerWords, certainCode, isRefusal, isThrottling, readFailure } from '../../aws-answers.js';
import type { WriteAnswer } from '../connector.js';
import { credentialsIn, standardLimits, type DynamodbConnectorOptions, type Limits } from './config.js';
import { pacesOf } from '../../pace.js';

type FailedWrite = Exclude<WriteAnswer, { readonly kind: 'applied' }>;

/** Part of every answer where ReturnConsumedCapacity asks for it. */
interface Costed {
  readonly ConsumedCapacity?: { readonly CapacityUnits?: number | undefined } | undefined;
}

export interface DynamodbClient {
  /** Repeats on throttling, faults and network failures. Throws ConcordatError. */
  read<Answer extends object>(
    action: string,
    call: (client: DynamoDBClient) => Promise<Answer>,
    signal?: AbortSignal,
  ): Promise<Answer>;
  /** Null where it was applied; `onConflict` where its condition did not hold. */
  writeOnce(
    action: string,
    call: (client: DynamoDBClient) => Promise<object>,
    onConflict: FailedWrite,
  ): Promise<FailedWrite | null>;
}

const unitsOf = (answer: object): number => (answer as Costed).ConsumedCapacity?.CapacityUnits ?? 0;

/** What every client of the service is made with. */
export function clientConfig({ mesh, environment, limits: given }: DynamodbConnectorOptions): {
  readonly shared: DynamoDBClientConfig;
  readonly limits: Limits;
} {
  // The SDK warns of the Node versions to come on standard error, where commands say what people must read.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const limits = { ...standardLimits, ...given };
  const credentials = credentialsIn(mesh, environment);
  const shared = {
    region: mesh.region,
    ...(mesh.endpoint === undefined ? {} : { endpoint: mesh.endpoint }),
    ...(mesh.profile === undefined ? {} : { profile: mesh.profile }),
    ...(credentials === undefined ? {} : { credentials }),
    requestHandler: {
      connectionTimeout: limits.connectionTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      // Without it the handler only logs a warning and waits for ever.
      throwOnRequestTimeout: true,
    },
  } satisfies DynamoDBClientConfig;
  return { shared, limits };
}

export function createDynamodbClient(options: DynamodbConnectorOptions): DynamodbClient {
  const { mesh } = options;
  const { shared, limits } = clientConfig(options);
  const reader = new DynamoDBClient({ ...shared, maxAttempts: limits.readAttemptsMax, retryMode: 'adaptive' });
  const writer = new DynamoDBClient({ ...shared, maxAttempts: 1, retryMode: 'standard' });
  const paces = pacesOf(mesh.unitsPerSecond, options.makePace);

  return {
    async read(action, call, signal) {
      try {
        await paces.read.turn(0, signal);
        const answer = await call(reader);
        paces.read.used(unitsOf(answer));
        return answer;
      } catch (error) {
        signal?.throwIfAborted();
        throw failureOf(action, error);
      }
    },
    async writeOnce(action, call, onConflict) {
      for (let attempt = 1; ; attempt += 1) {
        await paces.write.turn(0);
        try {
          paces.write.used(unitsOf(await call(writer)));
          return null;
        } catch (error) {
          const answer = answerOf(error);
          // A write that fails its condition costs as much as one that succeeds.
          if (answer.code === 'ConditionalCheckFailed') {
            paces.write.used(1);
            return onConflict;
          }
          if (isThrottling(answer) && attempt < limits.throttledAttemptsMax) {
            const longestMs = Math.min(limits.backOffMaxMs, limits.backOffBaseMs * 2 ** Math.min(attempt, 20));
            await new Promise((resolve) => setTimeout(resolve, Math.random() * longestMs));
            continue;
          }
          return failedWrite(action, error);
        }
      }
    },
  };
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html */
function failureOf(action: string, error: unknown): ConcordatError {
  const answer = answerOf(error);
  return answer.code === 'ResourceNotFound'
    ? new ConcordatError('scopeNotFound', answerWords(action, answer))
    : readFailure(action, error);
}

/** Everything that is not known to have had no effect is `unknown`. */
function failedWrite(action: string, error: unknown): FailedWrite {
  const answer = answerOf(error);
  const detail = answerWords(action, answer);
  const certain = certainCode(answer);
  if (certain !== undefined) return { kind: 'refused', code: certain, detail };
  if (!isRefusal(answer)) return { kind: 'unknown', code: 'effectUnknown', detail };
  switch (answer.code) {
    case 'TransactionConflict':
    case 'ReplicatedWriteConflict':
      return { kind: 'conflict', code: 'expectationFailed', detail };
    case 'ResourceNotFound':
      return { kind: 'refused', code: 'scopeNotFound', detail };
    // Among it: an item of more than 400 kB, or nested deeper than 32 levels.
    case 'Validation':
    case 'ItemCollectionSizeLimitExceeded':
      return { kind: 'refused', code: 'valueNotRepresentable', detail };
    default:
      return { kind: 'refused', code: 'refusedByCloud', detail };
  }
}
