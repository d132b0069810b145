/**
 * The token that requests carry: how it is got, how long it is used, and how it is renewed.
 * https://docs.openstack.org/api-ref/identity/v3/#password-authentication-with-scoped-authorization
 */
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { ConcordatError } from '../../../core/errors.js';
import type { KeystoneConfig } from './config.js';
import { exchange, replyError, type HttpReply } from './http.js';
import { repeating } from './repeat.js';

const TokenBody = z.object({
  token: z.object({
    issued_at: z.iso.datetime(),
    expires_at: z.iso.datetime(),
    user: z.object({ id: z.string(), name: z.string(), domain: z.object({ id: z.string() }) }),
    domain: z.object({ id: z.string() }).optional(),
    system: z.object({ all: z.boolean().optional() }).optional(),
    roles: z.array(z.object({ name: z.string() })).default([]),
  }),
});

const DomainList = z.object({ domains: z.array(z.object({ id: z.string() })) });
const SystemList = z.object({ system: z.array(z.looseObject({})) });

/** What a token is asked for: one domain, or the system, which is everything that belongs to no domain. */
export type TokenScope = { readonly kind: 'domain'; readonly domain: string } | { readonly kind: 'system' };

export interface Token {
  /** A secret. */
  readonly id: string;
  readonly user: { readonly id: string; readonly name: string; readonly domain: { readonly id: string } };
  /** The domain that the token is scoped to; undefined where the cloud gave it none. */
  readonly domain: string | undefined;
  readonly isOfSystem: boolean;
  /** Role names, the implied ones included. */
  readonly roles: readonly string[];
  /** On the local monotonic clock: the clocks of two clouds are never compared. */
  readonly endsAtMs: number;
}

export interface Session {
  /** Throws credentialsMissing, credentialsRejected, scopeNotFound, unreachable, throttled, providerFault, unexpectedAnswer. */
  token(): Promise<Token>;
  /** The token that follows one that was answered with 401. */
  renew(rejected: Token): Promise<Token>;
}

/** HAZARD: what a token of another scope is not shown is left out of lists, which are whole and answer 200 nevertheless. */
export function isScopedTo(token: Token, scope: TokenScope): boolean {
  return scope.kind === 'system' ? token.isOfSystem : token.domain === scope.domain;
}

/** A token is not used in its last minute, lest it ends on its way. */
const marginMs = 60_000;

export function createSession(config: KeystoneConfig, scope: TokenScope): Session {
  let current: Token | undefined;
  let pending: Promise<Token> | undefined;

  // No caller's signal goes in here: an authentication is shared, and one caller's cancel must not fail the others.
  const ask = (scoped: boolean): Promise<HttpReply> => {
    const { name, password } = config.credentials();
    const user = { name, password, domain: { id: config.mesh.userDomain } };
    const target = scope.kind === 'system' ? { system: { all: true } } : { domain: { id: scope.domain } };
    const asked = scoped ? { scope: target } : {};
    return repeating(config, 'POST /v3/auth/tokens', undefined, () =>
      exchange(config, {
        method: 'POST',
        path: '/auth/tokens',
        body: { auth: { identity: { methods: ['password'], password: { user } }, ...asked } },
      }),
    );
  };

  /** Keystone answers 401 alike to a wrong password and to a scope that does not exist or gives the user no role. */
  const scopeIsTheReason = async (): Promise<boolean> => {
    const unscoped = await ask(false);
    const token = unscoped.subjectToken;
    if (unscoped.status !== 201 || token === undefined) return false;
    const path = scope.kind === 'system' ? '/auth/system' : '/auth/domains';
    const reply = await repeating(config, `GET /v3${path}`, undefined, () =>
      exchange(config, { method: 'GET', path, token }),
    );
    // Before Queens there was no role on the system.
    if (scope.kind === 'system' && reply.status === 404) return true;
    if (reply.status !== 200) return false;
    if (scope.kind === 'system') {
      const systems = SystemList.safeParse(reply.body);
      return systems.success && systems.data.system.length === 0;
    }
    const list = DomainList.safeParse(reply.body);
    return list.success && !list.data.domains.some(({ id }) => id === scope.domain);
  };

  const authenticate = async (): Promise<Token> => {
    const reply = await ask(true);
    if (reply.status === 401) {
      if (await scopeIsTheReason()) {
        if (scope.kind === 'system')
          throw new ConcordatError('forbidden', 'the service user holds no role on the system');
        const message = `domain ${scope.domain} does not exist, is disabled, or gives the service user no role`;
        throw new ConcordatError('scopeNotFound', message);
      }
      throw replyError('credentialsRejected', 'POST /v3/auth/tokens', reply);
    }
    if (reply.status === 403) throw replyError('forbidden', 'POST /v3/auth/tokens', reply);
    const body = TokenBody.safeParse(reply.body);
    if (reply.status !== 201 || !body.success || reply.subjectToken === undefined) {
      throw replyError('unexpectedAnswer', 'check that the endpoint ends in /v3: POST /v3/auth/tokens', reply);
    }
    const { token } = body.data;
    const lifeMs = Date.parse(token.expires_at) - Date.parse(token.issued_at);
    return {
      id: reply.subjectToken,
      user: token.user,
      domain: token.domain?.id,
      isOfSystem: token.system?.all === true,
      roles: token.roles.map(({ name }) => name),
      endsAtMs: performance.now() + Math.max(lifeMs - marginMs, lifeMs / 2),
    };
  };

  /** One authentication at a time, shared by all who wait for it. */
  const renewed = (waitMs: number): Promise<Token> => {
    pending ??= (async () => {
      try {
        if (waitMs > 0) await pause(waitMs);
        current = await authenticate();
        return current;
      } finally {
        pending = undefined;
      }
    })();
    return pending;
  };

  return {
    token: async () => {
      if (pending) return pending;
      return current && performance.now() < current.endsAtMs ? current : renewed(0);
    },
    // HAZARD: a 401 may follow a revocation (a user that is taken out of a group loses its tokens, the service user too).
    // Revocation counts in whole seconds and takes tokens issued in the same second with it, so the next waits longer.
    renew: async (rejected) => {
      if (pending) return pending;
      if (current && current !== rejected) return current;
      return renewed(performance.now() < rejected.endsAtMs ? config.timing.renewalPauseMs : 0);
    },
  };
}
