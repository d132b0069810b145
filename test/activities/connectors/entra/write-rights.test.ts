import { afterAll, afterEach, expect, test, vi } from 'vitest';
import type { Connector, NativeCall, WriteAnswer } from '../../../../activities/connectors/connector.js';
import { ConcordatError } from '../../../../core/errors.js';
import type { JsonObject } from '../../../../core/json.js';
import { globalReader, issuer, rightsIn, userAdministrator, type Rights } from './rights.js';
import { startTenant } from './tenant.js';

const tenant = await startTenant();
const { sandbox, connect } = tenant;
const { access } = sandbox.state;
afterEach(() => sandbox.reset());
afterAll(() => tenant.close());

const appGrant = ({ resource, reader }: Rights, principal: string): JsonObject => ({
  principal,
  role: `appRole/${resource.id}/${reader}`,
  scope: `servicePrincipal/${resource.id}`,
});

const directoryGrant = (principal: string, scope = '/', role = globalReader): JsonObject => ({
  principal,
  role: `directoryRole/${role}`,
  scope: `directoryScope/${scope}`,
});

const workloadBody = (more: JsonObject = {}): JsonObject => ({
  issuer,
  subject: 'deploy',
  name: 'deploy',
  displayName: 'wl-deploy',
  uniqueName: 'wl-deploy',
  ...more,
});

async function made(connector: Connector, type: string, after: JsonObject): Promise<string> {
  const answer = await connector.write({ kind: 'create', type, after });
  if (answer.kind !== 'applied') throw new Error(`not made: ${JSON.stringify(answer)}`);
  return answer.id;
}

async function deleted(
  connector: Connector,
  type: string,
  id: string,
  deletionMayRemove: readonly string[] = [],
): Promise<WriteAnswer> {
  const before = (await connector.readOne(type, id))?.body ?? {};
  return connector.write({ kind: 'delete', type, id, before, deletionMayRemove });
}

/** Calls that may have changed something. */
function writesSent(): readonly string[] {
  return Object.keys(sandbox.calls()).filter((call) => !/^GET |oauth2/.test(call));
}

test('a grant of an app role is made once, read back as it was wanted, found as its twin, and deleted', async () => {
  const rights = rightsIn(sandbox.state);
  const connector = connect(rights.mesh);
  for (const principal of [`user/${rights.user}`, `group/${rights.group}`, `federatedIdentity/${rights.workloadId}`]) {
    const after = appGrant(rights, principal);
    expect(await connector.findTwin('appRoleAssignment', after)).toBeNull();
    const id = await made(connector, 'appRoleAssignment', after);
    const object = await connector.readOne('appRoleAssignment', id);
    expect(object).toEqual({ type: 'appRoleAssignment', id, body: after });
    expect(await connector.findTwin('appRoleAssignment', after)).toEqual(object);
    expect(await connector.write({ kind: 'create', type: 'appRoleAssignment', after })).toMatchObject({
      kind: 'conflict',
      code: 'nameTaken',
    });
    expect(await deleted(connector, 'appRoleAssignment', id)).toEqual({ kind: 'applied', id });
    expect(await connector.readOne('appRoleAssignment', id)).toBeNull();
    expect(await deleted(connector, 'appRoleAssignment', id)).toMatchObject({ code: 'expectationFailed' });
  }
});

test('a grant of a directory role is made once per scope, and deleting one leaves the other', async () => {
  const { user, group, unit, workloadId, mesh } = rightsIn(sandbox.state);
  const connector = connect(mesh);
  for (const principal of [`user/${user}`, `group/${group}`, `federatedIdentity/${workloadId}`]) {
    const everywhere = directoryGrant(principal);
    const inUnit = directoryGrant(principal, `/administrativeUnits/${unit}`);
    const id = await made(connector, 'directoryRoleAssignment', everywhere);
    const other = await made(connector, 'directoryRoleAssignment', inUnit);
    expect(await connector.findTwin('directoryRoleAssignment', inUnit)).toEqual({
      type: 'directoryRoleAssignment',
      id: other,
      body: inUnit,
    });
    const again = { kind: 'create', type: 'directoryRoleAssignment', after: everywhere } as const;
    expect(await connector.write(again)).toMatchObject({ kind: 'conflict', code: 'nameTaken' });
    expect(await deleted(connector, 'directoryRoleAssignment', id)).toEqual({ kind: 'applied', id });
    expect(await connector.readOne('directoryRoleAssignment', other)).not.toBeNull();
    expect(await connector.findTwin('directoryRoleAssignment', everywhere)).toBeNull();
  }
});

test('a workload is an application, its service principal and one credential, and its deletion takes the three', async () => {
  const { mesh } = rightsIn(sandbox.state);
  const connector = connect(mesh);
  const announced: NativeCall[] = [];
  const order = { kind: 'create', type: 'federatedIdentity', after: workloadBody() } as const;
  const answer = await connector.write(order, (call) => Promise.resolve(void announced.push(call)));
  const id = answer.kind === 'applied' ? answer.id : '';
  expect(announced.map(({ call }) => call)).toEqual(connector.plannedCalls(order).map(({ call }) => call));
  const object = await connector.readOne('federatedIdentity', id);
  expect(object).not.toHaveProperty('opaque');
  expect(object?.body).toMatchObject({ ...workloadBody(), audiences: ['api://AzureADTokenExchange'] });
  expect(await connector.findTwin('federatedIdentity', workloadBody())).toEqual(object);
  const [application = ''] = id.split('/');
  const owner = access.servicePrincipalFor(object?.body['application'])?.id ?? '';
  expect(await deleted(connector, 'federatedIdentity', id, ['application'])).toEqual({ kind: 'applied', id });
  expect(await connector.readOne('federatedIdentity', id)).toBeNull();
  expect(access.applications.has(application) || access.servicePrincipals.has(owner)).toBe(false);
  // From there both come back under the ids they had.
  expect([...sandbox.state.deleted.keys()]).toEqual(expect.arrayContaining([application, owner]));
});

test('a workload is not deleted from under its grants, unless the map lets the application go', async () => {
  const rights = rightsIn(sandbox.state);
  const connector = connect(rights.mesh);
  const grant = await made(connector, 'appRoleAssignment', appGrant(rights, `federatedIdentity/${rights.workloadId}`));
  expect(await deleted(connector, 'federatedIdentity', rights.workloadId)).toMatchObject({
    kind: 'refused',
    code: 'deletionBlocked',
  });
  expect(await connector.readOne('federatedIdentity', rights.workloadId)).not.toBeNull();
  expect(await deleted(connector, 'appRoleAssignment', grant)).toMatchObject({ kind: 'applied' });
  expect(await deleted(connector, 'federatedIdentity', rights.workloadId)).toMatchObject({ kind: 'applied' });
  // The application stays where the map does not name it.
  expect(access.applications.has(rights.workload.id)).toBe(true);
});

test.each([
  [
    'another credential',
    (rights: Rights) => void access.addCredential(rights.workload, { name: 'b', issuer, subject: 'b' }),
  ],
  [
    'a secret',
    (rights: Rights) => void Object.assign(rights.workload.properties, { passwordCredentials: [{ hint: 'x' }] }),
  ],
])('of an application with %s only the credential of the workload is deleted', async (_words, also) => {
  const rights = rightsIn(sandbox.state);
  also(rights);
  expect(await deleted(connect(rights.mesh), 'federatedIdentity', rights.workloadId, ['application'])).toMatchObject({
    kind: 'applied',
  });
  expect(access.applications.get(rights.workload.id)?.credentials.has(rights.workloadId.split('/')[1] ?? '')).toBe(
    false,
  );
  expect(writesSent()).toEqual(['DELETE /applications/{id}/federatedIdentityCredentials/{credential}']);
});

test('a creation that stopped half way is completed, and makes nothing twice', async () => {
  const { mesh } = rightsIn(sandbox.state);
  const connector = connect(mesh);
  const order = { kind: 'create', type: 'federatedIdentity', after: workloadBody() } as const;
  sandbox.faults.add({
    kind: 'serverFault',
    status: 500,
    operation: 'POST /applications/{id}/federatedIdentityCredentials',
  });
  expect(await connector.write(order)).toMatchObject({
    kind: 'unknown',
    detail: expect.stringMatching(/2 of 3 calls were made before/) as string,
  });
  expect(await connector.findTwin('federatedIdentity', workloadBody())).toBeNull();
  expect(await connector.write(order)).toMatchObject({ kind: 'applied' });
  const named = [...access.applications.values()].filter(({ properties }) => properties['uniqueName'] === 'wl-deploy');
  expect(named).toHaveLength(1);
});

test('an application in use under the unique name is not lent to a new workload', async () => {
  const { workload, mesh } = rightsIn(sandbox.state);
  Object.assign(workload.properties, { uniqueName: 'wl-deploy' });
  expect(await connect(mesh).write({ kind: 'create', type: 'federatedIdentity', after: workloadBody() })).toMatchObject(
    {
      kind: 'conflict',
      code: 'nameTaken',
    },
  );
  expect(writesSent()).toEqual([]);
});

test('a replica that has not heard of the new application is asked again, and only then', async () => {
  const { mesh } = rightsIn(sandbox.state);
  const unseen = vi.spyOn(access, 'applicationFor');
  // The look before, the creation, and the first service principal, whose replica does not see the application yet.
  for (let times = 0; times < 3; times += 1) unseen.mockImplementationOnce(() => undefined);
  await made(connect(mesh), 'federatedIdentity', workloadBody());
  unseen.mockRestore();
  expect(sandbox.calls()['POST /servicePrincipals']).toBe(2);
});

test('two workloads may sign in as one application that the body names', async () => {
  const { workload, mesh } = rightsIn(sandbox.state);
  const application = workload.properties['appId'] as string;
  const id = await made(connect(mesh), 'federatedIdentity', {
    issuer,
    subject: 'restore',
    name: 'restore',
    application,
  });
  expect(id.split('/')[0]).toBe(workload.id);
  const same = { issuer, subject: 'restore', name: 'other', application };
  const answer = await connect(mesh).write({ kind: 'create', type: 'federatedIdentity', after: same });
  expect(answer).toMatchObject({ kind: 'conflict', code: 'nameTaken' });
});

test('what was not written by us and not understood is neither granted nor deleted', async () => {
  const rights = rightsIn(sandbox.state);
  const dynamic = sandbox.state.addGroup({ displayName: 'd', mailNickname: 'd', groupTypes: ['DynamicMembership'] });
  const connector = connect(rights.mesh);
  const create = { kind: 'create', type: 'appRoleAssignment', after: appGrant(rights, `group/${dynamic.id}`) } as const;
  expect(await connector.write(create)).toMatchObject({
    kind: 'refused',
    code: 'valueNotRepresentable',
    detail: 'a rule decides who is in the group',
  });
  const { id } = access.assignAppRole({
    principalId: dynamic.id,
    principalType: 'Group',
    resourceId: rights.resource.id,
    appRoleId: rights.writer,
  });
  const activated = access.activate(
    { principalId: rights.user, roleDefinitionId: globalReader },
    '2026-11-22T18:00:00Z',
  );
  const eligible = access.makeEligible({ principalId: rights.user, roleDefinitionId: userAdministrator });
  for (const credential of rights.workload.credentials.values())
    Object.assign(credential, { audiences: ['api://other'] });
  const opaque = [
    ['appRoleAssignment', `${rights.resource.id}/${id}`],
    ['directoryRoleAssignment', activated.id],
    ['directoryRoleAssignment', `eligible/${eligible.id}`],
    ['federatedIdentity', rights.workloadId],
  ] as const;
  for (const [type, objectId] of opaque) {
    expect((await connector.readOne(type, objectId))?.opaque).toBeDefined();
    // Also where whoever asks does not know of it.
    const blind = { kind: 'delete', type, id: objectId, before: {}, deletionMayRemove: ['application'] } as const;
    expect(await connector.write(blind)).toMatchObject({ kind: 'refused', code: 'readOnlyObject' });
  }
  expect(writesSent()).toEqual([]);
});

test('a directory role for a group that was not created for it is refused, and that this cannot change is said', async () => {
  const { mesh } = rightsIn(sandbox.state);
  const group = sandbox.state.addGroup({ displayName: 'g', mailNickname: 'g', isAssignableToRole: false });
  const after = directoryGrant(`group/${group.id}`);
  expect(await connect(mesh).write({ kind: 'create', type: 'directoryRoleAssignment', after })).toMatchObject({
    kind: 'refused',
    code: 'valueNotRepresentable',
    detail: 'the group was not created to be assignable to roles, and that cannot be changed later',
  });
  expect(writesSent()).toEqual([]);
});

test('no grant is made or deleted on an application that the authority file does not list', async () => {
  const rights = rightsIn(sandbox.state);
  const other = access.addResource('other', ['All']);
  const role = other.appRoles[0]?.id ?? '';
  const connector = connect(rights.mesh);
  const after = {
    principal: `user/${rights.user}`,
    role: `appRole/${other.id}/${role}`,
    scope: `servicePrincipal/${other.id}`,
  };
  const refusal = {
    kind: 'refused',
    code: 'valueNotRepresentable',
    detail: expect.stringMatching(/applications/) as string,
  };
  expect(await connector.write({ kind: 'create', type: 'appRoleAssignment', after })).toMatchObject(refusal);
  const { id } = access.assignAppRole({
    principalId: rights.user,
    principalType: 'User',
    resourceId: other.id,
    appRoleId: role,
  });
  expect(await deleted(connector, 'appRoleAssignment', `${other.id}/${id}`)).toMatchObject(refusal);
  expect(writesSent()).toEqual([]);
});

test.each([
  [
    'appRoleAssignment',
    { principal: 'user/x', role: 'appRole/a/b', scope: 'servicePrincipal/other' },
    /on no other scope/,
  ],
  [
    'appRoleAssignment',
    { principal: 'servicePrincipal/x', role: 'appRole/a/b', scope: 'servicePrincipal/a' },
    /users, groups and workloads/,
  ],
  [
    'directoryRoleAssignment',
    { principal: 'user/x', role: 'appRole/a/b', scope: 'directoryScope//' },
    /directory or an administrative unit/,
  ],
  ['federatedIdentity', { issuer, name: 'n', displayName: 'wl-n' }, /needs subject/],
  ['federatedIdentity', workloadBody({ displayName: 'other' }), /workloadPrefix/],
  ['federatedIdentity', workloadBody({ name: 'with space' }), /letters, digits/],
  ['federatedIdentity', workloadBody({ subject: 'x'.repeat(601) }), /600 characters/],
  ['directoryScope', { id: '/', displayName: 'x' }, /only read here/],
] as const)('a %s that Entra cannot hold is refused before anything is sent', async (type, after, words) => {
  const connector = connect({ workloadPrefix: 'wl-' });
  sandbox.forgetCalls();
  expect(await connector.write({ kind: 'create', type, after })).toMatchObject({
    kind: 'refused',
    code: 'valueNotRepresentable',
    detail: expect.stringMatching(words) as string,
  });
  expect(sandbox.calls()).toEqual({});
});

test('a grant is never changed', async () => {
  const rights = rightsIn(sandbox.state);
  const before = appGrant(rights, `user/${rights.user}`);
  const order = { kind: 'update', type: 'appRoleAssignment', id: 'x/y', before, after: before } as const;
  expect(await connect(rights.mesh).write(order)).toMatchObject({ kind: 'refused', code: 'valueNotRepresentable' });
  expect(connect().plannedCalls(order)).toEqual([]);
});

test.each([
  ['resetAfter', 'unknown', 'effectUnknown'],
  ['serverFault', 'unknown', 'effectUnknown'],
  ['forbidden', 'refused', 'forbidden'],
] as const)('a grant that meets %s is sent once and answered as %s', async (kind, answer, code) => {
  const rights = rightsIn(sandbox.state);
  const operation = 'POST /servicePrincipals/{id}/appRoleAssignedTo';
  sandbox.faults.add({ kind, operation, ...(kind === 'serverFault' ? { status: 503 } : {}) });
  const after = appGrant(rights, `user/${rights.user}`);
  const order = { kind: 'create', type: 'appRoleAssignment', after } as const;
  expect(await connect(rights.mesh).write(order)).toMatchObject({ kind: answer, code });
  expect(sandbox.calls()[operation]).toBe(1);
  expect((await connect(rights.mesh).findTwin('appRoleAssignment', after)) !== null).toBe(kind === 'resetAfter');
});

test('a look before the call that fails is an answer, and what announce throws is not', async () => {
  const rights = rightsIn(sandbox.state);
  const order = { kind: 'create', type: 'appRoleAssignment', after: appGrant(rights, `user/${rights.user}`) } as const;
  sandbox.faults.add({ kind: 'forbidden', operation: 'GET /servicePrincipals/{id}' });
  expect(await connect(rights.mesh).write(order)).toMatchObject({ kind: 'refused', code: 'forbidden' });
  const stop = (): Promise<void> => Promise.reject(new ConcordatError('clockUntrusted', 'stopped by the test'));
  await expect(connect(rights.mesh).write(order, stop)).rejects.toThrow('stopped by the test');
  expect(writesSent()).toEqual([]);
});

test('the calls that are planned say what a grant and a deletion would do', () => {
  const rights = rightsIn(sandbox.state);
  const connector = connect(rights.mesh);
  const create = (type: string, after: JsonObject) => connector.plannedCalls({ kind: 'create', type, after });
  expect(create('appRoleAssignment', appGrant(rights, `federatedIdentity/${rights.workloadId}`))).toEqual([
    {
      call: 'POST /servicePrincipals/{id}/appRoleAssignedTo',
      target: rights.resource.id,
      arguments: {
        principalId: `the service principal of federatedIdentity/${rights.workloadId}`,
        resourceId: rights.resource.id,
        appRoleId: rights.reader,
      },
    },
  ]);
  expect(create('directoryRoleAssignment', directoryGrant(`user/${rights.user}`))[0]?.arguments).toEqual({
    principalId: rights.user,
    roleDefinitionId: globalReader,
    directoryScopeId: '/',
  });
  const removal = { kind: 'delete', type: 'federatedIdentity', id: rights.workloadId, before: {} } as const;
  const calls = (deletionMayRemove: readonly string[]) =>
    connector.plannedCalls({ ...removal, deletionMayRemove }).map(({ call }) => call);
  expect(calls([])).toEqual(['DELETE /applications/{id}/federatedIdentityCredentials/{id}']);
  expect(calls(['application'])).toEqual(['DELETE /applications/{id} (as attached)']);
});
