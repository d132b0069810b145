/** The population as Keystone holds it: short login names, everything else in extra attributes; and what lies outside. */
import { employeeIdIn, isIn, membersIn, plain, type Population } from '../population.js';
import type { KeystoneState, KeystoneUser } from './state.js';

export const domain = 'workforce';

export function seedKeystone(state: KeystoneState, { people, teams }: Population): void {
  const users = new Map<number, KeystoneUser>();
  for (const person of people) {
    if (!isIn('keystone', person)) continue;
    const short = `${plain(person.givenName).charAt(0)}${plain(person.surname)}`.toLowerCase();
    const name = state.users.named(domain, short) ? `${short}${person.number}` : short;
    const employeeId = employeeIdIn('keystone', person);
    const user = state.addUser({
      domain,
      name,
      enabled: person.active,
      extra: {
        email: person.number % 2 === 0 ? person.mail : person.mail.toLowerCase(),
        display_name: person.displayName,
        ...(employeeId === undefined ? {} : { employee_id: employeeId }),
        ...(person.department === undefined ? {} : { department: person.department }),
      },
    });
    users.set(person.number, user);
  }

  for (const team of teams) {
    if (!isIn('keystone', team)) continue;
    const group = state.addGroup({ domain, name: team.handle, description: team.description });
    for (const person of membersIn('keystone', team, people)) {
      const user = users.get(person.number);
      if (user) group.members.add(user.id);
    }
  }

  // Another domain, never to be touched.
  const operators = state.addGroup({ domain: 'default', name: 'operators', description: 'Run the region' });
  for (const name of ['nova', 'neutron', 'glance'])
    operators.members.add(state.addUser({ domain: 'default', name }).id);
}
