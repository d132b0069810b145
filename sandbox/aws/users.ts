/** The IAM calls on users and their tags. */
import { alreadyExists, deleteConflict, IamProblem, noSuchEntity, type Input } from './input.js';
import { ownedKinds, type AwsState, type IamUser, type OwnedKind } from './state.js';
import type { Xml } from './xml.js';

export type Action = (input: Input, state: AwsState) => Xml;

export function userArn(state: AwsState, user: IamUser): string {
  return `arn:aws:iam::${state.account}:user${user.path}${user.name}`;
}

export function userXml(state: AwsState, user: IamUser): { readonly [name: string]: Xml } {
  return {
    Path: user.path,
    UserName: user.name,
    UserId: user.id,
    Arn: userArn(state, user),
    CreateDate: user.created,
  };
}

export const tagsXml = (user: IamUser): Xml => user.tags.map(({ key, value }) => ({ Key: key, Value: value }));

export const boundaryXml = (arn: string | undefined): Xml =>
  arn === undefined ? undefined : { PermissionsBoundaryType: 'Policy', PermissionsBoundaryArn: arn };

/** The user that the call names; the caller where it names none. */
export function namedUser(input: Input, state: AwsState): IamUser {
  const name = input.optional('UserName') ?? state.caller;
  const user = state.users.named(name);
  if (!user) throw noSuchEntity('user', name);
  return user;
}

const blockers: Readonly<Record<OwnedKind, string>> = {
  accessKeys: 'delete access keys',
  mfaDevices: 'delete MFA device',
  sshKeys: 'delete SSH public keys',
  signingCertificates: 'delete signing certificates',
  serviceCredentials: 'delete service specific credentials',
  attachedPolicies: 'detach all policies',
};

function refuseTooManyTags(count: number): void {
  if (count > 50) throw new IamProblem('LimitExceeded', 409, 'Cannot exceed quota for TagsPerUser: 50');
}

/** One user: with what the list leaves out. */
function shownXml(state: AwsState, user: IamUser): Xml {
  return {
    ...userXml(state, user),
    PermissionsBoundary: boundaryXml(user.boundary),
    Tags: user.tags.length > 0 ? tagsXml(user) : undefined,
  };
}

export const userActions: Readonly<Record<string, Action>> = {
  CreateUser(input, state) {
    const name = input.name('UserName', 64);
    const path = input.path('Path') ?? '/';
    const tags = input.tags();
    refuseTooManyTags(tags.length);
    if (state.users.named(name)) throw alreadyExists('User', name);
    const boundary = input.optional('PermissionsBoundary');
    const user = state.addUser({ name, path, tags, ...(boundary ? { boundary } : {}) });
    return { User: shownXml(state, user) };
  },

  GetUser(input, state) {
    const user = namedUser(input, state);
    return { User: shownXml(state, user) };
  },

  UpdateUser(input, state) {
    input.required('UserName');
    const user = namedUser(input, state);
    const newName = input.optional('NewUserName') === undefined ? undefined : input.name('NewUserName', 64);
    const newPath = input.path('NewPath');
    if (newName !== undefined) {
      const holder = state.users.named(newName);
      if (holder && holder !== user) throw alreadyExists('User', newName);
      state.users.rename(user, newName);
    }
    if (newPath !== undefined) user.path = newPath;
    return undefined;
  },

  DeleteUser(input, state) {
    input.required('UserName');
    const user = namedUser(input, state);
    if (user.groups.size > 0) throw deleteConflict('remove user from group');
    if (user.loginProfile) throw deleteConflict('delete login profile');
    if (Object.keys(user.policies).length > 0) throw deleteConflict('delete policies');
    for (const kind of ownedKinds) if (user.owned[kind].length > 0) throw deleteConflict(blockers[kind]);
    state.removeUser(user);
    return undefined;
  },

  ListUsers(input, state) {
    const prefix = input.optional('PathPrefix') ?? '/';
    const users = state.users.all().filter((user) => user.path.startsWith(prefix));
    const page = input.page(users, (user) => user.name.toLowerCase());
    // HAZARD: as in AWS, the list shows no tags.
    return { Users: page.items.map((user) => userXml(state, user)), ...page.result };
  },

  TagUser(input, state) {
    input.required('UserName');
    const user = namedUser(input, state);
    const tags = input.tags();
    const keys = new Set([...user.tags, ...tags].map(({ key }) => key.toLowerCase()));
    refuseTooManyTags(keys.size);
    for (const { key, value } of tags) state.setTag(user, key, value);
    return undefined;
  },

  UntagUser(input, state) {
    input.required('UserName');
    const user = namedUser(input, state);
    const keys = new Set(input.list('TagKeys').map((key) => key.toLowerCase()));
    user.tags = user.tags.filter(({ key }) => !keys.has(key.toLowerCase()));
    return undefined;
  },

  ListUserTags(input, state) {
    input.required('UserName');
    const user = namedUser(input, state);
    const tags = [...user.tags].sort((a, b) => (a.key < b.key ? -1 : 1));
    const page = input.page(tags, ({ key }) => key);
    return { Tags: page.items.map(({ key, value }) => ({ Key: key, Value: value })), ...page.result };
  },

  ListGroupsForUser(input, state) {
    input.required('UserName');
    const user = namedUser(input, state);
    const groups = state.groups.all().filter((group) => user.groups.has(group.id));
    const page = input.page(groups, (group) => group.name.toLowerCase());
    return {
      Groups: page.items.map((group) => ({
        Path: group.path,
        GroupName: group.name,
        GroupId: group.id,
        Arn: `arn:aws:iam::${state.account}:group${group.path}${group.name}`,
        CreateDate: group.created,
      })),
      ...page.result,
    };
  },
};
