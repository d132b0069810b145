/** The sandboxed Graph, spoken to by @azure/identity and the Graph client: each sentence is something that Graph does. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClientSecretCredential } from '@azure/identity';
import { Client, PageIterator, type PageCollection } from '@microsoft/microsoft-graph-client';
import { TokenCredentialAuthenticationProvider } from '@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials/index.js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { serveEntra, type EntraSandbox } from '../../sandbox/entra/server.js';
import { trustInThisProcess } from '../support/certificate.js';

let folder: string;
let entra: EntraSandbox;
let graph: Client;

const credential = (secret: string): ClientSecretCredential =>
  new ClientSecretCredential(entra.state.tenant, entra.state.application.clientId, secret, {
    authorityHost: entra.origin,
    disableInstanceDiscovery: true,
    retryOptions: { maxRetries: 0 },
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sandbox-entra-'));
  entra = await serveEntra({ folder });
  trustInThisProcess({ cert: entra.authority });
  graph = Client.initWithMiddleware({
    authProvider: new TokenCredentialAuthenticationProvider(credential('sandbox-client-secret'), {
      scopes: ['https://graph.microsoft.com/.default'],
    }),
    baseUrl: `${entra.origin}/`,
    customHosts: new Set(['127.0.0.1']),
  });
});
afterAll(async () => {
  await entra.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => entra.reset());

const jane = {
  accountEnabled: true,
  displayName: "Jane O'Brien",
  mailNickname: 'jane',
  userPrincipalName: 'jane@contoso.example',
  passwordProfile: { password: 'x-1-Y-2', forceChangePasswordNextSignIn: true },
};
const team = { displayName: 'Team', mailEnabled: false, mailNickname: 'team', securityEnabled: true };

const reference = (id: string) => ({ '@odata.id': `https://graph.microsoft.com/v1.0/directoryObjects/${id}` });
async function make(path: string, body: object): Promise<string> {
  return ((await graph.api(path).post(body)) as { id: string }).id;
}

describe('tokens', () => {
  it('are refused for a wrong secret as Entra words it', async () => {
    await expect(credential('wrong').getToken('https://graph.microsoft.com/.default')).rejects.toThrow(/AADSTS7000215/);
  });

  it('carry the permissions, and a call without one is denied', async () => {
    await graph.api('/users').get();
    entra.state.application.roles = ['User.Read.All'];
    const { token } = await credential('sandbox-client-secret').getToken('https://graph.microsoft.com/.default');
    const read = await fetch(`${entra.origin}/v1.0/users`, { headers: { authorization: `Bearer ${token}` } });
    const denied = await fetch(`${entra.origin}/v1.0/groups`, { headers: { authorization: `Bearer ${token}` } });
    expect([read.status, denied.status]).toEqual([200, 403]);
    expect(await denied.json()).toMatchObject({ error: { code: 'Authorization_RequestDenied' } });
    const forged = await fetch(`${entra.origin}/v1.0/users`, { headers: { authorization: `Bearer ${token}x` } });
    expect(forged.status).toBe(401);
  });
});

describe('users', () => {
  it('show employeeId and accountEnabled only where $select names them', async () => {
    const id = await make('/users', { ...jane, employeeId: '7', department: 'R&D' });
    const plain = (await graph.api(`/users/${id}`).get()) as Record<string, unknown>;
    expect(plain['displayName']).toBe("Jane O'Brien");
    expect(plain).not.toHaveProperty('employeeId');
    expect(plain).not.toHaveProperty('accountEnabled');
    expect(
      await graph.api(`/users/${id}`).select(['id', 'employeeId', 'accountEnabled', 'department']).get(),
    ).toMatchObject({ id, employeeId: '7', accountEnabled: true, department: 'R&D' });
    await expect(graph.api('/users').select('employeeNumber').get()).rejects.toMatchObject({ statusCode: 400 });
  });

  it('have principal names that are unique regardless of case and belong to a verified domain', async () => {
    await make('/users', jane);
    await expect(make('/users', { ...jane, userPrincipalName: 'JANE@contoso.example' })).rejects.toMatchObject({
      statusCode: 400,
      message: expect.stringContaining('userPrincipalName already exists') as string,
    });
    await expect(make('/users', { ...jane, userPrincipalName: 'jane@elsewhere.example' })).rejects.toMatchObject({
      statusCode: 400,
    });
    await expect(make('/users', { ...jane, mailNickname: undefined })).rejects.toMatchObject({ statusCode: 400 });
  });

  it('are found by equality regardless of case, also with a quote in the value', async () => {
    const id = await make('/users', { ...jane, mail: 'Jane.OBrien@example.org', employeeId: '7' });
    const found = async (filter: string) =>
      ((await graph.api('/users').filter(filter).get()) as { value: { id: string }[] }).value.map((user) => user.id);
    expect(await found("userPrincipalName eq 'Jane@contoso.example'")).toEqual([id]);
    expect(await found("displayName eq 'jane o''brien' and mail eq 'jane.obrien@example.org'")).toEqual([id]);
    expect(await found("employeeId eq '8'")).toEqual([]);
    await expect(found("contains(mail,'x')")).rejects.toMatchObject({ statusCode: 400 });
  });

  it('clear a property with null, and refuse an empty text and one that is too long', async () => {
    const id = await make('/users', { ...jane, department: 'R&D' });
    await graph.api(`/users/${id}`).patch({ department: null });
    expect(await graph.api(`/users/${id}`).select('department').get()).toMatchObject({ department: null });
    await expect(graph.api(`/users/${id}`).patch({ department: '' })).rejects.toMatchObject({ statusCode: 400 });
    await expect(graph.api(`/users/${id}`).patch({ employeeId: '12345678901234567' })).rejects.toMatchObject({
      statusCode: 400,
    });
  });

  it('wait among the deleted objects and come back with their memberships', async () => {
    const id = await make('/users', jane);
    const group = await make('/groups', { ...team, 'members@odata.bind': [reference(id)['@odata.id']] });
    await graph.api(`/users/${id}`).delete();
    await expect(graph.api(`/users/${id}`).get()).rejects.toMatchObject({ statusCode: 404 });
    expect(await graph.api(`/groups/${group}/members`).get()).toMatchObject({ value: [] });
    expect(await graph.api('/directory/deletedItems/microsoft.graph.user').get()).toMatchObject({ value: [{ id }] });
    await graph.api(`/directory/deletedItems/${id}/restore`).post({});
    expect(await graph.api(`/groups/${group}/members`).get()).toMatchObject({ value: [{ id }] });
  });

  it('refuse every write where they are mastered on premises', async () => {
    const { id } = entra.state.addUser({ ...jane, onPremisesSyncEnabled: true });
    await expect(graph.api(`/users/${id}`).patch({ department: 'x' })).rejects.toMatchObject({
      statusCode: 400,
      message: expect.stringContaining('on-premises mastered') as string,
    });
    await expect(graph.api(`/users/${id}`).delete()).rejects.toMatchObject({ statusCode: 400 });
  });
});

describe('groups', () => {
  it('take a member once, and lose it once', async () => {
    const user = await make('/users', jane);
    const group = await make('/groups', team);
    const members = `/groups/${group}/members`;
    await graph.api(`${members}/$ref`).post(reference(user));
    await expect(graph.api(`${members}/$ref`).post(reference(user))).rejects.toMatchObject({
      statusCode: 400,
      message: expect.stringContaining('added object references already exist') as string,
    });
    await expect(graph.api(`${members}/$ref`).post(reference('none'))).rejects.toMatchObject({ statusCode: 404 });
    expect(await graph.api(members).select('id').get()).toMatchObject({
      value: [{ '@odata.type': '#microsoft.graph.user', id: user }],
    });
    await graph.api(`${members}/${user}/$ref`).delete();
    await expect(graph.api(`${members}/${user}/$ref`).delete()).rejects.toMatchObject({ statusCode: 404 });
  });

  it('are created once by their unique name where the caller prefers that', async () => {
    const upsert = (body: object, prefer?: string) => {
      const request = graph.api("/groups(uniqueName='team')");
      return (prefer === undefined ? request : request.header('Prefer', prefer)).patch(body) as Promise<{
        id?: string;
      }>;
    };
    await expect(upsert(team)).rejects.toMatchObject({ statusCode: 404 });
    const made = await upsert(team, 'create-if-missing');
    await upsert({ ...team, description: 'again' }, 'create-if-missing');
    const listed = await graph.api('/groups').filter("uniqueName eq 'team'").get();
    expect(listed).toMatchObject({ value: [{ id: made.id, uniqueName: 'team', description: 'again' }] });
    expect((listed as { value: unknown[] }).value).toHaveLength(1);
    await expect(make('/groups', { ...team, uniqueName: 'TEAM' })).rejects.toMatchObject({ statusCode: 400 });
    await expect(graph.api(`/groups/${made.id}`).patch({ uniqueName: 'other' })).rejects.toMatchObject({
      statusCode: 400,
    });
  });

  it('may share a display name and a nickname, so a repeated create makes two', async () => {
    const ids = [await make('/groups', team), await make('/groups', team)];
    expect(new Set(ids).size).toBe(2);
  });
});

describe('lists', () => {
  it('page by next links that the client follows, and show each object once', async () => {
    for (let index = 0; index < 7; index += 1)
      entra.state.addUser({ ...jane, userPrincipalName: `user${index}@contoso.example` });
    const first = (await graph.api('/users').top(3).select('id').get()) as PageCollection;
    const ids: string[] = [];
    await new PageIterator(graph, first, (user: { id: string }) => {
      ids.push(user.id);
      return true;
    }).iterate();
    expect(ids).toHaveLength(7);
    expect(new Set(ids).size).toBe(7);
    expect(entra.calls()['GET /users']).toBe(3);
    await expect(graph.api('/users').top(1000).get()).rejects.toMatchObject({ statusCode: 400 });
    await expect(graph.api('/users').skipToken('nonsense').get()).rejects.toMatchObject({
      code: 'Directory_ExpiredPageToken',
    });
  });

  it('name the tenant and the permissions that were consented to', async () => {
    expect(await graph.api('/organization').get()).toMatchObject({ value: [{ id: entra.state.tenant }] });
    const principal = (await graph
      .api('/servicePrincipals')
      .filter(`appId eq '${entra.state.application.clientId}'`)
      .get()) as { value: { id: string }[] };
    const held = (await graph.api(`/servicePrincipals/${principal.value[0]?.id}/appRoleAssignments`).get()) as {
      value: unknown[];
    };
    expect(held.value).toHaveLength(entra.state.application.roles.length);
  });
});

describe('faults', () => {
  const direct = async (path: string) => {
    const { token } = await credential('sandbox-client-secret').getToken('https://graph.microsoft.com/.default');
    return fetch(`${entra.origin}/v1.0${path}`, { headers: { authorization: `Bearer ${token}` } });
  };

  it('throttle with and without Retry-After', async () => {
    entra.faults.add({ kind: 'throttled', operation: 'GET /users', retryAfterSeconds: 3 });
    entra.faults.add({ kind: 'throttled', operation: 'GET /users' });
    const [first, second] = [await direct('/users'), await direct('/users')];
    expect([first.status, first.headers.get('retry-after')]).toEqual([429, '3']);
    expect([second.status, second.headers.get('retry-after')]).toEqual([429, null]);
    expect((await direct('/users')).status).toBe(200);
  });

  it('end the connection before and after the effect, and in the middle of a page', async () => {
    await graph.api('/users').get();
    entra.faults.add({ kind: 'resetBefore', operation: 'POST /users' });
    await expect(make('/users', jane)).rejects.toThrow();
    expect(entra.state.users.size).toBe(0);
    entra.faults.add({ kind: 'resetAfter', operation: 'POST /users' });
    await expect(make('/users', jane)).rejects.toThrow();
    expect(entra.state.users.size).toBe(1);
    expect(entra.calls()['POST /users']).toBe(2);
    entra.faults.add({ kind: 'cutBody', operation: 'GET /users' });
    await expect(direct('/users').then((response) => response.text())).rejects.toThrow();
  });
});
