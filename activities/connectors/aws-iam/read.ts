/**
 * Reads all users, then all groups, and after them what `access/` reads. Users and groups come from
 * GetAccountAuthorizationDetails: the one list that carries tags.
 *
 * It shows no members with groups, but groups with users, so membership is derived from the users that were read. All
 * users of the account count, also those outside the path prefix (`otherMembers`). A read that resumes in another
 * process has not seen the earlier users; it reads them once more before the groups.
 * Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
 */
import type { GroupDetail, UserDetail } from '@aws-sdk/client-iam';
import { ConcordatError } from '../../../core/errors.js';
import type { NativeObject } from '../../../core/record.js';
import type { ReadItem, ReadRequest } from '../connector.js';
import { given, groupObject, membershipOf, userObject } from './body.js';
import type { Membership } from './body.js';
import type { AwsIamClient } from './client.js';
import type { createAccessReader } from './access/read-access.js';
import { encodeCursor, parseCursor } from './cursor.js';
import type { Cursor } from './cursor.js';
import type { Finder } from './find.js';
import { accountPages } from './listing.js';
import type { Page } from './listing.js';
import type { Names } from './names.js';
import { memoryTag, suspensionOf } from './suspension.js';

/** Group name → members, gathered from users. */
type Memberships = Map<string, { members: string[]; others: string[] }>;

export function createReader(
  client: AwsIamClient,
  names: Names,
  finder: Finder,
  readAccess: ReturnType<typeof createAccessReader>,
) {
  const { pathPrefix, suspension } = client.config.mesh;
  const inScope = (path: string | undefined): boolean => given(path, 'Path').startsWith(pathPrefix);

  function gather(users: readonly UserDetail[], memberships: Memberships): void {
    for (const user of users) {
      const id = given(user.UserId, 'UserId');
      names.learn('user', id, given(user.UserName, 'UserName'));
      for (const groupName of user.GroupList ?? []) {
        const known = memberships.get(groupName) ?? { members: [], others: [] };
        memberships.set(groupName, known);
        (inScope(user.Path) ? known.members : known.others).push(id);
      }
    }
  }

  async function stateOf(user: UserDetail) {
    const policies = (user.UserPolicyList ?? []).map(({ PolicyName, PolicyDocument }) => ({
      name: given(PolicyName, 'PolicyName'),
      document: given(PolicyDocument, 'PolicyDocument'),
    }));
    return { ...(await suspensionOf(client, user, policies)), memoryTag };
  }

  async function* users(marker: string | undefined, memberships: Memberships, signal?: AbortSignal) {
    for await (const { page, next } of accountPages(client, 'User', marker, signal)) {
      const shown = page.UserDetailList ?? [];
      gather(shown, memberships);
      const objects: NativeObject[] = [];
      for (const user of shown.filter(({ Path }) => inScope(Path)))
        objects.push(userObject(user, suspension === undefined ? undefined : await stateOf(user)));
      const cursor = encodeCursor(next === undefined ? { at: 'usersEnd' } : { at: 'users', marker: next });
      yield { kind: 'objects', scope: 'users', objects, cursor } as const;
    }
  }

  /** The members as GetGroup shows them now, where the users cannot tell. */
  async function membersNow(group: GroupDetail): Promise<Membership | 'forbidden' | 'gone'> {
    try {
      const found = await finder.groupNamed(given(group.GroupName, 'GroupName'));
      return found?.group.GroupId === group.GroupId ? membershipOf(found?.users ?? [], pathPrefix) : 'gone';
    } catch (error) {
      if (isForbidden(error)) return 'forbidden';
      throw error;
    }
  }

  async function* groups(
    marker: string | undefined,
    usersForbidden: boolean,
    memberships: Memberships | undefined,
    signal?: AbortSignal,
  ): AsyncGenerator<ReadItem> {
    const listed: Page[] = []; // some hundred groups at most
    for await (const page of accountPages(client, 'Group', marker, signal)) listed.push(page);
    const shownNames = new Set(
      listed.flatMap(({ page }) => (page.GroupDetailList ?? []).map((group) => group.GroupName)),
    );
    // Users are in a group that is not listed: it was renamed or deleted since they were read. A group that seems empty
    // may be the renamed one.
    const torn = [...(memberships?.keys() ?? [])].some((name) => !shownNames.has(name));
    for (const { page, from, next } of listed) {
      const objects: NativeObject[] = [];
      for (const group of page.GroupDetailList ?? []) {
        const id = given(group.GroupId, 'GroupId');
        names.learn('group', id, given(group.GroupName, 'GroupName'));
        if (!inScope(group.Path)) continue;
        const derived = memberships?.get(given(group.GroupName, 'GroupName'));
        const known =
          derived ?? (memberships === undefined || torn ? await membersNow(group) : { members: [], others: [] });
        if (known === 'gone') continue;
        if (known === 'forbidden') {
          // said before the page that holds the group, with a cursor that repeats it: it cannot get lost in a crash
          const cursor = encodeCursor({
            at: 'groups',
            usersForbidden,
            ...(from === undefined ? {} : { marker: from }),
          });
          yield { ...forbiddenEnd(`groups/${id}/members`, 'group'), cursor };
        }
        objects.push(groupObject(group, known === 'forbidden' ? undefined : known));
      }
      const cursor = encodeCursor(
        next === undefined ? { at: 'groupsEnd' } : { at: 'groups', marker: next, usersForbidden },
      );
      yield { kind: 'objects', scope: 'groups', objects, cursor };
    }
  }

  async function* usersAndGroups(
    from: Cursor,
    wanted: { readonly users: boolean; readonly groups: boolean },
    signal?: AbortSignal,
  ): AsyncGenerator<ReadItem> {
    let at = from;
    if (at.at === 'users' && !wanted.users) at = { at: 'groups', usersForbidden: false };
    let memberships: Memberships | undefined;
    if (at.at === 'users') {
      const gathered: Memberships = new Map();
      const fromTheFirst = at.marker === undefined;
      try {
        yield* users(at.marker, gathered, signal);
        if (fromTheFirst) memberships = gathered;
        at = { at: 'usersEnd' };
      } catch (error) {
        if (!isForbidden(error)) throw error;
        at = { at: 'groups', usersForbidden: true };
        yield { ...forbiddenEnd('users', 'user'), cursor: encodeCursor(at) };
      }
    }
    if (at.at === 'usersEnd') {
      at = { at: 'groups', usersForbidden: false };
      yield { kind: 'scopeEnd', scope: 'users', nativeType: 'user', complete: true, cursor: encodeCursor(at) };
    }
    const end = encodeCursor({ at: 'end' });
    if (!wanted.groups) return;
    if (at.at === 'groups') {
      try {
        if (memberships === undefined && !at.usersForbidden) {
          memberships = new Map();
          for await (const { page } of accountPages(client, 'User', undefined, signal)) {
            gather(page.UserDetailList ?? [], memberships);
          }
        }
        yield* groups(at.marker, at.usersForbidden, memberships, signal);
        at = { at: 'groupsEnd' };
      } catch (error) {
        if (!isForbidden(error)) throw error;
        yield { ...forbiddenEnd('groups', 'group'), cursor: end };
      }
    }
    if (at.at === 'groupsEnd') {
      yield { kind: 'scopeEnd', scope: 'groups', nativeType: 'group', complete: true, cursor: end };
    }
  }

  return async function* readAll(request: ReadRequest): AsyncGenerator<ReadItem> {
    const { cursor, signal, nativeTypes = ['user', 'group'] } = request;
    const at = parseCursor(cursor);
    const wanted = { users: nativeTypes.includes('user'), groups: nativeTypes.includes('group') };
    const isAccess = at.at === 'access' || at.at === 'accessEnd';
    if (!isAccess && (wanted.users || wanted.groups)) yield* usersAndGroups(at, wanted, signal);
    yield* readAccess(nativeTypes, isAccess ? at : undefined, signal);
  };
}

function isForbidden(error: unknown): boolean {
  return error instanceof ConcordatError && error.code === 'forbidden';
}

function forbiddenEnd(scope: string, nativeType: string) {
  return { kind: 'scopeEnd', scope, nativeType, complete: false, reason: 'forbidden' } as const;
}
