/** The OpenStack region of the story: Keystone itself, spoken to as its administrator. */
import type { Mesh } from '../../../core/federation/authority.js';
import { employeeIdIn, isIn, membersIn, plain, type Population } from '../../../sandbox/population.js';
import { workforceDomain, type KeystoneSystem } from '../../support/systems/keystone.js';
import type { Cloud, Seen } from './cloud.js';
import { startingPeople, type ModelPerson } from './model.js';
import { startRecordingProxy } from './recording-proxy.js';

interface User {
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  readonly email?: string | null;
  readonly display_name?: string | null;
  readonly employee_id?: string | null;
  readonly department?: string | null;
}
interface Group {
  readonly id: string;
  readonly name: string;
  readonly description: string;
}

export async function sovCloud(system: Extract<KeystoneSystem, { kind: 'available' }>): Promise<Cloud> {
  const { admin } = system;
  const mesh = system.mesh as Extract<Mesh, { kind: 'keystone' }>;
  const proxy = await startRecordingProxy(system.endpoint, ({ method, path }) =>
    method === 'GET' || method === 'HEAD' || path === '/v3/auth/tokens'
      ? undefined
      : `${method} ${path.replaceAll(/[0-9a-f]{32}/g, '{id}')}`,
  );

  async function ask<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const answer = await admin.request(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}`);
    return answer.body as Answer;
  }
  const users = async (domain: string) =>
    (await ask<{ readonly users: readonly User[] }>('GET', `/users?domain_id=${domain}`)).users;
  const groups = async (domain: string) =>
    (await ask<{ readonly groups: readonly Group[] }>('GET', `/groups?domain_id=${domain}`)).groups;
  const membersOf = async (group: Group) =>
    (await ask<{ readonly users: readonly User[] }>('GET', `/groups/${group.id}/users`)).users;
  async function addUser(body: object): Promise<string> {
    const user = { domain_id: workforceDomain, ...body };
    return (await ask<{ readonly user: User }>('POST', '/users', { user })).user.id;
  }
  async function addGroup(body: object): Promise<string> {
    const group = { domain_id: workforceDomain, ...body };
    return (await ask<{ readonly group: Group }>('POST', '/groups', { group })).group.id;
  }
  async function read(): Promise<Seen> {
    const teams = await groups(workforceDomain);
    return {
      people: (await users(workforceDomain)).map((user) => ({
        id: user.id,
        displayName: user.display_name ?? '',
        mail: (user.email ?? '').toLowerCase(),
        employeeId: user.employee_id ?? null,
        department: user.department ?? null,
        active: user.enabled,
      })),
      teams: await Promise.all(
        teams.map(async (group) => ({
          id: group.id,
          handle: group.name,
          description: group.description,
          members: (await membersOf(group)).map(({ id }) => id),
        })),
      ),
    };
  }

  return {
    id: 'sov',
    system: `${system.name} ${system.version}`,
    mesh: { ...mesh, endpoint: `${proxy.endpoint}/v3` },
    environment: system.environment,
    personFields: ['displayName', 'mail', 'employeeId', 'department', 'active'],
    teamsHaveDescription: true,

    async populate(population: Population) {
      const ids = new Map<number, string>();
      const taken = new Set<string>();
      for (const person of startingPeople('keystone', population)) {
        const short = `${plain(person.givenName).charAt(0)}${plain(person.surname)}`.toLowerCase();
        const name = taken.has(short) ? `${short}${person.number}` : short;
        taken.add(name);
        const employeeId = employeeIdIn('keystone', person);
        const id = await addUser({
          name,
          enabled: person.active,
          email: person.number % 2 === 0 ? person.mail : person.mail.toLowerCase(),
          display_name: person.displayName,
          ...(employeeId === undefined ? {} : { employee_id: employeeId }),
          ...(person.department === undefined ? {} : { department: person.department }),
        });
        ids.set(person.number, id);
      }
      for (const team of population.teams) {
        if (!isIn('keystone', team)) continue;
        const group = await addGroup({ name: team.handle, description: team.description });
        for (const { number } of membersIn('keystone', team, population.people)) {
          const id = ids.get(number);
          if (id !== undefined) await ask('PUT', `/groups/${group}/users/${id}`);
        }
      }
      // Another domain, never to be touched.
      const operators = await addGroup({ domain_id: 'default', name: 'operators', description: 'Run the region' });
      for (const name of ['nova', 'neutron', 'glance'])
        await ask('PUT', `/groups/${operators}/users/${await addUser({ domain_id: 'default', name })}`);
    },

    read,

    async readOutside() {
      const all = await users('default');
      const others = await groups('default');
      return {
        users: all.map(({ id, name, enabled }) => `${id} ${name} ${enabled}`).sort(),
        groups: await Promise.all(
          others.map(async (group) => ({
            name: group.name,
            description: group.description,
            members: (await membersOf(group)).map(({ name }) => name).sort(),
          })),
        ),
      };
    },

    async add({ mail, displayName, active }: ModelPerson) {
      await addUser({ name: mail.split('@')[0], enabled: active, email: mail, display_name: displayName });
    },

    async change(nativeId, { displayName, mail }) {
      const user = {
        ...(displayName === undefined ? {} : { display_name: displayName }),
        ...(mail === undefined ? {} : { email: mail }),
      };
      await ask('PATCH', `/users/${nativeId}`, { user });
    },

    async remove(nativeId) {
      await ask('DELETE', `/users/${nativeId}`);
    },

    async join(nativeId, handle) {
      const group = (await groups(workforceDomain)).find(({ name }) => name === handle);
      if (!group) throw new Error(`Keystone holds no group ${handle}`);
      await ask('PUT', `/groups/${group.id}/users/${nativeId}`);
    },

    takeWrites: () => proxy.takeWrites(),

    async stop() {
      await proxy.stop();
      await system.stop();
    },
  };
}
