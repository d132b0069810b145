/** Cases that only Entra has: scopes, app roles, directory roles, workloads, their grants, and what comes back after a deletion. */
import { expect } from 'vitest';
import type { Connector, WriteAnswer } from '../../activities/connectors/connector.js';
import { accessTypes } from '../../activities/connectors/entra/access/types.js';
import type { JsonObject } from '../../core/json.js';
import type { NativeObject } from '../../core/record.js';
import type { ConformanceCase } from './cases.js';
import { groundOf, type Ground } from './entra-ground.js';
import { collect, endsIn, type Scene } from './scene.js';
import { connectorFor } from './world.js';

/** Published template id, the same in every tenant. */
const globalReader = 'f2ef992c-3afb-46b9-b7cf-a126ee74c451';
const issuer = 'https://token.example.org';

interface Tenant {
  readonly ground: Ground;
  readonly connector: Connector;
  readonly all: (type: string) => Promise<readonly NativeObject[]>;
  readonly made: (type: string, after: JsonObject) => Promise<NativeObject>;
  readonly remove: (object: NativeObject, deletionMayRemove?: readonly string[]) => Promise<WriteAnswer>;
  readonly user: string;
  /** The reading role of an application, granted to somebody. */
  readonly appGrant: (principal: string) => JsonObject;
  readonly directoryGrant: (principal: string, scope?: string) => JsonObject;
}

async function begin(scene: Scene): Promise<Tenant> {
  const { world } = scene;
  const ground = groundOf(world);
  const appId = await ground.application('object-store', ['Objects.Read', 'Objects.Write']);
  if (world.mesh.kind !== 'entra') throw new Error('these cases are about Entra');
  const connector = connectorFor({ ...world.mesh, applications: [appId] }, world.environment, { pageSize: 2 });
  const all: Tenant['all'] = async (type) =>
    (await collect(connector.readAll({ nativeTypes: [type] }))).flatMap((item) =>
      item.kind === 'objects' ? item.objects : [],
    );
  const role = (await all('appRole')).find(({ body }) => body['value'] === 'Objects.Read');
  return {
    ground,
    connector,
    all,
    made: async (type, after) => {
      const answer = await connector.write({ kind: 'create', type, after });
      expect(answer).toEqual({ kind: 'applied', id: expect.any(String) as string });
      const object = answer.kind === 'applied' ? await connector.readOne(type, answer.id) : null;
      if (object === null) throw new Error(`the tenant does not show the ${type} that was made`);
      return object;
    },
    remove: ({ type, id, body }, deletionMayRemove = []) =>
      connector.write({ kind: 'delete', type, id, before: body, deletionMayRemove }),
    user: (await scene.create('user', scene.dialect.user('ada'))).id,
    appGrant: (principal) => ({
      principal,
      role: `appRole/${role?.id ?? ''}`,
      scope: role?.body['servicePrincipal'] ?? null,
    }),
    directoryGrant: (principal, scope = '/') => ({
      principal,
      role: `directoryRole/${globalReader}`,
      scope: `directoryScope/${scope}`,
    }),
  };
}

const workload: JsonObject = { issuer, subject: 'backup', name: 'backup', displayName: 'wl-backup' };

/** Made, read back as it was wanted, found as its twin and in the list, refused a second time, deleted, gone. */
async function livesAndEnds({ connector, made, all, remove }: Tenant, type: string, after: JsonObject): Promise<void> {
  const object = await made(type, after);
  expect(object).toEqual({ type, id: object.id, body: after });
  expect(await all(type)).toEqual([object]);
  expect(await connector.findTwin(type, after)).toEqual(object);
  expect(await connector.write({ kind: 'create', type, after })).toMatchObject({ kind: 'conflict', code: 'nameTaken' });
  expect(await remove(object)).toEqual({ kind: 'applied', id: object.id });
  expect(await connector.readOne(type, object.id)).toBeNull();
  expect(await all(type)).toEqual([]);
}

export const entraAccessCases: readonly ConformanceCase[] = [
  {
    name: 'every list of rights is read to its end, and each object alone as the list shows it',
    run: async (scene) => {
      const { connector, ground } = await begin(scene);
      await ground.administrativeUnit('Seattle');
      const items = await collect(connector.readAll({ nativeTypes: accessTypes }));
      expect(endsIn(items)).toEqual([
        'directoryScopes',
        'servicePrincipals',
        'directoryRoles',
        'appRoles',
        'federatedIdentities',
        'appRoleAssignments',
        'directoryRoleAssignments',
        'roleEligibilityScheduleInstances',
      ]);
      const objects = items.flatMap((item) => (item.kind === 'objects' ? item.objects : []));
      expect(objects.map(({ body }) => body['displayName'])).toEqual(
        expect.arrayContaining(['Directory', 'Seattle', 'object-store', 'Objects.Read', 'Global Reader']),
      );
      for (const object of objects) expect(await connector.readOne(object.type, object.id)).toEqual(object);
    },
  },
  {
    name: 'an app role is granted to a user once, and taken back',
    run: async (scene) => {
      const tenant = await begin(scene);
      await livesAndEnds(tenant, 'appRoleAssignment', tenant.appGrant(`user/${tenant.user}`));
    },
  },
  {
    name: 'an app role that was granted is read back, and is gone once it was taken back',
    run: async (scene) => {
      const { connector, made, remove, all, user, appGrant } = await begin(scene);
      const object = await made('appRoleAssignment', appGrant(`user/${user}`));
      expect(object.body).toEqual(appGrant(`user/${user}`));
      expect(await all('appRoleAssignment')).toEqual([object]);
      expect(await remove(object)).toMatchObject({ kind: 'applied' });
      expect(await connector.readOne('appRoleAssignment', object.id)).toBeNull();
      expect(await remove(object)).toMatchObject({ kind: 'conflict', code: 'expectationFailed' });
    },
  },
  {
    name: 'an app role is granted to a group once, and taken back',
    run: async (scene) => {
      const tenant = await begin(scene);
      const group = await scene.create('group', scene.dialect.group('team', [tenant.user]));
      await livesAndEnds(tenant, 'appRoleAssignment', tenant.appGrant(`group/${group.id}`));
    },
  },
  {
    name: 'a directory role is granted to a user once, and taken back',
    run: async (scene) => {
      const tenant = await begin(scene);
      await livesAndEnds(tenant, 'directoryRoleAssignment', tenant.directoryGrant(`user/${tenant.user}`));
    },
  },
  {
    name: 'a directory role that was granted in an administrative unit is read back, and is gone once it was taken back',
    run: async (scene) => {
      const { connector, made, remove, ground, user, directoryGrant } = await begin(scene);
      const unit = await ground.administrativeUnit('Seattle');
      const after = directoryGrant(`user/${user}`, `/administrativeUnits/${unit}`);
      const object = await made('directoryRoleAssignment', after);
      expect(object.body).toEqual(after);
      expect(await connector.findTwin('directoryRoleAssignment', after)).toEqual(object);
      expect(await connector.findTwin('directoryRoleAssignment', directoryGrant(`user/${user}`))).toBeNull();
      expect(await remove(object)).toMatchObject({ kind: 'applied' });
      expect(await connector.findTwin('directoryRoleAssignment', after)).toBeNull();
    },
  },
  {
    name: 'a directory role is granted to a group that was created for it',
    run: async (scene) => {
      const tenant = await begin(scene);
      const body = { ...scene.dialect.group('admins', [tenant.user]), isAssignableToRole: true };
      const group = await scene.create('group', body);
      await livesAndEnds(tenant, 'directoryRoleAssignment', tenant.directoryGrant(`group/${group.id}`));
    },
  },
  {
    name: 'a workload is made with an application of its own, found by issuer and subject, and deleted',
    run: async (scene) => {
      const { connector, made, remove, all } = await begin(scene);
      const object = await made('federatedIdentity', workload);
      expect(object).not.toHaveProperty('opaque');
      expect(object.body).toMatchObject({ ...workload, audiences: ['api://AzureADTokenExchange'] });
      expect((await all('federatedIdentity')).map(({ id }) => id)).toEqual([object.id]);
      expect(await connector.findTwin('federatedIdentity', { ...workload, name: 'other' })).toEqual(object);
      expect(await remove(object)).toEqual({ kind: 'applied', id: object.id });
      expect(await connector.readOne('federatedIdentity', object.id)).toBeNull();
      expect(await all('federatedIdentity')).toEqual([]);
    },
  },
  {
    name: 'a workload with a unique name is made once, however often it is created',
    run: async (scene) => {
      const { connector, made } = await begin(scene);
      const after = { ...workload, uniqueName: 'wl-backup' };
      const object = await made('federatedIdentity', after);
      expect(object.body).toMatchObject(after);
      const again = { kind: 'create', type: 'federatedIdentity', after } as const;
      expect(await connector.write(again)).toMatchObject({ kind: 'conflict', code: 'nameTaken' });
    },
  },
  {
    name: 'an application trusts issuer and subject once',
    run: async (scene) => {
      const { connector, made } = await begin(scene);
      const { body } = await made('federatedIdentity', workload);
      const after = { ...workload, name: 'other', application: body['application'] ?? null };
      expect(await connector.write({ kind: 'create', type: 'federatedIdentity', after })).toMatchObject({
        kind: 'conflict',
        code: 'nameTaken',
      });
    },
  },
  {
    name: 'a grant to a workload is read as one, and its deletion leaves the workload',
    run: async (scene) => {
      const { connector, made, remove, appGrant, directoryGrant } = await begin(scene);
      const { id } = await made('federatedIdentity', workload);
      const grants = [
        await made('appRoleAssignment', appGrant(`federatedIdentity/${id}`)),
        await made('directoryRoleAssignment', directoryGrant(`federatedIdentity/${id}`)),
      ];
      for (const grant of grants) {
        expect(grant.body['principal']).toBe(`federatedIdentity/${id}`);
        expect(await remove(grant)).toMatchObject({ kind: 'applied' });
      }
      expect(await connector.readOne('federatedIdentity', id)).not.toBeNull();
    },
  },
  {
    name: 'a workload that still holds a grant is not deleted from under it',
    run: async (scene) => {
      const { connector, made, remove, directoryGrant } = await begin(scene);
      const object = await made('federatedIdentity', workload);
      await made('directoryRoleAssignment', directoryGrant(`federatedIdentity/${object.id}`));
      expect(await remove(object)).toMatchObject({ kind: 'refused', code: 'deletionBlocked' });
      expect(await connector.readOne('federatedIdentity', object.id)).toEqual(object);
    },
  },
  {
    name: 'a deleted user comes back under the id it had',
    run: async (scene) => {
      const { ground, user } = await begin(scene);
      const { body } = await scene.read('user', user);
      const deletion = { kind: 'delete', type: 'user', id: user, before: body, deletionMayRemove: [] } as const;
      expect(await scene.write(deletion)).toMatchObject({ kind: 'applied' });
      expect((await ground.graph('POST', `/directory/deletedItems/${user}/restore`)).status).toBe(200);
      expect(await scene.read('user', user)).toMatchObject({ id: user, body });
    },
  },
  {
    name: 'a user that an undo creates is restored under the id it had, and what differs is changed',
    run: async (scene) => {
      const { user } = await begin(scene);
      const { body } = await scene.read('user', user);
      const deletion = { kind: 'delete', type: 'user', id: user, before: body, deletionMayRemove: [] } as const;
      expect(await scene.write(deletion)).toMatchObject({ kind: 'applied' });
      const after = { ...scene.dialect.user('ada'), displayName: 'Back Again' };
      const calls: string[] = [];
      const write = { kind: 'create', type: 'user', after, restores: user } as const;
      const answer = await scene.connector.write(write, ({ call }) => {
        calls.push(call);
        return Promise.resolve();
      });
      expect(answer).toEqual({ kind: 'applied', id: user });
      expect(calls).toEqual(['POST /directory/deletedItems/{id}/restore', 'PATCH /users/{id}']);
      expect((await scene.read('user', user)).body['displayName']).toBe('Back Again');
    },
  },
  {
    name: 'a user that is kept no more is made anew, under another id',
    run: async (scene) => {
      const { user } = await begin(scene);
      const after = scene.dialect.user('nobody');
      const restores = '00000000-0000-4000-8000-000000000000';
      const answer = await scene.write({ kind: 'create', type: 'user', after, restores });
      expect(answer).toEqual({ kind: 'applied', id: expect.not.stringContaining(restores) as string });
      expect(answer).not.toMatchObject({ id: user });
    },
  },
  {
    name: 'the deleted application of a workload comes back under the id it had, and the workload with it',
    run: async (scene) => {
      const { connector, ground, made, remove } = await begin(scene);
      const object = await made('federatedIdentity', workload);
      expect(await remove(object, ['application'])).toMatchObject({ kind: 'applied' });
      expect(await connector.readOne('federatedIdentity', object.id)).toBeNull();
      const [application = ''] = object.id.split('/');
      expect((await ground.graph('POST', `/directory/deletedItems/${application}/restore`)).status).toBe(200);
      expect(await connector.readOne('federatedIdentity', object.id)).toEqual(object);
    },
  },
];
