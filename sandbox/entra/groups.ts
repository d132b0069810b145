/** The Graph calls on groups and members. */
import type { SandboxAnswer } from '../http/service.js';
import { badRequest, bodyOf, json, noContent, notFound, objectConflict, type Call } from './call.js';
import { filterOf, pageAnswer, selectOf, show } from './odata.js';
import { checkedProperties, requireProperties } from './properties.js';
import type { EntraGroup, EntraObject, Properties } from './state.js';
import { refuseMastered, requirePermission, type Run } from './users.js';

const writeGroups = ['Group.ReadWrite.All', 'Directory.ReadWrite.All'];
const readGroups = ['Group.Read.All', 'Directory.Read.All', ...writeGroups];
const writeMembers = ['GroupMember.ReadWrite.All', ...writeGroups];
const readMembers = ['GroupMember.Read.All', 'GroupMember.ReadWrite.All', ...readGroups];

function found(call: Call): EntraGroup {
  const [id = ''] = call.parameters;
  const group = call.state.groups.get(id);
  if (!group) throw notFound(id);
  return group;
}

const context = (call: Call, entity: string): { '@odata.context': string } => ({
  '@odata.context': `${call.request.url.origin}/v1.0/$metadata#${entity}`,
});

/** The object that a reference such as `https://graph.microsoft.com/v1.0/directoryObjects/{id}` names. */
function referred(call: Call, reference: unknown): EntraObject {
  const id = typeof reference === 'string' ? /\/([^/]+)$/.exec(reference)?.[1] : undefined;
  if (id === undefined) throw badRequest("Invalid URL format specified in @odata.id for reference property 'members'.");
  const object = call.state.get(id);
  if (!object) throw notFound(id);
  return object;
}

/** Members named by `members@odata.bind`: all exist and are new, or none is added. */
function boundMembers(call: Call, body: Properties): readonly EntraObject[] {
  const bound = body['members@odata.bind'];
  if (bound === undefined) return [];
  if (!Array.isArray(bound)) throw badRequest("Invalid value specified for property 'members' of resource 'Group'.");
  if (bound.length > 20)
    throw badRequest('The number of bind operations exceeds the maximum of 20 that one request may hold.');
  return bound.map((reference) => referred(call, reference));
}

const existing = (): Error =>
  badRequest("One or more added object references already exist for the following modified properties: 'members'.");

function create(call: Call, body: Properties): SandboxAnswer {
  requireProperties('group', body, ['displayName', 'mailEnabled', 'mailNickname', 'securityEnabled']);
  const properties = checkedProperties(call.state, 'group', body);
  const members = boundMembers(call, body);
  const unique = properties['uniqueName'];
  if (typeof unique === 'string' && call.state.unique(unique)) throw objectConflict('uniqueName');
  const group = call.state.addGroup(properties);
  for (const member of members) group.members.add(member.id);
  return json(201, { ...context(call, 'groups/$entity'), ...show(group, undefined) });
}

function update(call: Call, group: EntraGroup, body: Properties): SandboxAnswer {
  refuseMastered(group);
  const properties = checkedProperties(call.state, 'group', body);
  const { uniqueName } = properties;
  const current = group.properties['uniqueName'] ?? null;
  if (uniqueName !== undefined && uniqueName !== current) {
    if (current !== null) throw badRequest("Property 'uniqueName' is read-only and cannot be set.");
    if (typeof uniqueName === 'string' && call.state.unique(uniqueName)) throw objectConflict('uniqueName');
  }
  const members = boundMembers(call, body);
  if (members.some((member) => group.members.has(member.id))) throw existing();
  call.state.change(group, properties);
  for (const member of members) group.members.add(member.id);
  return noContent;
}

export const groupRoutes: Readonly<Record<string, Run>> = {
  'GET /groups'(call) {
    requirePermission(call, readGroups);
    const select = selectOf(call, 'group');
    const groups = call.state.listGroups().filter(filterOf(call, 'group'));
    return pageAnswer(call, 'groups', groups, (group) => show(group, select));
  },

  'POST /groups'(call) {
    requirePermission(call, writeGroups);
    return create(call, bodyOf(call));
  },

  "GET /groups(uniqueName='{name}')"(call) {
    requirePermission(call, readGroups);
    const [name = ''] = call.parameters;
    const group = call.state.unique(name.replaceAll("''", "'"));
    if (!group) throw notFound(name);
    return json(200, { ...context(call, 'groups/$entity'), ...show(group, selectOf(call, 'group')) });
  },

  /** Creates where the caller prefers that, else only updates. */
  "PATCH /groups(uniqueName='{name}')"(call) {
    requirePermission(call, writeGroups);
    const name = (call.parameters[0] ?? '').replaceAll("''", "'");
    const body = bodyOf(call);
    const group = call.state.unique(name);
    if (group) return update(call, group, body);
    const prefer = String(call.request.headers['prefer'] ?? '');
    if (!/\bcreate-if-missing\b/i.test(prefer)) throw notFound(name);
    return create(call, { ...body, uniqueName: name });
  },

  'GET /groups/delta'(call) {
    requirePermission(call, readMembers);
    return call.state.delta.answer(call, 'group');
  },

  'GET /groups/{id}'(call) {
    requirePermission(call, readGroups);
    return json(200, { ...context(call, 'groups/$entity'), ...show(found(call), selectOf(call, 'group')) });
  },

  'PATCH /groups/{id}'(call) {
    requirePermission(call, writeGroups);
    return update(call, found(call), bodyOf(call));
  },

  'DELETE /groups/{id}'(call) {
    requirePermission(call, writeGroups);
    const group = found(call);
    refuseMastered(group);
    call.state.remove(group);
    return noContent;
  },

  'GET /groups/{id}/members'(call) {
    requirePermission(call, readMembers);
    const select = selectOf(call);
    const members = call.state.membersOf(found(call));
    return pageAnswer(call, 'directoryObjects', members, (member) => show(member, select, true));
  },

  'GET /groups/{id}/members/microsoft.graph.user'(call) {
    requirePermission(call, readMembers);
    const select = selectOf(call, 'user');
    const members = call.state.membersOf(found(call)).filter((member) => member.kind === 'user');
    return pageAnswer(call, 'users', members, (member) => show(member, select));
  },

  'POST /groups/{id}/members/$ref'(call) {
    requirePermission(call, writeMembers);
    const group = found(call);
    refuseMastered(group);
    const member = referred(call, bodyOf(call)['@odata.id']);
    if (group.members.has(member.id)) throw existing();
    group.members.add(member.id);
    return noContent;
  },

  'DELETE /groups/{id}/members/{member}/$ref'(call) {
    requirePermission(call, writeMembers);
    const group = found(call);
    refuseMastered(group);
    const [, member = ''] = call.parameters;
    if (!call.state.get(member) || !group.members.delete(member)) throw notFound(member);
    return noContent;
  },

  /** HAZARD: as in Graph, without `/$ref` this deletes the member itself, not the membership. */
  'DELETE /groups/{id}/members/{member}'(call) {
    requirePermission(call, ['User.ReadWrite.All', 'Directory.ReadWrite.All']);
    const group = found(call);
    const [, id = ''] = call.parameters;
    const member = call.state.get(id);
    if (!member || !group.members.has(id)) throw notFound(id);
    refuseMastered(member);
    call.state.remove(member);
    return noContent;
  },
};
