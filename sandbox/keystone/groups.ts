/** The Identity API calls on groups and memberships. */
import { bodyOf, json, KeystoneProblem, listAnswer, noContent, notFound, requireRole, type Call } from './call.js';
import type { KeystoneGroup, KeystoneUser } from './state.js';
import { checkedName, duplicate, extraOf, listed, userBody, type Run } from './users.js';

const known = new Set(['id', 'name', 'domain_id', 'description', 'links']);

function groupBody(call: Call, group: KeystoneGroup): Record<string, unknown> {
  return {
    ...group.extra,
    id: group.id,
    name: group.name,
    domain_id: group.domain,
    description: group.description,
    links: { self: `${call.request.url.origin}/v3/groups/${group.id}` },
  };
}

function checkedDescription(body: Record<string, unknown>): string | undefined {
  const { description } = body;
  if (description === undefined) return undefined;
  if (description === null) return '';
  if (typeof description === 'string') return description;
  throw new KeystoneProblem(400, "Invalid input for field 'description': it must be a string");
}

function found(call: Call): KeystoneGroup {
  const [id] = call.parameters;
  const group = id === undefined ? undefined : call.state.groups.get(id);
  if (!group) throw notFound('group', id ?? '');
  return group;
}

function foundMember(call: Call): KeystoneUser {
  const id = call.parameters[1];
  const user = id === undefined ? undefined : call.state.users.get(id);
  if (!user) throw notFound('user', id ?? '');
  return user;
}

const memberAbsent = (user: KeystoneUser, group: KeystoneGroup): KeystoneProblem =>
  new KeystoneProblem(404, `User ${user.id} is not found in group ${group.id}.`);

export const groupRoutes: Readonly<Record<string, Run>> = {
  'GET /v3/groups'(call) {
    const token = requireRole(call, 'read', 'list_groups');
    const groups = listed(call, token.domain, call.state.groups.all());
    return listAnswer(call, 'groups', groups, (group: KeystoneGroup) => groupBody(call, group));
  },

  'POST /v3/groups'(call) {
    const token = requireRole(call, 'write', 'create_group');
    const body = bodyOf(call, 'group');
    const name = checkedName(body);
    const domain = typeof body['domain_id'] === 'string' ? body['domain_id'] : (token.domain ?? 'default');
    if (!call.state.domains.has(domain)) throw notFound('domain', domain);
    if (call.state.groups.named(domain, name)) throw duplicate('group', name, domain);
    const group = call.state.addGroup({
      domain,
      name,
      description: checkedDescription(body) ?? '',
      extra: extraOf(body, known),
    });
    return json(201, { group: groupBody(call, group) });
  },

  'GET /v3/groups/{id}'(call) {
    requireRole(call, 'read', 'get_group');
    const group = found(call);
    requireRole(call, 'read', 'get_group', group.domain);
    return json(200, { group: groupBody(call, group) });
  },

  'PATCH /v3/groups/{id}'(call) {
    requireRole(call, 'write', 'update_group');
    const group = found(call);
    const body = bodyOf(call, 'group');
    if (body['name'] !== undefined) {
      const name = checkedName(body);
      const holder = call.state.groups.named(group.domain, name);
      if (holder && holder !== group) throw duplicate('group', name, group.domain);
      call.state.groups.rename(group, name);
    }
    group.description = checkedDescription(body) ?? group.description;
    Object.assign(group.extra, extraOf(body, known));
    return json(200, { group: groupBody(call, group) });
  },

  'DELETE /v3/groups/{id}'(call) {
    requireRole(call, 'write', 'delete_group');
    call.state.removeGroup(found(call));
    return noContent;
  },

  'GET /v3/groups/{id}/users'(call) {
    requireRole(call, 'read', 'list_users_in_group');
    const group = found(call);
    const token = requireRole(call, 'read', 'list_users_in_group', group.domain);
    // Keystone 22 does not show members of other domains to a token that is scoped to one.
    const members = [...group.members]
      .sort()
      .map((id) => call.state.users.get(id))
      .filter((user): user is KeystoneUser => user !== undefined)
      .filter(
        (user) => !call.options.hidesForeignMembers || token.domain === undefined || user.domain === token.domain,
      );
    return listAnswer(call, 'users', members, (user: KeystoneUser) => userBody(call, user));
  },

  'GET /v3/users/{id}/groups'(call) {
    requireRole(call, 'read', 'list_groups_for_user');
    const [id = ''] = call.parameters;
    if (!call.state.users.get(id)) throw notFound('user', id);
    const groups = call.state.groups.all().filter((group) => group.members.has(id));
    return listAnswer(call, 'groups', groups, (group: KeystoneGroup) => groupBody(call, group));
  },

  'PUT /v3/groups/{id}/users/{user}'(call) {
    requireRole(call, 'write', 'add_user_to_group');
    const group = found(call);
    group.members.add(foundMember(call).id);
    return noContent;
  },

  'HEAD /v3/groups/{id}/users/{user}'(call) {
    requireRole(call, 'read', 'check_user_in_group');
    const group = found(call);
    const user = foundMember(call);
    if (!group.members.has(user.id)) throw memberAbsent(user, group);
    return noContent;
  },

  'DELETE /v3/groups/{id}/users/{user}'(call) {
    requireRole(call, 'write', 'remove_user_from_group');
    const group = found(call);
    const user = foundMember(call);
    if (!group.members.has(user.id)) throw memberAbsent(user, group);
    call.state.leave(user, group);
    return noContent;
  },
};
