/**
 * The two ways of speaking to Azure Tables: reads that the SDK may repeat, and writes that are sent once.
 *
 * HAZARD: after a lost reply the SDK sends a request again. A repeated conditional write then fails its own condition and
 * looks like a conflict with somebody else, so writes have a client of their own without retries; only `ServerBusy`, which
 * Azure answers before it does anything, repeats them, here.
 */
import {
  AzureNamedKeyCredential,
  AzureSASCredential,
  TableClient,
  type TableServiceClientOptions,
} from '@azure/data-tables';
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import {
  answerOf,
  answerWords,
  certainCode,
  isRefusal,
  isThrottling,
  readFailure,
  storageAccount,
  type AzureAnswer,
  type StorageAccount,
} from '../../azure-storage.js';
import { pacesOf } from '../../pace.js';
import type { WriteAnswer } from '../connector.js';
import {
  standardLimits,
  tableOf,
  type AzureTablesConnectorOptions,
  type AzureTablesMesh,
  type Limits,
} from './config.js';

type FailedWrite = Exclude<WriteAnswer, { readonly kind: 'applied' }>;

export interface AzureTablesClient {
  readonly mesh: AzureTablesMesh;
  readonly limits: Limits;
  /** Repeats on throttling, faults and network failures. Throws ConcordatError. */
  read<Answer>(
    type: string,
    action: string,
    call: (table: TableClient, signal: AbortSignal) => Promise<Answer>,
    signal?: AbortSignal,
  ): Promise<Answer>;
  /** Null where it was applied; `conflictOf` says which answers are conflicts. */
  writeOnce(
    type: string,
    action: string,
    call: (table: TableClient, signal: AbortSignal) => Promise<object>,
    conflictOf: (answer: AzureAnswer) => FailedWrite | undefined,
  ): Promise<FailedWrite | null>;
}

/** What Azure says of an entity or a property that it cannot hold. */
const notHeld: ReadonlySet<string> = new Set([
  'PropertyValueTooLarge',
  'EntityTooLarge',
  'TooManyProperties',
  'PropertyNameInvalid',
  'PropertyNameTooLong',
  'KeyValueTooLarge',
  'InvalidValueType',
  'InvalidInput',
  'OutOfRangeInput',
  'RequestBodyTooLarge',
  'DuplicatePropertiesSpecified',
]);

function tableClient(
  { account, endpoint, credential }: StorageAccount,
  table: string,
  options: TableServiceClientOptions,
): TableClient {
  switch (credential.kind) {
    case 'key':
      return new TableClient(endpoint, table, new AzureNamedKeyCredential(account, credential.key), options);
    case 'signature':
      return new TableClient(endpoint, table, new AzureSASCredential(credential.signature), options);
    case 'chain':
      return new TableClient(endpoint, table, credential.credential, options);
  }
}

export function createAzureTablesClient(options: AzureTablesConnectorOptions): AzureTablesClient {
  const { mesh, environment } = options;
  const limits = { ...standardLimits, ...(mesh.pageSize ? { pageSize: mesh.pageSize } : {}), ...options.limits };
  const paces = pacesOf(mesh.requestsPerSecond, options.makePace);
  const account = storageAccount(mesh, environment, 'table');
  const clientsOf = (maxRetries: number): ((type: string) => TableClient) => {
    const clients = new Map<string, TableClient>();
    return (type) => {
      const { table } = tableOf(mesh, type);
      const known =
        clients.get(table) ??
        tableClient(account, table, {
          allowInsecureConnection: account.endpoint.startsWith('http:'),
          retryOptions: {
            maxRetries,
            retryDelayInMs: limits.backOffBaseMs,
            maxRetryDelayInMs: limits.backOffMaxMs,
          },
        });
      clients.set(table, known);
      return known;
    };
  };
  const [reader, writer] = [clientsOf(limits.readRetriesMax), clientsOf(0)];
  const inTime = (): AbortSignal => AbortSignal.timeout(limits.requestTimeoutMs);

  return {
    mesh,
    limits,
    async read(type, action, call, signal) {
      await paces.read.turn(1, signal);
      const late = inTime();
      try {
        return await call(reader(type), signal ? AbortSignal.any([signal, late]) : late);
      } catch (error) {
        signal?.throwIfAborted();
        if (late.aborted) throw new ConcordatError('unreachable', `${action} was not answered in time`);
        throw readFailure(action, error);
      }
    },
    async writeOnce(type, action, call, conflictOf) {
      for (let attempt = 1; ; attempt += 1) {
        await paces.write.turn(1);
        try {
          await call(writer(type), inTime());
          return null;
        } catch (error) {
          const answer = answerOf(error);
          if (isThrottling(answer) && answer.waitMs !== undefined) paces.write.hold(answer.waitMs);
          if (isThrottling(answer) && attempt < limits.throttledAttemptsMax) {
            const longestMs = Math.min(limits.backOffMaxMs, limits.backOffBaseMs * 2 ** Math.min(attempt, 20));
            await new Promise((resolve) => setTimeout(resolve, Math.random() * longestMs));
            continue;
          }
          return conflictOf(answer) ?? failedWrite(action, answer);
        }
      }
    },
  };
}

/** Everything that is not known to have had no effect is `unknown`. */
function failedWrite(action: string, answer: AzureAnswer): FailedWrite {
  const detail = answerWords(action, answer);
  const refused = (code: ErrorCode): FailedWrite => ({ kind: 'refused', code, detail });
  const certain = certainCode(answer);
  if (certain !== undefined) return refused(certain);
  if (!isRefusal(answer)) return { kind: 'unknown', code: 'effectUnknown', detail };
  if (notHeld.has(answer.code)) return refused('valueNotRepresentable');
  return refused(answer.status === 404 ? 'scopeNotFound' : 'refusedByCloud');
}
