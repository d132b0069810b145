/** The IAM calls on groups and memberships. */
import { alreadyExists, deleteConflict, noSuchEntity, type Input } from './input.js';
import type { AwsState, IamGroup, IamUser } from './state.js';
import { namedUser, userXml, type Action } from './users.js';
import type { Xml } from './xml.js';

export function groupXml(state: AwsState, group: IamGroup): { readonly [name: string]: Xml } {
  return {
    Path: group.path,
    GroupName: group.name,
    GroupId: group.id,
    Arn: `arn:aws:iam::${state.account}:group${group.path}${group.name}`,
    CreateDate: group.created,
  };
}

export function namedGroup(input: Input, state: AwsState): IamGroup {
  const name = input.required('GroupName');
  const group = state.groups.named(name);
  if (!group) throw noSuchEntity('group', name);
  return group;
}

export const groupActions: Readonly<Record<string, Action>> = {
  CreateGroup(input, state) {
    const name = input.name('GroupName', 128);
    const path = input.path('Path') ?? '/';
    if (state.groups.named(name)) throw alreadyExists('Group', name);
    return { Group: groupXml(state, state.addGroup({ name, path })) };
  },

  GetGroup(input, state) {
    const group = namedGroup(input, state);
    const members = [...group.members]
      .map((id) => state.users.get(id))
      .filter((user): user is IamUser => user !== undefined)
      .sort((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1));
    const page = input.page(members, (user) => user.name.toLowerCase());
    return {
      Group: groupXml(state, group),
      Users: page.items.map((user) => userXml(state, user)),
      ...page.result,
    };
  },

  UpdateGroup(input, state) {
    const group = namedGroup(input, state);
    const newName = input.optional('NewGroupName') === undefined ? undefined : input.name('NewGroupName', 128);
    const newPath = input.path('NewPath');
    if (newName !== undefined) {
      const holder = state.groups.named(newName);
      if (holder && holder !== group) throw alreadyExists('Group', newName);
      state.groups.rename(group, newName);
    }
    if (newPath !== undefined) group.path = newPath;
    return undefined;
  },

  DeleteGroup(input, state) {
    const group = namedGroup(input, state);
    if (group.members.size > 0) throw deleteConflict('remove users from group');
    if (group.attachedPolicies.length > 0) throw deleteConflict('detach all policies');
    if (Object.keys(group.policies).length > 0) throw deleteConflict('delete policies');
    state.groups.remove(group);
    return undefined;
  },

  ListGroups(input, state) {
    const prefix = input.optional('PathPrefix') ?? '/';
    const groups = state.groups.all().filter((group) => group.path.startsWith(prefix));
    const page = input.page(groups, (group) => group.name.toLowerCase());
    return { Groups: page.items.map((group) => groupXml(state, group)), ...page.result };
  },

  AddUserToGroup(input, state) {
    const group = namedGroup(input, state);
    input.required('UserName');
    state.join(namedUser(input, state), group);
    return undefined;
  },

  RemoveUserFromGroup(input, state) {
    const group = namedGroup(input, state);
    input.required('UserName');
    const user = namedUser(input, state);
    if (!group.members.has(user.id)) throw noSuchEntity('user', user.name);
    state.leave(user, group);
    return undefined;
  },
};
