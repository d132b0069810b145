/** The population as Entra holds it: principal names of the tenant, mail as people write it; and what lies outside. */
import { employeeIdIn, isIn, membersIn, type Population } from '../population.js';
import type { EntraState, EntraUser } from './state.js';

export const groupPrefix = 'team-';

export function seedEntra(state: EntraState, { people, teams }: Population): void {
  const [domain = 'contoso.example'] = state.domains;
  const users = new Map<number, EntraUser>();
  const taken = new Set<string>();
  for (const person of people) {
    if (!isIn('entra', person)) continue;
    const local = (person.mail.split('@')[0] ?? '').toLowerCase();
    const name = taken.has(local) ? `${local}${person.number}` : local;
    taken.add(name);
    const employeeId = employeeIdIn('entra', person);
    const user = state.addUser({
      userPrincipalName: `${name}@${domain}`,
      mailNickname: name,
      // Directories keep the case in which somebody once typed an address.
      mail: person.number % 3 === 0 ? person.mail : person.mail.toLowerCase(),
      displayName: person.displayName,
      givenName: person.givenName,
      surname: person.surname,
      accountEnabled: person.active,
      userType: 'Member',
      ...(employeeId === undefined ? {} : { employeeId }),
      ...(person.department === undefined ? {} : { department: person.department }),
    });
    users.set(person.number, user);
  }

  for (const team of teams) {
    if (!isIn('entra', team)) continue;
    const group = state.addGroup({
      displayName: team.handle,
      mailNickname: team.handle,
      uniqueName: team.handle,
      description: team.description,
      groupTypes: [],
      mailEnabled: false,
      securityEnabled: true,
    });
    for (const person of membersIn('entra', team, people)) {
      const user = users.get(person.number);
      if (user) group.members.add(user.id);
    }
  }

  // Outside the prefix of the mesh, never to be touched.
  const everyone = state.addGroup({
    displayName: 'All employees',
    mailNickname: 'all-employees',
    description: 'Licences',
    groupTypes: [],
    mailEnabled: false,
    securityEnabled: true,
  });
  for (const user of users.values()) everyone.members.add(user.id);
}
