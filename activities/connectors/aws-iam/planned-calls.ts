/**
 * The calls that a write makes, in order, in IAM's own action words. Pure; `send-call.ts` carries out exactly these, so
 * what an approver saw is what is sent. Members are named by id and become user names only when the call is sent.
 */
import { byCodeUnit, isJsonObject } from '../../../core/json.js';
import type { Json, JsonObject } from '../../../core/json.js';
import type { NativeCall, NativeWrite } from '../connector.js';
import type { NativeType, Suspension } from './body.js';
import { removalActions } from './capabilities.js';
import type { RemovableKind } from './capabilities.js';
import { endOfDenial, plannedSuspension, suspensionOfNew } from './suspension.js';

export function plannedCalls(write: NativeWrite<NativeType>, pathPrefix: string): readonly NativeCall[] {
  switch (write.kind) {
    case 'create':
      return write.type === 'user' ? createUser(write.after, pathPrefix) : createGroup(write.after, pathPrefix);
    case 'update':
      return write.type === 'user' ? updateUser(write.before, write.after) : updateGroup(write.before, write.after);
    case 'delete':
      return deletion(write.type, write.before, write.deletionMayRemove);
  }
}

/** One call, so a user never exists without its tags. */
function createUser(after: JsonObject, pathPrefix: string): readonly NativeCall[] {
  const name = text(after['UserName']);
  const tags = tagsOf(after);
  const boundary = after['PermissionsBoundary'];
  return [
    {
      call: 'iam:CreateUser',
      target: name,
      arguments: {
        UserName: name,
        Path: text(after['Path'] ?? pathPrefix),
        ...(Object.keys(tags).length === 0 ? {} : { Tags: tags }),
        ...(typeof boundary === 'string' ? { PermissionsBoundary: boundary } : {}),
      },
    },
    ...(after['State'] === 'suspended' ? suspensionOfNew(name) : []),
  ];
}

function createGroup(after: JsonObject, pathPrefix: string): readonly NativeCall[] {
  const name = text(after['GroupName']);
  const path = text(after['Path'] ?? pathPrefix);
  return [
    { call: 'iam:CreateGroup', target: name, arguments: { GroupName: name, Path: path } },
    ...memberIds(after).map((id) => membershipCall('iam:AddUserToGroup', name, id)),
  ];
}

/** The rename goes first: a name that is taken is found out before anything has changed. */
function updateUser(before: JsonObject, after: JsonObject): readonly NativeCall[] {
  const name = text(after['UserName']);
  const tagsBefore = tagsOf(before);
  const tagsAfter = tagsOf(after);
  const removed = Object.keys(tagsBefore).filter((key) => !Object.hasOwn(tagsAfter, key));
  const written = Object.entries(tagsAfter).filter(
    ([key, value]) => !Object.hasOwn(tagsBefore, key) || tagsBefore[key] !== value,
  );
  const to = stateChange(before, after);
  const calls = [
    // Access ends before anything else changes, and begins after everything else has.
    ...(to === 'suspended' ? plannedSuspension(text(before['UserName']), to) : []),
    ...moveCall('iam:UpdateUser', 'UserName', before, after),
  ];
  // Removals go first too: IAM compares keys regardless of case, and it counts to 50.
  if (removed.length > 0) {
    const keys = removed.sort(byCodeUnit);
    calls.push({ call: 'iam:UntagUser', target: name, arguments: { UserName: name, TagKeys: keys } });
  }
  if (written.length > 0) {
    const tags = Object.fromEntries(written);
    calls.push({ call: 'iam:TagUser', target: name, arguments: { UserName: name, Tags: tags } });
  }
  return to === 'active' ? [...calls, ...plannedSuspension(name, to)] : calls;
}

/** The state that an update of a user leads to; undefined where it leaves it as it is. */
export function stateChange(before: JsonObject, after: JsonObject): Suspension['state'] | undefined {
  const state = after['State'];
  return (state === 'active' || state === 'suspended') && state !== before['State'] ? state : undefined;
}

/** Members leave before others join: access is never wider than in one of the two states. */
function updateGroup(before: JsonObject, after: JsonObject): readonly NativeCall[] {
  const name = text(after['GroupName']);
  const idsBefore = new Set(memberIds(before));
  const idsAfter = new Set(memberIds(after));
  return [
    ...moveCall('iam:UpdateGroup', 'GroupName', before, after),
    ...[...idsBefore]
      .filter((id) => !idsAfter.has(id))
      .map((id) => membershipCall('iam:RemoveUserFromGroup', name, id)),
    ...[...idsAfter].filter((id) => !idsBefore.has(id)).map((id) => membershipCall('iam:AddUserToGroup', name, id)),
  ];
}

function deletion(type: 'user' | 'group', before: JsonObject, allowed: readonly string[]): readonly NativeCall[] {
  const property = type === 'user' ? 'UserName' : 'GroupName';
  const name = text(before[property]);
  const removals = (Object.keys(removalActions) as RemovableKind[])
    .filter((kind) => allowed.includes(kind))
    .flatMap((kind) => removalActions[kind])
    .filter((action) =>
      type === 'user' ? !action.includes('Group') || action.endsWith('FromGroup') : action.includes('Group'),
    );
  return [
    ...removals.map((action) => ({ call: `${action} (as attached)`, target: name, arguments: { [property]: name } })),
    ...(before['State'] === 'suspended' ? endOfDenial(name) : []),
    { call: type === 'user' ? 'iam:DeleteUser' : 'iam:DeleteGroup', target: name, arguments: { [property]: name } },
  ];
}

function moveCall(
  call: 'iam:UpdateUser' | 'iam:UpdateGroup',
  property: 'UserName' | 'GroupName',
  before: JsonObject,
  after: JsonObject,
): NativeCall[] {
  const name = text(before[property]);
  const renamed = before[property] !== after[property];
  const moved = before['Path'] !== after['Path'];
  if (!renamed && !moved) return [];
  return [
    {
      call,
      target: name,
      arguments: {
        [property]: name,
        ...(renamed ? { [`New${property}`]: text(after[property]) } : {}),
        ...(moved ? { NewPath: text(after['Path']) } : {}),
      },
    },
  ];
}

function membershipCall(call: string, groupName: string, userId: string): NativeCall {
  return { call, target: groupName, arguments: { GroupName: groupName, UserId: userId } };
}

export function memberIds(body: JsonObject): readonly string[] {
  const members = body['members'];
  const ids = Array.isArray(members) ? members.filter((id): id is string => typeof id === 'string') : [];
  return [...new Set(ids)].sort(byCodeUnit);
}

/** The tags that are held: null stands for a tag that is not there. */
export function tagsOf(body: JsonObject): Readonly<Record<string, Json>> {
  const tags = body['Tags'];
  return isJsonObject(tags) ? Object.fromEntries(Object.entries(tags).filter(([, value]) => value !== null)) : {};
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
