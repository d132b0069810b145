/** Suspension in AWS, by that name: keys inactive and a deny policy, and back exactly what it did. */
import {
  CreateAccessKeyCommand,
  DeleteAccessKeyCommand,
  IAMClient,
  ListAccessKeysCommand,
  ListUserPoliciesCommand,
  ListUserTagsCommand,
  PutUserPolicyCommand,
  UpdateAccessKeyCommand,
} from '@aws-sdk/client-iam';
import { expect } from 'vitest';
import { textIn } from '../../activities/connectors/aws-iam/body.js';
import type { Connector } from '../../activities/connectors/connector.js';
import type { NativeObject } from '../../core/record.js';
import type { ConformanceCase } from './cases.js';
import { collect, type Scene } from './scene.js';
import { connectorFor } from './world.js';

interface Suspendable {
  readonly admin: IAMClient;
  readonly connector: Connector;
  readonly name: string;
  readonly user: NativeObject;
  /** Of two keys the first is active; by id, in the order in which they were made. */
  readonly keys: readonly [string, string];
  /** `Active` or `Inactive`, by the order of `keys`. */
  readonly statuses: () => Promise<readonly (string | undefined)[]>;
  readonly policies: () => Promise<readonly string[]>;
  readonly tags: () => Promise<readonly string[]>;
  readonly now: () => Promise<NativeObject>;
  readonly turn: (from: NativeObject, state: string, stopBefore?: number) => Promise<readonly string[]>;
}

async function begin(scene: Scene): Promise<Suspendable> {
  const { mesh, environment } = scene.world;
  if (mesh.kind !== 'aws-iam') throw new Error('these cases are about AWS');
  const credentials = {
    accessKeyId: environment['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: environment['AWS_SECRET_ACCESS_KEY'] ?? '',
  };
  const admin = new IAMClient({ region: mesh.region, endpoint: mesh.endpoint ?? '', credentials });
  const connector = connectorFor({ ...mesh, suspension: 'keysAndDenyPolicy' }, environment, { pageSize: 2 });
  const made = await scene.create('user', scene.dialect.user('ada'));
  const UserName = textIn(made.body, 'UserName');
  const key = async (): Promise<string> => {
    const { AccessKey } = await admin.send(new CreateAccessKeyCommand({ UserName }));
    return AccessKey?.AccessKeyId ?? '';
  };
  const keys = [await key(), await key()] as const;
  await admin.send(new UpdateAccessKeyCommand({ UserName, AccessKeyId: keys[1], Status: 'Inactive' }));
  const now = async (): Promise<NativeObject> => {
    const object = await connector.readOne('user', made.id);
    if (!object) throw new Error('the user is not there');
    return object;
  };
  return {
    admin,
    connector,
    name: UserName,
    user: await now(),
    keys,
    statuses: async () => {
      const { AccessKeyMetadata = [] } = await admin.send(new ListAccessKeysCommand({ UserName }));
      return keys.map((id) => AccessKeyMetadata.find(({ AccessKeyId }) => AccessKeyId === id)?.Status);
    },
    policies: async () => (await admin.send(new ListUserPoliciesCommand({ UserName }))).PolicyNames ?? [],
    tags: async () => {
      const { Tags = [] } = await admin.send(new ListUserTagsCommand({ UserName }));
      return Tags.map(({ Key }) => Key ?? '').sort();
    },
    now,
    turn: async (from, State, stopBefore = Number.POSITIVE_INFINITY) => {
      const calls: string[] = [];
      const write = {
        kind: 'update',
        type: 'user',
        id: from.id,
        before: from.body,
        after: { ...from.body, State },
      } as const;
      const stopped = new Error('stopped');
      const answer = await connector
        .write(write, ({ call }) => {
          if (calls.length === stopBefore) throw stopped;
          calls.push(call);
          return Promise.resolve();
        })
        .catch((error: unknown) => {
          if (error !== stopped) throw error;
          return { kind: 'stopped' };
        });
      expect(answer.kind).toBe(calls.length === stopBefore ? 'stopped' : 'applied');
      return calls;
    },
  };
}

const deny = (Action: string): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Deny', Action, Resource: '*' }] });

async function inlineOf({ connector }: Suspendable): Promise<readonly unknown[]> {
  const items = await collect(connector.readAll({ nativeTypes: ['inlinePolicy'] }));
  return items.flatMap((item) => (item.kind === 'objects' ? item.objects.map(({ body }) => body['PolicyName']) : []));
}

export const awsSuspensionCases: readonly ConformanceCase[] = [
  {
    name: 'aws: a suspension makes keys inactive and denies everything, and its end brings back what it took',
    run: async (scene) => {
      const world = await begin(scene);
      const { user, name, admin, connector } = world;
      await admin.send(
        new PutUserPolicyCommand({ UserName: name, PolicyName: 'own', PolicyDocument: deny('s3:DeleteBucket') }),
      );
      const tags = await world.tags();
      expect(user.body['State']).toBe('active');
      expect(await world.turn(user, 'suspended')).toEqual(['iam:TagUser', 'iam:UpdateAccessKey', 'iam:PutUserPolicy']);
      expect(await world.statuses()).toEqual(['Inactive', 'Inactive']);
      const suspended = await world.now();
      expect(suspended).toEqual({ ...user, body: { ...user.body, State: 'suspended' } });
      const all = await collect(connector.readAll({ nativeTypes: ['user'] }));
      expect(all.flatMap((item) => (item.kind === 'objects' ? item.objects : []))).toContainEqual(suspended);
      expect((await world.policies()).includes('concordat-suspended')).toBe(true);
      // The policy is the state of a user and nobody's own; other inline policies are shown as ever.
      expect(await inlineOf(world)).toEqual(['own']);

      await world.turn(suspended, 'active');
      expect(await world.now()).toEqual(user);
      expect(await world.statuses()).toEqual(['Active', 'Inactive']);
      expect(await world.policies()).toEqual(['own']);
      expect(await world.tags()).toEqual(tags);
    },
  },
  {
    name: 'aws: a suspension that stopped before any of its calls is made anew, and remembers the keys that it took',
    run: async (scene) => {
      const world = await begin(scene);
      for (const stop of [0, 1, 2]) {
        await world.turn(world.user, 'suspended', stop);
        expect(await world.now()).toEqual(world.user);
        await world.turn(world.user, 'suspended');
        expect(await world.statuses()).toEqual(['Inactive', 'Inactive']);
        await world.turn(await world.now(), 'active');
        expect(await world.statuses()).toEqual(['Active', 'Inactive']);
      }
    },
  },
  {
    name: 'aws: the end of a suspension that stopped before any of its calls goes on where it was',
    run: async (scene) => {
      const world = await begin(scene);
      for (const stop of [0, 1, 2, 3]) {
        await world.turn(await world.now(), 'suspended');
        const suspended = await world.now();
        await world.turn(suspended, 'active', stop);
        const half = await world.now();
        expect(half.opaque).toBeUndefined();
        expect(half.body['State']).toBe(stop === 3 ? 'active' : 'suspended');
        if (stop < 3) await world.turn(half, 'active');
        expect(await world.now()).toEqual(world.user);
        expect(await world.statuses()).toEqual(['Active', 'Inactive']);
        expect(await world.policies()).toEqual([]);
      }
      // What the last one left behind is not taken for keys that a new suspension took.
      await world.admin.send(
        new UpdateAccessKeyCommand({ UserName: world.name, AccessKeyId: world.keys[0], Status: 'Inactive' }),
      );
      await world.turn(await world.now(), 'suspended');
      await world.turn(await world.now(), 'active');
      expect(await world.statuses()).toEqual(['Inactive', 'Inactive']);
    },
  },
  {
    name: 'aws: half a suspension is opaque, whichever key became active meanwhile',
    run: async (scene) => {
      const world = await begin(scene);
      await world.turn(world.user, 'suspended');
      const [, own] = world.keys;
      await world.admin.send(new UpdateAccessKeyCommand({ UserName: world.name, AccessKeyId: own, Status: 'Active' }));
      const half = await world.now();
      expect(half.opaque).toMatch(/^half a suspension.*1 of its access keys is active$/);
      const items = await collect(world.connector.readAll({ nativeTypes: ['user'] }));
      expect(items.flatMap((item) => (item.kind === 'objects' ? item.objects : []))).toContainEqual(half);
    },
  },
  {
    name: 'aws: a policy of that name that says something else is no suspension and is never overwritten',
    run: async (scene) => {
      const world = await begin(scene);
      const PolicyName = 'concordat-suspended';
      await world.admin.send(
        new PutUserPolicyCommand({ UserName: world.name, PolicyName, PolicyDocument: deny('s3:*') }),
      );
      const user = await world.now();
      expect(user.body['State']).toBe('active');
      expect(await inlineOf(world)).toEqual([PolicyName]);
      const write = { kind: 'update', type: 'user', id: user.id, before: user.body } as const;
      const answer = await world.connector.write({ ...write, after: { ...user.body, State: 'suspended' } });
      expect(answer).toMatchObject({ kind: 'refused', code: 'valueNotRepresentable' });
      expect(await world.statuses()).toEqual(['Active', 'Inactive']);
      const deletion = { kind: 'delete', type: 'user', id: user.id, before: user.body } as const;
      const deletionMayRemove = ['memberships', 'accessKeys'];
      expect(await world.connector.write({ ...deletion, deletionMayRemove })).toMatchObject({
        code: 'deletionBlocked',
      });
    },
  },
  {
    name: 'aws: a suspended user is deleted without leave for policies, and denied everything until the last call',
    run: async (scene) => {
      const world = await begin(scene);
      await world.turn(world.user, 'suspended');
      const user = await world.now();
      const write = { kind: 'delete', type: 'user', id: user.id, before: user.body } as const;
      expect(await world.connector.write({ ...write, deletionMayRemove: ['memberships'] })).toMatchObject({
        kind: 'refused',
        code: 'deletionBlocked',
      });
      expect(await world.policies()).toEqual(['concordat-suspended']);
      const calls: string[] = [];
      const deletionMayRemove = ['memberships', 'accessKeys'];
      const answer = await world.connector.write({ ...write, deletionMayRemove }, ({ call }) => {
        calls.push(call);
        return Promise.resolve();
      });
      expect(answer).toEqual({ kind: 'applied', id: user.id });
      expect(calls.slice(-2)).toEqual(['iam:DeleteUserPolicy', 'iam:DeleteUser']);
      expect(calls).toHaveLength(4);
    },
  },
  {
    name: 'aws: a user is made suspended, and a mesh that declares no suspension writes and shows none',
    run: async (scene) => {
      const world = await begin(scene);
      const body = { ...scene.dialect.user('eve'), State: 'suspended' };
      const made = await world.connector.write({ kind: 'create', type: 'user', after: body });
      if (made.kind !== 'applied') throw new Error(made.detail);
      expect((await world.connector.readOne('user', made.id))?.body['State']).toBe('suspended');
      const plain = await scene.connector.readOne('user', made.id);
      expect(Object.keys(plain?.body ?? {})).not.toContain('State');
      const refused = await scene.connector.write({
        kind: 'create',
        type: 'user',
        after: { ...body, UserName: 'eva' },
      });
      expect(refused).toMatchObject({ kind: 'refused', code: 'valueNotRepresentable' });
      for (const AccessKeyId of world.keys)
        await world.admin.send(new DeleteAccessKeyCommand({ UserName: world.name, AccessKeyId }));
      expect(await world.turn(world.user, 'suspended')).toEqual(['iam:PutUserPolicy']);
    },
  },
];
