/**
 * What the clouds must hold, worked out from the story alone. Nothing here knows how Concordat translates or compares, so
 * that the test and the program cannot share a mistake.
 */
import {
  employeeIdIn,
  isIn,
  membersIn,
  population,
  type CloudName,
  type Person,
  type Population,
  type Team,
} from '../../../sandbox/population.js';

/** Ids of the authorities; the clouds of the population are aws, entra and keystone. */
export type CloudId = 'aws' | 'azure' | 'sov';
export const cloudIds: readonly CloudId[] = ['aws', 'azure', 'sov'];

export interface ModelPerson {
  displayName: string;
  /** lower case */
  mail: string;
  employeeId: string | null;
  department: string | null;
  active: boolean;
}
export type PersonField = keyof ModelPerson;

export interface ModelTeam {
  readonly handle: string;
  readonly description: string;
  readonly members: Set<ModelPerson>;
}

export interface Model {
  readonly people: Set<ModelPerson>;
  readonly teams: readonly ModelTeam[];
  /** By their number in the population; joiners have none. */
  readonly numbered: ReadonlyMap<number, ModelPerson>;
}

/**
 * The people of the demo, fewer. Whoever could be two is in Azure here: the emulator keeps no employee id, so it is Azure
 * that cannot tell. Two teams are each missing in one cloud, so that groups are created with their members.
 */
export function peopleOfTheStory(): Population {
  const { people, teams, couldBeTwo } = population({ people: 40, teams: 6 });
  const missing = new Map<number, Team['missingIn']>([
    [2, 'entra'],
    [3, 'aws'],
  ]);
  return {
    people: people.map((person) =>
      couldBeTwo.people.includes(person.number) ? { ...person, missingIn: 'entra' } : person,
    ),
    teams: teams.map((team, index) => (missing.has(index) ? { ...team, missingIn: missing.get(index) } : team)),
    couldBeTwo,
  };
}

const nameInPopulation: Readonly<Record<CloudId, CloudName>> = { aws: 'aws', azure: 'entra', sov: 'keystone' };

/** What all of these clouds must hold once first contact is settled: what at least one of them knows at the start. */
export function modelOf({ people, teams }: Population, present: readonly CloudId[]): Model {
  const clouds = present.map((id) => nameInPopulation[id]);
  const numbered = new Map(people.map((person) => [person.number, modelPerson(person, clouds)]));
  return {
    people: new Set(numbered.values()),
    numbered,
    teams: teams.map((team) => ({
      handle: team.handle,
      description: team.description,
      members: new Set(
        clouds
          .filter((cloud) => isIn(cloud, team))
          .flatMap((cloud) => membersIn(cloud, team, people))
          .flatMap(({ number }) => numbered.get(number) ?? []),
      ),
    })),
  };
}

function modelPerson(person: Person, clouds: readonly CloudName[]): ModelPerson {
  const { displayName, mail, department, active } = person;
  const holders = clouds.filter((cloud) => isIn(cloud, person));
  const knowing = holders.filter((cloud) => cloud !== 'entra');
  return {
    displayName,
    mail: mail.toLowerCase(),
    employeeId: knowing.map((cloud) => employeeIdIn(cloud, person)).find((id) => id !== undefined) ?? null,
    department: knowing.length > 0 ? (department ?? null) : null,
    // The maps make active whom no cloud with such a flag holds.
    active: holders.some((cloud) => cloud !== 'aws') ? active : true,
  };
}

/** One person as a cloud holds it: only the fields that it has a place for. */
export type PlainPerson = Partial<ModelPerson>;
export interface PlainTeam {
  readonly handle: string;
  readonly description?: string;
  /** `<mail> <display name>`, sorted: the two who share a mail have names of their own. */
  readonly members: readonly string[];
}
export interface Plain {
  readonly people: Readonly<Record<string, PlainPerson>>;
  readonly teams: Readonly<Record<string, PlainTeam>>;
}

export function nameOf({ mail, displayName }: { readonly mail: string; readonly displayName: string }): string {
  return `${mail} ${displayName}`;
}

/** What one cloud must hold, field by field. */
export function expectedIn(
  { people, teams }: Model,
  { personFields, teamsHaveDescription }: { personFields: readonly PersonField[]; teamsHaveDescription: boolean },
): Plain {
  return {
    people: Object.fromEntries(
      [...people].map((person) => [
        nameOf(person),
        Object.fromEntries(personFields.map((field) => [field, person[field]])),
      ]),
    ),
    teams: Object.fromEntries(
      teams.map(({ handle, description, members }) => [
        handle,
        { handle, ...(teamsHaveDescription ? { description } : {}), members: [...members].map(nameOf).sort() },
      ]),
    ),
  };
}

/** The people of a population that this cloud of its own holds at the start. */
export function startingPeople(cloud: 'aws' | 'entra' | 'keystone', { people }: Population): readonly Person[] {
  return people.filter((person) => isIn(cloud, person));
}
