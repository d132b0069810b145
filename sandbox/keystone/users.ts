/** The Identity API calls on users. */
import type { SandboxAnswer } from '../http/service.js';
import { bodyOf, json, KeystoneProblem, listAnswer, noContent, notFound, requireRole, type Call } from './call.js';
import type { KeystoneUser } from './state.js';

export type Run = (call: Call) => SandboxAnswer;

const known = new Set(['id', 'name', 'domain_id', 'enabled', 'password', 'links', 'password_expires_at', 'options']);

export function userBody(call: Call, user: KeystoneUser): Record<string, unknown> {
  return {
    ...user.extra,
    id: user.id,
    name: user.name,
    domain_id: user.domain,
    enabled: user.enabled,
    options: {},
    password_expires_at: null,
    links: { self: `${call.request.url.origin}/v3/users/${user.id}` },
  };
}

export function extraOf(body: Record<string, unknown>, own: ReadonlySet<string>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(body).filter(([name]) => !own.has(name)));
}

export function checkedName(body: Record<string, unknown>): string {
  const { name } = body;
  if (typeof name !== 'string') throw new KeystoneProblem(400, "'name' is a required property");
  if (name.trim() === '' || name.length > 255)
    throw new KeystoneProblem(400, "Invalid input for field 'name': it must hold 1 to 255 characters");
  // Keystone strips white space around a name and says nothing.
  return name.trim();
}

function checkedEnabled(body: Record<string, unknown>): boolean | undefined {
  const { enabled } = body;
  if (enabled === undefined || typeof enabled === 'boolean') return enabled;
  throw new KeystoneProblem(
    400,
    `Invalid input for field 'enabled': ${JSON.stringify(enabled)} is not of type 'boolean'`,
  );
}

export const duplicate = (what: string, name: string, domain: string): KeystoneProblem =>
  new KeystoneProblem(
    409,
    `Conflict occurred attempting to store ${what} - Duplicate entry found with name ${name} at domain ID ${domain}.`,
  );

/**
 * Which domain a list may show: HAZARD: of a domain that the token is not scoped to, or that does not exist, Keystone
 * answers 200 with an empty list.
 */
export function listed<T extends { readonly domain: string; readonly name: string }>(
  call: Call,
  scope: string | undefined,
  all: readonly T[],
): T[] {
  const query = call.request.url.searchParams;
  const domain = query.get('domain_id');
  const name = query.get('name');
  return all.filter(
    (object) =>
      (scope === undefined || object.domain === scope) &&
      (domain === null || object.domain === domain) &&
      (name === null || object.name === name),
  );
}

function found(call: Call, id: string | undefined): KeystoneUser {
  const user = id === undefined ? undefined : call.state.users.get(id);
  if (!user) throw notFound('user', id ?? '');
  return user;
}

export const userRoutes: Readonly<Record<string, Run>> = {
  'GET /v3/users'(call) {
    const token = requireRole(call, 'read', 'list_users');
    const enabled = call.request.url.searchParams.get('enabled');
    const users = listed(call, token.domain, call.state.users.all()).filter(
      (user) => enabled === null || String(user.enabled) === enabled.toLowerCase(),
    );
    return listAnswer(call, 'users', users, (user: KeystoneUser) => userBody(call, user));
  },

  'POST /v3/users'(call) {
    const token = requireRole(call, 'write', 'create_user');
    const body = bodyOf(call, 'user');
    const name = checkedName(body);
    const enabled = checkedEnabled(body) ?? true;
    const domain = typeof body['domain_id'] === 'string' ? body['domain_id'] : (token.domain ?? 'default');
    if (!call.state.domains.has(domain)) throw notFound('domain', domain);
    if (call.state.users.named(domain, name)) throw duplicate('user', name, domain);
    const password = typeof body['password'] === 'string' ? body['password'] : undefined;
    const user = call.state.addUser({
      domain,
      name,
      enabled,
      extra: extraOf(body, known),
      ...(password === undefined ? {} : { password }),
    });
    return json(201, { user: userBody(call, user) });
  },

  'GET /v3/users/{id}'(call) {
    requireRole(call, 'read', 'get_user');
    const user = found(call, call.parameters[0]);
    requireRole(call, 'read', 'get_user', user.domain);
    return json(200, { user: userBody(call, user) });
  },

  'PATCH /v3/users/{id}'(call) {
    requireRole(call, 'write', 'update_user');
    const user = found(call, call.parameters[0]);
    const body = bodyOf(call, 'user');
    const enabled = checkedEnabled(body);
    if (body['domain_id'] !== undefined && body['domain_id'] !== user.domain)
      throw new KeystoneProblem(400, 'Cannot change Domain ID');
    if (body['name'] !== undefined) {
      const name = checkedName(body);
      const holder = call.state.users.named(user.domain, name);
      if (holder && holder !== user) throw duplicate('user', name, user.domain);
      call.state.users.rename(user, name);
    }
    if (enabled !== undefined) {
      user.enabled = enabled;
      if (!enabled) call.state.revokeUser(user.id);
    }
    if (typeof body['password'] === 'string') {
      user.password = body['password'];
      call.state.revokeUser(user.id);
    }
    // Extra attributes can be set to null, never removed.
    Object.assign(user.extra, extraOf(body, known));
    return json(200, { user: userBody(call, user) });
  },

  'DELETE /v3/users/{id}'(call) {
    requireRole(call, 'write', 'delete_user');
    call.state.removeUser(found(call, call.parameters[0]));
    return noContent;
  },
};
