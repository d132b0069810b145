/**
 * The native bodies of this connector. What follows from other properties (Arn) or tells only a time (CreateDate) is
 * left out: it would differ from every body that a map can compute.
 */
import { ConcordatError } from '../../../core/errors.js';
import { byCodeUnit } from '../../../core/json.js';
import type { JsonObject } from '../../../core/json.js';
import type { NativeObject } from '../../../core/record.js';

export type NativeType = 'user' | 'group';

export const nameProperty = { user: 'UserName', group: 'GroupName' } as const satisfies Readonly<
  Record<NativeType, string>
>;

/** A text property of a body; empty where the body has none. */
export function textIn(body: JsonObject, property: string): string {
  const value = body[property];
  return typeof value === 'string' ? value : '';
}

/** Shared by User (GetUser) and UserDetail (GetAccountAuthorizationDetails). ListUsers shows neither tags nor boundary. */
export interface ShownUser {
  readonly UserId?: string | undefined;
  readonly UserName?: string | undefined;
  readonly Path?: string | undefined;
  readonly Tags?: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[] | undefined;
  readonly PermissionsBoundary?: { readonly PermissionsBoundaryArn?: string | undefined } | undefined;
}

export interface ShownGroup {
  readonly GroupId?: string | undefined;
  readonly GroupName?: string | undefined;
  readonly Path?: string | undefined;
}

/** Members of a group by native id: under the path prefix, and elsewhere in the account. */
export interface Membership {
  readonly members: readonly string[];
  readonly others: readonly string[];
}

/** Throws ConcordatError `unexpectedAnswer` where AWS left out what it always gives. */
export function given(value: string | undefined, property: string): string {
  if (value === undefined || value === '') {
    throw new ConcordatError('unexpectedAnswer', `IAM showed an object without ${property}; check the endpoint`);
  }
  return value;
}

/** Only where the mesh declares how it suspends (suspension.ts). */
export interface Suspension {
  readonly state: 'active' | 'suspended';
  readonly opaque?: string;
}

/** `memoryTag`: what a suspension wrote into the user and is no property of the person. */
export function userObject(shown: ShownUser, suspension?: Suspension & { readonly memoryTag: string }): NativeObject {
  const boundary = shown.PermissionsBoundary?.PermissionsBoundaryArn;
  const tags = (shown.Tags ?? []).filter(({ Key }) => Key === undefined || Key !== suspension?.memoryTag);
  return {
    type: 'user',
    id: given(shown.UserId, 'UserId'),
    body: {
      UserName: given(shown.UserName, 'UserName'),
      Path: given(shown.Path, 'Path'),
      Tags: Object.fromEntries(tags.map((tag) => [given(tag.Key, 'Tags.Key'), tag.Value ?? ''])),
      ...(boundary === undefined ? {} : { PermissionsBoundary: boundary }),
      ...(suspension === undefined ? {} : { State: suspension.state }),
    },
    ...(suspension?.opaque === undefined ? {} : { opaque: suspension.opaque }),
  };
}

/** `membership` undefined: it could not be read, and `members` is left out. */
export function groupObject(shown: ShownGroup, membership: Membership | undefined): NativeObject {
  const body: JsonObject = { GroupName: given(shown.GroupName, 'GroupName'), Path: given(shown.Path, 'Path') };
  const ids = (list: readonly string[]): readonly string[] => [...new Set(list)].sort(byCodeUnit);
  return {
    type: 'group',
    id: given(shown.GroupId, 'GroupId'),
    body: {
      ...body,
      ...(membership === undefined ? {} : { members: ids(membership.members) }),
      ...(membership === undefined || membership.others.length === 0 ? {} : { otherMembers: ids(membership.others) }),
    },
  };
}

export function membershipOf(users: readonly ShownUser[], pathPrefix: string): Membership {
  const members: string[] = [];
  const others: string[] = [];
  for (const user of users) {
    (given(user.Path, 'Path').startsWith(pathPrefix) ? members : others).push(given(user.UserId, 'UserId'));
  }
  return { members, others };
}
