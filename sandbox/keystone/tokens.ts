/** POST, GET and DELETE /v3/auth/tokens: password authentication, scoped to a domain, to nothing, or refused. */
import { randomBytes } from 'node:crypto';
import type { SandboxAnswer } from '../http/service.js';
import { bodyOf, json, noContent, tokenOf, unauthorized, type Call } from './call.js';
import type { KeystoneUser, Token } from './state.js';

type Loose = Record<string, unknown> | undefined;

const inner = (value: unknown, name: string): Loose => {
  const found = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  return typeof found === 'object' && found !== null ? (found as Record<string, unknown>) : undefined;
};

const textOf = (value: Loose, name: string): string | undefined =>
  typeof value?.[name] === 'string' ? value[name] : undefined;

function domainOf(call: Call, value: Loose): string | undefined {
  const id = textOf(value, 'id');
  const name = textOf(value, 'name');
  return [...call.state.domains.values()].find((domain) => domain.id === id || domain.name === name)?.id;
}

function userOf(call: Call, value: Loose): KeystoneUser | undefined {
  const id = textOf(value, 'id');
  if (id !== undefined) return call.state.users.get(id);
  const domain = domainOf(call, inner(value, 'domain'));
  const name = textOf(value, 'name');
  return domain === undefined || name === undefined ? undefined : call.state.users.named(domain, name);
}

function tokenBody(call: Call, token: Token): unknown {
  const user = call.state.users.get(token.user);
  const domainRef = (id: string | undefined) =>
    id === undefined ? undefined : { id, name: call.state.domains.get(id)?.name };
  const held = call.state.rolesOf(token.user, call.state.placeOf(token));
  const instant = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');
  return {
    token: {
      methods: ['password'],
      user: { id: token.user, name: user?.name, domain: domainRef(user?.domain), password_expires_at: null },
      audit_ids: ['sandbox-audit-id'],
      issued_at: instant(token.issuedAt),
      expires_at: instant(token.expiresAt),
      ...(token.domain === undefined && !token.isOfSystem
        ? {}
        : {
            ...(token.isOfSystem ? { system: { all: true } } : { domain: domainRef(token.domain) }),
            roles: [...call.state.access.roles.values()]
              .filter(({ id }) => held.includes(id))
              .map(({ id, name }) => ({ id, name })),
            catalog: [
              {
                id: 'sandbox',
                type: 'identity',
                name: 'keystone',
                endpoints: [
                  {
                    id: 'sandbox',
                    interface: 'public',
                    region: 'sov-1',
                    region_id: 'sov-1',
                    url: `${call.request.url.origin}/v3`,
                  },
                ],
              },
            ],
          }),
    },
  };
}

export function issueToken(call: Call): SandboxAnswer {
  const auth = bodyOf(call, 'auth');
  const given = inner(inner(inner(auth, 'identity'), 'password'), 'user');
  const user = userOf(call, given);
  if (!user?.enabled || user.password === undefined || user.password !== textOf(given, 'password'))
    throw unauthorized();
  const scope = inner(auth, 'scope');
  let domain: string | undefined;
  const isOfSystem = inner(scope, 'system')?.['all'] === true;
  if (isOfSystem) {
    if (call.state.rolesOf(user.id, { system: true }).length === 0) throw unauthorized();
  } else if (scope !== undefined) {
    domain = domainOf(call, inner(scope, 'domain'));
    // An unknown scope and one without a role are told apart by nobody.
    if (domain === undefined || call.state.rolesOf(user.id, { domain }).length === 0) throw unauthorized();
  }
  const now = Date.now();
  const token: Token = {
    user: user.id,
    domain,
    isOfSystem,
    issuedAt: now,
    expiresAt: now + call.options.tokenSeconds * 1000,
  };
  const id = `gAAAAA${randomBytes(48).toString('base64url')}`;
  call.state.tokens.set(id, token);
  return json(201, tokenBody(call, token), { 'x-subject-token': id, vary: 'X-Auth-Token' });
}

export function showToken(call: Call): SandboxAnswer {
  tokenOf(call);
  return json(200, tokenBody(call, tokenOf(call, 'x-subject-token')));
}

export function revokeToken(call: Call): SandboxAnswer {
  tokenOf(call);
  const subject = call.request.headers['x-subject-token'];
  if (typeof subject === 'string') call.state.tokens.delete(subject);
  return noContent;
}
