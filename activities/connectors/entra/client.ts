/**
 * Microsoft Graph over its own client and @azure/identity: one request, its retries, and what became of it.
 *
 * Retries: 429 is repeated for every method, for Graph did nothing; 503 and 504 for GET only. HAZARD: RetryHandler as it
 * comes repeats a POST on 503 and 504 too and would make two groups.
 */
import { ClientSecretCredential, DefaultAzureCredential, type TokenCredential } from '@azure/identity';
import {
  AuthenticationHandler,
  AuthenticationHandlerOptions,
  Client,
  GraphError,
  ResponseType,
  RetryHandler,
  RetryHandlerOptions,
} from '@microsoft/microsoft-graph-client';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import { isJsonObject, Json, type JsonObject } from '../../../core/json.js';
import type { EntraConfig } from './config.js';
import { tokenFailure } from './token-failure.js';
import { TransportHandler } from './transport.js';

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

export interface GraphRefusal {
  readonly code: string;
  /** May hold personal values: for classification only, never for a log or a person. */
  readonly message: string;
  readonly requestId: string | undefined;
}

export type Reply =
  | {
      readonly kind: 'answered';
      readonly status: number;
      /** Absent for 204 and where the body is not a JSON object. */
      readonly body: JsonObject | undefined;
      readonly refusal: GraphRefusal | undefined;
      readonly retryAfterMs: number | undefined;
    }
  /** No byte of the request left: nothing can have happened. */
  | { readonly kind: 'notSent'; readonly failure: ConcordatError }
  /** Sent, and no whole answer came. */
  | { readonly kind: 'lost'; readonly detail: string };

export interface Request {
  readonly method: Method;
  /** Below the base address (`/users`), or a nextLink. */
  readonly path: string;
  readonly body?: JsonObject;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

export interface GraphTuning {
  /** Before a repetition where Graph names no Retry-After. */
  readonly retryDelayMs: number;
  /** Until a whole answer has come. */
  readonly requestTimeoutMs: number;
  /** A Retry-After beyond this is handed to the caller instead of being waited for. */
  readonly retryAfterMaxMs: number;
  /** 999 is the largest page that Graph gives of users, groups and members. */
  readonly pageSize: number;
}

const defaultTuning: GraphTuning = {
  retryDelayMs: 3_000,
  requestTimeoutMs: 60_000,
  retryAfterMaxMs: 30_000,
  pageSize: 999,
};
const attemptsMax = 4;

export interface Graph {
  readonly config: EntraConfig;
  readonly pageSize: number;
  /** One request, repeated only as described above. Never throws for what the network or Graph did; throws where `signal` aborted. */
  ask(request: Request): Promise<Reply>;
  /** A GET, repeated also on other faults. Any status that Graph answered with is returned where `allow` lists it, else thrown as ConcordatError. */
  read(path: string, options?: ReadOptions): Promise<{ readonly status: number; readonly body: JsonObject }>;
  /** Claims of the access token, not verified; undefined where it is opaque. Throws ConcordatError. */
  claims(): Promise<JsonObject | undefined>;
}

export interface ReadOptions {
  readonly allow?: readonly number[];
  readonly signal?: AbortSignal | undefined;
}

function retryAfterMs(headers: Headers): number | undefined {
  const value = headers.get('retry-after');
  if (value === null) return undefined;
  const waitMs = Number.isNaN(Number(value)) ? Date.parse(value) - Date.now() : Number(value) * 1_000;
  return Number.isNaN(waitMs) ? undefined : Math.max(0, waitMs);
}

const ErrorBody = z.object({
  error: z.object({
    code: z.string().nullish(),
    message: z.string().nullish(),
    details: z.array(z.object({ code: z.string().nullish() })).nullish(),
    innerError: z.object({ 'request-id': z.string().nullish() }).nullish(),
  }),
});

function refusalOf(body: Json | undefined, headers: Headers): GraphRefusal {
  const error = ErrorBody.safeParse(body).data?.error;
  const detailCodes = (error?.details ?? []).map(({ code }) => code ?? '').join(' ');
  return {
    // A code is a name; anything else in its place is not shown to people.
    code: /^[A-Za-z0-9_.]{1,80}$/.test(error?.code ?? '') ? (error?.code ?? '') : 'noErrorCode',
    message: `${error?.message ?? ''} ${detailCodes}`,
    requestId: error?.innerError?.['request-id'] ?? headers.get('request-id') ?? undefined,
  };
}

async function answered(response: Response): Promise<Reply> {
  const text = await response.text();
  let body: Json | undefined;
  try {
    body = text === '' ? undefined : Json.parse(JSON.parse(text));
  } catch {
    body = undefined;
  }
  return {
    kind: 'answered',
    status: response.status,
    body: isJsonObject(body) ? body : undefined,
    refusal: response.ok ? undefined : refusalOf(body, response.headers),
    retryAfterMs: retryAfterMs(response.headers),
  };
}

/** The words for an error of Graph that may be shown and stored: its status, its code, its request id. */
export function refusalWords(reply: Extract<Reply, { kind: 'answered' }>): string {
  const { code, requestId } = reply.refusal ?? { code: 'noErrorCode', requestId: undefined };
  return `Graph answered ${reply.status} ${code}${requestId === undefined ? '' : ` (request-id ${requestId})`}`;
}

function readFailure(reply: Reply): ConcordatError {
  if (reply.kind === 'notSent') return reply.failure;
  if (reply.kind === 'lost') return new ConcordatError('unreachable', `Graph did not answer: ${reply.detail}`);
  const { status } = reply;
  const code: ErrorCode =
    status === 401
      ? 'credentialsRejected'
      : status === 403
        ? 'forbidden'
        : status === 429
          ? 'throttled'
          : status >= 500
            ? 'providerFault'
            : 'unexpectedAnswer';
  return new ConcordatError(
    code,
    refusalWords(reply),
    reply.retryAfterMs === undefined ? {} : { retryAfterMs: reply.retryAfterMs },
  );
}

function credentialOf(config: EntraConfig, retryDelayMs: number): TokenCredential {
  const options = {
    // A token is asked for as often as one likes: nothing comes of it but a token.
    retryOptions: { maxRetries: attemptsMax - 1, retryDelayInMs: retryDelayMs },
    ...(config.authorityHost === undefined
      ? {}
      : { authorityHost: config.authorityHost.replace(/\/+$/, ''), disableInstanceDiscovery: true }),
  };
  const { credential, tenant } = config;
  if (credential.kind === 'clientSecret')
    return new ClientSecretCredential(tenant, credential.clientId, credential.clientSecret, options);
  const { clientId } = credential;
  return new DefaultAzureCredential({
    ...options,
    tenantId: tenant,
    ...(clientId === undefined ? {} : { managedIdentityClientId: clientId, workloadIdentityClientId: clientId }),
  });
}

function claimsOf(token: string): JsonObject | undefined {
  const payload = token.split('.')[1];
  if (payload === undefined) return undefined;
  try {
    const claims = Json.parse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')));
    return isJsonObject(claims) ? claims : undefined;
  } catch {
    return undefined;
  }
}

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function createGraph(config: EntraConfig, tuning: Partial<GraphTuning> = {}): Graph {
  const { retryDelayMs, requestTimeoutMs, retryAfterMaxMs, pageSize } = { ...defaultTuning, ...tuning };
  const credential = credentialOf(config, retryDelayMs);
  const origin = new URL(config.graph).origin;

  async function token(): Promise<string> {
    let accessToken: string;
    try {
      const access = await credential.getToken(config.scope);
      if (!access) throw new ConcordatError('credentialsMissing', '@azure/identity found no credential');
      accessToken = access.token;
    } catch (error) {
      throw tokenFailure(error);
    }
    const tenant = claimsOf(accessToken)?.['tid'];
    // A managed identity brings its own tenant along, whatever the file says.
    if (typeof tenant === 'string' && guid.test(config.tenant) && tenant.toLowerCase() !== config.tenant.toLowerCase())
      throw new ConcordatError(
        'wrongAccount',
        `the token is for tenant ${tenant}, the authority file names ${config.tenant}`,
      );
    return accessToken;
  }

  const retryOptions = new RetryHandlerOptions(
    retryDelayMs / 1_000,
    attemptsMax - 1,
    (_delay, _attempt, _request, options, response) => {
      if ((retryAfterMs(response.headers as Headers) ?? 0) > retryAfterMaxMs) return false;
      return response.status === 429 || (options?.method ?? 'GET') === 'GET';
    },
  );
  const authentication = new AuthenticationHandler({ getAccessToken: token });
  const retry = new RetryHandler(retryOptions);
  authentication.setNext(retry);
  retry.setNext(new TransportHandler(requestTimeoutMs));
  const client = Client.initWithMiddleware({
    middleware: authentication,
    baseUrl: `${origin}/`,
    // The client compares the host without its port.
    customHosts: new Set([new URL(config.graph).hostname]),
  });

  function addressOf(path: string): string {
    if (path.startsWith('/')) return `${config.graph}${path}`;
    // HAZARD: whatever a nextLink names would be sent the token.
    if (new URL(path).origin !== origin)
      throw new ConcordatError('unexpectedAnswer', 'a nextLink of Graph names another origin than the endpoint');
    return path;
  }

  async function ask(request: Request): Promise<Reply> {
    const { signal } = request;
    signal?.throwIfAborted();
    let accessToken: string;
    try {
      // Before the request, so that a failure here is known to have sent nothing.
      accessToken = await token();
    } catch (error) {
      return { kind: 'notSent', failure: tokenFailure(error) };
    }
    const call = client
      .api(addressOf(request.path))
      .responseType(ResponseType.RAW)
      .headers({ ...request.headers, 'Content-Type': 'application/json' })
      .middlewareOptions([new AuthenticationHandlerOptions({ getAccessToken: () => Promise.resolve(accessToken) })]);
    if (signal) call.option('signal', signal);
    try {
      return await answered((await sendWith(call, request)) as Response);
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof GraphError)) throw error;
      if (error.code === 'NotSent')
        return {
          kind: 'notSent',
          failure: new ConcordatError('unreachable', `Graph cannot be reached: ${error.message}`),
        };
      // A name that is not ours is a fault of the client itself: then the effect is not known either.
      return { kind: 'lost', detail: error.code === 'Lost' ? error.message : 'the Graph client failed' };
    }
  }

  async function read(path: string, options: ReadOptions = {}): Promise<{ status: number; body: JsonObject }> {
    for (let attempt = 1; ; attempt += 1) {
      const reply = await ask({ method: 'GET', path, signal: options.signal });
      if (reply.kind === 'answered') {
        const { status, body } = reply;
        if (options.allow?.includes(status)) return { status, body: body ?? {} };
        if (status === 200 && body !== undefined) return { status, body };
      }
      const failure = readFailure(reply);
      // RetryHandler has repeated 429, 503 and 504 already; a token is repeated by @azure/identity.
      const repeatable =
        reply.kind === 'lost' ||
        (reply.kind === 'notSent' && failure.code === 'unreachable') ||
        (reply.kind === 'answered' && (reply.status === 500 || reply.status === 502));
      if (!repeatable || attempt >= attemptsMax) throw failure;
      await delay(retryDelayMs * attempt, undefined, options.signal ? { signal: options.signal } : {});
    }
  }

  return { config, pageSize, ask, read, claims: async () => claimsOf(await token()) };
}

function sendWith(call: ReturnType<Client['api']>, request: Request): Promise<unknown> {
  switch (request.method) {
    case 'GET':
      return call.get();
    case 'POST':
      return call.post(request.body ?? {});
    case 'PATCH':
      return call.patch(request.body ?? {});
    case 'DELETE':
      return call.delete();
  }
}
