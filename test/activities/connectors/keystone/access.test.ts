/** Who may do what in a domain: what follows from roles, and what is shown but never written. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ReadItem } from '../../../../activities/connectors/connector.js';
import { effectiveRoles, type Landscape } from '../../../../activities/connectors/keystone/access/effective.js';
import { impliedBy, rolesInCircles } from '../../../../activities/connectors/keystone/access/implied-roles.js';
import { edgeOfBody, edgeOfId, idOfEdge } from '../../../../activities/connectors/keystone/access/assignments.js';
import { nativeTypes } from '../../../../activities/connectors/keystone/native-types.js';
import { serveKeystone, type KeystoneSandbox } from '../../../../sandbox/keystone/server.js';
import { roles } from '../../../../sandbox/keystone/state.js';
import { connectTo, domain, endsOf, objectsOf } from './sandbox-domain.js';

let keystone: KeystoneSandbox;
beforeAll(async () => {
  keystone = await serveKeystone();
});
afterAll(() => keystone.close());
beforeEach(() => keystone.reset());

async function read(...types: string[]): Promise<ReadItem[]> {
  const items: ReadItem[] = [];
  for await (const item of connectTo(keystone.origin).readAll({ nativeTypes: types })) items.push(item);
  return items;
}

describe('roles that follow from others', () => {
  const implications = new Map([
    ['chief', ['lead']],
    ['lead', ['member', 'reader']],
    ['one', ['other']],
    ['other', ['one', 'member']],
  ]);

  it('are all that can be reached, and circles end', () => {
    expect(impliedBy('chief', implications)).toEqual(['chief', 'lead', 'member', 'reader']);
    expect(impliedBy('one', implications)).toEqual(['member', 'one', 'other']);
    expect([...rolesInCircles(implications)].sort()).toEqual(['one', 'other']);
  });

  const edge = (principal: string, role: string, scope: string, inherited: boolean) => {
    const found = edgeOfBody({ principal, role: `role/${role}`, scope, inherited });
    if (!found) throw new Error('not an assignment');
    return found;
  };
  const landscape = (edges: Landscape['edges']): Landscape => ({
    edges,
    implications,
    domainRoles: new Set(['chief']),
    parents: new Map([
      ['top', 'd'],
      ['below', 'top'],
      ['aside', 'd'],
    ]),
    groups: new Map([['ada', new Set(['physics'])]]),
  });

  it.each([
    ['a direct role counts where it is', edge('user/ada', 'lead', 'project/top', false), ['project/top']],
    [
      'an inherited role counts below, and not where it is',
      edge('user/ada', 'lead', 'project/top', true),
      ['project/below'],
    ],
    [
      'a role inherited from the domain counts in every project',
      edge('group/physics', 'lead', 'domain/d', true),
      ['project/aside', 'project/below', 'project/top'],
    ],
    ['a role on the system is not listed', edge('user/ada', 'lead', 'system/all', false), []],
    ['a role of another group is not held', edge('group/chemistry', 'lead', 'domain/d', false), []],
  ])('%s', (_, given, places) => {
    const expected = places.flatMap((place) => ['lead', 'member', 'reader'].map((role) => `${place}/${role}`));
    expect([...effectiveRoles('ada', landscape([given]))].sort()).toEqual(expected);
  });

  it('of a role of the domain count without the role itself', () => {
    const given = edge('user/ada', 'chief', 'project/top', false);
    expect([...effectiveRoles('ada', landscape([given]))].sort()).toEqual(
      ['lead', 'member', 'reader'].map((role) => `project/top/${role}`),
    );
  });

  it('leave the id of an assignment as it was, through text and back', () => {
    for (const inherited of [true, false]) {
      const given = edge('group/physics', 'lead', 'domain/d', inherited);
      expect(edgeOfId(idOfEdge(given))).toEqual(given);
    }
    for (const id of [
      '',
      'user/a/r/project/p',
      'user/a/r/project/p/both',
      'robot/a/r/project/p/direct',
      'user/a/r/system/one/direct',
    ])
      expect(edgeOfId(id)).toBeNull();
  });
});

describe('a user of whom Keystone counts other roles than its lists explain', () => {
  it.each([
    ['more', () => [{ role: roles.admin, place: { domain }, inherited: false }]],
    ['fewer', () => []],
  ])('makes the assignments incomplete: %s', async (_, counted) => {
    const user = keystone.state.addUser({ domain, name: 'ada' });
    keystone.state.assignments.push({ user: user.id, domain, role: roles.member });
    expect(endsOf(await read('roleAssignment'))).toEqual(['roleAssignments true', 'roleAssignments/effective true']);
    const { access } = keystone.state;
    const listed = access.effective.bind(access);
    access.effective = (id, groups) => (id === user.id ? counted() : listed(id, groups));
    const items = await read('roleAssignment');
    Reflect.deleteProperty(access, 'effective');
    expect(endsOf(items)).toEqual([
      'roleAssignments true',
      `users/${user.id}/effectiveRoles effectiveRolesDiffer`,
      'roleAssignments/effective true',
    ]);
    for (const item of items) if (item.kind === 'scopeEnd') expect(item.nativeType).toBe('roleAssignment');
  });
});

describe('trusts and application credentials', () => {
  it('are shown, a trust with the reason why it is never written, and neither is', async () => {
    const [ada, bo] = ['ada', 'bo'].map((name) => keystone.state.addUser({ domain, name }).id);
    if (!ada || !bo) throw new Error('not seeded');
    const project = {
      id: keystone.state.newId(),
      domain,
      parent: domain,
      name: 'lab',
      enabled: true,
      description: '',
      tags: [],
      extra: {},
    };
    const { access } = keystone.state;
    access.projects.set(project.id, project);
    access.trusts = [
      { id: 'trust1', trustor: ada, trustee: bo, project: project.id, roles: [roles.member] },
      { id: 'trust2', trustor: ada, trustee: bo, project: 'elsewhere', roles: [roles.member] },
    ];
    access.credentials = [{ id: 'key1', user: bo, project: project.id, name: 'robot', roles: [roles.reader] }];
    const items = await read('trust', 'applicationCredential');
    expect(objectsOf(items)).toEqual([
      {
        type: 'trust',
        id: 'trust1',
        opaque: 'a trust lends roles of one user to another',
        body: {
          trustor: `user/${ada}`,
          trustee: `user/${bo}`,
          project: `project/${project.id}`,
          roles: [`role/${roles.member}`],
          impersonation: false,
          expires_at: null,
        },
      },
      {
        type: 'applicationCredential',
        id: `${bo}/key1`,
        body: {
          name: 'robot',
          description: null,
          user: `user/${bo}`,
          project: `project/${project.id}`,
          roles: [`role/${roles.reader}`],
          unrestricted: false,
          hasAccessRules: false,
          expires_at: null,
        },
      },
    ]);
    const connector = connectTo(keystone.origin);
    for (const { type, id, body } of objectsOf(items)) {
      expect(await connector.readOne(type, id)).toMatchObject({ id, body });
      const write = { kind: 'delete', type, id, before: body, deletionMayRemove: [] } as const;
      expect(await connector.write(write)).toMatchObject({ kind: 'refused', code: 'readOnlyObject' });
      expect(connector.plannedCalls(write)).toEqual([]);
    }
  });
});

describe('what cannot be fully represented', () => {
  const issuer = 'https://issuer.example.org';
  const whoever = (subject: string, more: object = {}) => ({
    local: [{ user: { name: '{0}' } }],
    remote: [{ type: 'HTTP_OIDC_SUB' }, { type: 'HTTP_OIDC_SUB', any_one_of: [subject] }],
    ...more,
  });

  /** A way in of every shape that is none of one issuer and one subject, roles in a circle, and a trust. */
  function everyKind(): void {
    const { access } = keystone.state;
    const way = (id: string, rules: readonly unknown[], change: object = {}) => {
      const protocols = { openid: id };
      const own = { id, domain, enabled: true, description: null, remoteIds: [`${issuer}/${id}`], protocols };
      access.providers.set(id, { ...own, ...change });
      access.mappings.set(id, [...rules]);
    };
    way('everybody', [whoever('a')], { remoteIds: [] });
    way('several', [whoever('a')], { remoteIds: ['https://a', 'https://b'] });
    way('nobody', [{ local: [{ user: { name: 'x' } }], remote: [{ type: 'HTTP_OIDC_SUB' }] }]);
    way('pattern', [whoever('a', { remote: [{ type: 'HTTP_OIDC_SUB', any_one_of: ['.*'], regex: true }] })]);
    way('project', [
      whoever('a', { local: [{ user: { name: '{0}' } }, { projects: [{ name: 'p', roles: [{ name: 'admin' }] }] }] }),
    ]);
    access.implied.set(roles.reader, new Set([roles.admin]));
    const [ada, bo] = ['ada', 'bo'].map((name) => keystone.state.addUser({ domain, name }).id);
    const lab = { domain, parent: domain, name: 'lab', enabled: true, description: '', tags: [], extra: {} };
    access.projects.set('lab', { ...lab, id: 'lab' });
    access.trusts = [{ id: 't', trustor: ada ?? '', trustee: bo ?? '', project: 'lab', roles: [roles.member] }];
  }

  it('is opaque with its reason, alone as in the list, and nothing changes or deletes it', async () => {
    everyKind();
    const connector = connectTo(keystone.origin);
    const found = objectsOf(await read('role', 'mappingRule', 'trust')).filter(({ opaque }) => opaque !== undefined);
    expect(found.map(({ type, opaque }) => `${type}: ${opaque ?? ''}`).sort()).toEqual([
      'mappingRule: the identity provider accepts every issuer',
      'mappingRule: the identity provider accepts more than one issuer',
      'mappingRule: the rule has a condition beyond one issuer and one subject',
      'mappingRule: the rule leads to more than one user and one group',
      'mappingRule: the rule names no subject',
      'role: the role implies itself through other roles',
      'role: the role implies itself through other roles',
      'role: the role implies itself through other roles',
      'trust: a trust lends roles of one user to another',
    ]);
    const before = JSON.stringify([...keystone.state.access.mappings, ...keystone.state.access.roles]);
    for (const { type, id, body, opaque } of found) {
      expect(await connector.readOne(type, id)).toEqual({ type, id, body, opaque });
      const write = { kind: 'delete', type, id, before: body, deletionMayRemove: ['roleAssignments'] } as const;
      expect(await connector.write(write), `${type} ${opaque ?? ''}`).toMatchObject({ kind: 'refused' });
    }
    expect(JSON.stringify([...keystone.state.access.mappings, ...keystone.state.access.roles])).toBe(before);
  });
});

describe('a read', () => {
  it('for a native type that Keystone does not have says so', async () => {
    await expect(read('flavor')).rejects.toMatchObject({ code: 'invalidFederation' });
  });

  it('of a domain that is not there ends every collection as incomplete', async () => {
    const items: ReadItem[] = [];
    const connector = connectTo(keystone.origin, { domain: 'nowhere' });
    for await (const item of connector.readAll({ nativeTypes: [...nativeTypes] })) items.push(item);
    expect(objectsOf(items)).toEqual([]);
    for (const end of endsOf(items)) expect(end).toMatch(/ scopeNotFound$/);
    expect(endsOf(items)).toHaveLength(11);
  });
});
