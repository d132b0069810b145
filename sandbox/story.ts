/**
 * What each cloud does on its own between the first and the second run of the demo. Every change goes straight into a
 * cloud's state, as if one of its own administrators had made it; what happened is returned in words for the narrator.
 */
import { tagText } from './aws/seed.js';
import type { AwsState, IamUser } from './aws/state.js';
import type { EntraState, EntraUser } from './entra/state.js';
import { domain } from './keystone/seed.js';
import type { KeystoneState, KeystoneUser } from './keystone/state.js';
import type { CloudName, Person, Population } from './population.js';

export interface States {
  readonly aws: AwsState;
  readonly entra: EntraState;
  readonly keystone: KeystoneState;
}

export interface Event {
  readonly what: 'renamed' | 'left' | 'joinedTeam' | 'joined' | 'editedTwice' | 'editedAndDeleted';
  readonly clouds: readonly CloudName[];
  /** display name */
  readonly who: string;
  readonly employeeId: string;
  /** One sentence for the narrator. */
  readonly words: string;
}

function awsUser({ aws }: States, employeeId: string): IamUser {
  const found = aws.users
    .all()
    .find((user) => user.tags.some((tag) => tag.key === 'employeeId' && tag.value === employeeId));
  if (!found) throw new Error(`AWS holds nobody with employee id ${employeeId}`);
  return found;
}

function entraUser({ entra }: States, employeeId: string): EntraUser {
  const found = entra.listUsers().find((user) => user.properties['employeeId'] === employeeId);
  if (!found) throw new Error(`Entra holds nobody with employee id ${employeeId}`);
  return found;
}

function keystoneUser({ keystone }: States, employeeId: string): KeystoneUser {
  const found = keystone.users.all().find((user) => user.domain === domain && user.extra['employee_id'] === employeeId);
  if (!found) throw new Error(`Keystone holds nobody with employee id ${employeeId}`);
  return found;
}

type Actor = Person & { readonly employeeId: string };

/** People whom every cloud held from the start, under one employee id, free to be written, and without keys. */
export function cast({ people, couldBeTwo }: Population): readonly Actor[] {
  return people.filter(
    (person): person is Actor =>
      person.employeeId !== undefined &&
      person.employeeIdAbsentIn === undefined &&
      person.missingIn === undefined &&
      person.active &&
      person.number % 24 !== 16 &&
      !couldBeTwo.people.includes(person.number),
  );
}

/** Throws where the clouds no longer hold the people of the population. Apply it once. */
export function tellStory(states: States, population: Population): readonly Event[] {
  const [renamed, leaver, newMember, disputed, torn] = cast(population);
  if (!renamed || !leaver || !newMember || !disputed || !torn)
    throw new Error('the population is too small for the story');
  const { aws, entra, keystone } = states;
  const events: Event[] = [];
  const tell = (what: Event['what'], clouds: readonly CloudName[], person: Actor, words: string): void => {
    events.push({ what, clouds, who: person.displayName, employeeId: person.employeeId, words });
  };

  const married = `${renamed.givenName} ${renamed.surname}-Laurent`;
  entra.change(entraUser(states, renamed.employeeId), { displayName: married });
  tell('renamed', ['entra'], renamed, `Entra renames ${renamed.displayName} to ${married}.`);

  aws.removeUser(awsUser(states, leaver.employeeId));
  tell('left', ['aws'], leaver, `AWS deletes ${leaver.displayName}, who has left.`);

  const team = population.teams.find(
    (candidate) => candidate.missingIn === undefined && !candidate.members.includes(newMember.number),
  );
  const group = team && keystone.groups.named(domain, team.handle);
  if (!group) throw new Error('the population has no team for the story');
  group.members.add(keystoneUser(states, newMember.employeeId).id);
  tell('joinedTeam', ['keystone'], newMember, `Keystone takes ${newMember.displayName} into ${group.name}.`);

  const joiner: Actor = {
    ...renamed,
    number: population.people.length,
    givenName: 'Nadia',
    surname: 'Benali',
    displayName: 'Nadia Benali',
    mail: 'Nadia.Benali@Example.org',
    employeeId: `E${20_000 + population.people.length}`,
    department: 'R&D',
  };
  entra.addUser({
    userPrincipalName: `nadia.benali@${entra.domains[0]}`,
    mailNickname: 'nadia.benali',
    mail: joiner.mail,
    displayName: joiner.displayName,
    givenName: joiner.givenName,
    surname: joiner.surname,
    employeeId: joiner.employeeId,
    department: joiner.department,
    accountEnabled: true,
    userType: 'Member',
  });
  tell('joined', ['entra'], joiner, `Entra gets a new colleague, ${joiner.displayName}.`);

  const local = (disputed.mail.split('@')[0] ?? '').toLowerCase();
  aws.setTag(awsUser(states, disputed.employeeId), 'email', tagText(`${local}.aws@example.org`));
  entra.change(entraUser(states, disputed.employeeId), { mail: `${local}.new@example.org` });
  tell(
    'editedTwice',
    ['aws', 'entra'],
    disputed,
    `AWS and Entra both change the mail of ${disputed.displayName}, to different values.`,
  );

  entra.change(entraUser(states, torn.employeeId), { department: 'Alumni' });
  keystone.removeUser(keystoneUser(states, torn.employeeId));
  tell(
    'editedAndDeleted',
    ['entra', 'keystone'],
    torn,
    `Entra moves ${torn.displayName} to another department while Keystone deletes the account.`,
  );
  return events;
}
