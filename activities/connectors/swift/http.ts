/** One HTTP exchange over the global fetch: what came back, or how it failed. No retries and no tokens here. */
import { neverSentCodes } from '../../never-sent.js';

export type Body = string | ReadableStream<Uint8Array>;

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Opened for each sending, so that a request that was not carried out can be sent again. */
  readonly body?: (() => Body) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The request got no answer. `sent` is false only where no connection was made, so that nothing can have happened. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  readonly sent: boolean;
  constructor(sent: boolean) {
    // HAZARD: the error of fetch may name the address with what stands in it; it must not travel as `cause`.
    super(sent ? 'no answer' : 'no connection');
    this.sent = sent;
  }
}

function wasNeverSent(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(wasNeverSent);
  const code = 'code' in error ? String(error.code) : '';
  return neverSentCodes.has(code) || code === 'UND_ERR_CONNECT_TIMEOUT' || wasNeverSent(error.cause);
}

/**
 * Throws NoAnswer, or the reason of the caller's signal once that was aborted. `timeoutMs` ends with the headers of the answer.
 *
 * HAZARD: redirects are not followed. fetch would carry the token to whatever host a redirect names.
 */
export async function exchange(request: HttpRequest, timeoutMs: number): Promise<Response> {
  request.signal?.throwIfAborted();
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  try {
    const { method, url, headers, body } = request;
    const signal = request.signal ? AbortSignal.any([request.signal, late.signal]) : late.signal;
    const sending: RequestInit & { readonly duplex?: 'half' } = {
      method,
      headers,
      redirect: 'manual',
      signal,
      ...(body === undefined ? {} : { body: body(), duplex: 'half' }),
    };
    return await fetch(url, sending);
  } catch (error) {
    request.signal?.throwIfAborted();
    throw new NoAnswer(!wasNeverSent(error));
  } finally {
    clearTimeout(timer);
  }
}

/** `answered 403, request tx…`: all that may be said of an answer, since bodies quote names. */
export function answerWords({ status, headers }: Response): string {
  const request = headers.get('x-openstack-request-id') ?? headers.get('x-trans-id') ?? '';
  return `answered ${status}${/^[0-9A-Za-z-]{1,80}$/.test(request) ? `, request ${request}` : ''}`;
}
