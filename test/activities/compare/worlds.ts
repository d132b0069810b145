/** Random datasets for the property of the whole compare: any schema, who holds what of it, and who shows which record. */
import fc from 'fast-check';
import { digestOf } from '../../../core/digest.js';
import { Dataset } from '../../../core/federation/dataset.js';
import type { DatasetShape, DatasetType, FieldGroup } from '../../../core/federation/federation.js';
import type { TypePolicy } from '../../../core/federation/resolution.js';
import { TaxonomyType, type FieldKind } from '../../../core/federation/taxonomy.js';
import type { Json } from '../../../core/json.js';
import type { Fields } from '../../../core/record.js';
import { Dice } from './dice.js';

export type Rows = ReadonlyMap<string, Fields>;

export interface Plot {
  /** What is not said here follows from it. */
  readonly seed: number;
  readonly members: number;
  readonly types: number;
  readonly fields: number;
  readonly rows: number;
  readonly edits: number;
  readonly base: 'none' | 'agreed' | 'under other groups';
  readonly hash: 'real' | 'weak' | 'one for all';
  /** One of the members takes no part. */
  readonly isAbsent: boolean;
  /** Into how many walks each walk is parted. */
  readonly groups: number;
}

export const plots: fc.Arbitrary<Plot> = fc.record({
  seed: fc.integer(),
  members: fc.integer({ min: 2, max: 5 }),
  types: fc.constantFrom(1, 1, 1, 2),
  fields: fc.integer({ min: 1, max: 6 }),
  rows: fc.oneof(
    { weight: 90, arbitrary: fc.nat(9) },
    { weight: 12, arbitrary: fc.nat(60) },
    // So many that equal stretches are passed over in blocks.
    { weight: 1, arbitrary: fc.integer({ min: 200, max: 400 }) },
  ),
  edits: fc.nat(12),
  base: fc.constantFrom('none', 'agreed', 'agreed', 'agreed', 'under other groups'),
  hash: fc.constantFrom('real', 'real', 'real', 'real', 'weak', 'one for all'),
  isAbsent: fc.constantFrom(false, false, false, false, true),
  groups: fc.constantFrom(1, 1, 1, 1, 2, 4, 16),
});

export interface WorldOfType {
  readonly type: DatasetType;
  /** By member that takes part. */
  readonly members: Readonly<Record<string, Rows>>;
  readonly base: Rows;
  readonly baseGroups: readonly FieldGroup[];
  readonly isRegrouped: boolean;
}

export interface World {
  readonly shape: DatasetShape;
  readonly types: readonly WorldOfType[];
  readonly hasBase: boolean;
  readonly named: readonly { readonly type: string; readonly key: string }[];
  readonly incomplete: ReadonlySet<string>;
}

const names = ['aws', 'berlin', 'entra', 'lyon', 'sov'];
const typeNames = ['parcel', 'crew'];

/** Two of seven differ by their Unicode form alone. */
export function keyAt(at: number): string {
  if (at % 7 === 0) return `Zo\u00eb ${at}`;
  return at % 7 === 1 ? `Zoe\u0308 ${at - 1}` : `key-${at}`;
}

export function worldOf(plot: Plot): World {
  const dice = new Dice(plot.seed);
  const members = dice.shuffled(names.slice(0, plot.members));
  const absent = plot.isAbsent && members.length > 2 ? members.slice(-1) : [];
  const types: WorldOfType[] = [];
  for (const [at, name] of typeNames.slice(0, plot.types).entries()) {
    const taxonomy = schema(name, typeNames.slice(0, at), plot.fields, dice);
    types.push(populated(taxonomy, members, absent, plot, dice));
  }
  const named =
    plot.hash === 'real' && dice.isOneOf(4)
      ? types.map(({ type }) => ({ type: type.taxonomy.type, key: keyAt(dice.below(plot.rows + 3)) }))
      : [];
  return {
    shape: {
      dataset: {
        ...Dataset.parse({ dataset: 'things', types: typeNames.slice(0, plot.types), members }),
        schedule: null,
      },
      members: members.toSorted(),
      absent,
      types: types.map(({ type }) => type),
      configuration: digestOf('things'),
    },
    types,
    hasBase: plot.base !== 'none',
    named,
    incomplete: new Set(members.filter(() => dice.isOneOf(6))),
  };
}

function schema(name: string, earlier: readonly string[], count: number, dice: Dice): TaxonomyType {
  const kinds: readonly object[] = [
    { kind: 'text' },
    { kind: 'integer' },
    { kind: 'boolean' },
    { kind: 'set', of: 'text' },
    { kind: 'list', elements: { kind: 'text' } },
    { kind: 'keyedList', by: 'id', fields: { id: { kind: 'text' }, much: { kind: 'integer' } } },
    ...earlier.flatMap((of) => [
      { kind: 'set', of },
      { kind: 'reference', of: [of] },
    ]),
  ];
  const hasKey = !dice.isOneOf(3);
  const fields = Array.from({ length: count }, (_, at) => [
    // Their order in the file is not the order of their names.
    `f${(at * 5) % 7}`,
    hasKey && at === 0 ? { kind: 'text' } : dice.one(kinds),
  ]);
  return TaxonomyType.parse({ type: name, ...(hasKey ? { key: ['f0'] } : {}), fields: Object.fromEntries(fields) });
}

function valueOf(kind: FieldKind, plot: Plot, dice: Dice): Json {
  if (dice.isOneOf(6)) return null;
  const texts = ['', 'a', 'b', 'Zo\u00eb', 'Zoe\u0308', '"\\\u2028'];
  const key = (): string => keyAt(dice.below(Math.min(plot.rows + 1, 9)));
  const some = (one: () => string): string[] => [...new Set(Array.from({ length: dice.below(4) }, one))].sort();
  switch (kind.kind) {
    case 'boolean':
      return dice.isOneOf(2);
    case 'integer':
      return dice.one(['0', '7', '-12345678901234567890']);
    case 'set':
      return some(() => (kind.of === 'text' ? dice.one(texts) : key()));
    case 'reference':
      return `${kind.of[0] ?? ''}/${key()}`;
    case 'list':
      return [dice.one(texts), dice.one(texts)].slice(dice.below(3));
    case 'keyedList':
      return [{ id: 'x', much: dice.one(['1', '2', null]) }];
    default:
      return dice.one(texts);
  }
}

/** As configurations part the fields of a type: by who holds them. */
function groupsOf(taxonomy: TaxonomyType, held: DatasetType['held']): FieldGroup[] {
  const byHolders = new Map<string, string[]>();
  for (const field of Object.keys(taxonomy.fields).sort()) {
    const id = Object.keys(held)
      .filter((member) => held[member]?.includes(field))
      .sort()
      .join('+');
    if (id !== '') byHolders.set(id, [...(byHolders.get(id) ?? []), field]);
  }
  return [...byHolders].map(([id, fields]) => ({ id, fields, members: id.split('+') }));
}

function populated(
  taxonomy: TaxonomyType,
  members: readonly string[],
  absent: readonly string[],
  plot: Plot,
  dice: Dice,
): WorldOfType {
  const fieldNames = Object.keys(taxonomy.fields);
  const held: Record<string, readonly string[]> = {};
  for (const [at, member] of members.entries()) {
    if (at > 0 && dice.isOneOf(8)) continue;
    const all = dice.isOneOf(2);
    const own = fieldNames.filter((field) => all || taxonomy.key?.includes(field) || !dice.isOneOf(3));
    held[member] = (own.length > 0 ? own : fieldNames.slice(0, 1)).toSorted();
  }
  const groups = dice.shuffled(groupsOf(taxonomy, held));
  const lost = dice.one(Object.keys(held));
  const baseGroups =
    plot.base === 'under other groups'
      ? groupsOf(taxonomy, Object.fromEntries(Object.entries(held).filter(([member]) => member !== lost)))
      : groups;
  const isUsable = baseGroups.length > 0;
  const taking = Object.fromEntries(Object.entries(held).filter(([member]) => !absent.includes(member)));
  const policy: TypePolicy | undefined = dice.isOneOf(10) ? { unique: [fieldNames[0] ?? ''] } : undefined;
  const type: DatasetType = {
    taxonomy,
    held: taking,
    absent: absent.filter((member) => held[member]),
    groups,
    digests: dice.isOneOf(12) ? fieldNames.slice(0, 1) : [],
    ...(policy ? { policy } : {}),
  };
  const rows = rowsOf(type, plot, dice);
  const part = (all: Rows, fields: readonly string[]): Rows =>
    new Map(dice.shuffled([...all]).map(([key, one]) => [key, partOf(one, fields)]));
  const groupsOfBase = isUsable ? baseGroups : groups;
  return {
    type,
    members: Object.fromEntries(Object.entries(taking).map(([id, fields]) => [id, part(rows(id), fields)])),
    base:
      plot.base === 'none'
        ? new Map()
        : part(
            rows(null),
            groupsOfBase.flatMap(({ fields }) => fields),
          ),
    baseGroups: groupsOfBase,
    isRegrouped: plot.base === 'under other groups' && isUsable && saidGroups(baseGroups) !== saidGroups(groups),
  };
}

function saidGroups(groups: readonly FieldGroup[]): string {
  return JSON.stringify(groups.map(({ id, fields }) => `${id}: ${fields.join()}`).sort());
}

function partOf(fields: Fields, held: readonly string[]): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => held.includes(name)));
}

/** Common rows of which each participant has made something of its own. null is the base. */
function rowsOf({ taxonomy, held }: DatasetType, plot: Plot, dice: Dice): (id: string | null) => Rows {
  const anyFields = (): Fields =>
    Object.fromEntries(
      Object.entries(taxonomy.fields).flatMap(([name, kind]) =>
        dice.isOneOf(9) ? [] : [[name, valueOf(kind, plot, dice)]],
      ),
    );
  const common = Array.from({ length: plot.rows }, (_, at) => [keyAt(at), anyFields()] as const);
  const agreedUntil = dice.isOneOf(2) ? dice.below(plot.rows + 1) : plot.rows;
  const words = dice.isOneOf(2);
  const ids = [...Object.keys(held), null];
  const own = new Map(
    ids.map((id) => [id, new Map<string, Fields>(id === null ? common.slice(0, agreedUntil) : common)]),
  );
  for (let edit = 0; edit < plot.edits; edit += 1) {
    const rows = own.get(dice.one(ids));
    const key = keyAt(dice.below(plot.rows + 3));
    const field = dice.one(Object.keys(taxonomy.fields));
    const kind = taxonomy.fields[field];
    if (dice.isOneOf(4) || !kind) rows?.delete(key);
    else if (dice.isOneOf(2)) rows?.set(key, anyFields());
    else rows?.set(key, { ...rows.get(key), [field]: valueOf(kind, plot, dice) });
  }
  // As an agreement says it: no elements where members say null.
  if (words)
    for (const [key, fields] of own.get(null) ?? [])
      own
        .get(null)
        ?.set(
          key,
          Object.fromEntries(
            Object.entries(fields).map(([name, value]) => [
              name,
              taxonomy.fields[name]?.kind === 'set' ? (value ?? []) : value,
            ]),
          ),
        );
  return (id) => own.get(id) ?? new Map();
}
