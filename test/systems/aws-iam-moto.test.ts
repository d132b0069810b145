/** The aws-iam connector against moto, an implementation of IAM that is not ours. */
import {
  DeleteUserCommand,
  IAMClient,
  ListGroupsCommand,
  ListUsersCommand,
  SimulatePrincipalPolicyCommand,
} from '@aws-sdk/client-iam';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAwsIamConnector } from '../../activities/connectors/aws-iam/connector.js';
import type { AwsIamMesh } from '../../activities/connectors/aws-iam/config.js';
import type { Connector, ReadItem, WriteAnswer } from '../../activities/connectors/connector.js';
import type { JsonObject } from '../../core/json.js';
import type { NativeObject } from '../../core/record.js';
import { deviations, startMoto } from '../support/systems/moto.js';
import { missingWords } from '../support/systems/system.js';
import type { System } from '../support/systems/system.js';

let system: System;
let connector: Connector;

beforeAll(async () => {
  system = await startMoto();
});
afterAll(async () => {
  if (system.kind === 'available') await system.stop();
});
beforeEach(async ({ skip }) => {
  if (system.kind === 'missing') return skip(missingWords(system));
  await system.reset();
  connector = connectTo({});
});

function connectTo(mesh: Partial<AwsIamMesh>, settleMs = 0): Connector {
  if (system.kind === 'missing') throw new Error('no system');
  return createAwsIamConnector({
    mesh: { ...(system.mesh as AwsIamMesh), ...mesh },
    environment: system.environment,
    limits: { settleMs },
  });
}

async function readEverything(from: Connector, cursor?: string): Promise<ReadItem[]> {
  const items: ReadItem[] = [];
  for await (const item of from.readAll(cursor === undefined ? {} : { cursor })) items.push(item);
  return items;
}

async function objectsOf(from: Connector, type: string): Promise<NativeObject[]> {
  const items = await readEverything(from);
  return items.flatMap((item) => (item.kind === 'objects' ? item.objects : [])).filter((each) => each.type === type);
}

function idOf(answer: WriteAnswer): string {
  if (answer.kind !== 'applied') throw new Error(JSON.stringify(answer));
  return answer.id;
}

async function makeUser(name: string, rest: JsonObject = {}): Promise<string> {
  return idOf(await connector.write({ kind: 'create', type: 'user', after: { UserName: name, Path: '/', ...rest } }));
}

async function makeGroup(name: string, members: readonly string[], path = '/'): Promise<string> {
  const after = { GroupName: name, Path: path, members };
  return idOf(await connector.write({ kind: 'create', type: 'group', after }));
}

describe('reading', () => {
  it('shows users with their tags and groups with the ids of their members, and ends both scopes as complete', async () => {
    const ada = await makeUser('ada', { Path: '/people/', Tags: { email: 'ada@example.org', team: 'analysis' } });
    const grace = await makeUser('grace');
    const team = await makeGroup('engines', [grace, ada].sort());
    const items = await readEverything(connectTo({}));
    expect(items.map((item) => (item.kind === 'scopeEnd' ? [item.scope, item.complete] : item.scope))).toEqual([
      'users',
      ['users', true],
      'groups',
      ['groups', true],
    ]);
    const objects = items.flatMap((item) => (item.kind === 'objects' ? item.objects : []));
    expect(objects.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual(
      [
        {
          type: 'user',
          id: ada,
          body: { UserName: 'ada', Path: '/people/', Tags: { email: 'ada@example.org', team: 'analysis' } },
        },
        { type: 'user', id: grace, body: { UserName: 'grace', Path: '/', Tags: {} } },
        { type: 'group', id: team, body: { GroupName: 'engines', Path: '/', members: [ada, grace].sort() } },
      ].toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    );
  });

  it('reads the same groups when it resumes after the users in a process that has not seen them', async () => {
    const ada = await makeUser('ada');
    await makeGroup('engines', [ada]);
    const whole = await readEverything(connector);
    const usersEnd = whole.findIndex((item) => item.kind === 'scopeEnd');
    expect(await readEverything(connectTo({}), whole[usersEnd]?.cursor)).toEqual(whole.slice(usersEnd + 1));
  });

  it('keeps to the path prefix and lists members from elsewhere apart', async () => {
    const ada = await makeUser('ada', { Path: '/people/' });
    const robot = await makeUser('robot', { Path: '/machines/' });
    await makeGroup('engines', [ada, robot].sort(), '/people/');
    await makeGroup('others', [robot], '/machines/');
    const people = connectTo({ pathPrefix: '/people/' });
    expect((await objectsOf(people, 'user')).map(({ id }) => id)).toEqual([ada]);
    expect((await objectsOf(people, 'group')).map(({ body }) => body)).toEqual([
      { GroupName: 'engines', Path: '/people/', members: [ada], otherMembers: [robot] },
    ]);
  });

  it('ends both scopes as incomplete where listing is forbidden', async () => {
    const denied = await deniedConnector();
    const items = await readEverything(denied);
    expect(items.map((item) => item.kind === 'scopeEnd' && [item.scope, item.complete, item.reason])).toEqual([
      ['users', false, 'forbidden'],
      ['groups', false, 'forbidden'],
    ]);
  });

  it('refuses to read another account than the one declared', async () => {
    await expect(readEverything(connectTo({ account: '999999999999' }))).rejects.toMatchObject({
      code: 'wrongAccount',
    });
  });
});

/** A connector whose user may only call STS, and a moto that enforces it. */
async function deniedConnector(): Promise<Connector> {
  if (system.kind === 'missing') throw new Error('no system');
  await makeUser('nobody');
  const key = await fetch(system.endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: 'AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/iam/aws4_request',
    },
    body: 'Action=CreateAccessKey&UserName=nobody&Version=2010-05-08',
  });
  const text = await key.text();
  const part = (name: string): string => new RegExp(`<${name}>([^<]+)`).exec(text)?.[1] ?? '';
  await fetch(`${system.endpoint}/moto-api/reset-auth`, { method: 'POST', body: '0' });
  return createAwsIamConnector({
    mesh: { kind: 'aws-iam', region: 'us-east-1', endpoint: system.endpoint, pathPrefix: '/' },
    environment: { AWS_ACCESS_KEY_ID: part('AccessKeyId'), AWS_SECRET_ACCESS_KEY: part('SecretAccessKey') },
  });
}

describe('one object', () => {
  it('is found by its id after a rename by somebody else', async () => {
    const ada = await makeUser('ada');
    const other = connectTo({});
    await other.write({
      kind: 'update',
      type: 'user',
      id: ada,
      before: { UserName: 'ada', Path: '/', Tags: {} },
      after: { UserName: 'ada.king', Path: '/', Tags: {} },
    });
    expect((await connector.readOne('user', ada))?.body['UserName']).toBe('ada.king');
  });

  it('does not exist any more when another user was made under its name', async () => {
    const first = await makeUser('ada');
    const other = connectTo({});
    const before = { UserName: 'ada', Path: '/', Tags: {} };
    await other.write({ kind: 'delete', type: 'user', id: first, before, deletionMayRemove: [] });
    const second = idOf(await other.write({ kind: 'create', type: 'user', after: before }));
    expect(second).not.toBe(first);
    expect(await connector.readOne('user', first)).toBeNull();
    expect((await connector.readOne('user', second))?.id).toBe(second);
  });

  it('has a twin under the name that a creation would take, whatever its case', async () => {
    const ada = await makeUser('Ada');
    expect((await connectTo({}).findTwin('user', { UserName: 'ada' }))?.id).toBe(ada);
    expect(await connector.findTwin('user', { UserName: 'grace' })).toBeNull();
  });
});

describe('writing', () => {
  it('changes only the tags that differ', async () => {
    const ada = await makeUser('ada', { Tags: { email: 'ada@example.org', team: 'analysis' } });
    const answer = await connector.write({
      kind: 'update',
      type: 'user',
      id: ada,
      before: { UserName: 'ada', Path: '/', Tags: { email: 'ada@example.org', team: 'analysis' } },
      after: { UserName: 'ada', Path: '/', Tags: { email: 'ada.king@example.org' } },
    });
    expect(answer).toEqual({ kind: 'applied', id: ada });
    expect((await connector.readOne('user', ada))?.body['Tags']).toEqual({ email: 'ada.king@example.org' });
  });

  it('answers that a name is taken', async () => {
    await makeUser('ada');
    const answer = await connector.write({ kind: 'create', type: 'user', after: { UserName: 'ada', Path: '/' } });
    expect(answer).toMatchObject({ kind: 'conflict', code: 'nameTaken' });
    expect((answer as { detail: string }).detail).toMatch(/^iam:CreateUser answered EntityAlreadyExists/);
  });

  it('does not write to a user who was replaced by another of the same name', async () => {
    const first = await makeUser('ada');
    const before = { UserName: 'ada', Path: '/', Tags: {} };
    const other = connectTo({});
    await other.write({ kind: 'delete', type: 'user', id: first, before, deletionMayRemove: [] });
    const second = idOf(await other.write({ kind: 'create', type: 'user', after: before }));
    const after = { ...before, Tags: { email: 'ada@example.org' } };
    const answer = await connector.write({ kind: 'update', type: 'user', id: first, before, after });
    expect(answer).toMatchObject({ kind: 'conflict', code: 'expectationFailed' });
    expect((await connector.readOne('user', second))?.body['Tags']).toEqual({});
  });

  it('moves members of a group in and out and leaves the others', async () => {
    const [ada, grace, edsger] = [await makeUser('ada'), await makeUser('grace'), await makeUser('edsger')];
    const team = await makeGroup('engines', [ada, grace].sort());
    const before = { GroupName: 'engines', Path: '/', members: [ada, grace].sort() };
    const after = { ...before, members: [edsger, grace].sort() };
    const made: string[] = [];
    // a connector that has seen none of these users: it must find their names by itself
    const answer = await connectTo({}).write(
      { kind: 'update', type: 'group', id: team, before, after },
      async ({ call }) => void made.push(call),
    );
    expect(answer).toEqual({ kind: 'applied', id: team });
    expect(made).toEqual(['iam:RemoveUserFromGroup', 'iam:AddUserToGroup']);
    expect((await connector.readOne('group', team))?.body['members']).toEqual([edsger, grace].sort());
  });

  it('renames a group, whose members stay', async () => {
    const ada = await makeUser('ada');
    const team = await makeGroup('engines', [ada]);
    const before = { GroupName: 'engines', Path: '/', members: [ada] };
    const after = { ...before, GroupName: 'mills' };
    expect(await connector.write({ kind: 'update', type: 'group', id: team, before, after })).toEqual({
      kind: 'applied',
      id: team,
    });
    expect((await connector.readOne('group', team))?.body).toEqual(after);
  });

  it('refuses a member that the account does not hold and makes nothing', async () => {
    const after = { GroupName: 'engines', Path: '/', members: ['AIDANOSUCHUSER000000'] };
    const answer = await connector.write({ kind: 'create', type: 'group', after });
    expect(answer).toMatchObject({ kind: 'refused', code: 'dependencyNotMet' });
    expect(await objectsOf(connector, 'group')).toEqual([]);
  });

  it('deletes a user only after it removed what the map allows, and touches nothing when the map does not', async () => {
    const ada = await makeUser('ada');
    const team = await makeGroup('engines', [ada]);
    const before = { UserName: 'ada', Path: '/', Tags: {} };
    const deletion = { kind: 'delete', type: 'user', id: ada, before } as const;
    const refused = await connector.write({ ...deletion, deletionMayRemove: ['accessKeys'] });
    expect(refused).toMatchObject({ kind: 'refused', code: 'deletionBlocked' });
    expect((refused as { detail: string }).detail).toContain('1 memberships');
    expect((await connector.readOne('group', team))?.body['members']).toEqual([ada]);
    expect(await connector.write({ ...deletion, deletionMayRemove: ['memberships'] })).toEqual({
      kind: 'applied',
      id: ada,
    });
    expect(await connectTo({}).readOne('user', ada)).toBeNull();
    expect((await connector.readOne('group', team))?.body['members']).toEqual([]);
  });

  it('deletes a group with its members taken out first', async () => {
    const ada = await makeUser('ada');
    const team = await makeGroup('engines', [ada]);
    const before = { GroupName: 'engines', Path: '/', members: [ada] };
    const deletion = { kind: 'delete', type: 'group', id: team, before } as const;
    expect(await connector.write({ ...deletion, deletionMayRemove: [] })).toMatchObject({ code: 'deletionBlocked' });
    expect(await connector.write({ ...deletion, deletionMayRemove: ['memberships'] })).toMatchObject({
      kind: 'applied',
    });
    expect(await connectTo({}).readOne('group', team)).toBeNull();
  });
});

describe('probing', () => {
  it('says who it is and that the list may be read', async () => {
    const result = await connector.probe();
    expect(result).toMatchObject({ reachable: true, authenticated: true });
    expect(result.identity).toContain('123456789012');
    expect(result.permissions).toContainEqual({ permission: 'iam:GetAccountAuthorizationDetails', held: true });
  });

  it('names the other account', async () => {
    expect(await connectTo({ account: '999999999999' }).probe()).toMatchObject({ code: 'wrongAccount' });
  });

  it('says that the list may not be read', async () => {
    const result = await (await deniedConnector()).probe();
    expect(result.permissions).toContainEqual(
      expect.objectContaining({ permission: 'iam:GetAccountAuthorizationDetails', held: false }),
    );
  });
});

/** Asks moto itself, past the connector, so that a deviation that is mended in a later version fails here. */
describe('where moto is not as AWS is', () => {
  const checks: Partial<Record<(typeof deviations)[number]['about'], (client: IAMClient) => Promise<void>>> = {
    onePage: async (client) => {
      await makeUser('ada');
      await makeUser('grace');
      const page = await client.send(new ListUsersCommand({ MaxItems: 1 }));
      expect([page.Users?.length, page.IsTruncated]).toEqual([2, false]);
    },
    pathPrefixIgnored: async (client) => {
      await makeGroup('engines', [], '/people/');
      const { Groups = [] } = await client.send(new ListGroupsCommand({ PathPrefix: '/machines/' }));
      expect(Groups.map(({ GroupName }) => GroupName)).toEqual(['engines']);
    },
    deletesMembers: async (client) => {
      await makeGroup('engines', [await makeUser('ada')]);
      await client.send(new DeleteUserCommand({ UserName: 'ada' }));
    },
    noSimulation: async (client) => {
      const asked = { PolicySourceArn: 'arn:aws:iam::123456789012:user/ada', ActionNames: ['iam:GetUser'] };
      await expect(client.send(new SimulatePrincipalPolicyCommand(asked))).rejects.toThrow();
    },
  };

  for (const { about, detail } of deviations) {
    const check = checks[about];
    // An absence (of throttling, of lag) has nothing to be asked, and the forwarder hides the missing list.
    if (!check) continue;
    it(`${about}: ${detail}`, async () => {
      if (system.kind === 'missing') throw new Error('skipped where it is missing');
      const client = new IAMClient({
        region: 'us-east-1',
        endpoint: system.endpoint,
        credentials: { accessKeyId: 'testing', secretAccessKey: 'testing' },
        maxAttempts: 1,
      });
      await check(client);
      client.destroy();
    });
  }
});
