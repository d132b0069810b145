/** The Identity API calls on roles and on what they imply. */
import { bodyOf, json, KeystoneProblem, listAnswer, noContent, notFound, requireCloudRole, type Call } from './call.js';
import type { KeystoneRole } from './access.js';
import { roles as bootstrapped } from './access.js';
import type { Run } from './users.js';

function roleBody(call: Call, role: KeystoneRole): Record<string, unknown> {
  return {
    id: role.id,
    name: role.name,
    domain_id: role.domain ?? null,
    description: role.description,
    options: role.immutable ? { immutable: true } : {},
    links: { self: `${call.request.url.origin}/v3/roles/${role.id}` },
  };
}

function found(call: Call, id: string | undefined = call.parameters[0]): KeystoneRole {
  const role = call.state.access.roles.get(id ?? '');
  if (!role) throw notFound('role', id ?? '');
  return role;
}

/** Unlike names of users and projects, white space around it is kept. */
function checkedName(
  call: Call,
  body: Record<string, unknown>,
  domain: string | undefined,
  own?: KeystoneRole,
): string {
  const { name } = body;
  if (typeof name !== 'string' || name === '' || name.length > 255)
    throw new KeystoneProblem(400, "Invalid input for field 'name': it must hold 1 to 255 characters");
  const holder = [...call.state.access.roles.values()].find((role) => role.name === name && role.domain === domain);
  if (holder && holder !== own) {
    const where = domain === undefined ? '' : ` at domain ID ${domain}`;
    throw new KeystoneProblem(
      409,
      `Conflict occurred attempting to store role - Duplicate entry found with name ${name}${where}.`,
    );
  }
  return name;
}

function checkedDescription(body: Record<string, unknown>): string | undefined {
  const { description } = body;
  if (description === undefined || typeof description === 'string') return description;
  throw new KeystoneProblem(400, "Invalid input for field 'description': None is not of type 'string'");
}

function refuseImmutable(role: KeystoneRole, what: 'delete' | 'update'): void {
  if (!role.immutable) return;
  throw new KeystoneProblem(
    403,
    `Unable to ${what} immutable role resource: \`${role.id}. Set resource option "immutable" to false first.`,
  );
}

/** Lists of roles are whole, also where users and groups are paged. */
const whole = (call: Call): Call => ({ ...call, options: { ...call.options, pages: false } });

export const roleRoutes: Readonly<Record<string, Run>> = {
  'GET /v3/roles'(call) {
    requireCloudRole(call, 'read', 'list_roles');
    const query = call.request.url.searchParams;
    const name = query.get('name');
    // Without a domain, only roles of the whole cloud are listed.
    const domain = query.get('domain_id') ?? undefined;
    const shown = [...call.state.access.roles.values()]
      .filter((role) => role.domain === domain && (name === null || role.name === name))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    return listAnswer(whole(call), 'roles', shown, (role: KeystoneRole) => roleBody(call, role));
  },

  'POST /v3/roles'(call) {
    requireCloudRole(call, 'write', 'create_role');
    const body = bodyOf(call, 'role');
    const domain = typeof body['domain_id'] === 'string' ? body['domain_id'] : undefined;
    const name = checkedName(call, body, domain);
    const description = checkedDescription(body) ?? null;
    const id = call.state.newId();
    const role = { id, name, description, immutable: false, ...(domain === undefined ? {} : { domain }) };
    call.state.access.roles.set(id, role);
    return json(201, { role: roleBody(call, role) });
  },

  'GET /v3/roles/{id}'(call) {
    requireCloudRole(call, 'read', 'get_role');
    return json(200, { role: roleBody(call, found(call)) });
  },

  'PATCH /v3/roles/{id}'(call) {
    requireCloudRole(call, 'write', 'update_role');
    const role = found(call);
    refuseImmutable(role, 'update');
    const body = bodyOf(call, 'role');
    const description = checkedDescription(body);
    if (body['name'] !== undefined) role.name = checkedName(call, body, role.domain, role);
    role.description = description ?? role.description;
    return json(200, { role: roleBody(call, role) });
  },

  'DELETE /v3/roles/{id}'(call) {
    requireCloudRole(call, 'write', 'delete_role');
    const role = found(call);
    refuseImmutable(role, 'delete');
    call.state.access.removeRole(role.id);
    return noContent;
  },

  'GET /v3/role_inferences'(call) {
    requireCloudRole(call, 'read', 'list_role_inference_rules');
    const { access } = call.state;
    const named = (id: string) => ({ id, name: access.roles.get(id)?.name, links: {} });
    const inferences = [...access.implied]
      .filter(([, implied]) => implied.size > 0)
      .map(([prior, implied]) => ({ prior_role: named(prior), implies: [...implied].map(named) }));
    return json(200, { role_inferences: inferences, links: { self: call.request.url.href } });
  },

  'PUT /v3/roles/{id}/implies/{id}'(call) {
    requireCloudRole(call, 'write', 'create_implied_role');
    const prior = found(call);
    const implied = found(call, call.parameters[1]);
    if (implied.domain !== undefined || implied.id === bootstrapped.admin)
      throw new KeystoneProblem(403, `${implied.id} cannot be an implied roles.`);
    const { access } = call.state;
    const held = access.implied.get(prior.id) ?? new Set<string>();
    if (held.has(implied.id))
      throw new KeystoneProblem(409, 'Conflict occurred attempting to store implied_role - Duplicate entry.');
    // A circle is accepted.
    access.implied.set(prior.id, held.add(implied.id));
    return json(201, { role_inference: { prior_role: { id: prior.id }, implies: { id: implied.id } } });
  },

  'DELETE /v3/roles/{id}/implies/{id}'(call) {
    requireCloudRole(call, 'write', 'delete_implied_role');
    const prior = found(call);
    const implied = found(call, call.parameters[1]);
    if (!call.state.access.implied.get(prior.id)?.delete(implied.id))
      throw new KeystoneProblem(404, `${prior.id} does not imply ${implied.id}.`);
    return noContent;
  },
};
