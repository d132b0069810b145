/**
 * The token that requests carry and the address of the account: from Keystone v3, or from the older authentication in
 * which Swift itself knows its users (https://docs.openstack.org/swift/latest/overview_auth.html).
 */
import { z } from 'zod';
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import { credentialsIn, type Environment, type Limits, type SwiftMesh } from './config.js';
import { answerWords, exchange, NoAnswer, type HttpRequest } from './http.js';

export interface Token {
  /** A secret. */
  readonly id: string;
  /** Of the account, without a slash at its end. */
  readonly storageUrl: string;
}

export interface Session {
  /** Throws credentialsMissing, credentialsRejected, scopeNotFound, forbidden, unreachable, throttled, providerFault, unexpectedAnswer. */
  token(): Promise<Token>;
  /** The token that follows one that was answered with 401. */
  renew(rejected: Token): Promise<Token>;
}

/** https://docs.openstack.org/api-ref/identity/v3/#password-authentication-with-scoped-authorization */
const TokenBody = z.object({
  token: z.object({
    catalog: z
      .array(
        z.object({
          type: z.string(),
          endpoints: z
            .array(z.object({ interface: z.string(), region_id: z.string().nullish(), url: z.string() }))
            .default([]),
        }),
      )
      .default([]),
  }),
});

const withoutSlash = (url: string): string => url.replace(/\/+$/, '');

export function createSession(mesh: SwiftMesh, environment: Environment, limits: Limits): Session {
  let current: Promise<Token> | undefined;

  // No caller's signal goes in here: an authentication is shared, and one caller's cancel must not fail the others.
  const ask = async (what: string, request: HttpRequest): Promise<Response> => {
    for (let attempt = 1; ; attempt += 1) {
      let failure: ConcordatError;
      try {
        const answer = await exchange(request, limits.requestTimeoutMs);
        if (answer.status !== 429 && answer.status < 500) return answer;
        await answer.body?.cancel();
        const code = answer.status === 429 ? 'throttled' : 'providerFault';
        failure = new ConcordatError(code, `${what} ${answerWords(answer)}`);
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
        failure = new ConcordatError('unreachable', `${what}: ${error.message}`);
      }
      if (attempt >= limits.readAttemptsMax) throw failure;
      const longestMs = Math.min(limits.backOffMaxMs, limits.backOffBaseMs * 2 ** attempt);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * longestMs));
    }
  };

  const rejected = async (what: string, answer: Response): Promise<never> => {
    await answer.body?.cancel();
    const codes: Readonly<Record<number, ErrorCode>> = {
      401: 'credentialsRejected',
      403: 'forbidden',
      404: 'scopeNotFound',
    };
    const code = codes[answer.status] ?? 'unexpectedAnswer';
    throw new ConcordatError(code, `${what} ${answerWords(answer)}`);
  };

  const addressOf = (found: string | undefined): string => {
    if (mesh.storageUrl !== undefined) return withoutSlash(mesh.storageUrl);
    if (found !== undefined) return withoutSlash(found);
    const place = mesh.region === undefined ? '' : ` in the region ${mesh.region}`;
    throw new ConcordatError('scopeNotFound', `the catalog of the token names no object store${place}`);
  };

  const ofKeystone = async (project: string): Promise<Token> => {
    const { name, password } = credentialsIn(mesh, environment);
    const user = { name, password, domain: { id: mesh.userDomain } };
    const identity = { methods: ['password'], password: { user } };
    const what = 'POST /v3/auth/tokens';
    const answer = await ask(what, {
      method: 'POST',
      url: `${withoutSlash(mesh.endpoint)}/auth/tokens`,
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      body: () => JSON.stringify({ auth: { identity, scope: { project: { id: project } } } }),
    });
    const id = answer.headers.get('x-subject-token');
    if (answer.status !== 201) return rejected(what, answer);
    const body = TokenBody.safeParse(await answer.json().catch(() => undefined));
    if (id === null || !body.success)
      throw new ConcordatError('unexpectedAnswer', 'check that the endpoint ends in /v3: it answered without a token');
    const endpoint = body.data.token.catalog
      .filter(({ type }) => type === 'object-store')
      .flatMap(({ endpoints }) => endpoints)
      .find(
        (each) =>
          each.interface === mesh.interface && (mesh.region === undefined || (each.region_id ?? '') === mesh.region),
      );
    return { id, storageUrl: addressOf(endpoint?.url) };
  };

  const ofSwift = async (): Promise<Token> => {
    const { name, password } = credentialsIn(mesh, environment);
    const what = 'GET of a token';
    const headers = { 'x-auth-user': name, 'x-auth-key': password };
    const answer = await ask(what, { method: 'GET', url: mesh.endpoint, headers });
    const id = answer.headers.get('x-auth-token');
    if (!answer.ok) return rejected(what, answer);
    await answer.body?.cancel();
    if (id === null) throw new ConcordatError('unexpectedAnswer', 'the endpoint answered without a token');
    return { id, storageUrl: addressOf(answer.headers.get('x-storage-url') ?? undefined) };
  };

  const renewed = (): Promise<Token> => {
    const asked = mesh.project === undefined ? ofSwift() : ofKeystone(mesh.project);
    current = asked;
    asked.catch(() => {
      if (current === asked) current = undefined;
    });
    return asked;
  };

  return {
    token: () => current ?? renewed(),
    renew: async (rejectedToken) => {
      const held = current && (await current.catch(() => undefined));
      return held !== undefined && held !== rejectedToken ? held : renewed();
    },
  };
}
