/** One object by its unchanging id or by its name. IAM looks up by name only, so the id of what it shows is verified. */
import { GetGroupCommand, GetUserCommand, ListGroupsCommand, ListUsersCommand } from '@aws-sdk/client-iam';
import { ConcordatError } from '../../../core/errors.js';
import type { JsonObject } from '../../../core/json.js';
import type { NativeObject } from '../../../core/record.js';
import { given, groupObject, membershipOf, nameProperty, textIn, userObject } from './body.js';
import type { NativeType, ShownGroup, ShownUser } from './body.js';
import { backOffMs, pause } from './client.js';
import type { AwsIamClient } from './client.js';
import type { Names } from './names.js';
import { nextMarker } from './paging.js';
import { denyPolicyNow, memoryTag, suspensionOf } from './suspension.js';

export interface ShownGroupWithUsers {
  readonly group: ShownGroup;
  readonly users: readonly ShownUser[];
}

export interface Finder {
  userNamed(name: string): Promise<NativeObject | null>;
  groupNamed(name: string): Promise<ShownGroupWithUsers | null>;
  readOne(type: NativeType, id: string): Promise<NativeObject | null>;
  findTwin(type: NativeType, after: JsonObject): Promise<NativeObject | null>;
}

/** How often a name that a fresh listing gave may turn out to belong to another object before the read is given up. */
const verificationsMax = 3;

export function createFinder(client: AwsIamClient, names: Names): Finder {
  const { mesh, limits } = client.config;

  async function suspensionNow(shown: ShownUser, name: string) {
    if (mesh.suspension === undefined) return undefined;
    return { ...(await suspensionOf(client, shown, await denyPolicyNow(client, name))), memoryTag };
  }

  async function userNamed(name: string): Promise<NativeObject | null> {
    const answer = await client.readOrNull('iam:GetUser', (iam) => iam.send(new GetUserCommand({ UserName: name })));
    if (answer === null) return null;
    const shown = answer.User ?? {};
    const user = userObject(shown, await suspensionNow(shown, name));
    names.learn('user', user.id, textIn(user.body, 'UserName'));
    return user;
  }

  async function groupNamed(name: string): Promise<ShownGroupWithUsers | null> {
    const users: ShownUser[] = [];
    let group: ShownGroup | undefined;
    let marker: string | undefined;
    do {
      const input = {
        GroupName: name,
        MaxItems: limits.pageSize,
        ...(marker === undefined ? {} : { Marker: marker }),
      };
      const page = await client.readOrNull('iam:GetGroup', (iam) => iam.send(new GetGroupCommand(input)));
      if (page === null) return null;
      const shown: ShownGroup = page.Group ?? {};
      if (group !== undefined && shown.GroupId !== group.GroupId) {
        throw new ConcordatError('providerFault', 'a group was replaced by another while it was read; read it again');
      }
      group = shown;
      users.push(...(page.Users ?? []));
      marker = nextMarker('iam:GetGroup', page, marker);
    } while (marker !== undefined);
    names.learn('group', given(group.GroupId, 'GroupId'), given(group.GroupName, 'GroupName'));
    for (const user of users) names.learn('user', given(user.UserId, 'UserId'), given(user.UserName, 'UserName'));
    return { group, users };
  }

  async function named(type: NativeType, name: string): Promise<NativeObject | null> {
    if (type === 'user') return userNamed(name);
    const found = await groupNamed(name);
    return found === null ? null : groupObject(found.group, membershipOf(found.users, mesh.pathPrefix));
  }

  /** Returns the ids that IAM shows. */
  async function listNames(type: NativeType): Promise<ReadonlySet<string>> {
    const entries: { id: string; name: string }[] = [];
    let marker: string | undefined;
    do {
      const input = { MaxItems: limits.pageSize, ...(marker === undefined ? {} : { Marker: marker }) };
      if (type === 'user') {
        const page = await client.read('iam:ListUsers', (iam) => iam.send(new ListUsersCommand(input)));
        for (const user of page.Users ?? []) {
          entries.push({ id: given(user.UserId, 'UserId'), name: given(user.UserName, 'UserName') });
        }
        marker = nextMarker('iam:ListUsers', page, marker);
      } else {
        const page = await client.read('iam:ListGroups', (iam) => iam.send(new ListGroupsCommand(input)));
        for (const group of page.Groups ?? []) {
          entries.push({ id: given(group.GroupId, 'GroupId'), name: given(group.GroupName, 'GroupName') });
        }
        marker = nextMarker('iam:ListGroups', page, marker);
      }
    } while (marker !== undefined);
    names.replace(type, entries);
    return new Set(entries.map(({ id }) => id));
  }

  return {
    userNamed,
    groupNamed,
    async readOne(type, id) {
      for (let attempt = 1; ; attempt += 1) {
        const name = names.nameOf(type, id);
        if (name !== undefined) {
          const object = await named(type, name);
          if (object?.id === id) return object;
          // deleted by this connector: no listing is needed to know that it was not renamed
          if (names.isDeleted(id)) return null;
          if (object === null && names.isSettling(id)) {
            await pause(backOffMs(attempt, limits));
            continue;
          }
        }
        const shown = await listNames(type);
        if (!shown.has(id)) return null;
        if (attempt >= verificationsMax) {
          // a listing that shows the id is no proof of absence, whatever GetUser says
          throw new ConcordatError('providerFault', `IAM lists a ${type} that it does not show; read it again`);
        }
        if (attempt > 1) await pause(backOffMs(attempt, limits));
      }
    },
    async findTwin(type, after) {
      const name = textIn(after, nameProperty[type]);
      if (name === '') return null;
      const exact = await named(type, name);
      if (exact !== null) return exact;
      // A stale listing may miss a twin that differs in case; IAM then refuses the creation with EntityAlreadyExists.
      if (names.listingAgeMs(type) > limits.listingAgeMaxMs) await listNames(type);
      const spelling = names.spellingOf(type, name);
      if (spelling === undefined || spelling === name) return null;
      const twin = await named(type, spelling);
      return twin !== null && names.nameOf(type, twin.id)?.toLowerCase() === name.toLowerCase() ? twin : null;
    },
  };
}
