/** The population as AWS holds it: under `/workforce/`, everything but the name in tags; and what lies outside. */
import { employeeIdIn, isIn, membersIn, type Person, type Population } from '../population.js';
import type { AwsState, IamUser } from './state.js';

export const pathPrefix = '/workforce/';

/** IAM tags hold letters of any script but no `'`, `&` or `(`: what they refuse, and `=` itself, is written as `=XX`. */
export function tagText(text: string): string {
  return text.replace(/[^\p{L}\p{N} _.:/+@-]/gu, (character) =>
    [...Buffer.from(character, 'utf8')].map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}

function tagsOf(person: {
  readonly mail: string;
  readonly displayName: string;
  readonly employeeId: string | undefined;
  readonly department: string | undefined;
}): { key: string; value: string }[] {
  const values = {
    email: person.mail.toLowerCase(),
    employeeId: person.employeeId,
    displayName: person.displayName,
    department: person.department,
  };
  return Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: tagText(value) }],
  );
}

/** Half of the names are mail addresses, half are `first.last`. */
function userName(person: Person): string {
  const mail = person.mail.toLowerCase();
  return person.number % 2 === 0 ? mail : (mail.split('@')[0] ?? mail);
}

export function seedAws(state: AwsState, { people, teams, couldBeTwo }: Population): void {
  const users = new Map<number, IamUser>();
  for (const person of people) {
    if (!isIn('aws', person)) continue;
    const tags = tagsOf({ ...person, employeeId: employeeIdIn('aws', person) });
    const user = state.addUser({ name: userName(person), path: pathPrefix, tags });
    if (person.number % 24 === 16) user.owned.accessKeys.push(state.newId('AKIA', 20));
    users.set(person.number, user);
  }
  state.addUser({
    name: 'chris.baker',
    path: pathPrefix,
    tags: tagsOf({ ...couldBeTwo, employeeId: undefined, department: people[couldBeTwo.people[0]]?.department }),
  });

  // Outside the path, never to be touched, and one of them is a member of a team.
  const robot = state.addUser({ name: 'ci-deployer', path: '/service/', tags: [{ key: 'owner', value: 'platform' }] });
  robot.owned.accessKeys.push(state.newId('AKIA', 20));
  const breakGlass = state.addUser({ name: 'break-glass', path: '/', loginProfile: true });
  const administrators = state.addGroup({ name: 'administrators', path: '/' });
  administrators.attachedPolicies.push('arn:aws:iam::aws:policy/AdministratorAccess');
  state.join(breakGlass, administrators);

  teams.forEach((team, index) => {
    if (!isIn('aws', team)) return;
    const group = state.addGroup({ name: team.handle, path: pathPrefix });
    for (const person of membersIn('aws', team, people)) {
      const user = users.get(person.number);
      if (user) state.join(user, group);
    }
    if (index === 0) state.join(robot, group);
  });
}
