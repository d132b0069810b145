/**
 * What an answer of Cosmos DB says. Its messages quote keys and items, so only status, substatus and activity id ever leave
 * this file. https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb
 */
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import { neverSentCodes } from '../../never-sent.js';

export interface CosmosAnswer {
  readonly status: number | undefined;
  readonly substatus: number | undefined;
  readonly activityId: string | undefined;
  readonly neverSent: boolean;
  /** No credential was found, so nothing was asked. */
  readonly withoutCredential: boolean;
}

const noCredentialNames: ReadonlySet<string> = new Set([
  'CredentialUnavailableError',
  'AggregateAuthenticationError',
  'AuthenticationRequiredError',
]);

export function answerOf(error: unknown): CosmosAnswer {
  const facts = (typeof error === 'object' && error !== null ? error : {}) as {
    name?: unknown;
    code?: unknown;
    substatus?: unknown;
    activityId?: unknown;
    headers?: Readonly<Record<string, unknown>>;
  };
  const { name, code, substatus } = facts;
  const activityId = facts.activityId ?? facts.headers?.['x-ms-activity-id'];
  return {
    status: typeof code === 'number' && code >= 100 ? code : undefined,
    substatus: typeof substatus === 'number' ? substatus : undefined,
    activityId: typeof activityId === 'string' && /^[0-9a-fA-F-]{1,64}$/.test(activityId) ? activityId : undefined,
    neverSent: typeof code === 'string' && neverSentCodes.has(code),
    withoutCredential: typeof name === 'string' && noCredentialNames.has(name),
  };
}

/** `ReplaceItem answered 503 (substatus 21008, activity 1f2e…)`: fit for a receipt, a log and a screen. */
export function answerWords(action: string, { status, substatus, activityId }: CosmosAnswer): string {
  const facts = [
    ...(substatus === undefined ? [] : [`substatus ${substatus}`]),
    ...(activityId === undefined ? [] : [`activity ${activityId}`]),
  ];
  const more = facts.length === 0 ? '' : ` (${facts.join(', ')})`;
  return status === undefined ? `${action} was not answered` : `${action} answered ${status}${more}`;
}

/** Undefined where it tells nothing certain. 449 asks to send the same again: a concurrent write was in the way. */
export function certainCode({ status, neverSent, withoutCredential }: CosmosAnswer): ErrorCode | undefined {
  if (neverSent) return 'unreachable';
  if (withoutCredential) return 'credentialsMissing';
  if (status === 429 || status === 449) return 'throttled';
  if (status === 401) return 'credentialsRejected';
  if (status === 403) return 'forbidden';
  return status === 404 ? 'scopeNotFound' : undefined;
}

export const isRefusal = ({ status = 0 }: CosmosAnswer): boolean => status >= 400 && status < 500 && status !== 408;

/** Passes by itself, so that a read may be repeated. 410: a partition moved. */
export const passes = ({ status = 0 }: CosmosAnswer): boolean =>
  status === 0 || status === 408 || status === 410 || status === 429 || status === 449 || status >= 500;

export function readFailure(action: string, error: unknown): ConcordatError {
  if (error instanceof ConcordatError) return error;
  const answer = answerOf(error);
  const { status } = answer;
  const uncertain: ErrorCode =
    status === undefined
      ? 'unreachable'
      : status >= 500 || status === 408 || status === 410
        ? 'providerFault'
        : 'refusedByCloud';
  // HAZARD: the SDK's error holds the request and the message of Cosmos DB; it must not travel as `cause`.
  return new ConcordatError(certainCode(answer) ?? uncertain, answerWords(action, answer));
}
