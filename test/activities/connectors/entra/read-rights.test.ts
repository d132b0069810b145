import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { accessTypes } from '../../../../activities/connectors/entra/access/types.js';
import type { Connector } from '../../../../activities/connectors/connector.js';
import type { NativeObject } from '../../../../core/record.js';
import { everyType, globalReader, issuer, readAs, rightsIn, userAdministrator } from './rights.js';
import { endsOf, everything, objectsOf, person, startTenant } from './tenant.js';

const tenant = await startTenant();
const { sandbox, connect } = tenant;
const { access } = sandbox.state;
afterEach(() => {
  access.licensed = true;
  access.pageSize = 100;
  sandbox.reset();
});
afterAll(() => tenant.close());

const ends = [
  'directoryScopes',
  'servicePrincipals',
  'directoryRoles',
  'appRoles',
  'federatedIdentities',
  'appRoleAssignments',
  'directoryRoleAssignments',
  'roleEligibilityScheduleInstances',
];

async function grantsOf(connector: Connector, type: string): Promise<readonly NativeObject[]> {
  return objectsOf(await readAs(connector, [type]), type);
}

/** Grants the reading role to somebody, as the tenant itself would hold it. */
function grant(
  principalId: string,
  principalType: 'User' | 'Group' | 'ServicePrincipal',
  rights = rightsIn(sandbox.state),
) {
  access.assignAppRole({ principalId, principalType, resourceId: rights.resource.id, appRoleId: rights.reader });
  return rights;
}

test('nothing beyond users and groups is asked for where no map names more', async () => {
  const { mesh } = rightsIn(sandbox.state);
  expect(endsOf(await everything(connect(mesh)))).toEqual(['users', 'groups']);
  expect(Object.keys(sandbox.calls()).filter((call) => /appl|role|admin|servicePrincipal/i.test(call))).toEqual([]);
});

test('only the lists of the native types that are named are read, each to an end of its own', async () => {
  const { mesh } = rightsIn(sandbox.state);
  expect(endsOf(await readAs(connect(mesh), ['group', 'appRole']))).toEqual(['groups', 'appRoles']);
  expect(sandbox.calls()['GET /users']).toBeUndefined();
  expect(endsOf(await readAs(connect(mesh), everyType))).toEqual(['users', 'groups', ...ends]);
});

test('scopes are the directory, its administrative units and the service principals that the file lists', async () => {
  const { mesh, unit, resource, appId } = rightsIn(sandbox.state);
  const items = await readAs(connect(mesh));
  expect(objectsOf(items, 'directoryScope')).toEqual([
    { type: 'directoryScope', id: '/', body: { id: '/', displayName: 'Directory' } },
    {
      type: 'directoryScope',
      id: `/administrativeUnits/${unit}`,
      body: { id: `/administrativeUnits/${unit}`, displayName: 'Seattle' },
    },
  ]);
  expect(objectsOf(items, 'servicePrincipal')).toEqual([
    {
      type: 'servicePrincipal',
      id: resource.id,
      body: { appId, displayName: 'object-store', accountEnabled: true, appRoleAssignmentRequired: false },
    },
  ]);
});

test('roles are those that service principals declare, the one without a name, and those of the directory', async () => {
  const { mesh, resource, reader } = rightsIn(sandbox.state);
  const items = await readAs(connect(mesh));
  const [read, , byDefault, ...more] = objectsOf(items, 'appRole');
  expect(read).toEqual({
    type: 'appRole',
    id: `${resource.id}/${reader}`,
    body: {
      value: 'Objects.Read',
      displayName: 'Objects.Read',
      isEnabled: true,
      allowedMemberTypes: ['Application', 'User'],
      servicePrincipal: `servicePrincipal/${resource.id}`,
    },
  });
  expect(byDefault?.id).toBe(`${resource.id}/00000000-0000-0000-0000-000000000000`);
  expect(more).toEqual([]);
  expect(objectsOf(items, 'directoryRole').find(({ id }) => id === globalReader)?.body).toMatchObject({
    displayName: 'Global Reader',
    isBuiltIn: true,
    templateId: globalReader,
  });
});

test('a grant names whom, what and where by native type and id', async () => {
  const rights = grant(rightsIn(sandbox.state).user, 'User');
  const scope = `/administrativeUnits/${rights.unit}`;
  access.assignRole({ principalId: rights.group, roleDefinitionId: userAdministrator, directoryScopeId: scope });
  const items = await readAs(connect(rights.mesh));
  const [app] = objectsOf(items, 'appRoleAssignment');
  expect(app?.id).toMatch(new RegExp(`^${rights.resource.id}/.`));
  expect(app).not.toHaveProperty('opaque');
  expect(app?.body).toEqual({
    principal: expect.stringMatching(/^user\/./) as string,
    role: `appRole/${rights.resource.id}/${rights.reader}`,
    scope: `servicePrincipal/${rights.resource.id}`,
  });
  const [directory] = objectsOf(items, 'directoryRoleAssignment');
  expect(directory).not.toHaveProperty('opaque');
  expect(directory?.body).toEqual({
    principal: `group/${rights.group}`,
    role: `directoryRole/${userAdministrator}`,
    scope: `directoryScope/${scope}`,
  });
});

test('a workload is issuer and subject, and a grant to its service principal is a grant to it', async () => {
  const rights = rightsIn(sandbox.state);
  grant(rights.workloadPrincipal, 'ServicePrincipal', rights);
  access.assignRole({ principalId: rights.workloadPrincipal, roleDefinitionId: globalReader });
  const items = await readAs(connect(rights.mesh));
  expect(objectsOf(items, 'federatedIdentity')).toEqual([
    {
      type: 'federatedIdentity',
      id: rights.workloadId,
      body: {
        name: 'wl-backup',
        issuer,
        subject: 'backup',
        audiences: ['api://AzureADTokenExchange'],
        description: null,
        application: rights.workload.properties['appId'],
        displayName: 'wl-backup',
        uniqueName: null,
        servicePrincipal: `servicePrincipal/${rights.workloadPrincipal}`,
      },
    },
  ]);
  const principal = `federatedIdentity/${rights.workloadId}`;
  expect(objectsOf(items, 'appRoleAssignment').map(({ body }) => body['principal'])).toEqual([principal]);
  expect(objectsOf(items, 'directoryRoleAssignment').map(({ body }) => body['principal'])).toEqual([principal]);
});

test('a service principal without credentials of outside workloads is named as itself', async () => {
  const rights = rightsIn(sandbox.state);
  const plain = access.addServicePrincipal({ appId: 'elsewhere', displayName: 'of another tenant' });
  grant(plain.id, 'ServicePrincipal', rights);
  expect((await grantsOf(connect(rights.mesh), 'appRoleAssignment'))[0]?.body['principal']).toBe(
    `servicePrincipal/${plain.id}`,
  );
});

test.each([
  ['a rule decides who is in the group', { groupTypes: ['DynamicMembership'] }],
  ['the group is synced from on-premises', { onPremisesSyncEnabled: true }],
])('a grant to a group is opaque where %s', async (reason, properties) => {
  const group = sandbox.state.addGroup({ displayName: 'g', mailNickname: 'g', ...properties });
  const { mesh } = grant(group.id, 'Group');
  expect((await grantsOf(connect(mesh), 'appRoleAssignment')).map(({ opaque }) => opaque)).toEqual([reason]);
});

test('a grant to a group is opaque where another group or a service principal is in it', async () => {
  const rights = rightsIn(sandbox.state);
  const nested = sandbox.state.addGroup({ displayName: 'n', mailNickname: 'n' });
  nested.members.add(rights.group);
  const mixed = sandbox.state.addGroup({ displayName: 'm', mailNickname: 'm' });
  mixed.members.add(rights.workloadPrincipal);
  for (const { id } of [nested, mixed]) grant(id, 'Group', rights);
  const opaque = new Map(
    (await grantsOf(connect(rights.mesh), 'appRoleAssignment')).map((object) => [
      object.body['principal'],
      object.opaque,
    ]),
  );
  expect(opaque).toEqual(
    new Map([
      [`group/${nested.id}`, 'groups are nested in the group'],
      [`group/${mixed.id}`, 'a service principal is in the group'],
    ]),
  );
});

test('a group whose members may not be read makes its grants opaque, not plain', async () => {
  const rights = rightsIn(sandbox.state);
  grant(rights.group, 'Group', rights);
  sandbox.faults.add({ kind: 'forbidden', operation: 'GET /groups/{id}/members', count: 'always' });
  const items = await readAs(connect(rights.mesh), ['group', 'appRoleAssignment']);
  expect(objectsOf(items, 'appRoleAssignment')[0]?.opaque).toBe('the members of the group could not be read');
});

test('a directory role of a group that was not made for it is opaque', async () => {
  const rights = rightsIn(sandbox.state);
  const group = sandbox.state.addGroup({ displayName: 'g', mailNickname: 'g' });
  access.assignRole({ principalId: group.id, roleDefinitionId: globalReader });
  grant(group.id, 'Group', rights);
  const [directory] = await grantsOf(connect(rights.mesh), 'directoryRoleAssignment');
  expect(directory?.opaque).toBe('the group was not created to be assignable to roles');
  expect((await grantsOf(connect(rights.mesh), 'appRoleAssignment'))[0]).not.toHaveProperty('opaque');
});

test('a service principal of several workloads makes its grants opaque, for nobody can say whose they are', async () => {
  const rights = rightsIn(sandbox.state);
  access.addCredential(rights.workload, { name: 'second', issuer, subject: 'restore' });
  grant(rights.workloadPrincipal, 'ServicePrincipal', rights);
  const [object] = await grantsOf(connect(rights.mesh), 'appRoleAssignment');
  expect(object?.opaque).toBe('the service principal is that of several workloads');
  expect(object?.body['principal']).toBe(`servicePrincipal/${rights.workloadPrincipal}`);
});

test('what Privileged Identity Management makes eligible or activates is shown and opaque', async () => {
  const { user, group, mesh } = rightsIn(sandbox.state);
  access.assignRole({ principalId: group, roleDefinitionId: globalReader });
  access.activate({ principalId: user, roleDefinitionId: userAdministrator }, '2026-11-22T18:00:00Z');
  const eligible = access.makeEligible({ principalId: user, roleDefinitionId: globalReader });
  access.makeEligible({ principalId: user, roleDefinitionId: userAdministrator, memberType: 'Group' });
  const objects = await grantsOf(connect(mesh), 'directoryRoleAssignment');
  const told = new Map(
    objects.map(({ body, opaque }) => [JSON.stringify([body['principal'], body['state'] ?? 'plain']), opaque]),
  );
  expect(told).toEqual(
    new Map([
      [JSON.stringify([`group/${group}`, 'plain']), undefined],
      [
        JSON.stringify([`user/${user}`, 'activated']),
        'activated through Privileged Identity Management, ends by itself',
      ],
      [JSON.stringify([`user/${user}`, 'eligible']), 'eligible through Privileged Identity Management, not active'],
    ]),
  );
  expect(objects.map(({ id }) => id)).toContain(`eligible/${eligible.id}`);
});

test('an assignment that ends at a set time is opaque', async () => {
  const { user, mesh } = rightsIn(sandbox.state);
  const made = access.assignRole({ principalId: user, roleDefinitionId: globalReader });
  const instance = {
    ...made,
    assignmentType: 'Assigned',
    memberType: 'Direct',
    endDateTime: '2027-01-01T00:00:00Z',
  } as const;
  access.activations.set(`${made.id}-a`, { ...instance, id: `${made.id}-a` });
  const [object] = await grantsOf(connect(mesh), 'directoryRoleAssignment');
  expect(object?.opaque).toBe('Privileged Identity Management ends it at a set time');
});

test('a tenant without a licence for Privileged Identity Management has plain assignments, all told', async () => {
  const { user, mesh } = rightsIn(sandbox.state);
  access.assignRole({ principalId: user, roleDefinitionId: globalReader });
  access.licensed = false;
  const items = await readAs(connect(mesh), ['directoryRoleAssignment']);
  expect(endsOf(items)).toEqual(['directoryRoleAssignments', 'roleEligibilityScheduleInstances']);
  expect(objectsOf(items, 'directoryRoleAssignment')).toHaveLength(1);
});

test('assignments whose schedules may not be read are not told at all, so that no activation is taken for a grant', async () => {
  const { user, mesh } = rightsIn(sandbox.state);
  access.activate({ principalId: user, roleDefinitionId: globalReader }, '2026-11-22T18:00:00Z');
  const operation = 'GET /roleManagement/directory/roleAssignmentScheduleInstances';
  sandbox.faults.add({ kind: 'forbidden', operation, count: 'always' });
  const items = await readAs(connect(mesh), ['directoryRoleAssignment']);
  expect(endsOf(items)).toEqual(['directoryRoleAssignments forbidden', 'roleEligibilityScheduleInstances']);
  expect(objectsOf(items, 'directoryRoleAssignment')).toEqual([]);
});

test.each([
  [
    'a claims matching expression',
    { subject: null, claimsMatchingExpression: { value: "claims['sub'] matches 'x*'" } },
    /expression over claims/,
  ],
  ['another audience', { audiences: ['api://other'] }, /another audience/],
])('a workload with %s is opaque', async (_words, change, reason) => {
  const { workload, mesh } = rightsIn(sandbox.state);
  for (const credential of workload.credentials.values()) Object.assign(credential, change);
  const [object] = await grantsOf(connect(mesh), 'federatedIdentity');
  expect(object?.opaque).toMatch(reason);
});

test('an audience that the authority file declares is the one of its mesh', async () => {
  const { workload, mesh } = rightsIn(sandbox.state);
  for (const credential of workload.credentials.values()) Object.assign(credential, { audiences: ['api://other'] });
  const [object] = await grantsOf(connect({ ...mesh, audience: 'api://other' }), 'federatedIdentity');
  expect(object).not.toHaveProperty('opaque');
});

test('only applications whose name starts with the prefix hold workloads in scope', async () => {
  const { mesh } = rightsIn(sandbox.state);
  access.addWorkload('other', { issuer, subject: 'x' });
  const connector = connect({ ...mesh, workloadPrefix: 'wl-' });
  expect((await grantsOf(connector, 'federatedIdentity')).map(({ body }) => body['displayName'])).toEqual([
    'wl-backup',
  ]);
  expect(connector.capabilities.absenceProvesDeletion).toBe(false);
});

test('an application that the tenant does not know leaves scopes, roles and grants unproven', async () => {
  const applications = ['11111111-2222-4333-8444-555555555555'];
  expect(endsOf(await readAs(connect({ applications })))).toEqual([
    'directoryScopes',
    'servicePrincipals scopeNotFound',
    'directoryRoles',
    'appRoles scopeNotFound',
    'federatedIdentities',
    'appRoleAssignments scopeNotFound',
    'directoryRoleAssignments',
    'roleEligibilityScheduleInstances',
  ]);
});

test.each([
  ['directoryScopes', 'GET /directory/administrativeUnits'],
  ['directoryRoles', 'GET /roleManagement/directory/roleDefinitions'],
  ['federatedIdentities', 'GET /applications'],
  ['federatedIdentities', 'GET /applications/{id}/federatedIdentityCredentials'],
  ['appRoleAssignments', 'GET /servicePrincipals/{id}/appRoleAssignedTo'],
  ['directoryRoleAssignments', 'GET /roleManagement/directory/roleAssignments'],
  ['roleEligibilityScheduleInstances', 'GET /roleManagement/directory/roleEligibilityScheduleInstances'],
])('%s ends incomplete where %s is forbidden, and the read goes on', async (scope, operation) => {
  const { mesh } = rightsIn(sandbox.state);
  sandbox.faults.add({ kind: 'forbidden', operation, count: 'always' });
  const told = endsOf(await readAs(connect(mesh)));
  expect(told).toEqual(ends.map((end) => (end === scope ? `${end} forbidden` : end)));
});

test('lists longer than a page are read to their end, and a read resumed at any item tells what was still to come', async () => {
  const rights = rightsIn(sandbox.state);
  access.pageSize = 2;
  for (const name of ['a', 'b', 'c']) {
    const { id } = sandbox.state.addUser(person(name));
    grant(id, 'User', rights);
    access.assignRole({ principalId: id, roleDefinitionId: globalReader });
    access.makeEligible({ principalId: id, roleDefinitionId: userAdministrator });
    access.addAdministrativeUnit(name);
    access.addWorkload(`wl-${name}`, { issuer, subject: name });
  }
  const connector = connect(rights.mesh, { pageSize: 2 });
  const items = await readAs(connector);
  const counts = accessTypes.map((type) => [type, new Set(objectsOf(items, type).map(({ id }) => id)).size]);
  expect(Object.fromEntries(counts)).toMatchObject({
    directoryScope: 5,
    federatedIdentity: 4,
    appRoleAssignment: 3,
    directoryRoleAssignment: 6,
  });
  expect(endsOf(items)).toEqual(ends);
  for (const [index, { cursor }] of items.entries())
    if (index % 5 === 1) expect(await readAs(connector, accessTypes, cursor)).toEqual(items.slice(index + 1));
});

test('each object is read alone as the list told it, and one that is not there is null', async () => {
  const rights = rightsIn(sandbox.state);
  grant(rights.user, 'User', rights);
  grant(rights.workloadPrincipal, 'ServicePrincipal', rights);
  access.assignRole({ principalId: rights.group, roleDefinitionId: globalReader });
  access.activate({ principalId: rights.user, roleDefinitionId: globalReader }, '2026-11-22T18:00:00Z');
  access.makeEligible({ principalId: rights.user, roleDefinitionId: userAdministrator });
  const connector = connect(rights.mesh);
  const items = await readAs(connector);
  for (const type of accessTypes) {
    const objects = objectsOf(items, type);
    expect(objects.length).toBeGreaterThan(0);
    for (const object of objects.slice(0, 4)) expect(await connector.readOne(type, object.id)).toEqual(object);
    const missing = '11111111-2222-4333-8444-555555555555';
    expect(await connector.readOne(type, missing)).toBeNull();
    expect(await connector.readOne(type, `${rights.resource.id}/${missing}`)).toBeNull();
    expect(await connector.readOne(type, `/administrativeUnits/${missing}`)).toBeNull();
  }
});

test('every list names what it wants of Graph, and no display name of a principal is asked for', async () => {
  const rights = rightsIn(sandbox.state);
  grant(rights.group, 'Group', rights);
  access.assignRole({ principalId: rights.user, roleDefinitionId: globalReader });
  const spy = vi.spyOn(globalThis, 'fetch');
  await readAs(connect(rights.mesh));
  const asked = spy.mock.calls.map(([address]) => new URL(address as string));
  spy.mockRestore();
  const graph = asked.filter((url) => url.pathname.startsWith('/v1.0/'));
  // v1.0 would refuse the name of an expression over claims, which must be seen.
  const whole = graph.filter((url) => !url.searchParams.has('$select')).map((url) => url.pathname.split('/').at(-1));
  expect(new Set(whole)).toEqual(new Set(['federatedIdentityCredentials']));
  const ofPeople = graph.filter((url) => /users|members|appRoleAssignedTo|roleAssignments/.test(url.pathname));
  for (const url of ofPeople) expect(url.searchParams.get('$select')).not.toMatch(/displayName|mail|userPrincipalName/);
});

test('the probe looks at what the native types need beyond people, each permission once', async () => {
  const { permissions } = await connect().probe({ nativeTypes: everyType });
  expect(permissions.slice(4).map(({ permission, held, detail }) => [permission, held, detail])).toEqual([
    ['AdministrativeUnit.Read.All', true, undefined],
    ['Application.Read.All', true, undefined],
    ['RoleManagement.Read.Directory', true, 'through RoleManagement.ReadWrite.Directory'],
    ['Application.ReadWrite.OwnedBy', true, undefined],
    ['AppRoleAssignment.ReadWrite.All', true, undefined],
    ['RoleManagement.ReadWrite.Directory', true, undefined],
  ]);
  sandbox.state.application.roles = ['User.Read.All', 'GroupMember.Read.All'];
  const lacking = await connect().probe({ nativeTypes: ['appRoleAssignment'] });
  expect(lacking.permissions.slice(4).map(({ permission, held }) => [permission, held])).toEqual([
    ['Application.Read.All', false],
    ['AppRoleAssignment.ReadWrite.All', false],
  ]);
});
