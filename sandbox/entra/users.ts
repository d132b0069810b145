/** The Graph calls on users and on deleted objects. */
import type { SandboxAnswer } from '../http/service.js';
import { bodyOf, GraphProblem, json, mastered, noContent, notFound, objectConflict, type Call } from './call.js';
import { filterOf, pageAnswer, selectOf, show } from './odata.js';
import { checkedProperties, requireProperties } from './properties.js';
import type { EntraObject, EntraUser } from './state.js';
import { rolesOf } from './tokens.js';

export type Run = (call: Call) => SandboxAnswer;

/** Throws 401 or 403 unless the token grants one of the permissions. */
export function requirePermission(call: Call, accepted: readonly string[]): void {
  const held = rolesOf(call);
  if (!accepted.some((permission) => held.includes(permission)))
    throw new GraphProblem(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.');
}

const readUsers = ['User.Read.All', 'User.ReadWrite.All', 'Directory.Read.All', 'Directory.ReadWrite.All'];
const writeUsers = ['User.ReadWrite.All', 'Directory.ReadWrite.All'];

/** By object id or principal name. */
function found(call: Call): EntraUser {
  const [id = ''] = call.parameters;
  const user = call.state.users.get(id) ?? call.state.principal(id);
  if (!user) throw notFound(id);
  return user;
}

export function refuseMastered(object: EntraObject): void {
  if (object.properties['onPremisesSyncEnabled'] === true) throw mastered();
}

const context = (call: Call, entity: string): { '@odata.context': string } => ({
  '@odata.context': `${call.request.url.origin}/v1.0/$metadata#${entity}`,
});

export const userRoutes: Readonly<Record<string, Run>> = {
  'GET /users'(call) {
    requirePermission(call, readUsers);
    const select = selectOf(call, 'user');
    const users = call.state.listUsers().filter(filterOf(call, 'user'));
    return pageAnswer(call, 'users', users, (user) => show(user, select));
  },

  'POST /users'(call) {
    requirePermission(call, writeUsers);
    const body = bodyOf(call);
    requireProperties('user', body, [
      'accountEnabled',
      'displayName',
      'mailNickname',
      'passwordProfile',
      'userPrincipalName',
    ]);
    const properties = checkedProperties(call.state, 'user', body);
    if (call.state.principal(String(properties['userPrincipalName']))) throw objectConflict('userPrincipalName');
    const user = call.state.addUser({ userType: 'Member', ...properties });
    return json(201, { ...context(call, 'users/$entity'), ...show(user, undefined) });
  },

  'GET /users/delta'(call) {
    requirePermission(call, readUsers);
    return call.state.delta.answer(call, 'user');
  },

  'GET /users/{id}'(call) {
    requirePermission(call, readUsers);
    const select = selectOf(call, 'user');
    return json(200, { ...context(call, 'users/$entity'), ...show(found(call), select) });
  },

  'PATCH /users/{id}'(call) {
    requirePermission(call, writeUsers);
    const user = found(call);
    refuseMastered(user);
    const properties = checkedProperties(call.state, 'user', bodyOf(call));
    const name = properties['userPrincipalName'];
    if (typeof name === 'string') {
      const holder = call.state.principal(name);
      if (holder && holder !== user) throw objectConflict('userPrincipalName');
    }
    call.state.change(user, properties);
    return noContent;
  },

  'DELETE /users/{id}'(call) {
    requirePermission(call, writeUsers);
    const user = found(call);
    refuseMastered(user);
    call.state.remove(user);
    return noContent;
  },

  'GET /users/{id}/memberOf'(call) {
    requirePermission(call, readUsers);
    const user = found(call);
    const select = selectOf(call);
    const groups = call.state.listGroups().filter((group) => group.members.has(user.id));
    return pageAnswer(call, 'directoryObjects', groups, (group) => show(group, select, true));
  },
};

function deleted(call: Call): EntraObject {
  const [id = ''] = call.parameters;
  const object = call.state.deleted.get(id);
  if (!object) throw notFound(id);
  return object;
}

const listDeleted =
  (kind: EntraObject['kind']): Run =>
  (call) => {
    requirePermission(call, [...readUsers, 'Group.Read.All', 'Group.ReadWrite.All']);
    const select = selectOf(call, kind);
    const objects = [...call.state.deleted.values()]
      .filter((object) => object.kind === kind)
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .filter(filterOf(call, kind));
    return pageAnswer(call, `${kind}s`, objects, (object) => show(object, select));
  };

export const deletedRoutes: Readonly<Record<string, Run>> = {
  'GET /directory/deletedItems/microsoft.graph.user': listDeleted('user'),
  'GET /directory/deletedItems/microsoft.graph.group': listDeleted('group'),
  'GET /directory/deletedItems/microsoft.graph.application': listDeleted('application'),

  'GET /directory/deletedItems/{id}'(call) {
    requirePermission(call, [...readUsers, 'Group.Read.All', 'Group.ReadWrite.All']);
    return json(200, { ...context(call, 'directoryObjects/$entity'), ...show(deleted(call), selectOf(call), true) });
  },

  'POST /directory/deletedItems/{id}/restore'(call) {
    requirePermission(call, [...writeUsers, 'Group.ReadWrite.All']);
    const object = deleted(call);
    if (object.kind === 'user' && call.state.principal(String(object.properties['userPrincipalName'])))
      throw objectConflict('userPrincipalName');
    call.state.restoreDeleted(object);
    // An application comes back with its service principal.
    const { appId } = object.properties;
    for (const other of call.state.deleted.values())
      if (object.kind === 'application' && other.kind === 'servicePrincipal' && other.properties['appId'] === appId)
        call.state.restoreDeleted(other);
    return json(200, { ...context(call, 'directoryObjects/$entity'), ...show(object, undefined, true) });
  },

  'DELETE /directory/deletedItems/{id}'(call) {
    requirePermission(call, [...writeUsers, 'Group.ReadWrite.All']);
    call.state.deleted.delete(deleted(call).id);
    return noContent;
  },
};
