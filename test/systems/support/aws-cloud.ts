/** The AWS account of the story: moto, spoken to with the AWS SDK. */
import {
  AddUserToGroupCommand,
  AttachGroupPolicyCommand,
  CreateAccessKeyCommand,
  CreateGroupCommand,
  CreateLoginProfileCommand,
  CreatePolicyCommand,
  CreateUserCommand,
  DeleteUserCommand,
  GetGroupCommand,
  IAMClient,
  ListAccessKeysCommand,
  ListAttachedGroupPoliciesCommand,
  ListGroupsCommand,
  ListGroupsForUserCommand,
  ListUsersCommand,
  ListUserTagsCommand,
  RemoveUserFromGroupCommand,
  TagUserCommand,
  type Group,
  type User,
} from '@aws-sdk/client-iam';
import type { Mesh } from '../../../core/federation/authority.js';
import { employeeIdIn, isIn, membersIn, type Population } from '../../../sandbox/population.js';
import type { AvailableSystem } from '../../support/systems/system.js';
import type { Cloud, Seen, SeenPerson } from './cloud.js';
import { startingPeople, type ModelPerson } from './model.js';
import { startRecordingProxy } from './recording-proxy.js';

const path = '/workforce/';

/** As the maps of a new federation write what tags refuse: every byte of it as `=XX`. */
function escaped(text: string): string {
  return text.replace(/[^\p{L}\p{N} _.:/+@-]/gu, (character) =>
    [...new TextEncoder().encode(character)]
      .map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
}

function unescaped(text: string): string {
  return decodeURIComponent(text.replaceAll('%', '%25').replace(/=([0-9A-F]{2})/g, '%$1'));
}

/** Two writings of a name: half of the account's users are called by their mail, half `first.last`. */
function userName(number: number, mail: string): string {
  const lower = mail.toLowerCase();
  return number % 2 === 0 ? lower : (lower.split('@')[0] ?? lower);
}

export async function awsCloud(system: AvailableSystem): Promise<Cloud> {
  const proxy = await startRecordingProxy(system.endpoint, ({ body }) => {
    const action = /(?:^|&)Action=([A-Za-z]+)/.exec(body)?.[1];
    return action === undefined || /^(Get|List|Simulate)/.test(action) ? undefined : action;
  });
  const client = new IAMClient({
    region: 'us-east-1',
    endpoint: system.endpoint,
    credentials: { accessKeyId: 'testing', secretAccessKey: 'testing' },
  });

  async function addUser(name: string, at: string, tags: Readonly<Record<string, string>>): Promise<void> {
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value: escaped(Value) }));
    await client.send(new CreateUserCommand({ UserName: name, Path: at, Tags }));
  }
  async function users(prefix: string): Promise<readonly User[]> {
    const { Users = [], IsTruncated } = await client.send(
      new ListUsersCommand({ PathPrefix: prefix, MaxItems: 1_000 }),
    );
    if (IsTruncated) throw new Error('moto answered in pages, which it did not when this was written');
    return Users;
  }
  async function groups(prefix: string): Promise<readonly Group[]> {
    const { Groups = [], IsTruncated } = await client.send(
      new ListGroupsCommand({ PathPrefix: prefix, MaxItems: 1_000 }),
    );
    if (IsTruncated) throw new Error('moto answered in pages, which it did not when this was written');
    // moto does not look at PathPrefix here.
    return Groups.filter(({ Path = '' }) => Path.startsWith(prefix));
  }
  async function membersOf(group: Group): Promise<readonly User[]> {
    return (await client.send(new GetGroupCommand({ GroupName: group.GroupName, MaxItems: 1_000 }))).Users ?? [];
  }
  async function tagsOf(user: User): Promise<Readonly<Record<string, string>>> {
    const { Tags = [] } = await client.send(new ListUserTagsCommand({ UserName: user.UserName, MaxItems: 1_000 }));
    return Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, unescaped(Value)]));
  }
  async function nameOfUser(id: string): Promise<string> {
    const found = (await users(path)).find((user) => user.UserId === id);
    if (found?.UserName === undefined) throw new Error('AWS holds no such user');
    return found.UserName;
  }
  const keyHolders: string[] = [];
  async function giveKey(UserName: string): Promise<void> {
    await client.send(new CreateAccessKeyCommand({ UserName }));
    keyHolders.push(UserName);
  }
  async function read(): Promise<Seen> {
    const held = await users(path);
    const people = await Promise.all(
      held.map(async (user): Promise<SeenPerson> => {
        const { displayName = '', email = '', employeeId, department } = await tagsOf(user);
        return {
          id: user.UserId ?? '',
          displayName,
          mail: email,
          employeeId: employeeId ?? null,
          department: department ?? null,
        };
      }),
    );
    const teams = await Promise.all(
      (await groups(path)).map(async (group) => ({
        id: group.GroupId ?? '',
        handle: group.GroupName ?? '',
        members: (await membersOf(group)).filter((user) => user.Path === path).map((user) => user.UserId ?? ''),
      })),
    );
    return { people, teams };
  }

  return {
    id: 'aws',
    system: `${system.name} ${system.version}`,
    mesh: { ...(system.mesh as Extract<Mesh, { kind: 'aws-iam' }>), endpoint: proxy.endpoint, pathPrefix: path },
    environment: system.environment,
    personFields: ['displayName', 'mail', 'employeeId', 'department'],
    teamsHaveDescription: false,

    async populate(population: Population) {
      for (const person of startingPeople('aws', population)) {
        const employeeId = employeeIdIn('aws', person);
        await addUser(userName(person.number, person.mail.replace('C.Baker', person.givenName)), path, {
          email: person.mail.toLowerCase(),
          displayName: person.displayName,
          ...(employeeId === undefined ? {} : { employeeId }),
          ...(person.department === undefined ? {} : { department: person.department }),
        });
        if (person.number % 24 === 16) await giveKey(userName(person.number, person.mail));
      }
      // Outside the path, never to be touched; the first is a member of a team nevertheless.
      await addUser('ci-deployer', '/service/', { owner: 'platform' });
      await giveKey('ci-deployer');
      await addUser('break-glass', '/', {});
      await client.send(new CreateLoginProfileCommand({ UserName: 'break-glass', Password: 'kept in a Safe 1!' }));
      await client.send(new CreateGroupCommand({ GroupName: 'administrators', Path: '/' }));
      const document = JSON.stringify({
        Version: '2012-10-17',
        Statement: { Effect: 'Allow', Action: '*', Resource: '*' },
      });
      const made = await client.send(
        new CreatePolicyCommand({ PolicyName: 'administration', PolicyDocument: document }),
      );
      await client.send(
        new AttachGroupPolicyCommand({ GroupName: 'administrators', PolicyArn: made.Policy?.Arn ?? '' }),
      );
      await client.send(new AddUserToGroupCommand({ GroupName: 'administrators', UserName: 'break-glass' }));
      for (const [index, team] of population.teams.entries()) {
        if (!isIn('aws', team)) continue;
        await client.send(new CreateGroupCommand({ GroupName: team.handle, Path: path }));
        const names = membersIn('aws', team, population.people).map(({ number, mail }) => userName(number, mail));
        for (const UserName of index === 0 ? [...names, 'ci-deployer'] : names)
          await client.send(new AddUserToGroupCommand({ GroupName: team.handle, UserName }));
      }
    },

    read,

    async readOutside() {
      const all = await users('/');
      const outside = await Promise.all(
        all
          .filter((user) => user.Path !== path)
          .map(async (user) => ({ name: user.UserName ?? '', path: user.Path ?? '', tags: await tagsOf(user) })),
      );
      const keys = await Promise.all(
        keyHolders.map(async (UserName) => {
          const { AccessKeyMetadata = [] } = await client.send(new ListAccessKeysCommand({ UserName }));
          return AccessKeyMetadata.map(({ AccessKeyId = '' }) => `${UserName} ${AccessKeyId}`);
        }),
      );
      const memberships = await Promise.all(
        (await groups('/')).map(async (group) => {
          const others = (await membersOf(group))
            .filter((user) => user.Path !== path)
            .map((user) => user.UserName ?? '');
          const { AttachedPolicies = [] } = await client.send(
            new ListAttachedGroupPoliciesCommand({ GroupName: group.GroupName }),
          );
          const policies = AttachedPolicies.map(({ PolicyName = '' }) => PolicyName);
          return { group: group.GroupName ?? '', members: others.sort(), policies };
        }),
      );
      return {
        users: outside.sort((a, b) => (a.name < b.name ? -1 : 1)),
        keys: keys.flat().sort(),
        groups: memberships
          .filter(({ members, policies }) => members.length + policies.length > 0)
          .sort((a, b) => (a.group < b.group ? -1 : 1)),
      };
    },

    async add({ mail, displayName }: ModelPerson) {
      await addUser(mail, path, { email: mail, displayName });
    },

    async change(nativeId, { displayName, mail }) {
      const Tags = [
        ...(displayName === undefined ? [] : [{ Key: 'displayName', Value: escaped(displayName) }]),
        ...(mail === undefined ? [] : [{ Key: 'email', Value: escaped(mail) }]),
      ];
      await client.send(new TagUserCommand({ UserName: await nameOfUser(nativeId), Tags }));
    },

    async remove(nativeId) {
      const UserName = await nameOfUser(nativeId);
      const { Groups = [] } = await client.send(new ListGroupsForUserCommand({ UserName }));
      for (const { GroupName } of Groups) await client.send(new RemoveUserFromGroupCommand({ GroupName, UserName }));
      await client.send(new DeleteUserCommand({ UserName }));
    },

    async join(nativeId, handle) {
      await client.send(new AddUserToGroupCommand({ GroupName: handle, UserName: await nameOfUser(nativeId) }));
    },

    takeWrites: () => proxy.takeWrites(),

    async stop() {
      client.destroy();
      await proxy.stop();
      await system.stop();
    },
  };
}
