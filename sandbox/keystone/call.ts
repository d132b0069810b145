/** One authenticated call of the Identity API v3: its caller, its arguments, and the problems it answers with. */
import type { SandboxAnswer, SandboxRequest } from '../http/service.js';
import type { KeystoneState, Token } from './state.js';
import { roles } from './state.js';

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

export class KeystoneProblem extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export const notFound = (what: string, id: string): KeystoneProblem =>
  new KeystoneProblem(404, `Could not find ${what}: ${id}.`);
export const unauthorized = (): KeystoneProblem =>
  new KeystoneProblem(401, 'The request you have made requires authentication.');

export function problemAnswer(problem: KeystoneProblem, headers: Readonly<Record<string, string>> = {}): SandboxAnswer {
  const error = {
    code: problem.status,
    message: problem.message,
    title: titles[problem.status] ?? 'Error',
  };
  const challenge = problem.status === 401 ? { 'www-authenticate': 'Keystone uri="http://127.0.0.1/v3"' } : {};
  return json(problem.status, { error }, { ...challenge, ...headers });
}

export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): SandboxAnswer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) };
}

export const noContent: SandboxAnswer = { status: 204, headers: {}, body: '' };

/** Ways in which Keystones differ. */
export interface KeystoneOptions {
  /** `[DEFAULT] list_limit`: longer lists are cut and say `truncated: true`. */
  listLimit: number | undefined;
  /** Whether users and groups are paged by `limit` and `marker`, as since 2024.2. */
  pages: boolean;
  tokenSeconds: number;
  /** Whether group members of other domains are hidden from a domain-scoped token, as in 22. */
  hidesForeignMembers: boolean;
}

export interface Call {
  readonly request: SandboxRequest;
  readonly state: KeystoneState;
  readonly options: KeystoneOptions;
  readonly parameters: readonly string[];
}

/** The caller's token; 401 where it is unknown or has expired. */
export function tokenOf(call: Call, header = 'x-auth-token'): Token {
  const id = call.request.headers[header];
  const token = typeof id === 'string' ? call.state.validToken(id) : undefined;
  if (!token) throw unauthorized();
  return token;
}

/** 401 without a token, 403 without the role. Like Keystone 22, an admin is not confined to the domain of the role. */
export function requireRole(call: Call, need: 'read' | 'write', policy: string, domain?: string): Token {
  const token = tokenOf(call);
  const held = call.state.rolesOf(token.user, call.state.placeOf(token));
  const admin = held.includes(roles.admin);
  const reader = admin || held.includes(roles.reader) || held.includes(roles.member);
  const seesAll = admin || (reader && token.isOfSystem === true);
  const allowed = need === 'write' ? admin : seesAll || (reader && (domain === undefined || domain === token.domain));
  if (!allowed) throw forbidden(policy);
  return token;
}

const forbidden = (policy: string): KeystoneProblem =>
  new KeystoneProblem(403, `You are not authorized to perform the requested action: identity:${policy}.`);

/** What belongs to no domain: role reader counts on the system alone. Like Keystone 22, an admin of a domain counts as one of the system. */
export function requireCloudRole(call: Call, need: 'read' | 'write', policy: string): Token {
  const token = requireRole(call, need, policy);
  const isAdmin = call.state.rolesOf(token.user, call.state.placeOf(token)).includes(roles.admin);
  if (!isAdmin && token.isOfSystem !== true) throw forbidden(policy);
  return token;
}

export function bodyOf(call: Call, name: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(call.request.body);
  } catch {
    throw new KeystoneProblem(
      400,
      'Expecting to find valid JSON in request body. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.',
    );
  }
  const inner = typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>)[name] : undefined;
  if (typeof inner !== 'object' || inner === null || Array.isArray(inner))
    throw new KeystoneProblem(400, `'${name}' is a required property`);
  return inner as Record<string, unknown>;
}

/** A list as this Keystone shows it: whole, cut with `truncated`, or one page of it. */
export function listAnswer(
  call: Call,
  name: string,
  items: readonly { readonly id: string }[],
  show: (item: never) => unknown,
): SandboxAnswer {
  const { request, options } = call;
  const self = request.url.href;
  const render = show as (item: unknown) => unknown;
  if (options.pages) {
    const asked = Number(request.url.searchParams.get('limit') ?? Infinity);
    const size = Math.min(asked > 0 ? asked : Infinity, options.listLimit ?? 1000);
    const marker = request.url.searchParams.get('marker');
    const from = marker === null ? 0 : items.findIndex((item) => item.id > marker);
    const shown = from < 0 ? [] : items.slice(from, from + size);
    const last = shown.at(-1);
    let next: string | null = null;
    // Only a full page names a next one, and the next one may be empty.
    if (last && shown.length === size) {
      const url = new URL(self);
      url.searchParams.set('marker', last.id);
      url.searchParams.set('limit', String(size));
      next = url.href;
    }
    return json(200, { [name]: shown.map(render), links: { self, previous: null, next } });
  }
  const limit = options.listLimit ?? Infinity;
  const links = { self, previous: null, next: null };
  if (items.length <= limit) return json(200, { [name]: items.map(render), links });
  return json(200, { [name]: items.slice(0, limit).map(render), links, truncated: true });
}
