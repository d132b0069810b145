/** A native write as the calls of Graph that it takes, in order. Pure: the same steps are shown for review and then made. */
import { digestOf } from '../../../core/digest.js';
import { byCodeUnit, type Json, type JsonObject } from '../../../core/json.js';
import type { NativeCall, NativeWrite, WriteAnswer } from '../connector.js';
import { creatable, groupProperties, updatable, userProperties } from './capabilities.js';
import type { EntraConfig } from './config.js';
import type { Method } from './client.js';
import { isDynamic, isMasteredByExchange } from './mastered-elsewhere.js';
import { pathOf, type NativeType } from './objects.js';
import { literal, underPrefix } from './odata.js';

/** In place of the id of an object that the write itself makes. */
export const newObject = '(new)';

export interface Step {
  readonly method: Exclude<Method, 'GET'>;
  /** With `newObject` where the id is not known before. */
  readonly path: (id: string) => string;
  readonly body?: (graph: string) => JsonObject;
  readonly headers?: Readonly<Record<string, string>>;
  readonly kind: 'create' | 'upsert' | 'update' | 'delete' | 'addMember' | 'removeMember';
  readonly shown: NativeCall;
}

type Refused = Extract<WriteAnswer, { kind: 'refused' | 'conflict' }>;

const bodyProperties: Readonly<Record<NativeType, readonly string[]>> = {
  user: userProperties,
  group: [...groupProperties, 'members', 'otherMembers'],
};

function same(left: Json | undefined, right: Json | undefined): boolean {
  return left !== undefined && right !== undefined ? digestOf([left]) === digestOf([right]) : left === right;
}

function texts(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((entry): entry is string => typeof entry === 'string') : [];
}

/** Names of the properties that `after` gives another value. What `after` leaves out stays as it is. */
function changedProperties(before: JsonObject, after: JsonObject): readonly string[] {
  return Object.keys(after)
    .filter((property) => !same(before[property], after[property]))
    .sort(byCodeUnit);
}

const refused = (code: Refused['code'], detail: string): Refused => ({ kind: 'refused', code, detail });

function createObstacle(type: NativeType, after: JsonObject): Refused | undefined {
  const allowed: readonly string[] = [...creatable[type], ...(type === 'group' ? ['members'] : [])];
  const bearing = Object.keys(after).filter((property) => {
    const value = after[property];
    return value !== null && value !== false && !(Array.isArray(value) && value.length === 0);
  });
  const impossible = bearing.find((property) => !allowed.includes(property));
  if (impossible !== undefined) return refused('valueNotRepresentable', `Entra gives a new ${type} no ${impossible}`);
  const needed =
    type === 'user' ? ['userPrincipalName', 'displayName', 'mailNickname'] : ['displayName', 'mailNickname'];
  const missing = needed.find((property) => typeof after[property] !== 'string' || after[property] === '');
  if (missing !== undefined)
    return refused('valueNotRepresentable', `a new ${type} needs ${missing}: give it in \`create\` of the map`);
  return isMasteredByExchange(after) ? refused('readOnlyObject', 'Graph makes no distribution lists') : undefined;
}

function updateObstacle(type: NativeType, before: JsonObject, after: JsonObject): Refused | undefined {
  const changed = changedProperties(before, after);
  const membersChange = changed.includes('members');
  const writable: readonly string[] = [...updatable[type], ...(type === 'group' ? ['members'] : [])];
  const fixed = changed.find((property) => !writable.includes(property));
  if (fixed !== undefined)
    return refused(
      'valueNotRepresentable',
      bodyProperties[type].includes(fixed) ? `${fixed} of a ${type} cannot be changed` : `Entra has no ${fixed}`,
    );
  if (membersChange && before['members'] === undefined)
    return { kind: 'conflict', code: 'expectationFailed', detail: 'the members of the group were not read' };
  return undefined;
}

/** What can be said against a write before anything is sent; undefined where nothing can. */
export function obstacleTo(
  write: NativeWrite<NativeType>,
  config: Pick<EntraConfig, 'groupPrefix'>,
): Refused | undefined {
  const { type } = write;
  if (write.kind !== 'create') {
    if (write.before['onPremisesSyncEnabled'] === true)
      return refused('readOnlyObject', `the ${type} is synced from on-premises`);
    if (type === 'group' && isMasteredByExchange(write.before))
      return refused('readOnlyObject', 'Exchange masters this group');
    if (type === 'group' && isDynamic(write.before))
      return refused('readOnlyObject', 'a rule decides who is a member of this group');
  }
  if (write.kind === 'delete') {
    const members = [...texts(write.before['members'])];
    const others = write.before['otherMembers'];
    const attached = members.length + (Array.isArray(others) ? others.length : 0);
    if (type === 'group' && attached > 0 && !write.deletionMayRemove.includes('memberships'))
      return refused('deletionBlocked', 'the group has members, and the map does not allow them to be removed');
    return undefined;
  }
  const name = write.after['displayName'];
  if (type === 'group' && name !== undefined && !underPrefix(name, config.groupPrefix))
    return refused('valueNotRepresentable', 'the displayName does not start with groupPrefix of the authority file');
  return write.kind === 'create' ? createObstacle(type, write.after) : updateObstacle(type, write.before, write.after);
}

function scalarsOf(body: JsonObject, properties: readonly string[]): Record<string, Json> {
  const scalars: Record<string, Json> = {};
  for (const property of properties) {
    const value = body[property];
    // A property without a value is left out of a create: Graph refuses null there.
    if (value !== undefined && value !== null) scalars[property] = value;
  }
  return scalars;
}

function addMember(group: string, member: string): Step {
  return {
    kind: 'addMember',
    method: 'POST',
    path: (id) => `${pathOf('group', id)}/members/$ref`,
    body: (graph) => ({ '@odata.id': `${graph}/directoryObjects/${encodeURIComponent(member)}` }),
    shown: { call: 'POST /groups/{id}/members/$ref', target: group, arguments: { member } },
  };
}

function removeMember(group: string, member: string): Step {
  return {
    kind: 'removeMember',
    method: 'DELETE',
    // HAZARD: without /$ref at the end Graph deletes the user, not the membership.
    path: (id) => `${pathOf('group', id)}/members/${encodeURIComponent(member)}/$ref`,
    shown: { call: 'DELETE /groups/{id}/members/{id}/$ref', target: group, arguments: { member } },
  };
}

function createUser(after: JsonObject): readonly Step[] {
  const body: JsonObject = { accountEnabled: false, ...scalarsOf(after, creatable.user) };
  return [
    {
      kind: 'create',
      method: 'POST',
      path: () => '/users',
      // The password joins where the call is made (write.ts), so that no value that is shown or kept ever holds it.
      body: () => body,
      shown: {
        call: 'POST /users',
        target: newObject,
        arguments: {
          ...body,
          passwordProfile: 'a random password that nobody is told, to be changed at the first sign-in',
        },
      },
    },
  ];
}

function createGroup(after: JsonObject): readonly Step[] {
  const { uniqueName, ...rest } = scalarsOf(after, creatable.group);
  const body: JsonObject = { mailEnabled: false, securityEnabled: true, groupTypes: [], ...rest };
  const members = [...new Set(texts(after['members']))].sort(byCodeUnit);
  const create: Step =
    typeof uniqueName === 'string'
      ? {
          kind: 'upsert',
          method: 'PATCH',
          path: () => `/groups(uniqueName=${literal(uniqueName)})`,
          headers: { Prefer: 'create-if-missing' },
          body: () => body,
          shown: {
            call: "PATCH /groups(uniqueName='{uniqueName}')",
            target: uniqueName,
            arguments: { Prefer: 'create-if-missing', ...body },
          },
        }
      : {
          kind: 'create',
          method: 'POST',
          path: () => '/groups',
          body: () => body,
          shown: { call: 'POST /groups', target: newObject, arguments: body },
        };
  return [create, ...members.map((member) => addMember(newObject, member))];
}

function update(type: NativeType, id: string, before: JsonObject, after: JsonObject): readonly Step[] {
  const changed = changedProperties(before, after);
  const scalars = changed.filter((property) => property !== 'members');
  const steps: Step[] = [];
  if (scalars.length > 0) {
    const body = Object.fromEntries(scalars.map((property) => [property, after[property] ?? null]));
    steps.push({
      kind: 'update',
      method: 'PATCH',
      path: () => pathOf(type, id),
      body: () => body,
      shown: { call: `PATCH /${type}s/{id}`, target: id, arguments: body },
    });
  }
  if (changed.includes('members')) {
    const had = new Set(texts(before['members']));
    const has = new Set(texts(after['members']));
    // Rights are taken before others are given.
    for (const member of [...had].sort(byCodeUnit)) if (!has.has(member)) steps.push(removeMember(id, member));
    for (const member of [...has].sort(byCodeUnit)) if (!had.has(member)) steps.push(addMember(id, member));
  }
  return steps;
}

function deletion(type: NativeType, id: string, before: JsonObject): Step {
  const restorable =
    type === 'user' || texts(before['groupTypes']).includes('Unified')
      ? 'from /directory/deletedItems for 30 days'
      : 'where the tenant keeps deleted security groups, from /directory/deletedItems for 30 days';
  return {
    kind: 'delete',
    method: 'DELETE',
    path: () => pathOf(type, id),
    shown: { call: `DELETE /${type}s/{id}`, target: id, arguments: { restorable } },
  };
}

export function stepsOf(write: NativeWrite<NativeType>): readonly Step[] {
  switch (write.kind) {
    case 'create':
      return write.type === 'user' ? createUser(write.after) : createGroup(write.after);
    case 'update':
      return update(write.type, write.id, write.before, write.after);
    case 'delete':
      return [deletion(write.type, write.id, write.before)];
  }
}
