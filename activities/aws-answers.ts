/**
 * What an answer of any service of AWS says, whoever asked.
 *
 * The SDK names errors by class (`EntityAlreadyExistsException`) or by wire code (`EntityAlreadyExists`) depending on the
 * operation and version; both are compared without the suffix. A message of AWS often holds the name of a person, so
 * only the code and the request id ever leave this file.
 * Source: https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html and the errors of each operation.
 */
import { ConcordatError } from '../core/errors.js';
import type { ErrorCode } from '../core/errors.js';
import { neverSentCodes } from './never-sent.js';

/** AWS says that it did nothing and that the same call may be sent again. */
const throttlingCodes: ReadonlySet<string> = new Set([
  'Throttling',
  'Throttled',
  'ThrottlingError',
  'TooManyRequests',
  'RequestLimitExceeded',
  'RequestThrottled',
  'SlowDown',
  'ProvisionedThroughputExceeded',
]);
const credentialCodes: ReadonlySet<string> = new Set([
  'ExpiredToken',
  'InvalidClientTokenId',
  'InvalidAccessKeyId',
  'UnrecognizedClient',
  'SignatureDoesNotMatch',
  'InvalidSignature',
  'IncompleteSignature',
  'MissingAuthenticationToken',
  'RequestExpired',
  'RequestTimeTooSkewed',
  'AuthFailure',
  'OptInRequired',
]);
const forbiddenCodes: ReadonlySet<string> = new Set(['AccessDenied', 'UnauthorizedOperation', 'NotAuthorized']);
export interface AwsAnswer {
  /** The code of AWS without the suffix `Exception`, or the name of the SDK's own error; `unnamed` where neither is a plain word. */
  readonly code: string;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  readonly neverSent: boolean;
}

/** The facts of a failed SDK call; nothing of its message is kept. */
export function answerOf(error: unknown): AwsAnswer {
  const facts = (typeof error === 'object' && error !== null ? error : {}) as {
    name?: unknown;
    code?: unknown;
    message?: unknown;
    syscall?: unknown;
    $metadata?: { httpStatusCode?: unknown; requestId?: unknown };
  };
  const name = typeof facts.name === 'string' ? facts.name : '';
  const systemCode = typeof facts.code === 'string' ? facts.code : '';
  const status = facts.$metadata?.httpStatusCode;
  const requestId = facts.$metadata?.requestId;
  // smithy's text for a connection that was never made; it bears no other mark than a reply that came too late
  const connectTimedOut =
    name === 'TimeoutError' && String(facts.message).includes('did not establish a connection with the server');
  return {
    code: /^[A-Za-z][A-Za-z0-9.]{0,63}$/.test(name) ? name.replace(/Exception$/, '') : 'unnamed',
    status: typeof status === 'number' ? status : undefined,
    requestId: typeof requestId === 'string' && /^[A-Za-z0-9-]{1,64}$/.test(requestId) ? requestId : undefined,
    neverSent:
      typeof status !== 'number' &&
      (connectTimedOut ||
        neverSentCodes.has(systemCode) ||
        facts.syscall === 'connect' ||
        facts.syscall === 'getaddrinfo'),
  };
}

export function isThrottling(answer: AwsAnswer): boolean {
  return throttlingCodes.has(answer.code) || answer.status === 429;
}

/** A code says that nothing happened only with the status of a refusal: under 5xx anything may have happened. */
export function isRefusal(answer: AwsAnswer): boolean {
  const status = answer.status ?? 0;
  return status >= 400 && status < 500 && status !== 408 && answer.code !== 'RequestTimeout';
}

/** Whether AWS says that it did nothing and may do it when asked again a little later. */
export function didNothingYet(answer: AwsAnswer): boolean {
  return isThrottling(answer) || (isRefusal(answer) && answer.code === 'ConcurrentModification');
}

/** `iam:CreateUser answered EntityAlreadyExists (request 1f2e…)`: fit for a receipt, a log and a screen. */
export function answerWords(action: string, answer: AwsAnswer): string {
  const request = answer.requestId === undefined ? '' : ` (request ${answer.requestId})`;
  return `${action} answered ${answer.code}${answer.status === undefined ? ' without a status' : ''}${request}`;
}

/** The code that a failure has for reads and writes alike; undefined where it tells nothing certain. */
export function certainCode(answer: AwsAnswer): ErrorCode | undefined {
  if (answer.neverSent) return 'unreachable';
  if (answer.code === 'CredentialsProviderError' || answer.code === 'TokenProviderError') return 'credentialsMissing';
  if (isThrottling(answer)) return 'throttled';
  if (credentialCodes.has(answer.code)) return 'credentialsRejected';
  if (forbiddenCodes.has(answer.code)) return 'forbidden';
  return undefined;
}

/** The failure of a read, after the SDK gave up repeating it. */
export function readFailure(action: string, error: unknown): ConcordatError {
  if (error instanceof ConcordatError) return error;
  const answer = answerOf(error);
  const certain = certainCode(answer);
  const code: ErrorCode =
    certain ??
    (answer.status === undefined
      ? answer.code === 'TimeoutError' || hasSystemCode(error)
        ? 'unreachable'
        : 'unexpectedAnswer'
      : answer.status >= 500 || answer.status === 408
        ? 'providerFault'
        : answer.status < 300
          ? 'unexpectedAnswer'
          : 'refusedByCloud');
  // HAZARD: the SDK's error holds AWS's message, and that may hold a name; it must not travel as `cause`.
  return new ConcordatError(code, answerWords(action, answer));
}

function hasSystemCode(error: unknown): boolean {
  return typeof (error as { code?: unknown } | null)?.code === 'string';
}
