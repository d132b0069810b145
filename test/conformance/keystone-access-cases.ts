/** Cases of Keystone alone: who may do what in a domain, read and written. The sandbox is held to them, and Keystone itself. */
import { expect } from 'vitest';
import type { NativeCall, ReadItem, WriteAnswer } from '../../activities/connectors/connector.js';
import { nativeTypes } from '../../activities/connectors/keystone/native-types.js';
import type { JsonObject } from '../../core/json.js';
import type { NativeObject } from '../../core/record.js';
import type { ConformanceCase } from './cases.js';
import { collect, endsIn, type Scene } from './scene.js';
import type { World } from './world.js';

type Ids = Readonly<Record<string, string>>;

/** Asks the cloud behind the connector's back, and fails the case where it refuses. */
async function must(world: World, method: string, path: string, body?: object): Promise<Record<string, never>> {
  if (!world.administrator) throw new Error(`${world.name} lends no administrator`);
  const answer = await world.administrator.request(method, path, body);
  if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}`);
  return (answer.body ?? {}) as Record<string, never>;
}

async function made(world: World, kind: string, body: object): Promise<string> {
  const answer = (await must(world, 'POST', `/${kind}s`, { [kind]: body })) as Record<string, { id: string }>;
  return answer[kind]?.id ?? '';
}

const domainOf = (world: World): string => (world.mesh.kind === 'keystone' ? world.mesh.domain : '');

async function rolesOf(world: World): Promise<Ids> {
  const { roles } = (await must(world, 'GET', '/roles')) as unknown as { roles: { id: string; name: string }[] };
  return Object.fromEntries(roles.map(({ id, name }) => [name, id]));
}

const read = (scene: Scene, types: readonly string[], connector = scene.connector): Promise<readonly ReadItem[]> =>
  collect(connector.readAll({ nativeTypes: types }));

const of = (items: readonly ReadItem[], type: string): readonly NativeObject[] =>
  items.flatMap((item) => (item.kind === 'objects' ? item.objects.filter((object) => object.type === type) : []));

async function selfOf({ connector }: Scene): Promise<string> {
  return /\(([0-9a-f]+)\)/.exec((await connector.probe()).identity ?? '')?.[1] ?? '';
}

/** A user in a group, two projects of which one lies in the other, and the roles that Keystone begins with. */
async function furnish(scene: Scene) {
  const { world } = scene;
  const domain = domainOf(world);
  const user = (await scene.create('user', scene.dialect.user('ada'))).id;
  const group = (await scene.create('group', scene.dialect.group('physics', [user]))).id;
  const project = await made(world, 'project', { name: 'lab', domain_id: domain });
  const inner = await made(world, 'project', { name: 'bench', domain_id: domain, parent_id: project });
  return { domain, user, group, project, inner, roles: await rolesOf(world) };
}

const edge = (principal: string, role: string, scope: string, inherited = false): JsonObject => ({
  principal,
  role: `role/${role}`,
  scope,
  inherited,
});

/** One assignment of every kind that a domain can hold. */
function everyKind({
  user,
  group,
  project,
  domain,
  roles,
}: Awaited<ReturnType<typeof furnish>>): readonly JsonObject[] {
  const { member = '', reader = '' } = roles;
  return [`user/${user}`, `group/${group}`].flatMap((principal) => [
    edge(principal, member, `project/${project}`),
    edge(principal, reader, `project/${project}`, true),
    edge(principal, member, `domain/${domain}`),
    edge(principal, reader, `domain/${domain}`, true),
  ]);
}

const applied = { kind: 'applied', id: expect.any(String) as string };

async function give(scene: Scene, after: JsonObject): Promise<NativeObject> {
  const answer = await scene.connector.write({ kind: 'create', type: 'roleAssignment', after });
  expect(answer).toEqual(applied);
  const found = await scene.connector.readOne('roleAssignment', answer.kind === 'applied' ? answer.id : '');
  if (!found) throw new Error('the assignment is not there');
  return found;
}

const taken = (object: NativeObject, deletionMayRemove: readonly string[] = []) =>
  ({ kind: 'delete', type: object.type, id: object.id, before: object.body, deletionMayRemove }) as const;

const byId = (objects: readonly NativeObject[]) => new Map(objects.map((object) => [object.id, object]));

/** Writes, and what was announced on the way. */
async function announcedBy(scene: Scene, write: Parameters<Scene['write']>[0]) {
  const announced: NativeCall[] = [];
  const answer: WriteAnswer = await scene.connector.write(write, (call) => {
    announced.push(call);
    return Promise.resolve();
  });
  return { answer, announced };
}

const issuer = 'https://issuer.example.org';
const rule = (subject: string, more: readonly object[] = []) => ({
  local: [{ user: { name: '{0}' } }],
  remote: [{ type: 'HTTP_OIDC_SUB' }, { type: 'HTTP_OIDC_SUB', any_one_of: [subject] }, ...more],
});

async function provider(world: World, id: string, rules: readonly object[], change: object = {}): Promise<void> {
  const body = { remote_ids: [`${issuer}/${id}`], enabled: true, domain_id: domainOf(world), ...change };
  await must(world, 'PUT', `/OS-FEDERATION/identity_providers/${id}`, { identity_provider: body });
  await must(world, 'PUT', `/OS-FEDERATION/mappings/${id}`, { mapping: { rules } });
  await must(world, 'PUT', `/OS-FEDERATION/identity_providers/${id}/protocols/openid`, {
    protocol: { mapping_id: id },
  });
}

const readCases: readonly ConformanceCase[] = [
  {
    name: 'keystone: a read ends exactly the collections that it was for',
    run: async (scene) => {
      expect(endsIn(await read(scene, ['project', 'role']))).toEqual(['projects', 'roles']);
      expect(endsIn(await read(scene, ['group']))).toEqual(['groups']);
      expect(endsIn(await collect(scene.connector.readAll({})))).toEqual(['users', 'groups']);
      expect(endsIn(await read(scene, [...nativeTypes].reverse()))).toEqual([
        'users',
        'groups',
        'domains',
        'projects',
        'systems',
        'roles',
        'mappingRules',
        'roleAssignments/system: forbidden',
        'roleAssignments',
        'roleAssignments/effective',
        'trusts',
        'applicationCredentials',
      ]);
    },
  },
  {
    name: 'keystone: projects of the domain are listed once, as a single read shows them, and no others',
    run: async (scene) => {
      const { domain, project, inner } = await furnish(scene);
      const elsewhere = await made(scene.world, 'project', { name: 'lab', domain_id: 'default' });
      const items = await read(scene, ['domain', 'project', 'system']);
      expect(of(items, 'project').map(({ id }) => id)).toEqual([project, inner].sort());
      for (const object of [...of(items, 'project'), ...of(items, 'domain'), ...of(items, 'system')])
        expect(await scene.connector.readOne(object.type, object.id)).toEqual(object);
      expect(of(items, 'project').find(({ id }) => id === inner)?.body).toEqual({
        name: 'bench',
        description: '',
        enabled: true,
        domain_id: domain,
        parent_id: project,
      });
      expect(of(items, 'domain').map(({ id }) => id)).toEqual([domain]);
      expect(of(items, 'system')).toEqual([{ type: 'system', id: 'all', body: { name: 'system' } }]);
      expect(await scene.connector.readOne('project', elsewhere)).toBeNull();
      expect((await scene.connector.findTwin('project', { name: 'lab' }))?.id).toBe(project);
    },
  },
  {
    name: 'keystone: a role comes with what it implies, and roles that imply each other are opaque',
    run: async (scene) => {
      const { world, connector } = scene;
      const before = of(await read(scene, ['role']), 'role');
      const { admin = '', member = '', reader = '' } = await rolesOf(world);
      expect(byId(before).get(admin)?.body['implies']).toEqual([member]);
      expect(byId(before).get(reader)?.body['implies']).toEqual([]);
      const own = await made(world, 'role', { name: 'auditor', domain_id: domainOf(world) });
      const [one, other] = [await made(world, 'role', { name: 'one' }), await made(world, 'role', { name: 'other' })];
      await must(world, 'PUT', `/roles/${own}/implies/${reader}`);
      await must(world, 'PUT', `/roles/${one}/implies/${other}`);
      await must(world, 'PUT', `/roles/${other}/implies/${one}`);
      const roles = byId(of(await read(scene, ['role']), 'role'));
      expect(roles.get(own)).toMatchObject({ body: { name: 'auditor', implies: [reader] } });
      expect(roles.get(own)).not.toHaveProperty('opaque');
      for (const id of [one, other]) expect(roles.get(id)?.opaque).toBe('the role implies itself through other roles');
      for (const [id, role] of roles) expect(await connector.readOne('role', id)).toEqual(role);
      expect((await connector.findTwin('role', { name: 'one' }))?.id).toBe(one);
      expect((await connector.findTwin('role', { name: 'auditor', domain_id: domainOf(world) }))?.id).toBe(own);
      expect(await connector.findTwin('role', { name: 'auditor' })).toBeNull();
    },
  },
  {
    name: 'keystone: assignments are listed once, as a single read shows them, and only those of the domain',
    run: async (scene) => {
      const place = await furnish(scene);
      const elsewhere = await made(scene.world, 'project', { name: 'elsewhere', domain_id: 'default' });
      await must(scene.world, 'PUT', `/projects/${elsewhere}/users/${place.user}/roles/${place.roles['member'] ?? ''}`);
      const given = [];
      for (const after of everyKind(place)) given.push(await give(scene, after));
      const items = await read(scene, ['roleAssignment']);
      expect(endsIn(items)).toEqual(['roleAssignments', 'roleAssignments/effective']);
      const self = await selfOf(scene);
      const listed = of(items, 'roleAssignment').filter(({ id }) => !id.includes(self));
      expect(byId(listed)).toEqual(byId(given));
      expect(listed).toHaveLength(8);
      expect(listed.map(({ body }) => body)).toEqual(expect.arrayContaining([...everyKind(place)]));
    },
  },
  {
    name: 'keystone: assignments on the system are unseen without a role there, never absent',
    run: async (scene) => {
      const { world } = scene;
      const { user, roles } = await furnish(scene);
      const path = `/system/users/${user}/roles/${roles['reader'] ?? ''}`;
      await must(world, 'PUT', path);
      const id = `user/${user}/${roles['reader'] ?? ''}/system/all/direct`;
      const types = ['system', 'roleAssignment'];
      const blind = await read(scene, types);
      expect(endsIn(blind)).toContain('roleAssignments/system: forbidden');
      expect(of(blind, 'roleAssignment').map((object) => object.id)).not.toContain(id);
      await expect(scene.connector.readOne('roleAssignment', id)).rejects.toMatchObject({ code: 'forbidden' });
      await must(world, 'PUT', `/system/users/${await selfOf(scene)}/roles/${roles['reader'] ?? ''}`);
      const seeing = world.connector();
      const items = await read(scene, types, seeing);
      expect(endsIn(items)).toEqual(['systems', 'roleAssignments', 'roleAssignments/effective']);
      const found = of(items, 'roleAssignment').find((object) => object.id === id);
      expect(found?.body).toEqual(edge(`user/${user}`, roles['reader'] ?? '', 'system/all'));
      expect(await seeing.readOne('roleAssignment', id)).toEqual(found);
      // A map that does not name the system asks for none of it.
      expect(of(await read(scene, ['roleAssignment'], seeing), 'roleAssignment').map((each) => each.id)).not.toContain(
        id,
      );
    },
  },
  {
    name: 'keystone: what follows from roles, groups and inheritance is counted as Keystone counts it',
    run: async (scene) => {
      const place = await furnish(scene);
      const { world } = scene;
      const { domain, user, group, project, roles } = place;
      const own = await made(world, 'role', { name: 'chief', domain_id: domain });
      await must(world, 'PUT', `/roles/${own}/implies/${roles['member'] ?? ''}`);
      for (const after of [
        ...everyKind(place),
        edge(`group/${group}`, own, `domain/${domain}`, true),
        edge(`user/${user}`, own, `project/${project}`),
        edge(`group/${group}`, roles['admin'] ?? '', `project/${project}`, true),
      ])
        await give(scene, after);
      expect(endsIn(await read(scene, ['roleAssignment']))).toEqual(['roleAssignments', 'roleAssignments/effective']);
    },
  },
  {
    name: 'keystone: a read of everything goes on from any cursor with the rest',
    run: async (scene) => {
      const place = await furnish(scene);
      for (const after of everyKind(place).slice(0, 3)) await give(scene, after);
      await provider(scene.world, 'ci', [rule('a'), rule('b')]);
      const types = ['project', 'mappingRule', 'roleAssignment', 'system'];
      const whole = await read(scene, types);
      const plain = (items: readonly ReadItem[]) => items.map((item) => ({ ...item, cursor: null }));
      for (const [index, { cursor }] of whole.entries()) {
        const rest = await collect(scene.world.connector().readAll({ nativeTypes: types, cursor }));
        expect(plain(rest)).toEqual(plain(whole.slice(index + 1)));
      }
    },
  },
  {
    name: 'keystone: role reader on the domain sees assignments, and says of roles and workloads that it does not',
    run: async (scene) => {
      const { world } = scene;
      const place = await furnish(scene);
      const [first = {}] = everyKind(place);
      const { id } = await give(scene, first);
      const observer = await made(world, 'user', {
        name: 'observer',
        domain_id: 'default',
        password: 'observers-word',
      });
      await must(world, 'PUT', `/domains/${place.domain}/users/${observer}/roles/${place.roles['reader'] ?? ''}`);
      const connector = world.connector({ as: { user: 'observer', password: 'observers-word' } });
      const items = await read(scene, [...nativeTypes], connector);
      await must(world, 'DELETE', `/users/${observer}`);
      expect(endsIn(items)).toEqual([
        'users',
        'groups',
        'domains',
        'projects',
        'systems',
        'roles/implied: forbidden',
        'roles: forbidden',
        'mappingRules: forbidden',
        'roleAssignments/system: forbidden',
        'roleAssignments',
        'roleAssignments/effective: forbidden',
        'trusts: forbidden',
        'applicationCredentials: forbidden',
      ]);
      expect(of(items, 'roleAssignment').map((object) => object.id)).toContain(id);
    },
  },
];

const assignmentCases: readonly ConformanceCase[] = [
  {
    name: 'keystone: every kind of assignment is given and taken, by the one call that was planned',
    run: async (scene) => {
      for (const after of everyKind(await furnish(scene))) {
        const creation = { kind: 'create', type: 'roleAssignment', after } as const;
        const first = await announcedBy(scene, creation);
        expect(first.announced).toEqual(scene.connector.plannedCalls(creation));
        expect(first.announced).toHaveLength(1);
        const object = await scene.connector.findTwin('roleAssignment', after);
        expect(object).toEqual({ type: 'roleAssignment', id: expect.any(String) as string, body: after });
        // Keystone answers the second request like the first.
        expect(await scene.write(creation)).toEqual(first.answer);
        if (!object) continue;
        const deletion = taken(object);
        const second = await announcedBy(scene, deletion);
        expect(second).toEqual({
          answer: { kind: 'applied', id: object.id },
          announced: scene.connector.plannedCalls(deletion),
        });
        expect(await scene.connector.readOne('roleAssignment', object.id)).toBeNull();
        expect(await scene.write(deletion)).toMatchObject({ kind: 'conflict', code: 'expectationFailed' });
      }
    },
  },
  {
    name: 'keystone: an assignment beyond the domain, of nobody, or of the connector itself is not written',
    run: async (scene) => {
      const { world } = scene;
      const { user, project, domain, roles } = await furnish(scene);
      const member = roles['member'] ?? '';
      const [stranger, elsewhere] = [
        await made(world, 'user', { name: 'stranger', domain_id: 'default' }),
        await made(world, 'project', { name: 'elsewhere', domain_id: 'default' }),
      ];
      const nobody = '0123456789abcdef0123456789abcdef';
      const self = await selfOf(scene);
      const create = (after: JsonObject) => announcedBy(scene, { kind: 'create', type: 'roleAssignment', after });
      for (const [after, kind, code] of [
        [edge(`user/${user}`, member, 'domain/default'), 'refused', 'wrongAccount'],
        [edge(`user/${user}`, member, `project/${elsewhere}`), 'conflict', 'expectationFailed'],
        [edge(`user/${stranger}`, member, `project/${project}`), 'conflict', 'expectationFailed'],
        [edge(`user/${nobody}`, member, `project/${project}`), 'conflict', 'expectationFailed'],
        [edge(`user/${user}`, member, 'system/all', true), 'refused', 'valueNotRepresentable'],
        [edge(`user/${user}`, member, 'system/all'), 'refused', 'forbidden'],
        [{ ...edge(`user/${user}`, member, `project/${project}`), role: member }, 'refused', 'valueNotRepresentable'],
      ] as const) {
        const { answer, announced } = await create(after);
        expect(answer).toMatchObject({ kind, code });
        if (code !== 'forbidden') expect(announced).toEqual([]);
      }
      expect((await create(edge(`user/${user}`, nobody, `project/${project}`))).answer).toMatchObject({
        kind: 'conflict',
        code: 'expectationFailed',
      });
      const own = of(await read(scene, ['roleAssignment']), 'roleAssignment').find(({ id }) => id.includes(self));
      if (!own) throw new Error('the service user holds no role');
      expect(await scene.write(taken(own))).toMatchObject({ kind: 'refused' });
      expect(await scene.connector.readOne('roleAssignment', own.id)).toEqual(own);
      expect(own.body['scope']).toBe(`domain/${domain}`);
      await must(world, 'DELETE', `/users/${stranger}`);
    },
  },
  {
    name: 'keystone: a group takes its assignments along, and a role those of everybody',
    run: async (scene) => {
      const place = await furnish(scene);
      const { world, connector } = scene;
      const role = await made(world, 'role', { name: 'passing' });
      const ofGroup = await give(
        scene,
        edge(`group/${place.group}`, place.roles['member'] ?? '', `project/${place.project}`),
      );
      const ofUser = await give(scene, edge(`user/${place.user}`, role, `project/${place.project}`));
      const group = await scene.read('group', place.group);
      const deletion = taken(group, ['memberships']);
      expect(connector.consequencesOf?.(deletion).join()).toContain('role assignments');
      expect(await scene.write(deletion)).toEqual({ kind: 'applied', id: group.id });
      expect(await connector.readOne('roleAssignment', ofGroup.id)).toBeNull();

      const whole = await connector.readOne('role', role);
      if (!whole) throw new Error('the role is not there');
      expect(await scene.write(taken(whole))).toMatchObject({ kind: 'refused', code: 'deletionBlocked' });
      expect(await connector.readOne('roleAssignment', ofUser.id)).toEqual(ofUser);
      expect(await scene.write(taken(whole, ['roleAssignments']))).toEqual({ kind: 'applied', id: role });
      expect(await connector.readOne('role', role)).toBeNull();
      expect(await connector.readOne('roleAssignment', ofUser.id)).toBeNull();
    },
  },
];

const roleCases: readonly ConformanceCase[] = [
  {
    name: 'keystone: a role is made with what it implies, and changed by what differs',
    run: async (scene) => {
      const { connector } = scene;
      const { member = '', reader = '' } = await rolesOf(scene.world);
      const after = { name: 'operator', description: 'Runs it', implies: [reader] };
      const creation = { kind: 'create', type: 'role', after } as const;
      const { answer, announced } = await announcedBy(scene, creation);
      expect(answer).toEqual(applied);
      expect(announced).toEqual(connector.plannedCalls(creation));
      const id = answer.kind === 'applied' ? answer.id : '';
      const role = await connector.readOne('role', id);
      expect(role?.body).toEqual({ ...after, domain_id: null });
      if (!role) return;
      const update = (next: JsonObject) =>
        scene.write({ kind: 'update', type: 'role', id, before: role.body, after: { ...role.body, ...next } });
      expect(await update({ description: 'Runs it all', implies: [member] })).toEqual({ kind: 'applied', id });
      expect((await connector.readOne('role', id))?.body).toMatchObject({
        description: 'Runs it all',
        implies: [member],
      });
      expect(await scene.write({ ...creation, after: { name: 'operator' } })).toMatchObject({
        kind: 'conflict',
        code: 'nameTaken',
      });
    },
  },
  {
    name: 'keystone: a role that would imply itself, or is marked immutable, is not written',
    run: async (scene) => {
      const { world, connector } = scene;
      const { reader = '', member = '' } = await rolesOf(world);
      const [one, other] = [await made(world, 'role', { name: 'one' }), await made(world, 'role', { name: 'other' })];
      await must(world, 'PUT', `/roles/${other}/implies/${one}`);
      const role = await connector.readOne('role', one);
      const bootstrapped = await connector.readOne('role', reader);
      if (!role || !bootstrapped) throw new Error('the roles are not there');
      const changed = (object: NativeObject, next: JsonObject) =>
        announcedBy(scene, {
          kind: 'update',
          type: 'role',
          id: object.id,
          before: object.body,
          after: { ...object.body, ...next },
        });
      for (const implies of [[other], [one]])
        expect(await changed(role, { implies })).toMatchObject({
          answer: { kind: 'refused', code: 'valueNotRepresentable' },
          announced: [],
        });
      expect(await changed(bootstrapped, { description: 'mine' })).toMatchObject({
        answer: { kind: 'refused', code: 'readOnlyObject' },
        announced: [],
      });
      expect(await scene.write(taken(bootstrapped, ['roleAssignments']))).toMatchObject({
        kind: 'refused',
        code: 'readOnlyObject',
      });
      expect((await connector.readOne('role', member))?.body['implies']).toEqual([reader]);
    },
  },
  {
    name: 'keystone: a project is made and changed, and never deleted',
    run: async (scene) => {
      const { connector, world } = scene;
      const domain = domainOf(world);
      const after = { name: 'lab', description: 'Where it is tried', enabled: true };
      const creation = { kind: 'create', type: 'project', after } as const;
      const answer = await scene.write(creation);
      expect(answer).toEqual(applied);
      const id = answer.kind === 'applied' ? answer.id : '';
      const project = await connector.readOne('project', id);
      expect(project?.body).toEqual({ ...after, domain_id: domain, parent_id: domain });
      if (!project) return;
      const next = { ...project.body, description: 'Where it was tried', enabled: false };
      const update = { kind: 'update', type: 'project', id, before: project.body, after: next } as const;
      expect(connector.plannedCalls(update)).toEqual([
        {
          call: 'PATCH /v3/projects/{id}',
          target: id,
          arguments: { description: 'Where it was tried', enabled: false },
        },
      ]);
      expect(await scene.write(update)).toEqual({ kind: 'applied', id });
      expect((await connector.readOne('project', id))?.body).toEqual(next);
      expect(await scene.write(creation)).toMatchObject({ kind: 'conflict', code: 'nameTaken' });
      expect(await scene.write({ ...creation, after: { name: 'lab ' } })).toMatchObject({
        code: 'valueNotRepresentable',
      });
      expect(await scene.write(taken(project, ['roleAssignments']))).toMatchObject({
        kind: 'refused',
        code: 'readOnlyObject',
      });
      expect(await connector.readOne('project', id)).not.toBeNull();
    },
  },
];

const workloadCases: readonly ConformanceCase[] = [
  {
    name: 'keystone: a workload is let in by a provider, a mapping and a protocol, and the next one by a rule more',
    run: async (scene) => {
      const { connector, world } = scene;
      const { group } = await furnish(scene);
      const first = { issuer, subject: 'repo:one', local: { user: { name: '{0}' }, group: { id: group } } };
      const second = { issuer, subject: 'repo:two', local: { user: { name: 'two' } } };
      const ids: string[] = [];
      const calls: (readonly string[])[] = [];
      for (const after of [first, second]) {
        const { answer, announced } = await announcedBy(scene, { kind: 'create', type: 'mappingRule', after });
        expect(answer).toEqual(applied);
        ids.push(answer.kind === 'applied' ? answer.id : '');
        calls.push(announced.map(({ call }) => call.replace('/v3/OS-FEDERATION', '')));
      }
      expect(calls).toEqual([
        ['PUT /identity_providers/{id}', 'PUT /mappings/{id}', 'PUT /identity_providers/{id}/protocols/{id}'],
        ['PATCH /mappings/{id}'],
      ]);
      const listed = of(await read(scene, ['mappingRule']), 'mappingRule');
      expect(listed.map(({ id }) => id)).toEqual([...ids].sort());
      expect(byId(listed).get(ids[0] ?? '')?.body).toMatchObject({ ...first, protocol: 'openid', enabled: true });
      expect((await connector.findTwin('mappingRule', { issuer, subject: 'repo:two' }))?.id).toBe(ids[1]);
      expect(await scene.write({ kind: 'create', type: 'mappingRule', after: second })).toMatchObject({
        kind: 'conflict',
        code: 'nameTaken',
      });

      const [one, two] = ids.map((id) => byId(listed).get(id));
      if (!one || !two) throw new Error('the rules are not there');
      expect(await scene.write(taken(one))).toEqual({ kind: 'applied', id: one.id });
      expect(of(await read(scene, ['mappingRule']), 'mappingRule')).toEqual([two]);
      expect(await scene.write(taken(one))).toMatchObject({ kind: 'conflict', code: 'expectationFailed' });
      expect(await scene.write(taken(two))).toEqual({ kind: 'applied', id: two.id });
      expect(of(await read(scene, ['mappingRule']), 'mappingRule')).toEqual([]);
      const { mappings } = (await must(world, 'GET', '/OS-FEDERATION/mappings')) as unknown as { mappings: unknown[] };
      expect(mappings).toEqual([]);
    },
  },
  {
    name: 'keystone: rules of an unknown shape are shown with the reason and never touched',
    run: async (scene) => {
      const { world } = scene;
      const shapes: readonly (readonly [string, object, object?])[] = [
        ['the rule names no subject', { local: [{ user: { name: 'x' } }], remote: [{ type: 'HTTP_OIDC_SUB' }] }],
        [
          'the rule has a condition beyond one issuer and one subject',
          rule('a', [{ type: 'GROUPS', any_one_of: ['x'] }]),
        ],
        [
          'the rule has a condition beyond one issuer and one subject',
          {
            local: [{ user: { name: '{0}' } }],
            remote: [{ type: 'HTTP_OIDC_SUB' }, { type: 'HTTP_OIDC_SUB', any_one_of: ['.*'], regex: true }],
          },
        ],
        ['the rule names more than one subject', rule('a', [{ type: 'OIDC-sub', any_one_of: ['b'] }])],
        [
          'the rule and the identity provider name different issuers',
          rule('a', [{ type: 'HTTP_OIDC_ISS', any_one_of: ['https://else.example'] }]),
        ],
        [
          'the rule leads to more than one user and one group',
          {
            ...rule('a'),
            local: [{ user: { name: '{0}' } }, { projects: [{ name: 'p', roles: [{ name: 'member' }] }] }],
          },
        ],
        ['the identity provider accepts every issuer', rule('a'), { remote_ids: [] }],
        ['the identity provider accepts more than one issuer', rule('a'), { remote_ids: ['https://a', 'https://b'] }],
      ];
      for (const [index, [, given, change]] of shapes.entries()) await provider(world, `idp${index}`, [given], change);
      const found = of(await read(scene, ['mappingRule']), 'mappingRule');
      expect(found.map(({ opaque }) => opaque)).toEqual(shapes.map(([reason]) => reason));
      for (const object of [found[0], found.at(-1)]) {
        if (!object) continue;
        expect(await scene.connector.readOne('mappingRule', object.id)).toEqual(object);
        const { answer, announced } = await announcedBy(scene, taken(object));
        expect(answer).toMatchObject({ kind: 'refused', code: 'readOnlyObject' });
        expect(announced).toEqual([]);
      }
    },
  },
  {
    name: 'keystone: a provider of another domain is not seen, unless its rule leads into this one',
    run: async (scene) => {
      const { group } = await furnish(scene);
      await provider(scene.world, 'foreign', [rule('a')], { domain_id: 'default' });
      expect(of(await read(scene, ['mappingRule']), 'mappingRule')).toEqual([]);
      await must(scene.world, 'PATCH', '/OS-FEDERATION/mappings/foreign', {
        mapping: { rules: [rule('a'), { ...rule('b'), local: [{ user: { name: '{0}' } }, { group: { id: group } }] }] },
      });
      const found = of(await read(scene, ['mappingRule']), 'mappingRule');
      expect(found.map(({ opaque }) => opaque)).toEqual(['the identity provider belongs to another domain']);
      const after = { issuer: `${issuer}/foreign`, subject: 'c' };
      expect(await scene.write({ kind: 'create', type: 'mappingRule', after })).toMatchObject({
        kind: 'refused',
        code: 'wrongAccount',
      });
    },
  },
];

export const keystoneAccessCases: readonly ConformanceCase[] = [
  ...readCases,
  ...assignmentCases,
  ...roleCases,
  ...workloadCases,
];
