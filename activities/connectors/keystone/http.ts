/** One HTTP exchange with Keystone over the global fetch: what came back, or how it failed. No retries here. */
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import type { Json } from '../../../core/json.js';
import type { KeystoneConfig } from './config.js';

export type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';

export interface HttpRequest {
  readonly method: Method;
  /** Below the endpoint, with a slash in front and with its query. */
  readonly path: string;
  readonly token?: string;
  readonly body?: Json;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpReply {
  readonly status: number;
  /** `x-openstack-request-id`, by which the cloud's operators find the request in their logs; empty where absent. */
  readonly requestId: string;
  readonly retryAfterMs: number | undefined;
  /** `x-subject-token`. A secret. */
  readonly subjectToken: string | undefined;
  /** undefined where the body is empty or no JSON. */
  readonly body: Json | undefined;
}

/** The request got no whole answer. `sent` is false only where no connection was made, so that nothing can have happened. */
export class ExchangeFailed extends Error {
  override readonly name = 'ExchangeFailed';
  readonly sent: boolean;
  constructor(sent: boolean, cause: unknown) {
    super(sent ? 'no answer' : 'no connection', { cause });
    this.sent = sent;
  }
}

const neverConnected: readonly unknown[] = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
];

function wasNeverConnected(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(wasNeverConnected);
  if ('code' in error && neverConnected.includes(error.code)) return true;
  return wasNeverConnected(error.cause);
}

function parseJson(text: string): Json | undefined {
  try {
    return text === '' ? undefined : (JSON.parse(text) as Json);
  } catch {
    return undefined;
  }
}

/** Seconds or an HTTP date (RFC 9110 section 10.2.3). */
function retryAfterMs(value: string | null): number | undefined {
  if (value === null) return undefined;
  const seconds = Number(value);
  const lengthMs = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(value) - Date.now();
  return Number.isFinite(lengthMs) ? Math.max(0, lengthMs) : undefined;
}

/**
 * Throws ExchangeFailed, or the reason of the caller's signal once that was aborted.
 *
 * HAZARD: redirects are not followed. fetch would carry X-Auth-Token to whatever host a redirect names.
 */
export async function exchange(config: KeystoneConfig, request: HttpRequest): Promise<HttpReply> {
  request.signal?.throwIfAborted();
  const timeout = AbortSignal.timeout(config.timing.requestTimeoutMs);
  try {
    const response = await fetch(`${config.endpoint}${request.path}`, {
      method: request.method,
      redirect: 'manual',
      headers: {
        accept: 'application/json',
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(request.token === undefined ? {} : { 'x-auth-token': request.token }),
      },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      signal: request.signal ? AbortSignal.any([request.signal, timeout]) : timeout,
    });
    const text = await response.text();
    const requestId = response.headers.get('x-openstack-request-id') ?? '';
    return {
      status: response.status,
      requestId: /^req-[0-9A-Za-z-]{1,64}$/.test(requestId) ? requestId : '',
      retryAfterMs: retryAfterMs(response.headers.get('retry-after')),
      subjectToken: response.headers.get('x-subject-token') ?? undefined,
      body: parseJson(text),
    };
  } catch (error) {
    request.signal?.throwIfAborted();
    throw new ExchangeFailed(!wasNeverConnected(error), error);
  }
}

/** `answered 403, request req-…`: all that may be said of an answer, since bodies quote values. */
export function answerWords(reply: HttpReply): string {
  return `answered ${reply.status}${reply.requestId === '' ? '' : `, request ${reply.requestId}`}`;
}

export function replyError(code: ErrorCode, what: string, reply: HttpReply): ConcordatError {
  const { retryAfterMs: lengthMs } = reply;
  return new ConcordatError(
    code,
    `${what} ${answerWords(reply)}`,
    lengthMs === undefined ? {} : { retryAfterMs: lengthMs },
  );
}
