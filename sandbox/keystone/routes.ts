/** Every route of the Identity API v3 that the sandbox knows. */
import { json, listAnswer, notFound, requireRole, tokenOf, type Call } from './call.js';
import { groupRoutes } from './groups.js';
import { roles, type KeystoneDomain } from './state.js';
import { issueToken, revokeToken, showToken } from './tokens.js';
import { userRoutes, type Run } from './users.js';

function domainBody(call: Call, domain: KeystoneDomain): unknown {
  return {
    id: domain.id,
    name: domain.name,
    enabled: domain.enabled,
    description: '',
    options: {},
    tags: [],
    links: { self: `${call.request.url.origin}/v3/domains/${domain.id}` },
  };
}

const version = (call: Call): unknown => ({
  id: 'v3.14',
  status: 'stable',
  updated: '2020-04-07T00:00:00Z',
  links: [{ rel: 'self', href: `${call.request.url.origin}/v3/` }],
  'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
});

const otherRoutes: Readonly<Record<string, Run>> = {
  'GET /': (call) => json(300, { versions: { values: [version(call)] } }),
  'GET /v3': (call) => json(200, { version: version(call) }),
  'POST /v3/auth/tokens': issueToken,
  'GET /v3/auth/tokens': showToken,
  'DELETE /v3/auth/tokens': revokeToken,

  /** The domains to which the caller's user may scope a token. */
  'GET /v3/auth/domains'(call) {
    const { user } = tokenOf(call);
    const held = new Set(call.state.assignments.filter((entry) => entry.user === user).map((entry) => entry.domain));
    const domains = [...call.state.domains.values()].filter((domain) => held.has(domain.id));
    return listAnswer(call, 'domains', domains, (domain: KeystoneDomain) => domainBody(call, domain));
  },

  'GET /v3/domains'(call) {
    requireRole(call, 'read', 'list_domains');
    const name = call.request.url.searchParams.get('name');
    const domains = [...call.state.domains.values()].filter((domain) => name === null || domain.name === name);
    return listAnswer(call, 'domains', domains, (domain: KeystoneDomain) => domainBody(call, domain));
  },

  'GET /v3/domains/{id}'(call) {
    const [id = ''] = call.parameters;
    const token = tokenOf(call);
    // A token may always see the domain it is scoped to.
    if (token.domain !== id) requireRole(call, 'write', 'get_domain');
    const domain = call.state.domains.get(id);
    if (!domain) throw notFound('domain', id);
    return json(200, { domain: domainBody(call, domain) });
  },

  'GET /v3/roles'(call) {
    requireRole(call, 'write', 'list_roles');
    const name = call.request.url.searchParams.get('name');
    const all = Object.entries(roles).map(([roleName, id]) => ({ id, name: roleName }));
    const shown = all.filter((role) => name === null || role.name === name);
    return listAnswer(call, 'roles', shown, (role: { id: string; name: string }) => ({
      ...role,
      domain_id: null,
      description: null,
      options: {},
      links: { self: `${call.request.url.origin}/v3/roles/${role.id}` },
    }));
  },

  'GET /v3/role_assignments'(call) {
    const token = requireRole(call, 'read', 'list_role_assignments');
    const query = call.request.url.searchParams;
    const user = query.get('user.id');
    const domain = query.get('scope.domain.id');
    const names = query.has('include_names');
    const shown = call.state.assignments.filter(
      (assignment) =>
        (user === null || assignment.user === user) &&
        (domain === null || assignment.domain === domain) &&
        (token.domain === undefined || assignment.domain === token.domain),
    );
    const named = (id: string, name: string | undefined) => (names ? { id, name } : { id });
    return json(200, {
      role_assignments: shown.map((assignment) => ({
        role: named(assignment.role, Object.entries(roles).find(([, id]) => id === assignment.role)?.[0]),
        user: named(assignment.user, call.state.users.get(assignment.user)?.name),
        scope: { domain: named(assignment.domain, call.state.domains.get(assignment.domain)?.name) },
        links: {},
      })),
      links: { self: call.request.url.href, previous: null, next: null },
    });
  },

  'GET /v3/role_inferences': (call) => json(200, { role_inferences: [], links: { self: call.request.url.href } }),
};

export const keystoneRoutes: Readonly<Record<string, Run>> = { ...otherRoutes, ...userRoutes, ...groupRoutes };
