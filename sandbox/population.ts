/**
 * The people and teams of the demo, before any cloud has its own idea of them. Deterministic: one seed, one population.
 *
 * Most people are in all three clouds. Every 30th is missing in one of them, so that first contact adds records in each.
 * Some have no employee id in one cloud, so that only their mail joins them, and its case differs between clouds.
 * The last two share a mail, and AWS holds one user with that mail and no employee id: nobody can tell who it is.
 */
import { Random } from './random.js';

export type CloudName = 'aws' | 'entra' | 'keystone';
export const cloudNames: readonly CloudName[] = ['aws', 'entra', 'keystone'];

export interface Person {
  readonly number: number;
  readonly givenName: string;
  readonly surname: string;
  readonly displayName: string;
  /** as a directory would write it: `Jane.OBrien@Example.org` */
  readonly mail: string;
  readonly employeeId: string | undefined;
  /** The cloud that holds no employee id for this person. */
  readonly employeeIdAbsentIn: CloudName | undefined;
  readonly department: string | undefined;
  readonly active: boolean;
  readonly missingIn: CloudName | undefined;
}

export interface Team {
  readonly handle: string;
  readonly description: string;
  /** numbers of people */
  readonly members: readonly number[];
  /** Memberships that one cloud has not got. */
  readonly absent: readonly { readonly cloud: CloudName; readonly member: number }[];
  readonly missingIn: CloudName | undefined;
}

/** One AWS user who could be either of two people. */
export interface CouldBeTwo {
  readonly mail: string;
  readonly displayName: string;
  readonly people: readonly [number, number];
}

export interface Population {
  readonly people: readonly Person[];
  readonly teams: readonly Team[];
  readonly couldBeTwo: CouldBeTwo;
}

const givenNames =
  'Jane Amadou Zoë Björn Chiara Dmitri Élodie Fatima Goran Hye-jin Ines José Karin Liam Mei Noor Oluwaseun Priya Quentin Renée Søren Tomás Uma Viktor Wanjiru Ximena Yusuf Zofia André Beatriz'.split(
    ' ',
  );
const surnames =
  "O'Brien Müller Núñez Łukasiewicz Åström D'Angelo Dvořák Okafor Nguyen Silva Haddad Kowalska Lindqvist Marchetti Nakamura Petrov Quispe Rossi Schäfer Tanaka Ueda Varga Weiß Yılmaz Zhang Adeyemi Bianchi Conti Durand Eriksen Ferreira Grünwald".split(
    ' ',
  );
const departments = [
  'R&D',
  'Sales',
  'Finance & Legal',
  'Operations',
  'People',
  'IT/Platform',
  'Support (EMEA)',
  "Founders' Office",
];
const topics =
  'platform identity billing search payments networks observability data security mobile research support'.split(' ');

const plainLetters: Readonly<Record<string, string>> = { Ł: 'L', ł: 'l', ß: 'ss', ı: 'i', ø: 'o', Ø: 'O' };

/** Letters and digits of ASCII only, as the local part of a mail address holds them. */
export function plain(name: string): string {
  return name
    .normalize('NFD')
    .replace(/[Łłßıø]/gi, (letter) => plainLetters[letter] ?? letter)
    .replace(/[^A-Za-z0-9-]/g, '');
}

/** Every 30th in turn: about four of 120 in each cloud. */
function missingIn(number: number): CloudName | undefined {
  return ({ 7: 'aws', 17: 'entra', 27: 'keystone' } as const)[number % 30];
}

function makePerson(number: number, random: Random, taken: Set<string>): Person {
  const givenName = random.pick(givenNames);
  const surname = random.pick(surnames);
  let local = `${plain(givenName)}.${plain(surname)}`;
  for (let suffix = 2; taken.has(local.toLowerCase()); suffix += 1)
    local = `${plain(givenName)}.${plain(surname)}${suffix}`;
  taken.add(local.toLowerCase());
  const contractor = number % 40 === 11;
  return {
    number,
    givenName,
    surname,
    displayName: `${givenName} ${surname}`,
    mail: `${local}@Example.org`,
    employeeId: contractor ? undefined : `E${10_000 + number}`,
    employeeIdAbsentIn: ({ 3: 'aws', 13: 'keystone' } as const)[number % 20],
    department: number % 15 === 9 ? undefined : random.pick(departments),
    active: number % 25 !== 21,
    missingIn: missingIn(number),
  };
}

function makeTeam(index: number, count: number, people: readonly Person[], random: Random): Team {
  const topic = topics[index % topics.length] ?? 'team';
  const round = Math.floor(index / topics.length);
  const size = Math.max(3, Math.floor((people.length * 3) / (count * 2)));
  const members = new Set<number>();
  // Whoever could be two people is in no team: a case about a person must not hold up a team too.
  const eligible = people.length - 2;
  for (let tries = 0; members.size < Math.min(size, eligible) && tries < size * 10; tries += 1)
    members.add(random.below(eligible));
  const ordered = [...members].sort((a, b) => a - b);
  const [first, second] = ordered;
  const cloud = cloudNames[index % cloudNames.length] ?? 'aws';
  return {
    handle: `team-${topic}${round === 0 ? '' : `-${round + 1}`}`,
    description: `Looks after ${topic}${round === 0 ? '' : `, part ${round + 1}`}`,
    members: ordered,
    absent: [first, second]
      .filter((member): member is number => member !== undefined && index % 4 === 1)
      .map((member) => ({ cloud, member })),
    missingIn: ({ 10: 'keystone', 11: 'aws' } as const)[index % 12],
  };
}

/** `people` at least 10. The same arguments give the same population, on every machine. */
export function population({
  people: count = 120,
  teams: teamCount = 12,
  seed = 1,
}: { readonly people?: number; readonly teams?: number; readonly seed?: number } = {}): Population {
  const random = new Random(seed);
  const taken = new Set<string>();
  const people = Array.from({ length: count }, (_, number) => makePerson(number, random, taken));
  const shared = {
    mail: 'C.Baker@Example.org',
    surname: 'Baker',
    missingIn: 'aws',
    employeeIdAbsentIn: undefined,
  } as const;
  const pair = [count - 2, count - 1] as const;
  pair.forEach((number, index) => {
    const person = people[number];
    if (!person) throw new RangeError('a population needs at least 10 people');
    const givenName = index === 0 ? 'Christopher' : 'Christine';
    people[number] = {
      ...person,
      ...shared,
      givenName,
      displayName: `${givenName} Baker`,
      employeeId: `E${10_000 + number}`,
      active: true,
    };
  });
  const teams = Array.from({ length: teamCount }, (_, index) => makeTeam(index, teamCount, people, random));
  return { people, teams, couldBeTwo: { mail: shared.mail, displayName: 'Chris Baker', people: pair } };
}

/** Whether the cloud holds this person, or this team. */
export function isIn(cloud: CloudName, { missingIn: missing }: Person | Team): boolean {
  return missing !== cloud;
}

export function employeeIdIn(cloud: CloudName, person: Person): string | undefined {
  return person.employeeIdAbsentIn === cloud ? undefined : person.employeeId;
}

/** The members of a team that this cloud holds and knows of. */
export function membersIn(cloud: CloudName, team: Team, people: readonly Person[]): readonly Person[] {
  return team.members
    .filter((member) => !team.absent.some((absence) => absence.cloud === cloud && absence.member === member))
    .map((member) => people[member])
    .filter((person): person is Person => person !== undefined && isIn(cloud, person));
}
