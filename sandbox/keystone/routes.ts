/** Every route of the Identity API v3 that the sandbox knows. */
import { json, listAnswer, tokenOf, type Call } from './call.js';
import { federationRoutes } from './federation.js';
import { grantRoutesOfAll } from './grants.js';
import { groupRoutes } from './groups.js';
import { domainBody, projectRoutes } from './projects.js';
import { roleRoutes } from './roles.js';
import type { KeystoneDomain } from './state.js';
import { issueToken, revokeToken, showToken } from './tokens.js';
import { userRoutes, type Run } from './users.js';

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

  /** The system, where the caller's user holds a role on it. */
  'GET /v3/auth/system'(call) {
    const { user } = tokenOf(call);
    const held = call.state.rolesOf(user, { system: true }).length > 0;
    return json(200, { system: held ? [{ all: true }] : [], links: { self: call.request.url.href } });
  },
};

export const keystoneRoutes: Readonly<Record<string, Run>> = {
  ...otherRoutes,
  ...userRoutes,
  ...groupRoutes,
  ...projectRoutes,
  ...roleRoutes,
  ...grantRoutesOfAll,
  ...federationRoutes,
};
