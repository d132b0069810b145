/** One of the clouds of the story, spoken to in its own words: nothing of our connectors, lenses or maps is used here. */
import type { Mesh } from '../../../core/federation/authority.js';
import type { Json } from '../../../core/json.js';
import type { Population } from '../../../sandbox/population.js';
import type { CloudId, ModelPerson, PersonField, Plain, PlainPerson, PlainTeam } from './model.js';
import { nameOf } from './model.js';

export interface Cloud {
  readonly id: CloudId;
  /** Name and version of the system. */
  readonly system: string;
  /** How the authority file reaches it. */
  readonly mesh: Mesh;
  readonly environment: Readonly<Record<string, string>>;
  /** What it has a place for. */
  readonly personFields: readonly PersonField[];
  readonly teamsHaveDescription: boolean;
  populate(population: Population): Promise<void>;
  read(): Promise<Seen>;
  /** Everything that lies outside the mesh, and what belongs to people in it but not to Concordat: it must stay. */
  readOutside(): Promise<Json>;
  add(person: ModelPerson): Promise<void>;
  change(nativeId: string, change: Partial<Pick<ModelPerson, 'displayName' | 'mail'>>): Promise<void>;
  remove(nativeId: string): Promise<void>;
  join(nativeId: string, handle: string): Promise<void>;
  /** Calls of Concordat that could change something, since the last time this was asked; null where nobody listens. */
  takeWrites(): readonly string[] | null;
  stop(): Promise<void>;
}

export interface SeenPerson extends PlainPerson {
  readonly id: string;
  readonly displayName: string;
  readonly mail: string;
}

export interface SeenTeam {
  readonly id: string;
  readonly handle: string;
  readonly description?: string;
  /** native ids of people of the mesh */
  readonly members: readonly string[];
}

export interface Seen {
  readonly people: readonly SeenPerson[];
  readonly teams: readonly SeenTeam[];
}

/** Throws where two people, or two teams, would be taken for one. */
export function plainOf({ people, teams }: Seen): Plain {
  const names = new Map(people.map((person) => [person.id, nameOf(person)]));
  return {
    people: byName(
      people.map(({ id: _id, ...person }) => person),
      nameOf,
    ),
    teams: byName(
      teams.map(({ id: _id, members, ...team }): PlainTeam => ({
        ...team,
        members: members.map((id) => names.get(id) ?? `nobody known: ${id}`).sort(),
      })),
      ({ handle }) => handle,
    ),
  };
}

function byName<Item>(items: readonly Item[], nameOfItem: (item: Item) => string): Record<string, Item> {
  const named: Record<string, Item> = {};
  for (const item of items) {
    const name = nameOfItem(item);
    if (named[name]) throw new Error(`two of ${name}`);
    named[name] = item;
  }
  return named;
}

/** The native id of the one person with this mail and name. */
export function idIn({ people }: Seen, person: Pick<ModelPerson, 'mail' | 'displayName'>): string {
  const [found, ...others] = people.filter((seen) => nameOf(seen) === nameOf(person));
  if (!found || others.length > 0) throw new Error(`not exactly one ${nameOf(person)}`);
  return found.id;
}
