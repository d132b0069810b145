/** The calls of OS-FEDERATION: identity providers, protocols, mappings. And those that show trusts and application credentials. */
import { bodyOf, json, KeystoneProblem, listAnswer, noContent, notFound, requireCloudRole, type Call } from './call.js';
import type { KeystoneCredential, KeystoneProvider, KeystoneTrust } from './access.js';
import type { Run } from './users.js';

const conflict = (what: string, detail: string): KeystoneProblem =>
  new KeystoneProblem(409, `Conflict occurred attempting to store ${what} - ${detail}`);

const whole = (call: Call): Call => ({ ...call, options: { ...call.options, pages: false } });

function providerBody(call: Call, provider: KeystoneProvider): unknown {
  const self = `${call.request.url.origin}/v3/OS-FEDERATION/identity_providers/${provider.id}`;
  return {
    id: provider.id,
    domain_id: provider.domain,
    enabled: provider.enabled,
    description: provider.description,
    remote_ids: provider.remoteIds,
    authorization_ttl: null,
    links: { self, protocols: `${self}/protocols` },
  };
}

function provider(call: Call): KeystoneProvider {
  const [id = ''] = call.parameters;
  const found = call.state.access.providers.get(id);
  if (!found) throw notFound('Identity Provider', id);
  return found;
}

function rulesIn(call: Call): unknown[] {
  const { rules } = bodyOf(call, 'mapping');
  if (!Array.isArray(rules)) throw new KeystoneProblem(400, "'rules' is a required property");
  if (rules.length === 0) throw new KeystoneProblem(400, '[] is too short');
  for (const rule of rules) {
    const { local, remote } = rule as Record<string, unknown>;
    if (!Array.isArray(local) || !Array.isArray(remote) || remote.length === 0)
      throw new KeystoneProblem(400, "'local' and 'remote' are required properties");
  }
  return rules as unknown[];
}

const mappingBody = (id: string, rules: readonly unknown[] | undefined): unknown => ({
  mapping: { id, rules, links: {} },
});

const federationRoutesOnly: Readonly<Record<string, Run>> = {
  'GET /v3/OS-FEDERATION/identity_providers'(call) {
    requireCloudRole(call, 'read', 'list_identity_providers');
    const all = [...call.state.access.providers.values()];
    return listAnswer(whole(call), 'identity_providers', all, (each: KeystoneProvider) => providerBody(call, each));
  },

  'PUT /v3/OS-FEDERATION/identity_providers/{id}'(call) {
    requireCloudRole(call, 'write', 'create_identity_provider');
    const { access } = call.state;
    const [id = ''] = call.parameters;
    if (access.providers.has(id)) throw conflict('identity_provider', 'Duplicate entry: None.');
    const body = bodyOf(call, 'identity_provider');
    const remoteIds = Array.isArray(body['remote_ids']) ? body['remote_ids'].map(String) : [];
    const taken = [...access.providers.values()].some((each) =>
      each.remoteIds.some((remote) => remoteIds.includes(remote)),
    );
    if (taken) throw conflict('identity_provider', 'Duplicate remote ID: None.');
    let domain = body['domain_id'];
    if (domain !== undefined && !(typeof domain === 'string' && call.state.domains.has(domain)))
      throw new KeystoneProblem(400, 'Could not find domain.');
    if (typeof domain !== 'string') {
      // Without a domain Keystone makes one for the users of the provider.
      domain = call.state.newId();
      call.state.domains.set(domain as string, { id: domain as string, name: domain as string, enabled: true });
    }
    const made: KeystoneProvider = {
      id,
      domain: domain as string,
      enabled: body['enabled'] === true,
      description: typeof body['description'] === 'string' ? body['description'] : null,
      remoteIds,
      protocols: {},
    };
    access.providers.set(id, made);
    return json(201, { identity_provider: providerBody(call, made) });
  },

  'GET /v3/OS-FEDERATION/identity_providers/{id}'(call) {
    requireCloudRole(call, 'read', 'get_identity_provider');
    return json(200, { identity_provider: providerBody(call, provider(call)) });
  },

  'DELETE /v3/OS-FEDERATION/identity_providers/{id}'(call) {
    requireCloudRole(call, 'write', 'delete_identity_provider');
    call.state.access.providers.delete(provider(call).id);
    return noContent;
  },

  'GET /v3/OS-FEDERATION/identity_providers/{id}/protocols'(call) {
    requireCloudRole(call, 'read', 'list_protocols');
    // HAZARD: of a provider that does not exist, the list is empty and answers 200.
    const held = call.state.access.providers.get(call.parameters[0] ?? '')?.protocols ?? {};
    const all = Object.entries(held).map(([id, mapping]) => ({ id, mapping }));
    return listAnswer(whole(call), 'protocols', all, ({ id, mapping }: { id: string; mapping: string }) => ({
      id,
      idp_id: call.parameters[0],
      mapping_id: mapping,
      remote_id_attribute: null,
      links: {},
    }));
  },

  'PUT /v3/OS-FEDERATION/identity_providers/{id}/protocols/{id}'(call) {
    requireCloudRole(call, 'write', 'create_protocol');
    const { protocols } = provider(call);
    const [, id = ''] = call.parameters;
    if (protocols[id] !== undefined) throw conflict('federation_protocol', `Duplicate entry found with ID ${id}.`);
    const mapping = bodyOf(call, 'protocol')['mapping_id'];
    if (typeof mapping !== 'string' || !call.state.access.mappings.has(mapping))
      throw new KeystoneProblem(400, `Invalid mapping id: ${String(mapping)}`);
    protocols[id] = mapping;
    return json(201, { protocol: { id, mapping_id: mapping, links: {} } });
  },

  'DELETE /v3/OS-FEDERATION/identity_providers/{id}/protocols/{id}'(call) {
    requireCloudRole(call, 'write', 'delete_protocol');
    const { protocols } = provider(call);
    const [, id = ''] = call.parameters;
    if (protocols[id] === undefined) throw notFound('federated protocol', id);
    delete protocols[id];
    return noContent;
  },

  'GET /v3/OS-FEDERATION/mappings'(call) {
    requireCloudRole(call, 'read', 'list_mappings');
    const all = [...call.state.access.mappings].map(([id, rules]) => ({ id, rules }));
    return listAnswer(whole(call), 'mappings', all, (each: { id: string; rules: unknown }) => ({ ...each, links: {} }));
  },

  'PUT /v3/OS-FEDERATION/mappings/{id}'(call) {
    requireCloudRole(call, 'write', 'create_mapping');
    const { mappings } = call.state.access;
    const [id = ''] = call.parameters;
    const rules = rulesIn(call);
    if (mappings.has(id)) throw conflict('mapping', 'Duplicate entry.');
    mappings.set(id, rules);
    return json(201, mappingBody(id, rules));
  },

  'PATCH /v3/OS-FEDERATION/mappings/{id}'(call) {
    requireCloudRole(call, 'write', 'update_mapping');
    const { mappings } = call.state.access;
    const [id = ''] = call.parameters;
    const rules = rulesIn(call);
    if (!mappings.has(id)) throw notFound('mapping', id);
    mappings.set(id, rules);
    return json(200, mappingBody(id, rules));
  },

  'DELETE /v3/OS-FEDERATION/mappings/{id}'(call) {
    requireCloudRole(call, 'write', 'delete_mapping');
    const [id = ''] = call.parameters;
    // A protocol that names it does not keep it.
    if (!call.state.access.mappings.delete(id)) throw notFound('mapping', id);
    return noContent;
  },
};

function trustBody(call: Call, { id, trustor, trustee, project, roles }: KeystoneTrust, withRoles: boolean): unknown {
  const named = (role: string) => ({ id: role, name: call.state.access.roles.get(role)?.name });
  return {
    id,
    trustor_user_id: trustor,
    trustee_user_id: trustee,
    project_id: project,
    impersonation: false,
    expires_at: null,
    deleted_at: null,
    remaining_uses: null,
    redelegation_count: 0,
    ...(withRoles ? { roles: roles.map(named) } : {}),
    links: {},
  };
}

const lentRoutes: Readonly<Record<string, Run>> = {
  'GET /v3/OS-TRUST/trusts'(call) {
    requireCloudRole(call, 'read', 'list_trusts');
    return listAnswer(whole(call), 'trusts', call.state.access.trusts, (trust: KeystoneTrust) =>
      trustBody(call, trust, false),
    );
  },

  'GET /v3/OS-TRUST/trusts/{id}'(call) {
    requireCloudRole(call, 'read', 'get_trust');
    const [id = ''] = call.parameters;
    const trust = call.state.access.trusts.find((each) => each.id === id);
    if (!trust) throw notFound('trust', id);
    return json(200, { trust: trustBody(call, trust, true) });
  },

  'GET /v3/users/{id}/application_credentials'(call) {
    requireCloudRole(call, 'read', 'list_application_credentials');
    const [user = ''] = call.parameters;
    if (!call.state.users.get(user)) throw notFound('user', user);
    const own = call.state.access.credentials.filter((each) => each.user === user);
    return listAnswer(whole(call), 'application_credentials', own, (each: KeystoneCredential) => ({
      id: each.id,
      name: each.name,
      description: null,
      user_id: each.user,
      project_id: each.project,
      system: null,
      expires_at: null,
      unrestricted: null,
      roles: each.roles.map((id) => ({ id, name: call.state.access.roles.get(id)?.name })),
      links: {},
    }));
  },
};

export const federationRoutes: Readonly<Record<string, Run>> = { ...federationRoutesOnly, ...lentRoutes };
