/** Cases that only AWS has: policy sets, attachments, roles that people assume, and roles of workloads. */
import {
  AttachUserPolicyCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  IAMClient,
  ListOpenIDConnectProvidersCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { expect } from 'vitest';
import { accessTypes } from '../../activities/connectors/aws-iam/access/native-types.js';
import { textIn } from '../../activities/connectors/aws-iam/body.js';
import type { Connector, NativeCall, NativeWrite } from '../../activities/connectors/connector.js';
import { principalsTrust } from '../../core/iam-policy/trust.js';
import type { JsonObject } from '../../core/json.js';
import type { NativeObject } from '../../core/record.js';
import type { ConformanceCase } from './cases.js';
import { collect, type Scene } from './scene.js';
import { connectorFor } from './world.js';

const account = '123456789012';
const arn = (name: string): string => `arn:aws:iam::${account}:policy/${name}`;
const document = (Action: string | string[], Resource = '*'): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource }] });

interface Account {
  /** The prefix of the mesh, under which roles are seen. */
  readonly path: string;
  readonly admin: IAMClient;
  readonly connector: Connector;
  readonly all: (type: string) => Promise<readonly NativeObject[]>;
  readonly user: NativeObject;
  readonly group: NativeObject;
  readonly attachment: (principal: string, set: string) => JsonObject;
}

/** The policies a, b and c exist; the set `operator` is a and b, `viewer` is c. */
async function begin(scene: Scene): Promise<Account> {
  const { mesh, environment } = scene.world;
  if (mesh.kind !== 'aws-iam') throw new Error('these cases are about AWS');
  const credentials = {
    accessKeyId: environment['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: environment['AWS_SECRET_ACCESS_KEY'] ?? '',
  };
  const admin = new IAMClient({ region: mesh.region, endpoint: mesh.endpoint ?? '', credentials });
  for (const name of ['a', 'b', 'c'])
    await admin.send(new CreatePolicyCommand({ PolicyName: name, PolicyDocument: document(`s3:Get${name}`) }));
  const policySets = { operator: [arn('a'), arn('b')], viewer: [arn('c')] };
  const connector = connectorFor({ ...mesh, policySets }, environment, { pageSize: 2 });
  return {
    path: mesh.pathPrefix,
    admin,
    connector,
    all: async (type) =>
      (await collect(connector.readAll({ nativeTypes: [type] }))).flatMap((item) =>
        item.kind === 'objects' ? item.objects : [],
      ),
    user: await scene.create('user', scene.dialect.user('ada')),
    group: await scene.create('group', scene.dialect.group('mills', [])),
    attachment: (principal, set) => ({
      Principal: principal,
      PolicySet: `policySet/${set}`,
      Account: `account/${account}`,
    }),
  };
}

async function apply(connector: Connector, write: NativeWrite): Promise<readonly string[]> {
  const calls: NativeCall[] = [];
  const answer = await connector.write(write, (call) => {
    calls.push(call);
    return Promise.resolve();
  });
  expect(answer).toEqual({ kind: 'applied', id: expect.any(String) as string });
  return calls.map(({ call }) => call);
}

const create = (type: string, after: JsonObject) => ({ kind: 'create', type, after }) as const;
const remove = (object: NativeObject, deletionMayRemove: string[] = []) =>
  ({ kind: 'delete', type: object.type, id: object.id, before: object.body, deletionMayRemove }) as const;

/** `id`, or `id: reason` where it is opaque. */
const shown = (objects: readonly NativeObject[]): readonly string[] =>
  objects.map(({ id, opaque }) => (opaque === undefined ? id : `${id}: ${opaque}`));

const workloadOf = (path: string) => ({
  RoleName: 'deploy',
  Path: path,
  Issuer: 'https://token.actions.example.org/acme',
  Subject: 'repo:acme/app:ref:refs/heads/main',
});

export const awsAccessCases: readonly ConformanceCase[] = [
  {
    name: 'aws: a policy set is attached to a user and a group, read back, and taken away whole',
    run: async (scene) => {
      const { connector, all, user, group, attachment } = await begin(scene);
      for (const principal of [`user/${user.id}`, `group/${group.id}`]) {
        const calls = await apply(connector, create('policyAttachment', attachment(principal, 'operator')));
        expect(calls).toHaveLength(2);
        const one = await connector.readOne('policyAttachment', `${principal}/operator`);
        expect(one).toEqual({
          type: 'policyAttachment',
          id: `${principal}/operator`,
          body: attachment(principal, 'operator'),
        });
        expect(await all('policyAttachment')).toContainEqual(one);
        expect(await apply(connector, create('policyAttachment', attachment(principal, 'operator')))).toEqual([]);
        if (one === null) return;
        expect(await apply(connector, remove(one))).toHaveLength(2);
        expect(await connector.readOne('policyAttachment', one.id)).toBeNull();
        expect(await connector.write(remove(one))).toMatchObject({ kind: 'conflict', code: 'expectationFailed' });
      }
      expect(await all('policyAttachment')).toEqual([]);
    },
  },
  {
    name: 'aws: half of a policy set is opaque and is not taken away',
    run: async (scene) => {
      const { admin, connector, all, user, attachment } = await begin(scene);
      await admin.send(new AttachUserPolicyCommand({ UserName: 'ada', PolicyArn: arn('a') }));
      const id = `user/${user.id}/operator`;
      expect(shown(await all('policyAttachment'))).toEqual([`${id}: 1 of 2 policies of the set are attached`]);
      const [half] = await all('policyAttachment');
      if (half === undefined) throw new Error('it is not shown');
      expect(await connector.write(remove(half))).toMatchObject({ kind: 'refused', code: 'readOnlyObject' });
      expect(
        await apply(connector, create('policyAttachment', attachment(`user/${user.id}`, 'operator'))),
      ).toHaveLength(1);
      expect(shown(await all('policyAttachment'))).toEqual([id]);
    },
  },
  {
    name: 'aws: policies and policy sets are read with their documents',
    run: async (scene) => {
      const { all } = await begin(scene);
      const sets = await all('policySet');
      expect(sets.map(({ id }) => id)).toEqual(['operator', 'viewer']);
      expect(sets[1]?.body).toEqual({
        Name: 'viewer',
        PolicyArns: [arn('c')],
        Documents: {
          [arn('c')]: {
            Version: '2012-10-17',
            Statement: [{ Effect: 'Allow', Action: ['s3:getc'], Resource: ['*'] }],
          },
        },
      });
    },
  },
  {
    name: 'aws: an inline policy is opaque',
    run: async (scene) => {
      const { admin, all, user } = await begin(scene);
      const input = { UserName: 'ada', PolicyName: 'own', PolicyDocument: document('s3:*') };
      await admin.send(new PutUserPolicyCommand(input));
      expect(shown(await all('inlinePolicy'))).toEqual([`user/${user.id}/own: inline policy`]);
    },
  },
  {
    name: 'aws: a user may assume a role by policy and trust, and half of it is said to be half',
    run: async (scene) => {
      const { admin, connector, all, user, path } = await begin(scene);
      await scene.create('user', scene.dialect.user('grace'));
      const trust = principalsTrust([`arn:aws:iam::${account}:user${path}grace`]);
      const role = { RoleName: 'break-glass', Path: path, AssumeRolePolicyDocument: JSON.stringify(trust) };
      const made = await admin.send(new CreateRoleCommand(role));
      const roleId = made.Role?.RoleId ?? '';
      const ids = (await all('assumption')).map(({ opaque }) => opaque);
      expect(ids).toEqual(['the trust is there, the policy is missing']);
      const after = {
        Principal: `user/${user.id}`,
        Role: `assumableRole/${roleId}`,
        Account: `account/${account}`,
      };
      expect(await apply(connector, create('assumption', after))).toEqual([
        'iam:PutUserPolicy',
        'iam:UpdateAssumeRolePolicy',
      ]);
      const one = await connector.readOne('assumption', `user/${user.id}/${roleId}`);
      expect(one).toEqual({ type: 'assumption', id: `user/${user.id}/${roleId}`, body: after });
      expect(await all('inlinePolicy')).toEqual([]);
      if (one === null) return;
      expect(await apply(connector, remove(one))).toEqual(['iam:DeleteUserPolicy', 'iam:UpdateAssumeRolePolicy']);
      expect(await connector.readOne('assumption', one.id)).toBeNull();
    },
  },
  {
    name: 'aws: a workload is made with its identity provider, found by its name, and deleted',
    run: async (scene) => {
      const { admin, connector, all, attachment, path } = await begin(scene);
      const workload = workloadOf(path);
      expect(await apply(connector, create('webIdentityRole', workload))).toEqual([
        'iam:CreateOpenIDConnectProvider',
        'iam:CreateRole',
      ]);
      const [role] = await all('webIdentityRole');
      if (role === undefined) throw new Error('it is not shown');
      const Provider = `arn:aws:iam::${account}:oidc-provider/token.actions.example.org/acme`;
      expect(role).toEqual({ type: 'webIdentityRole', id: role.id, body: { ...workload, Provider } });
      expect(role.id).toMatch(/^AROA/);
      expect(await connector.readOne('webIdentityRole', role.id)).toEqual(role);
      expect(await connector.findTwin('webIdentityRole', workload)).toEqual(role);
      expect(await connector.write(create('webIdentityRole', workload))).toMatchObject({
        kind: 'conflict',
        code: 'nameTaken',
      });
      const second = { ...workload, RoleName: 'deploy-2', Subject: 'repo:acme/other' };
      expect(await apply(connector, create('webIdentityRole', second))).toEqual(['iam:CreateRole']);

      const principal = `webIdentityRole/${role.id}`;
      await apply(connector, create('policyAttachment', attachment(principal, 'viewer')));
      expect(shown(await all('policyAttachment'))).toEqual([`${principal}/viewer`]);
      expect(await connector.write(remove(role))).toMatchObject({ kind: 'refused', code: 'deletionBlocked' });
      expect(await apply(connector, remove(role, ['policies']))).toEqual(['iam:DetachRolePolicy', 'iam:DeleteRole']);
      expect(await connector.readOne('webIdentityRole', role.id)).toBeNull();
      const left = await admin.send(new ListOpenIDConnectProvidersCommand({}));
      expect(left.OpenIDConnectProviderList).toHaveLength(1);
    },
  },
  {
    name: 'aws: a role whose trust is open to the world or has conditions of its own is opaque',
    run: async (scene) => {
      const { admin, all, path } = await begin(scene);
      const role = async (RoleName: string, statement: object): Promise<void> => {
        const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
        await admin.send(new CreateRoleCommand({ RoleName, Path: path, AssumeRolePolicyDocument }));
      };
      const assume = { Effect: 'Allow', Action: 'sts:AssumeRole' };
      await role('world', { ...assume, Principal: '*' });
      const Condition = { Bool: { 'aws:MultiFactorAuthPresent': 'true' } };
      await role('mfa', { ...assume, Principal: { AWS: `arn:aws:iam::${account}:root` }, Condition });
      expect(
        (await all('assumableRole')).map(({ body, opaque }) => `${textIn(body, 'RoleName')}: ${opaque}`).sort(),
      ).toEqual(['mfa: the trust has conditions', 'world: the whole world may assume the role']);
    },
  },
  {
    name: 'aws: what cannot be written is refused before anything is sent',
    run: async (scene) => {
      const { connector, user, attachment, path } = await begin(scene);
      const workload = workloadOf(path);
      const principal = `user/${user.id}`;
      for (const write of [
        create('policySet', { Name: 'new' }),
        create('policyAttachment', attachment(principal, 'unknown')),
        create('policyAttachment', attachment('account/123456789012', 'viewer')),
        create('policyAttachment', { ...attachment(principal, 'viewer'), Account: 'account/999999999999' }),
        create('webIdentityRole', { ...workload, Issuer: 'https://token.example.org:8443' }),
        create('webIdentityRole', { ...workload, RoleName: 'with space' }),
        create('webIdentityRole', { ...workload, Subject: 'x${aws:username}' }),
      ] satisfies NativeWrite[]) {
        const calls: NativeCall[] = [];
        const answer = await connector.write(write, (call) => {
          calls.push(call);
          return Promise.resolve();
        });
        expect(answer).toMatchObject({ kind: 'refused', code: 'valueNotRepresentable' });
        expect(calls).toEqual([]);
      }
      const gone = create('policyAttachment', attachment('user/AIDAAAAAAAAAAAAAAAAAA', 'viewer'));
      expect(await connector.write(gone)).toMatchObject({ kind: 'refused', code: 'dependencyNotMet' });
    },
  },
  {
    name: 'aws: every collection ends, also of an account that holds nothing',
    run: async (scene) => {
      const items = await collect(scene.connector.readAll({ nativeTypes: accessTypes }));
      const ends = items.flatMap((item) => (item.kind === 'scopeEnd' ? [[item.nativeType, item.complete]] : []));
      expect(ends).toEqual(accessTypes.map((type) => [type, true]));
    },
  },
];
