/** The plan: one for one input, nothing out of what was not read, and people asked exactly where they must be. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, digestOf } from '../../core/digest.js';
import { byCodeUnit, isJsonObject, type Json } from '../../core/json.js';
import { baseChanges } from '../../core/next-base.js';
import { setElements, type Operation } from '../../core/operation.js';
import { makePermit } from '../../core/permit.js';
import { affectedAuthorities } from '../../core/affected-authorities.js';
import { makePlan, Plan, type PlanInput } from '../../core/plan.js';
import type { Fields } from '../../core/record.js';
import { propertyRuns } from '../support/property-runs.js';
import type { Cloud, TypeName } from './support/cloud.js';
import { agreeing, incompleteOf, planOf, reviewsOf, round, viewsOf, World, type Gap } from './support/round.js';
import { rejectionsOf } from './support/terms.js';
import { fullHoldings, shapeOf } from './support/shape.js';
import { disagreements, emptyClouds, gaps, keysOf, memberNames, plots, settle, worldOf } from './support/worlds.js';

const runs = propertyRuns(150);
const ada = { mail: 'ada', name: 'Ada', phone: null };

function agreedWorld(members: readonly string[]): World {
  const clouds = emptyClouds(fullHoldings(members));
  for (const cloud of Object.values(clouds)) {
    for (const key of ['p1', 'p2']) cloud.records.person.set(key, { ...ada, mail: key });
    cloud.records.team.set('t1', { title: 'T', people: ['p1', 'p2'], labels: ['x'] });
  }
  const world = new World(shapeOf(fullHoldings(members)), clouds);
  settle(world);
  return world;
}

function put(world: World, member: string, type: TypeName, key: string, changed: Fields): void {
  const cloud = world.clouds[member] as Cloud;
  cloud.records[type].set(key, { ...cloud.records[type].get(key), ...changed });
}

function brief(operations: readonly Operation[]): string[] {
  return operations.map(({ authority, kind, key }) => `${authority} ${kind} ${key}`).sort(byCodeUnit);
}

/** Random numbers that a seed repeats, for shuffling without fast-check in the way. */
function numbers(seed: number): () => number {
  let state = seed + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state;
  };
}

function shuffled<Item>(items: readonly Item[], next: () => number): Item[] {
  return items
    .map((item) => ({ item, at: next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** The same JSON with the properties of every object in another order. Lists stay as they are. */
function reordered<Value>(value: Value, next: () => number): Value {
  const walk = (json: Json | undefined): Json | undefined => {
    if (Array.isArray(json)) return json.map((item: Json) => walk(item) as Json);
    if (!isJsonObject(json)) return json;
    return Object.fromEntries(shuffled(Object.entries(json), next).map(([name, item]) => [name, walk(item) as Json]));
  };
  return walk(value as Json) as Value;
}

function inputOf(world: World, missing: readonly Gap[]): PlanInput {
  return {
    shape: world.shape,
    base: null,
    standing: digestOf({}),
    rejections: world.rejections,
    correlation: digestOf({}),
    cases: [],
    held: world.held,
    incomplete: incompleteOf(missing),
    views: viewsOf(world, missing),
    heldAtBase: world.heldAtBase,
  };
}

function shuffledInput(input: PlanInput, seed: number): PlanInput {
  const next = numbers(seed);
  const { shape } = input;
  return {
    ...reordered({ ...input, shape: null }, next),
    shape: {
      ...shape,
      members: shuffled(shape.members, next),
      types: shape.types.map((type) => ({
        ...type,
        taxonomy: reordered(type.taxonomy, next),
        held: Object.fromEntries(
          shuffled(Object.entries(type.held), next).map(([member, fields]) => [member, shuffled(fields, next)]),
        ),
      })),
    },
    held: shuffled(input.held, next),
    incomplete: shuffled(input.incomplete, next),
    views: Object.fromEntries(
      shuffled(Object.entries(input.views), next).map(([type, views]) => [
        type,
        shuffled([...views], next).map((view) => reordered(view, next)),
      ]),
    ),
  } as PlanInput;
}

describe('one input', () => {
  it('gives one plan, one permit and one next base, in whatever order members, records and properties come', () => {
    fc.assert(
      fc.property(
        plots,
        fc.oneof(fc.constant([]), gaps),
        fc.nat(1000),
        fc.subarray(['p1', 'p2', 't1']),
        (plot, missing, seed, held) => {
          const world = worldOf(plot);
          world.held = held.map((key) => ({ type: key.startsWith('p') ? 'person' : 'team', key }));
          // Some rejections stand, so that they take part.
          for (const operation of planOf(world, missing).plan.operations.filter((_, at) => at % 4 === 0))
            (world.rejections[operation.authority] ??= []).push(...rejectionsOf(operation));
          const input = inputOf(world, missing);
          const other = shuffledInput(input, seed);
          const plan = makePlan(input);
          expect(canonicalJson(makePlan(other))).toBe(canonicalJson(plan));
          expect(Plan.parse(plan)).toEqual(plan);

          const planned = { views: input.views, plan, digest: digestOf(plan) };
          const reviews = reviewsOf(
            world,
            planned,
            agreeing(() => seed),
          );
          const permitOf = (order: typeof reviews): string =>
            digestOf(makePermit(planned.digest, plan, world.shape.dataset, order));
          expect(permitOf(shuffled(reviews, numbers(seed)))).toBe(permitOf(reviews));

          const changes = baseChanges({ ...input, effective: plan.operations });
          const effective = shuffled(plan.operations, numbers(seed));
          expect(canonicalJson([...baseChanges({ ...other, effective })])).toBe(canonicalJson([...changes]));
        },
      ),
      runs,
    );
  });

  it('gives the same plan but for the names when members change names', () => {
    const renamed = (name: string): string => memberNames[memberNames.length - 1 - memberNames.indexOf(name)] ?? name;
    const withNames = <Value>(of: Readonly<Record<string, Value>>): Record<string, Value> =>
      Object.fromEntries(Object.entries(of).map(([name, value]) => [renamed(name), value]));
    const shown = (plan: Plan, rename: (name: string) => string): string[] =>
      [
        ...plan.operations,
        ...plan.conflicts.flatMap(({ candidates }) => candidates.flatMap(({ operations }) => operations)),
      ]
        .map(({ authority, type, key, kind, changes, rule, because, expects, leaves }) =>
          canonicalJson({
            authority: rename(authority),
            type,
            key,
            kind,
            changes,
            rule,
            expects,
            leaves,
            because: because.map(rename).sort(byCodeUnit),
          }),
        )
        .sort(byCodeUnit);
    fc.assert(
      fc.property(plots, fc.oneof(fc.constant([]), gaps), (plot, missing) => {
        const world = worldOf(plot);
        const input = inputOf(world, missing);
        const other: PlanInput = {
          ...input,
          shape: {
            ...input.shape,
            members: input.shape.members.map(renamed),
            types: input.shape.types.map((type) => ({ ...type, held: withNames(type.held) })),
          },
          incomplete: input.incomplete.map((scope) => ({ ...scope, authority: renamed(scope.authority) })),
          views: Object.fromEntries(
            Object.entries(input.views).map(([type, views]) => [
              type,
              views.map((view) => ({ ...view, members: withNames(view.members) })),
            ]),
          ),
          heldAtBase: Object.fromEntries(
            Object.entries(input.heldAtBase).map(([type, held]) => [type, withNames(held)]),
          ),
        };
        expect(shown(makePlan(other), renamed)).toEqual(shown(makePlan(input), (name) => name));
      }),
      runs,
    );
  });
});

describe('what was not read', () => {
  const all = (plan: Plan): Operation[] => [
    ...plan.operations,
    ...plan.conflicts.flatMap(({ candidates }) => candidates.flatMap(({ operations }) => operations)),
  ];

  it('leads to no deletion, and to no removal that no mesh has really made', () => {
    fc.assert(
      fc.property(plots, gaps, (plot, missing) => {
        const world = worldOf(plot);
        const { plan } = planOf(world, missing);
        const incomplete = new Set(
          missing
            .filter(({ member, type }) =>
              world.shape.types.some((one) => one.taxonomy.type === type && one.held[member]),
            )
            .map(({ type }) => type as string),
        );
        for (const operation of all(plan)) {
          if (operation.kind === 'delete') expect(incomplete).not.toContain(operation.type);
          // HAZARD: an edge vanishes from sight with the person or team that was not read, and nobody deleted it.
          if (operation.kind === 'delete' && operation.type === 'grant') {
            const gone = world.shape.members.filter(
              (member) => world.clouds[member]?.held.team && !world.clouds[member].records.grant.has(operation.key),
            );
            expect(gone, 'a grant was deleted that every mesh holds').not.toEqual([]);
          }
          for (const change of operation.changes) {
            if (operation.kind !== 'update' || change.kind !== 'set') continue;
            for (const element of change.remove) {
              const really = Object.values(world.clouds).some((cloud) => {
                const fields = cloud.records.team.get(operation.key)?.[change.field];
                return fields !== undefined && !setElements(fields).includes(element);
              });
              expect(really, `${element} was removed from ${operation.key} by nobody`).toBe(true);
            }
          }
        }
      }),
      propertyRuns(300),
    );
  });

  it('leads to no write anywhere else when a member comes back empty', () => {
    fc.assert(
      fc.property(plots, fc.nat(4), (plot, which) => {
        const world = worldOf(plot);
        const member = world.shape.members[which % world.shape.members.length] ?? '';
        const types: readonly TypeName[] = ['person', 'team', 'grant'];
        const missing = types.map((type): Gap => ({ member, type, keys: keysOf[type], fields: [] }));
        const unread = types.filter((type) =>
          world.shape.types.some((one) => one.taxonomy.type === type && one.held[member]),
        );
        for (const operation of all(planOf(world, missing).plan)) {
          // Of a type that this member does not hold it cannot hold a deletion back.
          if (operation.kind === 'delete') expect(unread).not.toContain(operation.type);
          expect(operation.authority).not.toBe(member);
          expect(operation.because).not.toContain(member);
        }
        const before = disagreements(world);
        round(world, agreeing(), missing);
        const kept = before.filter((words) => words.includes('missing'));
        expect(
          disagreements(world).filter((words) => words.includes('missing') && !words.endsWith(member)).length,
        ).toBeLessThanOrEqual(kept.length);
      }),
      runs,
    );
  });

  it('is made up for in the rounds after all was read', () => {
    fc.assert(
      fc.property(plots, gaps, fc.nat(3), (plot, missing, pick) => {
        const world = worldOf(plot);
        round(
          world,
          agreeing(() => pick),
          missing,
        );
        settle(world);
        expect(disagreements(world)).toEqual([]);
      }),
      runs,
    );
  });

  it('neither overwrites a field that could not be read nor takes it for empty', () => {
    fc.assert(
      fc.property(plots, gaps, (plot, missing) => {
        const world = worldOf(plot);
        const { plan } = planOf(world, missing);
        for (const { authority, type, key, kind, changes } of all(plan))
          if (kind === 'update')
            for (const { field } of changes)
              expect(
                missing.some(
                  (gap) =>
                    gap.member === authority &&
                    gap.type === type &&
                    gap.fields.some((one) => one.key === key && one.field === field),
                ),
              ).toBe(false);
      }),
      runs,
    );
  });
});

describe('what is held by a case', () => {
  it('is not written, and the rest comes to agree around it', () => {
    fc.assert(
      fc.property(plots, fc.subarray(['p1', 'p2', 't1'], { minLength: 1 }), (plot, keys) => {
        const world = worldOf(plot);
        world.held = keys.map((key) => ({ type: key.startsWith('p') ? 'person' : 'team', key }));
        const first = planOf(world).plan;
        const written = [
          ...first.operations,
          ...first.conflicts.flatMap((one) => one.candidates.flatMap((c) => c.operations)),
        ];
        for (const { key, kind, changes } of written) {
          expect(keys).not.toContain(key);
          // Nor any edge of it, neither made nor let go.
          for (const change of changes)
            if (change.kind === 'value' && (change.field === 'who' || change.field === 'on'))
              for (const value of [change.before, change.after])
                if (typeof value === 'string') expect(keys).not.toContain(value.split('/')[1]);
          if (kind === 'delete') continue;
          for (const change of changes)
            if (change.kind === 'set' && change.field === 'people')
              for (const element of [...change.add, ...change.remove]) expect(keys).not.toContain(element);
        }
        settle(world);
        expect(
          planOf(world).plan.divergences.filter(({ kind }) => kind !== 'heldByCase' && kind !== 'waitsForReference'),
        ).toEqual([]);
        world.held = [];
        settle(world);
        expect(disagreements(world)).toEqual([]);
      }),
      runs,
    );
  });

  it('leaves a team alone that differs only by such a person', () => {
    const world = agreedWorld(['aa', 'bb']);
    put(world, 'aa', 'team', 't1', { people: ['p2'] });
    put(world, 'bb', 'team', 't1', { people: ['p1', 'p2', '~new'] });
    world.held = [{ type: 'person', key: 'p1' }];
    expect(planOf(world).plan.operations).toEqual([]);
    round(world);
    expect(world.base.team.get('t1')).toEqual({ title: 'T', people: ['p1', 'p2'], labels: ['x'] });
  });

  it('does not mistake a label for a provisional key or for a person in doubt', () => {
    const world = agreedWorld(['aa', 'bb']);
    put(world, 'aa', 'team', 't1', { labels: ['p1', 'x', '~draft'] });
    world.held = [{ type: 'person', key: 'p1' }];
    expect(planOf(world).plan.operations).toMatchObject([
      { authority: 'bb', changes: [{ kind: 'set', field: 'labels', add: ['p1', '~draft'], remove: [] }] },
    ]);
  });
});

describe('a leaver', () => {
  it('deleted in one mesh is proposed for deletion elsewhere and out of its teams, and then all is quiet', () => {
    const world = agreedWorld(['aa', 'bb', 'cc']);
    (world.clouds['bb'] as Cloud).delete('person', 'p1');
    const { plan } = round(world);
    expect(brief(plan.operations)).toEqual(['aa delete p1', 'aa update t1', 'cc delete p1', 'cc update t1']);
    expect(plan.operations.map(({ rule }) => rule)).toEqual([
      'deletedOnOneSide',
      'elementChanged',
      'deletedOnOneSide',
      'elementChanged',
    ]);
    const second = round(world);
    expect(second.plan.divergences).toEqual([]);
    expect(second.changes).toEqual([]);
    expect(world.base.person.has('p1')).toBe(false);
  });

  it('is added to no team any more, also where somebody has just done so', () => {
    const world = agreedWorld(['aa', 'bb', 'cc']);
    for (const member of ['aa', 'bb', 'cc']) put(world, member, 'team', 't1', { people: ['p2'] });
    settle(world);
    (world.clouds['bb'] as Cloud).delete('person', 'p1');
    put(world, 'cc', 'team', 't1', { people: ['p1', 'p2'] });
    expect(brief(planOf(world).plan.operations)).toEqual(['aa delete p1', 'cc delete p1']);
    settle(world);
    expect(disagreements(world)).toEqual([]);
  });

  it('is held back, with its memberships, while any snapshot of people is incomplete', () => {
    const world = agreedWorld(['aa', 'bb', 'cc']);
    (world.clouds['bb'] as Cloud).delete('person', 'p1');
    const { plan } = round(world, agreeing(), [{ member: 'cc', type: 'person', keys: [], fields: [] }]);
    expect(plan.operations).toEqual([]);
    expect(plan.divergences.map(({ kind, at }) => `${kind} ${at.join()}`)).toEqual(['deletionHeldBack cc']);
    expect(world.base.team.get('t1')).toMatchObject({ people: ['p1', 'p2'] });
    expect(brief(planOf(world).plan.operations)).toContain('cc delete p1');
  });
});

describe('a record that a mesh will not have', () => {
  it('is left out of what is written to its teams, so that the rest of them can be', () => {
    const world = agreedWorld(['aa', 'bb']);
    put(world, 'aa', 'person', 'p3', ada);
    put(world, 'aa', 'person', 'p4', ada);
    put(world, 'aa', 'team', 't1', { people: ['p1', 'p2', 'p3', 'p4'] });
    put(world, 'aa', 'team', 't2', { title: 'U', people: ['p3', 'p4'], labels: [] });
    const noToP3 = {
      toOperation: ({ key }: Operation) => (key === 'p3' ? 'reject' : 'approve') as 'reject' | 'approve',
      toConflict: () => undefined,
    };
    round(world, noToP3);
    round(world, noToP3);
    expect(world.clouds['bb']?.records.team.get('t1')?.['people']).toEqual(['p1', 'p2', 'p4']);
    expect(world.clouds['bb']?.records.team.get('t2')?.['people']).toEqual(['p4']);
    expect(planOf(world).plan.operations).toEqual([]);
    world.rejections['bb'] = [];
    settle(world);
    expect(disagreements(world)).toEqual([]);
  });

  it('is removed from no team elsewhere because that mesh cannot show it there', () => {
    const world = agreedWorld(['aa', 'bb']);
    const cut: Gap[] = [{ member: 'bb', type: 'person', keys: ['p1'], fields: [] }];
    put(world, 'bb', 'team', 't1', { people: ['p2'] });
    expect(planOf(world, cut).plan.operations).toEqual([]);
    expect(brief(planOf(world).plan.operations)).toEqual(['aa update t1']);
  });
});

describe('first contact', () => {
  function contact(values: Readonly<Record<string, Fields | undefined>>): World {
    const clouds = emptyClouds(fullHoldings(Object.keys(values)));
    for (const [member, fields] of Object.entries(values)) if (fields) clouds[member]?.records.person.set('p1', fields);
    return new World(shapeOf(fullHoldings(Object.keys(values))), clouds);
  }

  it('fills what is empty and asks about what contradicts', () => {
    const { plan } = planOf(contact({ aa: ada, bb: { ...ada, mail: null, name: 'A.' }, cc: { ...ada, mail: null } }));
    expect(plan.operations.map(({ authority, rule, changes }) => [authority, rule, changes])).toEqual(
      ['bb', 'cc'].map((member) => [
        member,
        'firstContact',
        [{ kind: 'value', field: 'mail', before: null, after: 'ada' }],
      ]),
    );
    expect(plan.conflicts).toMatchObject([{ field: 'name' }]);
    expect(plan.conflicts[0]?.candidates.map(({ value, heldBy }) => [value, heldBy])).toEqual([
      ['A.', ['bb']],
      ['Ada', ['aa', 'cc']],
    ]);
  });

  it('proposes and never deletes, removes or empties', () => {
    fc.assert(
      fc.property(plots, (plot) => {
        const { plan } = planOf(worldOf({ ...plot, start: 'firstContact' }));
        for (const operation of plan.operations) {
          expect(['firstContact', 'newRecord']).toContain(operation.rule);
          expect(operation.kind).not.toBe('delete');
          for (const change of operation.changes) {
            if (change.kind === 'set') expect(change.remove).toEqual([]);
            else expect(change.before).toBeNull();
          }
        }
      }),
      runs,
    );
  });

  it('unites sets', () => {
    const world = contact({ aa: ada, bb: ada });
    put(world, 'aa', 'team', 't1', { title: 'T', people: ['p1'], labels: ['x'] });
    put(world, 'bb', 'team', 't1', { title: 'T', people: [], labels: ['y'] });
    settle(world);
    for (const member of ['aa', 'bb'])
      expect(world.clouds[member]?.records.team.get('t1')).toMatchObject({ people: ['p1'], labels: ['x', 'y'] });
  });

  it('holds a creation back while one of its fields is in conflict, and creates once that is settled', () => {
    const world = contact({ aa: ada, bb: { ...ada, name: 'A.' }, cc: undefined });
    const { plan } = round(world);
    expect(plan.operations).toEqual([]);
    expect(plan.divergences.map(({ kind, at }) => `${kind} ${at.join()}`)).toEqual([
      'waitsForConflict cc',
      'conflict aa,bb',
    ]);
    expect(brief(round(world).plan.operations)).toEqual(['cc create p1']);
    expect(disagreements(world)).toEqual([]);
  });
});

describe('an edit against a deletion', () => {
  const disputed = (members: readonly string[]): World => {
    const world = agreedWorld(members);
    put(world, 'aa', 'person', 'p1', { name: 'Countess' });
    (world.clouds['bb'] as Cloud).delete('person', 'p1');
    return world;
  };

  it('is a conflict between keeping and letting go, and touches no team before it is settled', () => {
    const { plan } = planOf(disputed(['aa', 'bb', 'cc']));
    expect(plan.operations).toEqual([]);
    expect(plan.conflicts).toHaveLength(1);
    const [kept, absent] = plan.conflicts[0]?.candidates ?? [];
    expect([kept?.kind, absent?.kind]).toEqual(['kept', 'absent']);
    expect(brief(kept?.operations ?? [])).toEqual(['bb create p1', 'bb update t1', 'cc update p1']);
    expect(brief(absent?.operations ?? [])).toEqual(['aa delete p1', 'cc delete p1']);
    expect([...(plan.divergences[0]?.operations ?? [])].sort(byCodeUnit)).toEqual(
      [...(kept?.operations ?? []), ...(absent?.operations ?? [])].map(({ id }) => id).sort(byCodeUnit),
    );
    expect(affectedAuthorities(plan)).toEqual(['aa', 'bb', 'cc']);
  });

  it.each([0, 1])('is over after either was chosen (%i), and the next round is quiet', (choice) => {
    const world = disputed(['aa', 'bb', 'cc']);
    round(
      world,
      agreeing(() => choice),
    );
    expect(disagreements(world)).toEqual([]);
    expect(world.clouds['bb']?.records.person.has('p1')).toBe(choice === 0);
    expect(world.clouds['bb']?.records.team.get('t1')?.['people']).toEqual(choice === 0 ? ['p1', 'p2'] : ['p2']);
    const { plan } = round(world);
    expect([...plan.operations, ...plan.conflicts, ...plan.divergences]).toEqual([]);
    expect(round(world).changes).toEqual([]);
  });

  it('can be kept in each way that its editors have it, where they contradict each other', () => {
    const world = disputed(['aa', 'bb', 'cc']);
    put(world, 'cc', 'person', 'p1', { name: 'Lady' });
    const candidates = planOf(world).plan.conflicts[0]?.candidates ?? [];
    expect(candidates.map(({ kind }) => kind)).toEqual(['kept', 'kept', 'absent']);
    expect(new Set(candidates.map(({ digest }) => digest)).size).toBe(3);
    for (const choice of [0, 1, 2]) {
      const twin = world.copy();
      round(
        twin,
        agreeing(() => choice),
      );
      expect(disagreements(twin)).toEqual([]);
      expect(planOf(twin).plan.divergences).toEqual([]);
    }
  });

  it('may be kept but not let go while a snapshot is incomplete', () => {
    const world = disputed(['aa', 'bb', 'cc']);
    const { plan } = planOf(world, [{ member: 'cc', type: 'person', keys: ['p1'], fields: [] }]);
    expect(plan.conflicts[0]?.candidates.map(({ kind }) => kind)).toEqual(['kept']);
  });
});

describe('standing rejections', () => {
  it('take the operation out of the plan, mark the divergence accepted, and end when the value moves', () => {
    const world = agreedWorld(['aa', 'bb']);
    put(world, 'aa', 'person', 'p1', { name: 'Countess' });
    const [asked] = planOf(world).plan.operations;
    world.rejections['bb'] = asked ? rejectionsOf(asked, { reason: 'her name is Ada', untilMs: 7 }) : [];
    const { plan } = planOf(world);
    expect(plan.operations).toEqual([]);
    expect(plan.divergences).toMatchObject([
      {
        kind: 'changed',
        field: 'name',
        operations: [],
        accepted: [{ authority: 'bb', reason: 'her name is Ada', untilMs: 7 }],
      },
    ]);
    put(world, 'aa', 'person', 'p1', { name: 'Lady' });
    const moved = planOf(world).plan;
    expect(moved.operations).toHaveLength(1);
    expect(moved.operations[0]?.id).not.toBe(asked?.id);
    expect(moved.divergences[0]?.accepted).toEqual([]);
  });

  it('of one authority take nothing out of what another is asked', () => {
    const world = agreedWorld(['aa', 'bb', 'cc']);
    put(world, 'aa', 'person', 'p1', { name: 'Countess' });
    const asked = planOf(world).plan.operations;
    // Both by name, so that only the mesh can tell them apart.
    world.rejections['cc'] = asked.flatMap((operation) => rejectionsOf(operation));
    expect(brief(planOf(world).plan.operations)).toEqual(['bb update p1']);
  });
});
