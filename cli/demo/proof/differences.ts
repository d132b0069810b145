/** Where readings of the same people and teams differ. None of it knows how they came to agree. */
import { byCodeUnit } from '../../../core/json.js';
import { personId, type HeldPerson, type HeldTeam, type Reading } from './reading.js';

export interface Difference {
  readonly type: 'person' | 'team';
  readonly id: string;
  /** A field, or `presence` where somebody lacks the record or holds it twice. */
  readonly field: string;
  readonly values: Readonly<Record<string, string>>;
}

export interface Comparison {
  readonly people: number;
  readonly teams: number;
  /** Values that were held against each other. */
  readonly values: number;
  readonly memberships: number;
  readonly differences: readonly Difference[];
}

const personFields = ['mail', 'displayName', 'employeeId', 'department', 'active'] as const;
const teamFields = ['handle', 'description', 'members'] as const;

export function compareReadings(readings: readonly Reading[]): Comparison {
  const differences: Difference[] = [];
  let values = 0;

  function compare<Held extends HeldPerson | HeldTeam>(
    type: Difference['type'],
    fields: readonly (keyof Held & string)[],
    heldBy: (reading: Reading) => readonly Held[],
    idOf: (held: Held) => string,
  ): number {
    const byId = new Map<string, Map<string, Held[]>>();
    for (const reading of readings)
      for (const held of heldBy(reading)) {
        const holders = byId.get(idOf(held)) ?? new Map<string, Held[]>();
        byId.set(idOf(held), holders.set(reading.holder, [...(holders.get(reading.holder) ?? []), held]));
      }
    for (const [id, holders] of [...byId].sort(([left], [right]) => byCodeUnit(left, right))) {
      const counts = Object.fromEntries(readings.map(({ holder }) => [holder, holders.get(holder)?.length ?? 0]));
      if (Object.values(counts).some((count) => count !== 1)) {
        const words = Object.entries(counts).map(([holder, count]) => [holder, `${count} times`]);
        differences.push({ type, id, field: 'presence', values: Object.fromEntries(words) as Record<string, string> });
        continue;
      }
      for (const field of fields) {
        const found = [...holders].flatMap(([holder, [held]]): (readonly [string, string])[] => {
          const value = held?.[field];
          return value === undefined ? [] : [[holder, textOf(value)]];
        });
        values += found.length;
        if (new Set(found.map(([, text]) => text)).size > 1)
          differences.push({ type, id, field, values: Object.fromEntries(found) });
      }
    }
    return byId.size;
  }

  const people = compare<HeldPerson>('person', personFields, (reading) => reading.people, personId);
  const teams = compare<HeldTeam>(
    'team',
    teamFields,
    (reading) => reading.teams,
    ({ handle }) => handle,
  );
  const memberships = Math.max(
    0,
    ...readings.map((reading) => reading.teams.reduce((sum, { members }) => sum + members.length, 0)),
  );
  return { people, teams, values, memberships, differences };
}

function textOf(value: unknown): string {
  return Array.isArray(value) ? JSON.stringify([...(value as string[])].sort(byCodeUnit)) : JSON.stringify(value);
}
