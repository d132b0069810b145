/**
 * Plans and bases over what members show alike: the same whether each record is looked at or taken over unseen. Records
 * that are named get a view, so naming all of them is the long way.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gatheredBaseChanges } from '../../activities/base-changes.js';
import { sealNextBase } from '../../activities/base.js';
import { differingRecords } from '../../activities/differing-records.js';
import { createSealer } from '../../activities/sealing/sealer.js';
import { createSegmentReader } from '../../activities/sealing/segment-reader.js';
import { verifySealed } from '../../activities/sealing/read-records.js';
import { canonicalJson, digestOf } from '../../core/digest.js';
import { Dataset } from '../../core/federation/dataset.js';
import type { DatasetShape, DatasetType, FieldGroup } from '../../core/federation/federation.js';
import type { TypePolicy } from '../../core/federation/resolution.js';
import { TaxonomyType } from '../../core/federation/taxonomy.js';
import type { Base, SnapshotStatement } from '../../core/messages.js';
import { naturalKeyOf } from '../../core/natural-key.js';
import { baseChanges, heldAtBase, type BaseChange } from '../../core/next-base.js';
import { OpaqueIndex } from '../../core/opaque.js';
import { makePlan, type PlanInput } from '../../core/plan.js';
import type { Fields } from '../../core/record.js';
import { groupsHeldBy, type SealedType } from '../../core/sealed.js';
import { agreedAsShown, takesUnanimous } from '../../core/unanimous.js';
import { fullRuns } from '../support/property-runs.js';
import { CountingStore } from './sealing/worlds.js';

const members = ['aws', 'entra', 'openstack'];
const parcel = TaxonomyType.parse({
  type: 'parcel',
  key: ['number'],
  fields: {
    number: { kind: 'text' },
    city: { kind: 'text' },
    weight: { kind: 'decimal' },
    tags: { kind: 'set', of: 'text' },
    note: { kind: 'text' },
  },
});
const heldOf: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'all alike': Object.fromEntries(members.map((member) => [member, ['city', 'note', 'number', 'tags', 'weight']])),
  'one holds less': {
    aws: ['city', 'note', 'number', 'tags', 'weight'],
    entra: ['city', 'number', 'tags'],
    openstack: ['city', 'note', 'number', 'tags', 'weight'],
  },
  'nobody holds all': {
    aws: ['city', 'number', 'tags', 'weight'],
    entra: ['city', 'number', 'tags'],
    openstack: ['city', 'note', 'number', 'tags'],
  },
  'two hold it': { aws: ['city', 'number', 'tags'], entra: ['city', 'number', 'tags'] },
};
const policies: Readonly<Record<string, TypePolicy | undefined>> = {
  none: undefined,
  owned: { fields: { city: { kind: 'owned', by: 'aws' }, tags: { kind: 'union' }, note: { kind: 'latest' } } },
  narrow: { fields: { tags: { kind: 'intersection' }, city: { kind: 'people' } }, deletion: { kind: 'keep' } },
  together: { together: [['city', 'weight']] },
  unique: { unique: ['city'] },
};

function shapeOf(held: DatasetType['held'], policy: TypePolicy | undefined, absent: readonly string[]): DatasetShape {
  const byHolders = new Map<string, string[]>();
  for (const field of Object.keys(parcel.fields).sort()) {
    const id = Object.keys(held)
      .filter((member) => held[member]?.includes(field))
      .join('+');
    if (id !== '') byHolders.set(id, [...(byHolders.get(id) ?? []), field]);
  }
  const groups = [...byHolders].map(([id, fields]): FieldGroup => ({ id, fields, members: id.split('+') }));
  const isThere = (member: string): boolean => !absent.includes(member);
  const type: DatasetType = {
    taxonomy: parcel,
    held: Object.fromEntries(Object.entries(held).filter(([member]) => isThere(member))),
    absent: absent.filter((member) => held[member]),
    groups,
    digests: [],
    ...(policy ? { policy } : {}),
  };
  return {
    dataset: { ...Dataset.parse({ dataset: 'parcels', types: ['parcel'], members }), schedule: null },
    members,
    absent,
    types: [type],
    configuration: digestOf('parcels'),
  };
}

type Rows = ReadonlyMap<string, Fields>;

async function sealed(
  store: CountingStore,
  prefix: string,
  groups: readonly FieldGroup[],
  rows: Rows,
): Promise<SealedType> {
  const sealer = createSealer({ store, prefix, type: 'parcel', groups, expectedCount: rows.size });
  const fields = groups.flatMap((group) => group.fields);
  for (const [key, all] of rows)
    sealer.add({
      type: 'parcel',
      key,
      fields: Object.fromEntries(Object.entries(all).filter(([field]) => fields.includes(field))),
    });
  return sealer.finish();
}

function agreed(rows: Rows, type: DatasetType): Rows {
  return new Map([...rows].map(([key, fields]) => [key, agreedAsShown(fields, type)]));
}

function keyOf(number: string): string {
  const key = naturalKeyOf(parcel, { number });
  return key.kind === 'key' ? key.key : '';
}

const anyRecord = fc.record(
  {
    city: fc.constantFrom('Bergen', 'Lyon', null),
    weight: fc.constantFrom('1', '2.5', null),
    tags: fc.constantFrom(['a'], ['a', 'b'], [], null),
    note: fc.constantFrom('x', 'y'),
  },
  { requiredKeys: ['city'] },
);
const anyCase = fc.record({
  held: fc.constantFrom(...Object.keys(heldOf)),
  policy: fc.constantFrom(...Object.keys(policies)),
  absent: fc.constantFrom([], [], [], ['openstack']),
  rows: fc.array(anyRecord, { maxLength: 12 }),
  /** From which record on the base lacks them; null where there is no base. */
  agreed: fc.option(fc.nat(12), { freq: 2 }),
  changes: fc.array(fc.tuple(fc.constantFrom(...members, 'base'), fc.nat(14), fc.option(anyRecord)), { maxLength: 5 }),
  opaque: fc.array(fc.tuple(fc.constantFrom(...members), fc.nat(12), fc.boolean()), { maxLength: 1 }),
  incomplete: fc.subarray(members, { maxLength: 1 }),
  prefix: fc.constantFrom('federation', ...members),
  /** Whether the base says it as an agreement does: no elements where members say null. */
  isAgreed: fc.boolean(),
});
type Case = typeof anyCase extends fc.Arbitrary<infer Value> ? Value : never;

interface World {
  readonly store: CountingStore;
  readonly shape: DatasetShape;
  readonly base: Base | null;
  readonly snapshots: Readonly<Record<string, SnapshotStatement>>;
  readonly keys: readonly string[];
}

async function worldOf(given: Case): Promise<World> {
  const shape = shapeOf(heldOf[given.held] ?? {}, policies[given.policy], given.absent);
  const [type] = shape.types;
  const rows = given.rows.map((fields, at) => [keyOf(`${at}`), { ...fields, number: `${at}` }] as const);
  const of: Record<string, Map<string, Fields>> = { base: new Map(rows.slice(0, given.agreed ?? 0)) };
  for (const member of members) of[member] = new Map(rows);
  for (const [who, at, fields] of given.changes) {
    if (fields === null) of[who]?.delete(keyOf(`${at}`));
    else of[who]?.set(keyOf(`${at}`), { ...fields, number: `${at}` });
  }
  const store = new CountingStore();
  const groups = type?.groups ?? [];
  const snapshots: Record<string, SnapshotStatement> = {};
  for (const member of Object.keys(type?.held ?? {})) {
    const types = [await sealed(store, member, groupsHeldBy(groups, member), of[member] ?? new Map())];
    snapshots[member] = { authority: member, types } as unknown as SnapshotStatement;
  }
  const ofBase = of['base'] ?? new Map<string, Fields>();
  const base: Base | null =
    given.agreed === null
      ? null
      : {
          dataset: 'parcels',
          sequence: 1,
          previous: null,
          types: [await sealed(store, 'aws', groups, type && given.isAgreed ? agreed(ofBase, type) : ofBase)],
        };
  const keys = new Set(Object.values(of).flatMap((own) => [...own.keys()]));
  return { store, shape, base, snapshots, keys: [...keys] };
}

async function outcome(given: Case, world: World, named: readonly string[]) {
  const { shape, base, snapshots } = world;
  const store = new CountingStore();
  for (const [name, bytes] of world.store.objects) store.objects.set(name, bytes);
  const opaque = given.opaque.map(([authority, at, changed]) => ({
    authority,
    type: 'parcel',
    key: keyOf(`${at}`),
    reason: 'it is odd',
    changed,
  }));
  const { views, unanimous } = await differingRecords(shape, snapshots, base, store, {
    named: [...opaque, ...named.map((key) => ({ type: 'parcel', key }))],
    signal: undefined,
    onProgress: undefined,
  });
  const index = new OpaqueIndex(opaque);
  const silenced = Object.fromEntries(
    Object.entries(views).map(([type, records]) => [type, records.map((view) => index.silenced(type, view))]),
  );
  const incomplete = given.incomplete.map((authority) => ({ authority, type: 'parcel', scope: 's', reason: 'r' }));
  const input: PlanInput = {
    shape,
    base: base && digestOf(base),
    standing: digestOf('standing'),
    rejections: {},
    correlation: digestOf('correlation'),
    cases: [],
    held: [],
    incomplete,
    views: silenced,
    heldAtBase: heldAtBase(base, shape),
    opaque,
  };
  const changes: readonly BaseChange[] = baseChanges({ ...input, effective: [] });
  const sealing = {
    shape,
    previous: base,
    previousDigest: null,
    unanimous,
    digestKeys: undefined,
    agreedUnder: undefined,
    versions: undefined,
    authored: undefined,
    exchange: store,
    prefix: given.prefix,
  };
  const next = await sealNextBase({ ...sealing, changes });
  // As very many changes lie, which are more than any property could make.
  const filed = await gatheredBaseChanges({ ...input, effective: [] }, 0);
  expect([...filed]).toEqual(changes);
  if (changes.length > 0) expect(Array.isArray(filed)).toBe(false);
  expect((await sealNextBase({ ...sealing, changes: filed })).digest).toBe(next.digest);
  const count = unanimous['parcel']?.count ?? 0;
  return { store, views, count, moves: changes.length + count, plan: canonicalJson(makePlan(input)), next };
}

describe('what all members show alike and the base lacks', () => {
  it('changes neither plan nor base by being taken over unseen, at first contact and later', async () => {
    let unseen = 0;
    await fc.assert(
      fc.asyncProperty(anyCase, async (given) => {
        const world = await worldOf(given);
        const [short, long] = [await outcome(given, world, []), await outcome(given, world, world.keys)];
        expect(long.count).toBe(0);
        expect(short.plan).toBe(long.plan);
        expect(short.moves).toBe(long.moves);
        expect(canonicalJson(short.next.base)).toBe(canonicalJson(long.next.base));
        const reader = createSegmentReader({ store: short.store, prefixes: [given.prefix, ...members] });
        for (const type of short.next.base.types) await verifySealed(type, reader);
        unseen += short.count;
      }),
      fullRuns(200),
    );
    expect(unseen).toBeGreaterThan(20);
  });

  it('is not looked at again where only the words of a base differ: no elements for null', async () => {
    const rows: Case['rows'] = [{ city: 'Bergen', tags: null }, { city: 'Lyon', tags: ['a'] }, { city: 'Lyon' }];
    const given: Case = {
      held: 'one holds less',
      policy: 'none',
      absent: [],
      rows,
      agreed: 3,
      changes: [],
      opaque: [],
      incomplete: [],
      prefix: 'aws',
      isAgreed: true,
    };
    const world = await worldOf(given);
    expect((await outcome(given, world, [])).views['parcel']).toEqual([]);
    expect((await outcome(given, world, world.keys)).views['parcel']).toHaveLength(1);
    const changed: Case = { ...given, changes: [['entra', 0, { city: 'Lyon', tags: null }]] };
    expect((await outcome(changed, await worldOf(changed), [])).views['parcel']).toHaveLength(1);
  });

  it('is neither planned nor taken over while a member that holds the type is away', async () => {
    const rows = Array.from({ length: 5 }, () => ({ city: 'Bergen' as const }));
    const given: Case = {
      held: 'all alike',
      policy: 'none',
      absent: ['openstack'],
      rows,
      agreed: null,
      changes: [],
      opaque: [],
      incomplete: [],
      prefix: 'aws',
      isAgreed: true,
    };
    const { moves, views, plan } = await outcome(given, await worldOf(given), []);
    expect([moves, views['parcel']]).toEqual([0, []]);
    expect(JSON.parse(plan)).toMatchObject({ operations: [], divergences: [] });
  });

  it('a member keeps all of the next base under its own prefix', async () => {
    const rows = Array.from({ length: 12 }, () => ({ city: 'Bergen' as const }));
    for (const held of Object.keys(heldOf)) {
      const given: Case = {
        held,
        policy: 'none',
        absent: [],
        rows,
        agreed: null,
        changes: [],
        opaque: [],
        incomplete: [],
        prefix: 'entra',
        isAgreed: true,
      };
      const { next, store, count } = await outcome(given, await worldOf(given), []);
      expect(count).toBe(12);
      const reader = createSegmentReader({ store, prefixes: ['entra'] });
      for (const type of next.base.types) await verifySealed(type, reader);
    }
  });
});

describe('a type', () => {
  const plain = shapeOf(heldOf['all alike'] ?? {}, undefined, []).types[0] as DatasetType;
  const withFields = (more: object, over: Partial<DatasetType> = {}): DatasetType => ({
    ...plain,
    taxonomy: TaxonomyType.parse({ ...parcel, fields: { ...parcel.fields, ...more } }),
    ...over,
  });

  it.each<{ readonly name: string; readonly type: DatasetType; readonly others?: readonly DatasetType[] }>([
    {
      name: 'without a natural key',
      type: { ...plain, taxonomy: TaxonomyType.parse({ type: 'parcel', fields: parcel.fields }) },
    },
    { name: 'with references', type: withFields({ at: { kind: 'reference', of: ['place'] } }) },
    { name: 'with sets of records', type: withFields({ people: { kind: 'set', of: 'person' } }) },
    { name: 'with an effect', type: withFields({ leaves: { kind: 'effect' } }) },
    { name: 'with digests', type: { ...plain, digests: ['city'] } },
    { name: 'with a unique field', type: { ...plain, policy: { unique: ['city'] } } },
    { name: 'with effects that stand in for others', type: { ...plain, policy: { sameEffect: ['city'] } } },
    {
      name: 'with a rule for a field, where a member is away',
      type: { ...plain, absent: ['openstack'], policy: { fields: { city: { kind: 'owned', by: 'openstack' } } } },
    },
    {
      name: 'that another one refers to',
      type: plain,
      others: [withFields({ of: { kind: 'reference', of: ['parcel'] } })],
    },
  ])('$name is looked at record by record', ({ type, others = [] }) => {
    expect(takesUnanimous(type, [type, ...others])).toBe(false);
  });

  it('of plain fields is not', () => {
    expect(takesUnanimous(plain, [plain])).toBe(true);
    expect(takesUnanimous({ ...plain, policy: policies['owned'] as TypePolicy }, [plain])).toBe(true);
  });
});
