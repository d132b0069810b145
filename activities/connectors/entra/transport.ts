/**
 * The last handler of the Graph client: one HTTP request, and whether it left this machine.
 *
 * It throws an error named `NotSent` or `Lost`; the Graph client keeps the name as the `code` of its GraphError, and
 * nothing else of what fetch said.
 */
import { type Context, HTTPMessageHandler, type Middleware } from '@microsoft/microsoft-graph-client';
import { z } from 'zod';

/** The codes Node and its fetch give where no connection stood. */
const tlsRefusals = /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT_|ERR_SSL_)/;
const Cause = z.object({ code: z.string().optional(), syscall: z.string().optional() });

class TransportError extends Error {
  constructor(name: 'NotSent' | 'Lost', detail: string) {
    super(detail);
    this.name = name;
  }
}

function transportError(error: unknown, timedOut: boolean, timeoutMs: number): TransportError {
  if (timedOut) return new TransportError('Lost', `no answer within ${timeoutMs} ms`);
  const cause = Cause.safeParse(error instanceof Error ? error.cause : undefined);
  const code = cause.data?.code ?? 'no further detail';
  const beforeSending =
    ['connect', 'getaddrinfo'].includes(cause.data?.syscall ?? '') ||
    ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'].includes(code) ||
    tlsRefusals.test(code);
  return new TransportError(beforeSending ? 'NotSent' : 'Lost', code);
}

/** HTTPMessageHandler with a deadline, which reads the whole body, so that an answer cut short is seen here. */
export class TransportHandler implements Middleware {
  private readonly http = new HTTPMessageHandler();
  private readonly timeoutMs: number;

  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs;
  }

  async execute(context: Context): Promise<void> {
    const caller = context.options?.signal as AbortSignal | null | undefined;
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    caller?.addEventListener('abort', abort);
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      controller.abort();
    }, this.timeoutMs);
    try {
      caller?.throwIfAborted();
      // Graph's directory resources do not redirect; a redirect followed would carry the token elsewhere.
      const attempt: Context = {
        ...context,
        options: { ...context.options, signal: controller.signal, redirect: 'manual' },
      };
      await this.http.execute(attempt);
      const response = attempt.response as Response;
      const body = await response.arrayBuffer();
      const { status, headers } = response;
      context.response = new Response(body.byteLength === 0 ? null : body, { status, headers });
    } catch (error) {
      throw transportError(error, timedOut, this.timeoutMs);
    } finally {
      clearTimeout(timer);
      caller?.removeEventListener('abort', abort);
    }
  }

  setNext(): void {
    throw new Error('the transport is the last handler');
  }
}
