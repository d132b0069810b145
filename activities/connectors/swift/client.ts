/** The two ways of speaking to Swift: reads that are repeated, and writes that are sent once. */
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import { heed, pacesOf, type Pace } from '../../pace.js';
import type { ObjectFile } from '../../record-objects/object-store.js';
import { standardLimits, type Limits, type SwiftConnectorOptions, type SwiftMesh } from './config.js';
import { answerWords, exchange, NoAnswer, type HttpRequest } from './http.js';
import { createSession } from './session.js';

export interface SwiftRequest extends Omit<HttpRequest, 'url' | 'headers'> {
  /** Below the account, with a slash in front. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `notSent`: nothing was done. `lost`: it may or may not have been done. */
export type WriteReply =
  | { readonly kind: 'answered'; readonly answer: Response }
  | { readonly kind: 'lost' }
  | { readonly kind: 'notSent'; readonly code: ErrorCode; readonly detail: string };

export interface SwiftClient {
  readonly mesh: SwiftMesh;
  readonly limits: Limits;
  /** Repeats on throttling, faults and network failures. Throws ConcordatError for every answer but 2xx and `expected`. */
  read(action: string, request: SwiftRequest, expected?: readonly number[]): Promise<Response>;
  /** Throws nothing that has to do with the cloud. */
  write(request: SwiftRequest): Promise<WriteReply>;
}

const partOf = (name: string): string => encodeURIComponent(name).replace(/%2F/g, '/');

export const containerPath = ({ container }: SwiftMesh): string => `/${encodeURIComponent(container)}`;
export const objectName = ({ prefix }: SwiftMesh, { file }: Pick<ObjectFile, 'file'>): string => prefix + file;
export const objectPath = (mesh: SwiftMesh, file: ObjectFile): string =>
  `${containerPath(mesh)}/${partOf(objectName(mesh, file))}`;
export const nameOf = (mesh: SwiftMesh, file: Pick<ObjectFile, 'file'>): string =>
  `${mesh.container}/${objectName(mesh, file)}`;

/** 498 is what Swift's own rate limit answers. https://docs.openstack.org/swift/latest/ratelimit.html */
export const isThrottled = ({ status }: Response): boolean => status === 429 || status === 498;

/** The code of an answer that is no success. https://docs.openstack.org/api-ref/object-store/ */
export function codeOf({ status }: Response): ErrorCode {
  if (status === 401) return 'credentialsRejected';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'scopeNotFound';
  if (status === 412) return 'cursorLost';
  if (status === 429 || status === 498) return 'throttled';
  if (status >= 500 || status === 408) return 'providerFault';
  return status >= 400 ? 'refusedByCloud' : 'unexpectedAnswer';
}

const renewalsMax = 2;

export function createSwiftClient({ mesh, environment, limits: given, makePace }: SwiftConnectorOptions): SwiftClient {
  const limits = { ...standardLimits, ...(mesh.pageSize ? { listPageSize: mesh.pageSize } : {}), ...given };
  const paces = pacesOf(mesh.requestsPerSecond, makePace);
  const session = createSession(mesh, environment, limits);

  /** A request that was answered with 401 was not carried out, so it may be repeated, a write too. */
  const authorized = async (pace: Pace, { path, headers, ...request }: SwiftRequest): Promise<Response> => {
    await pace.turn(1, request.signal);
    let token = await session.token();
    for (let renewals = 0; ; renewals += 1) {
      const carried = { ...headers, 'x-auth-token': token.id };
      const sent = { ...request, url: `${token.storageUrl}${path}`, headers: carried };
      const answer = await exchange(sent, limits.requestTimeoutMs);
      heed(pace, answer.status, (name) => answer.headers.get(name));
      if (answer.status !== 401 || renewals === renewalsMax) return answer;
      await answer.body?.cancel();
      token = await session.renew(token);
    }
  };

  return {
    mesh,
    limits,
    read: async (action, request, expected = []) => {
      for (let attempt = 1; ; attempt += 1) {
        let failure: ConcordatError;
        try {
          const answer = await authorized(paces.read, request);
          if (answer.ok || expected.includes(answer.status)) return answer;
          await answer.body?.cancel();
          failure = new ConcordatError(codeOf(answer), `${action} ${answerWords(answer)}`);
          if (!isThrottled(answer) && failure.code !== 'providerFault') throw failure;
        } catch (error) {
          if (!(error instanceof NoAnswer)) throw error;
          failure = new ConcordatError('unreachable', `${action}: ${error.message}`);
        }
        if (attempt >= limits.readAttemptsMax) throw failure;
        await pause(limits, attempt);
        request.signal?.throwIfAborted();
      }
    },
    write: async (request) => {
      try {
        return { kind: 'answered', answer: await authorized(paces.write, request) };
      } catch (error) {
        if (error instanceof ConcordatError) return { kind: 'notSent', code: error.code, detail: error.message };
        if (!(error instanceof NoAnswer)) throw error;
        return error.sent ? { kind: 'lost' } : { kind: 'notSent', code: 'unreachable', detail: 'no connection' };
      }
    },
  };
}

/** Full jitter, so that many workers do not come back at once. */
export async function pause(limits: Limits, attempt: number): Promise<void> {
  const longestMs = Math.min(limits.backOffMaxMs, limits.backOffBaseMs * 2 ** Math.min(attempt, 20));
  await new Promise((resolve) => setTimeout(resolve, Math.random() * longestMs));
}
