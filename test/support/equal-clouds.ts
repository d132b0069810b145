/** Clouds that agree from the start: the same people and one team in each, so that a test sees only what it changes. */
import { tagText } from '../../sandbox/aws/seed.js';
import type { IamUser } from '../../sandbox/aws/state.js';
import type { EntraUser } from '../../sandbox/entra/state.js';
import type { KeystoneUser } from '../../sandbox/keystone/state.js';
import type { Sandbox } from '../../sandbox/start.js';

export interface SeededPerson {
  readonly number: number;
  readonly displayName: string;
  readonly mail: string;
  readonly employeeId: string;
  readonly department: string;
}

export const teamHandle = 'team-alpha';
const teamMembers = 3;

/** Words that stand in no code and no message, so that finding one in a history means that it leaked. */
export function seededPerson(number: number): SeededPerson {
  return {
    number,
    displayName: `Quillan Vexworth ${number}`,
    mail: `quillan.vexworth${number}@example.org`,
    employeeId: `E77${1_000 + number}`,
    department: 'Umbrology',
  };
}

export function addToAws({ aws }: Sandbox, person: SeededPerson): IamUser {
  const { mail, employeeId, displayName, department } = person;
  const tags = Object.entries({ email: mail, employeeId, displayName, department });
  return aws.server.state.addUser({
    name: mail,
    path: '/workforce/',
    tags: tags.map(([key, value]) => ({ key, value: tagText(value) })),
  });
}

export function addToEntra({ entra }: Sandbox, person: SeededPerson): EntraUser {
  const { mail, employeeId, displayName, department } = person;
  return entra.server.state.addUser({
    userPrincipalName: mail,
    mailNickname: mail.split('@')[0],
    mail,
    displayName,
    accountEnabled: true,
    userType: 'Member',
    employeeId,
    department,
  });
}

export function addToKeystone({ keystone }: Sandbox, person: SeededPerson): KeystoneUser {
  const { mail, employeeId, displayName, department } = person;
  return keystone.server.state.addUser({
    domain: 'workforce',
    name: mail,
    extra: { email: mail, display_name: displayName, employee_id: employeeId, department },
  });
}

/** As administrators would: what comes afterwards gets ids that were never used. */
function emptyScopes({ aws, entra, keystone }: Sandbox): void {
  for (const { server } of [aws, entra, keystone]) server.faults.clear();
  const iam = aws.server.state;
  for (const user of iam.users.all().filter((one) => one.path === '/workforce/')) iam.removeUser(user);
  for (const group of iam.groups.all().filter((one) => one.path === '/workforce/')) iam.groups.remove(group);
  for (const object of [...entra.server.state.listUsers(), ...entra.server.state.listGroups()])
    entra.server.state.remove(object);
  const identity = keystone.server.state;
  for (const user of identity.users.all().filter((one) => one.domain === 'workforce')) identity.removeUser(user);
  for (const group of identity.groups.all().filter((one) => one.domain === 'workforce')) identity.groups.remove(group);
}

/** Empties the scopes and fills them with the people 0 to `people - 1`; the first three are the team. */
export function seedEqual(sandbox: Sandbox, people: number): void {
  emptyScopes(sandbox);
  const everyone = Array.from({ length: people }, (_, number) => seededPerson(number));
  const aws = everyone.map((person) => addToAws(sandbox, person));
  const entra = everyone.map((person) => addToEntra(sandbox, person));
  const keystone = everyone.map((person) => addToKeystone(sandbox, person));
  const iamGroup = sandbox.aws.server.state.addGroup({ name: teamHandle, path: '/workforce/' });
  for (const user of aws.slice(0, teamMembers)) sandbox.aws.server.state.join(user, iamGroup);
  const entraGroup = sandbox.entra.server.state.addGroup({
    displayName: teamHandle,
    mailNickname: teamHandle,
    uniqueName: teamHandle,
    description: 'Looks after alpha',
    groupTypes: [],
    mailEnabled: false,
    securityEnabled: true,
  });
  for (const user of entra.slice(0, teamMembers)) entraGroup.members.add(user.id);
  const group = sandbox.keystone.server.state.addGroup({
    domain: 'workforce',
    name: teamHandle,
    description: 'Looks after alpha',
  });
  for (const user of keystone.slice(0, teamMembers)) group.members.add(user.id);
}

/** The person's account in one cloud; throws where there is none. */
export function awsUser({ aws }: Sandbox, number: number): IamUser {
  return one(
    aws.server.state.users.all(),
    (user) => user.tags.some(({ key, value }) => key === 'employeeId' && value === seededPerson(number).employeeId),
    `AWS user ${number}`,
  );
}
export function entraUser({ entra }: Sandbox, number: number): EntraUser {
  return one(
    entra.server.state.listUsers(),
    ({ properties }) => properties['employeeId'] === seededPerson(number).employeeId,
    `Entra user ${number}`,
  );
}
export function keystoneUser({ keystone }: Sandbox, number: number): KeystoneUser {
  return one(
    keystone.server.state.users.all(),
    ({ extra }) => extra['employee_id'] === seededPerson(number).employeeId,
    `Keystone user ${number}`,
  );
}
export function awsTag(sandbox: Sandbox, number: number, key: string): string | undefined {
  return awsUser(sandbox, number).tags.find((tag) => tag.key === key)?.value;
}

/** Throws unless exactly one matches: two would be the doubled effect that crash tests look for. */
function one<Item>(items: readonly Item[], matches: (item: Item) => boolean, what: string): Item {
  const found = items.filter(matches);
  const [first] = found;
  if (!first || found.length > 1) throw new Error(`there are ${found.length} of ${what}`);
  return first;
}
