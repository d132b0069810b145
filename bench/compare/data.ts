/** Records as the measurements of the design used them: a UUID as key, eight fields, 300 bytes of JSON, the same on every machine. */
import { createHash } from 'node:crypto';
import type { FieldGroup } from '../../core/federation/federation.js';
import type { FederatedRecord, Fields } from '../../core/record.js';

export const participants = ['base', 'left', 'right'] as const;
export type ParticipantName = (typeof participants)[number];

export interface World {
  readonly count: number;
  /** Of each member's records, one in `editedOneIn` is edited and one in `missingOneIn` is missing. */
  readonly editedOneIn: number;
  readonly missingOneIn: number;
}

export const groups: readonly FieldGroup[] = [
  {
    id: 'left+right',
    fields: ['active', 'department', 'displayName', 'mail', 'manager', 'roles', 'teams', 'title'],
    members: ['left', 'right'],
  },
];

export function* recordsOf(world: World, name: ParticipantName): Generator<FederatedRecord> {
  const salt = name === 'left' ? 1 : 2;
  for (let index = 0; index < world.count; index += 1) {
    const seed = createHash('md5').update(`record ${index}`).digest();
    if (name !== 'base' && picked(seed, 4 * salt, world.missingOneIn)) continue;
    const fields = fieldsOf(seed, index);
    const edited = name !== 'base' && picked(seed, 4 * salt - 2, world.editedOneIn);
    yield { type: 'person', key: uuidOf(seed), fields: edited ? { ...fields, title: `edited by ${name}` } : fields };
  }
}

function picked(seed: Buffer, at: number, oneIn: number): boolean {
  return oneIn > 0 && seed.readUInt32BE(at) % oneIn === 0;
}

function uuidOf(seed: Buffer): string {
  const hex = seed.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function fieldsOf(seed: Buffer, index: number): Fields {
  const number = seed.readUInt32BE(12);
  return {
    active: number % 7 !== 0,
    department: `department-${number % 200}`,
    displayName: `Person Number ${index}`,
    mail: `person.${index}@example.org`,
    manager: `manager-${(number % 5000).toString(16).padStart(8, '0')}`,
    roles: [`role-${number % 10}`, `role-${10 + (number % 13)}`],
    teams: [`team-${number % 100}`, `team-${100 + (number % 300)}`, `team-${400 + (number % 17)}`],
    title: `title of the person in position ${number % 97}`,
  };
}
