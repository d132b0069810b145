/** The Entra tenant of the story: entra-emulator over TLS, spoken to with plain requests of Microsoft Graph. */
import type { Mesh } from '../../../core/federation/authority.js';
import { isIn, membersIn, type Population } from '../../../sandbox/population.js';
import type { AvailableSystem } from '../../support/systems/system.js';
import type { Cloud, Seen } from './cloud.js';
import { startingPeople, type ModelPerson } from './model.js';

const groupPrefix = 'team-';
const tenantDomain = 'entraemulator.dev';

interface User {
  readonly id: string;
  readonly displayName: string;
  readonly mail: string;
  readonly accountEnabled: boolean;
  readonly userPrincipalName: string;
}
interface Group {
  readonly id: string;
  readonly displayName: string;
  readonly description?: string | null;
}

export async function azureCloud(system: AvailableSystem): Promise<Cloud> {
  const mesh = system.mesh as Extract<Mesh, { kind: 'entra' }>;
  const graph = `${system.endpoint}/graph/v1.0`;
  const form = {
    grant_type: 'client_credentials',
    scope: 'https://graph.microsoft.com/.default',
    client_id: system.environment['AZURE_CLIENT_ID'] ?? '',
    client_secret: system.environment['AZURE_CLIENT_SECRET'] ?? '',
  };
  const granted = await fetch(`${system.endpoint}/${mesh.tenant}/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
  });
  const { access_token: token } = (await granted.json()) as { readonly access_token: string };

  async function ask(method: string, address: string, body?: object): Promise<unknown> {
    const answer = await fetch(address.startsWith('https:') ? address : `${graph}${address}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${address} answered ${answer.status}: ${text.slice(0, 300)}`);
    return text === '' ? undefined : JSON.parse(text);
  }
  async function list<Item>(address: string): Promise<readonly Item[]> {
    const items: Item[] = [];
    for (let next: string | undefined = address; next !== undefined;) {
      const page = (await ask('GET', next)) as {
        readonly value: readonly Item[];
        readonly '@odata.nextLink'?: string;
      };
      items.push(...page.value);
      next = page['@odata.nextLink'];
    }
    return items;
  }
  async function create(kind: 'users' | 'groups', body: object): Promise<string> {
    return ((await ask('POST', `/${kind}`, body)) as { readonly id: string }).id;
  }
  async function addMember(group: string, user: string): Promise<void> {
    await ask('POST', `/groups/${group}/members/$ref`, { '@odata.id': `${graph}/directoryObjects/${user}` });
  }
  const users = () => list<User>('/users?$select=id,displayName,mail,accountEnabled,userPrincipalName&$top=999');
  const groups = () => list<Group>('/groups?$top=999');
  async function memberIds(group: Group): Promise<readonly string[]> {
    return (await list<{ readonly id: string }>(`/groups/${group.id}/members?$select=id`)).map(({ id }) => id);
  }
  async function read(): Promise<Seen> {
    const teams = (await groups()).filter(({ displayName }) => displayName.startsWith(groupPrefix));
    return {
      people: (await users()).map(({ id, displayName, mail, accountEnabled }) => ({
        id,
        displayName,
        mail: mail.toLowerCase(),
        active: accountEnabled,
      })),
      teams: await Promise.all(
        teams.map(async (group) => ({
          id: group.id,
          handle: group.displayName,
          description: group.description ?? '',
          members: await memberIds(group),
        })),
      ),
    };
  }

  return {
    id: 'azure',
    system: `${system.name} ${system.version}`,
    mesh: { ...mesh, groupPrefix },
    environment: system.environment,
    personFields: ['displayName', 'mail', 'active'],
    teamsHaveDescription: true,

    async populate(population: Population) {
      const ids = new Map<number, string>();
      const taken = new Set<string>();
      for (const person of startingPeople('entra', population)) {
        const local = (person.mail.split('@')[0] ?? '').toLowerCase();
        const name = taken.has(local) ? `${local}${person.number}` : local;
        taken.add(name);
        const id = await create('users', {
          userPrincipalName: `${name}@${tenantDomain}`,
          mailNickname: name,
          // Directories keep the case in which somebody once typed an address.
          mail: person.number % 3 === 0 ? person.mail : person.mail.toLowerCase(),
          displayName: person.displayName,
          givenName: person.givenName,
          surname: person.surname,
          accountEnabled: person.active,
        });
        ids.set(person.number, id);
      }
      const { mail, displayName } = population.couldBeTwo;
      const principal = `chris.baker@${tenantDomain}`;
      await create('users', {
        userPrincipalName: principal,
        mailNickname: 'chris.baker',
        mail,
        displayName,
        accountEnabled: true,
      });
      for (const team of population.teams) {
        if (!isIn('entra', team)) continue;
        const group = await create('groups', {
          displayName: team.handle,
          mailNickname: team.handle,
          description: team.description,
          mailEnabled: false,
          securityEnabled: true,
        });
        for (const { number } of membersIn('entra', team, population.people)) {
          const id = ids.get(number);
          if (id !== undefined) await addMember(group, id);
        }
      }
      // Outside the prefix, never to be touched.
      const licences = await create('groups', {
        displayName: 'All employees',
        mailNickname: 'all',
        description: 'Licences',
        mailEnabled: false,
        securityEnabled: true,
      });
      for (const id of [...ids.values()].slice(-3)) await addMember(licences, id);
    },

    read,

    async readOutside() {
      const names = new Map((await users()).map((user) => [user.id, user.userPrincipalName]));
      const others = (await groups()).filter(({ displayName }) => !displayName.startsWith(groupPrefix));
      return Promise.all(
        others.map(async (group) => ({
          name: group.displayName,
          description: group.description ?? '',
          members: (await memberIds(group)).map((id) => names.get(id) ?? id).sort(),
        })),
      );
    },

    async add({ mail, displayName, active }: ModelPerson) {
      const local = mail.split('@')[0] ?? mail;
      const userPrincipalName = `${local}@${tenantDomain}`;
      await create('users', { userPrincipalName, mailNickname: local, mail, displayName, accountEnabled: active });
    },

    async change(nativeId, change) {
      await ask('PATCH', `/users/${nativeId}`, change);
    },

    async remove(nativeId) {
      await ask('DELETE', `/users/${nativeId}`);
    },

    async join(nativeId, handle) {
      const group = (await groups()).find(({ displayName }) => displayName === handle);
      if (!group) throw new Error(`Entra holds no group ${handle}`);
      await addMember(group.id, nativeId);
    },

    // It speaks TLS only, and nobody stands between.
    takeWrites: () => null,
    stop: () => system.stop(),
  };
}
