/**
 * What connectors of Azure storage share: whose account it is, by what it is reached, and what its answers say.
 *
 * A message of Azure may quote a key or a row, so only the code and the request id ever leave this file.
 * Source: https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes and the codes of each service.
 */
import type { DefaultAzureCredential } from '@azure/identity';
import { ConcordatError, type ErrorCode } from '../core/errors.js';
import { neverSentCodes } from './never-sent.js';
import { askedWaitMs } from './pace.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The part of a mesh that says which account it is. */
export interface StorageMesh {
  readonly account: string;
  readonly connectionFrom: string;
  readonly endpoint?: string | undefined;
}

type GetToken = DefaultAzureCredential['getToken'];

export type StorageCredential =
  | { readonly kind: 'key'; readonly key: string }
  /** A shared access signature, without its question mark. */
  | { readonly kind: 'signature'; readonly signature: string }
  | { readonly kind: 'chain'; readonly credential: { readonly getToken: GetToken } };

export interface StorageAccount {
  readonly account: string;
  /** Of the service that was asked for, without a slash at its end. */
  readonly endpoint: string;
  readonly credential: StorageCredential;
}

const withoutSlash = (url: string): string => url.replace(/\/+$/, '');

/**
 * By the connection string where the environment has one, else by the standard chain of @azure/identity, which is loaded
 * with the first request. Throws wrongAccount, credentialsRejected where the connection string is none.
 */
export function storageAccount(mesh: StorageMesh, environment: Environment, service: 'table' | 'blob'): StorageAccount {
  const { account, connectionFrom } = mesh;
  const connection = environment[connectionFrom];
  const standard = `https://${account}.${service}.core.windows.net`;
  if (connection === undefined || connection === '')
    return { account, endpoint: withoutSlash(mesh.endpoint ?? standard), credential: chain() };
  const parts = new Map(
    connection.split(';').flatMap((part): (readonly [string, string])[] => {
      const at = part.indexOf('=');
      return at < 1 ? [] : [[part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim()]];
    }),
  );
  const named = parts.get('accountname');
  if (named !== undefined && named !== account)
    throw new ConcordatError('wrongAccount', `${connectionFrom} is for another account than the authority file names`);
  const protocol = parts.get('defaultendpointsprotocol') ?? 'https';
  const suffix = parts.get('endpointsuffix') ?? 'core.windows.net';
  const given = parts.get(`${service}endpoint`) ?? `${protocol}://${account}.${service}.${suffix}`;
  const endpoint = withoutSlash(mesh.endpoint ?? given);
  const key = parts.get('accountkey');
  const signature = parts.get('sharedaccesssignature');
  if (key !== undefined) return { account, endpoint, credential: { kind: 'key', key } };
  if (signature !== undefined)
    return { account, endpoint, credential: { kind: 'signature', signature: signature.replace(/^\?/, '') } };
  throw new ConcordatError(
    'credentialsRejected',
    `${connectionFrom} is no connection string: it has neither AccountKey nor SharedAccessSignature`,
  );
}

function chain(): StorageCredential {
  let found: Promise<DefaultAzureCredential> | undefined;
  const load = async (): Promise<DefaultAzureCredential> => {
    const { DefaultAzureCredential: Chain } = await import('@azure/identity');
    return new Chain();
  };
  const getToken: GetToken = async (scopes, options) => (await (found ??= load())).getToken(scopes, options);
  return { kind: 'chain', credential: { getToken } };
}

export interface AzureAnswer {
  /** The code of Azure, or of the network, or the name of the error; `unnamed` where none is a plain word. */
  readonly code: string;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  readonly neverSent: boolean;
  /** How long it asks to wait; undefined where it does not say. */
  readonly waitMs: number | undefined;
}

/** Azure says that it did nothing and that the same request may be sent again. */
const throttlingCodes: ReadonlySet<string> = new Set(['ServerBusy', 'TooManyRequests']);
const credentialCodes: ReadonlySet<string> = new Set([
  'AuthenticationFailed',
  'InvalidAuthenticationInfo',
  'NoAuthenticationInformation',
  'AuthenticationError',
]);
const noCredentialNames: ReadonlySet<string> = new Set([
  'CredentialUnavailableError',
  'AggregateAuthenticationError',
  'AuthenticationRequiredError',
]);

const isWord = (text: unknown): text is string =>
  typeof text === 'string' && /^[A-Za-z][A-Za-z0-9_.]{0,63}$/.test(text);

/** The facts of a failed request of an Azure SDK; nothing of its message is kept. */
export function answerOf(error: unknown): AzureAnswer {
  const facts = (typeof error === 'object' && error !== null ? error : {}) as {
    name?: unknown;
    code?: unknown;
    statusCode?: unknown;
    details?: { errorCode?: unknown; odataError?: { code?: unknown } };
    response?: { headers?: { get?: (name: string) => string | undefined } };
  };
  const header = (name: string): string | undefined => facts.response?.headers?.get?.(name);
  const { name, code: ownCode, statusCode: status, details } = facts;
  const words = [header('x-ms-error-code'), details?.odataError?.code, details?.errorCode, ownCode, name];
  const requestId = header('x-ms-request-id');
  return {
    code: words.find(isWord) ?? 'unnamed',
    status: typeof status === 'number' ? status : undefined,
    requestId: requestId !== undefined && /^[A-Za-z0-9-]{1,64}$/.test(requestId) ? requestId : undefined,
    neverSent: typeof status !== 'number' && typeof ownCode === 'string' && neverSentCodes.has(ownCode),
    waitMs: askedWaitMs(header),
  };
}

export const isThrottling = ({ code, status }: AzureAnswer): boolean => throttlingCodes.has(code) || status === 429;

/** A code says that nothing happened only with the status of a refusal: under 5xx anything may have happened. */
export const isRefusal = ({ status = 0 }: AzureAnswer): boolean => status >= 400 && status < 500 && status !== 408;

/** `PutBlob answered ServerBusy (request 1f2e…)`: fit for a receipt, a log and a screen. */
export function answerWords(action: string, { code, status, requestId }: AzureAnswer): string {
  const request = requestId === undefined ? '' : ` (request ${requestId})`;
  return `${action} answered ${code}${status === undefined ? ' without a status' : ''}${request}`;
}

/** The code that a failure has for reads and writes alike; undefined where it tells nothing certain. */
export function certainCode(answer: AzureAnswer): ErrorCode | undefined {
  if (answer.neverSent) return 'unreachable';
  if (noCredentialNames.has(answer.code)) return 'credentialsMissing';
  if (isThrottling(answer)) return 'throttled';
  if (credentialCodes.has(answer.code) || answer.status === 401) return 'credentialsRejected';
  return answer.status === 403 ? 'forbidden' : undefined;
}

/** The failure of a read, after the SDK gave up repeating it. */
export function readFailure(action: string, error: unknown): ConcordatError {
  if (error instanceof ConcordatError) return error;
  const answer = answerOf(error);
  const { status } = answer;
  const known = certainCode(answer) ?? (status === 404 ? 'scopeNotFound' : undefined);
  // HAZARD: the SDK's error holds the request and Azure's message; it must not travel as `cause`.
  return new ConcordatError(known ?? uncertainCode(answer), answerWords(action, answer));
}

function uncertainCode({ status, code }: AzureAnswer): ErrorCode {
  if (status === undefined)
    return /^E[A-Z]+$/.test(code) || code === 'REQUEST_SEND_ERROR' || code === 'PARSE_ERROR'
      ? 'unreachable'
      : 'unexpectedAnswer';
  if (status >= 500 || status === 408) return 'providerFault';
  return status < 300 ? 'unexpectedAnswer' : 'refusedByCloud';
}
