/** Worlds for property tests: unlike members, first contact or a base, and then whatever people do in their own clouds. */
import fc from 'fast-check';
import { canonicalJson } from '../../../core/digest.js';
import { setElements } from '../../../core/operation.js';
import { Cloud, type TypeName } from './cloud.js';
import { agreeing, round, World, type Gap } from './round.js';
import { grant, grantFields, grantKey, person, shapeOf, team, type Holdings } from './shape.js';

export const memberNames = ['aa', 'bb', 'cc', 'dd', 'ee'];
export const keysOf: Readonly<Record<TypeName, readonly string[]>> = {
  person: ['p1', 'p2', 'p3', 'p4'],
  team: ['t1', 't2'],
  grant: ['p1', 'p2', 'p3', 'p4'].flatMap((who) => ['t1', 't2'].map((on) => grantKey(who, on))),
};

const text = fc.constantFrom(null, 'a', 'b', 'c');
const fieldNames: Readonly<Record<TypeName, readonly string[]>> = {
  person: Object.keys(person.fields),
  team: Object.keys(team.fields),
  grant: Object.keys(grant.fields).sort(),
};

export interface Edit {
  readonly member: number;
  readonly type: TypeName;
  readonly record: number;
  readonly act: 'set' | 'create' | 'delete' | 'join' | 'leave';
  readonly field: number;
  readonly value: string | null;
  readonly element: number;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  member: fc.nat(4),
  type: fc.constantFrom<TypeName>('person', 'person', 'team', 'grant'),
  record: fc.nat(3),
  act: fc.constantFrom<Edit['act']>('set', 'set', 'set', 'create', 'delete', 'join', 'leave'),
  field: fc.nat(2),
  value: text,
  element: fc.nat(3),
});

export interface Plot {
  readonly members: number;
  /** Per member, bits that say which fields it lacks, and whether it lacks teams altogether. */
  readonly lacks: readonly { readonly person: number; readonly team: number }[];
  readonly start: 'firstContact' | 'agreed';
  readonly before: readonly Edit[];
  readonly after: readonly Edit[];
}

export const edits: fc.Arbitrary<readonly Edit[]> = fc.array(edit, { maxLength: 10 });

export const plots: fc.Arbitrary<Plot> = fc.record({
  members: fc.integer({ min: 2, max: 5 }),
  lacks: fc.array(
    fc.record({ person: fc.constantFrom(0, 0, 0, 1, 2, 4, 3), team: fc.constantFrom(0, 0, 0, 1, 2, 4, 8) }),
    {
      minLength: 5,
      maxLength: 5,
    },
  ),
  start: fc.constantFrom('firstContact', 'agreed', 'agreed'),
  before: fc.array(edit, { minLength: 3, maxLength: 14 }),
  after: fc.array(edit, { maxLength: 10 }),
});

export function holdingsOf({ members, lacks }: Pick<Plot, 'members' | 'lacks'>): Holdings {
  const heldBy = (type: 'person' | 'team'): Record<string, string[]> => {
    const held: Record<string, string[]> = {};
    for (const [position, member] of memberNames.slice(0, members).entries()) {
      const bits = lacks[position]?.[type] ?? 0;
      // The first two always hold teams, so that there is something to agree on.
      if (bits >= 8 && position >= 2) continue;
      held[member] = fieldNames[type].filter((_, at) => (bits & (1 << at)) === 0).sort();
    }
    return held;
  };
  // A member that holds no teams holds grants all the same: it has no place for these.
  const everybody = memberNames.slice(0, members).map((member) => [member, fieldNames.grant] as const);
  return { person: heldBy('person'), team: heldBy('team'), grant: Object.fromEntries(everybody) };
}

/** What people do in their own cloud; does nothing where the cloud has no such thing. */
export function act(world: World, { member, type, record, act: what, field, value, element }: Edit): void {
  const name = world.shape.members[member % world.shape.members.length] ?? '';
  const cloud = world.clouds[name];
  const held = world.shape.types.find((one) => one.taxonomy.type === type)?.held[name];
  if (type === 'grant') {
    const [who = '', on = ''] = [keysOf.person[record], keysOf.team[element % 2]];
    const fields = grantFields(who, on);
    if (!cloud || !held) return;
    if (what === 'delete' || what === 'leave') cloud.delete('grant', grantKey(who, on));
    else if (cloud.hasAll(fields)) cloud.records.grant.set(grantKey(who, on), fields);
    return;
  }
  const key = keysOf[type][record % keysOf[type].length] ?? '';
  if (!cloud || !held) return;
  const current = cloud.records[type].get(key);
  if (what === 'create' && !current) cloud.records[type].set(key, cloud.emptyRecord(type));
  if (what === 'delete') cloud.delete(type, key);
  const fresh = cloud.records[type].get(key);
  if (!fresh || what === 'delete') return;
  const chosen = fieldNames[type][field % fieldNames[type].length] ?? '';
  const isSet = type === 'team' && chosen !== 'title';
  if ((what === 'set' || what === 'create') && !isSet && held.includes(chosen))
    cloud.records[type].set(key, { ...fresh, [chosen]: value });
  if (what !== 'join' && what !== 'leave') return;
  const set = field === 2 ? 'labels' : 'people';
  if (type !== 'team' || !held.includes(set)) return;
  const one = keysOf.person[element] ?? '';
  const elements = new Set(setElements(fresh[set]));
  if (what === 'leave') elements.delete(one);
  else if (set === 'labels' || cloud.records.person.has(one)) elements.add(one);
  cloud.records[type].set(key, { ...fresh, [set]: [...elements].sort() });
}

export function emptyClouds(holdings: Holdings): Record<string, Cloud> {
  return Object.fromEntries(
    shapeOf(holdings).members.map((member) => [
      member,
      new Cloud({
        ...(holdings.person[member] ? { person: holdings.person[member] } : {}),
        ...(holdings.team[member] ? { team: holdings.team[member] } : {}),
        ...(holdings.grant?.[member] ? { grant: holdings.grant[member] } : {}),
      }),
    ]),
  );
}

export function worldOf(plot: Plot): World {
  const holdings = holdingsOf(plot);
  const world = new World(shapeOf(holdings), emptyClouds(holdings));
  for (const one of plot.before) act(world, { ...one, act: one.act === 'set' ? 'create' : one.act });
  if (plot.start === 'agreed') {
    settle(world);
    for (const one of plot.after) act(world, one);
  }
  return world;
}

/** Rounds in which everybody approves everything and chooses the first candidate, until nothing is planned. */
export function settle(world: World, roundsMax = 6): number {
  for (let rounds = 1; rounds <= roundsMax; rounds += 1) {
    const { plan, changes } = round(world, agreeing());
    if (plan.operations.length === 0 && plan.conflicts.length === 0 && changes.length === 0) return rounds;
  }
  throw new Error(`does not come to rest within ${roundsMax} rounds`);
}

export const gaps: fc.Arbitrary<readonly Gap[]> = fc.array(
  fc.record({
    member: fc.constantFrom(...memberNames),
    type: fc.constantFrom<TypeName>('person', 'team', 'grant'),
    keys: fc.subarray(['p1', 'p2', 'p3', 'p4', 't1', 't2', ...keysOf.grant.slice(0, 3)]),
    fields: fc.array(
      fc.record({ key: fc.constantFrom('p1', 'p2', 't1', 't2'), field: fc.constantFrom('mail', 'title', 'people') }),
      { maxLength: 2 },
    ),
  }),
  { minLength: 1, maxLength: 3 },
);

/** Where two clouds say different things about a field that both hold, in words for the failure report. */
export function disagreements(world: World): readonly string[] {
  const found: string[] = [];
  for (const { taxonomy, held } of world.shape.types) {
    const type = taxonomy.type as TypeName;
    const teams = world.shape.types.find((one) => one.taxonomy.type === 'team')?.held ?? {};
    const members = Object.keys(held).filter((member) => type !== 'grant' || teams[member] !== undefined);
    const keys = new Set(members.flatMap((member) => [...(world.clouds[member]?.records[type].keys() ?? [])]));
    for (const key of keys) {
      const missing = members.filter((member) => !world.clouds[member]?.records[type].has(key));
      if (missing.length > 0) found.push(`${type} ${key} is missing at ${missing.join()}`);
      for (const field of Object.keys(taxonomy.fields)) {
        const values = new Set(
          members
            .filter((member) => held[member]?.includes(field))
            .map((member) => canonicalJson({ value: world.clouds[member]?.records[type].get(key)?.[field] ?? null })),
        );
        if (missing.length === 0 && values.size > 1) found.push(`${type} ${key} differs in ${field}`);
      }
    }
  }
  return found;
}
