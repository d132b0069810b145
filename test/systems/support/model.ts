/**
 * What the clouds must hold, worked out from the story alone. Nothing here knows how Concordat translates or compares, so
 * that the test and the program cannot share a mistake.
 */
import { isIn, population, type Person, type Population, type Team } from '../../../sandbox/population.js';

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

/** What everyone must hold once first contact is settled. */
export function modelOf({ people, teams }: Population): Model {
  const numbered = new Map(people.map((person) => [person.number, modelPerson(person)]));
  return {
    people: new Set(numbered.values()),
    numbered,
    teams: teams.map(({ handle, description, members }) => ({
      handle,
      description,
      members: new Set(members.flatMap((number) => numbered.get(number) ?? [])),
    })),
  };
}

function modelPerson({ displayName, mail, employeeId, department, active }: Person): ModelPerson {
  return {
    displayName,
    mail: mail.toLowerCase(),
    employeeId: employeeId ?? null,
    department: department ?? null,
    active,
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
