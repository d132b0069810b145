/** The next base over the whole pipeline: agreement comes, stays, and nothing swings back and forth. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, sha256Hex } from '../../core/digest.js';
import { heldAtBase } from '../../core/next-base.js';
import type { Fields } from '../../core/record.js';
import { propertyRuns } from '../support/property-runs.js';
import { Cloud, typeNames } from './support/cloud.js';
import { agreeing, planOf, round, World, type Answers } from './support/round.js';
import { fullHoldings, shapeOf, type Holdings } from './support/shape.js';
import { act, disagreements, edits, emptyClouds, plots, settle, worldOf } from './support/worlds.js';

const runs = propertyRuns(100);

/** A world of clouds that hold everything, with a base that is what they agreed on. */
function agreedWorld(members: readonly string[], people: Record<string, Fields>, teams: Record<string, Fields>): World {
  const holdings = fullHoldings(members);
  const clouds = emptyClouds(holdings);
  for (const cloud of Object.values(clouds)) {
    for (const [key, fields] of Object.entries(people)) cloud.records.person.set(key, fields);
    for (const [key, fields] of Object.entries(teams)) cloud.records.team.set(key, fields);
  }
  const world = new World(shapeOf(holdings), clouds);
  settle(world);
  return world;
}

function put(world: World, member: string, type: 'person' | 'team', key: string, changed: Fields): void {
  const cloud = world.clouds[member] as Cloud;
  cloud.records[type].set(key, { ...cloud.records[type].get(key), ...changed });
}

function get(world: World, member: string, type: 'person' | 'team', key: string): Fields | undefined {
  return world.clouds[member]?.records[type].get(key);
}

const ada = { mail: 'ada', name: 'Ada', phone: null };

describe('agreement', () => {
  it('is reached where everything is approved and every conflict is settled alike', () => {
    fc.assert(
      fc.property(plots, fc.nat(5), (plot, pick) => {
        const world = worldOf(plot);
        for (let turn = 0; turn < 6; turn += 1) {
          const { plan } = round(
            world,
            agreeing(() => pick),
          );
          if (plan.operations.length === 0 && plan.conflicts.length === 0) break;
        }
        expect(planOf(world).plan.divergences).toEqual([]);
        expect(disagreements(world)).toEqual([]);
      }),
      runs,
    );
  });

  it('comes in one round where there is no conflict, and the round after it plans nothing and moves nothing', () => {
    fc.assert(
      fc.property(plots, (plot) => {
        const world = worldOf(plot);
        const first = round(world);
        fc.pre(first.plan.conflicts.length === 0);
        expect([...first.outcomes.values()].filter((outcome) => outcome === 'conflict')).toEqual([]);
        const second = round(world);
        expect(second.plan.operations).toEqual([]);
        expect(second.plan.divergences).toEqual([]);
        expect(disagreements(world)).toEqual([]);
        // What a cloud shows of its own accord on what it was asked to create is known one reading later.
        if (!first.effective.some(({ kind }) => kind === 'create')) expect(second.changes).toEqual([]);
        expect(round(world).changes).toEqual([]);
      }),
      runs,
    );
  });

  it('takes in no record that a member lacks, and forgets what all have let go', () => {
    fc.assert(
      fc.property(plots, fc.nat(5), (plot, pick) => {
        const world = worldOf(plot);
        round(
          world,
          agreeing(() => pick),
        );
        for (const { taxonomy, held } of world.shape.types) {
          const type = taxonomy.type as 'person' | 'team';
          for (const key of world.base[type].keys())
            expect(Object.keys(held).some((member) => get(world, member, type, key) !== undefined)).toBe(true);
        }
      }),
      runs,
    );
  });
});

/** Says no to some records at some members and is silent on some conflicts, always the same. */
function stubborn(noTo: ReadonlySet<number>, silentOn: number): Answers {
  const numberOf = (text: string): number => Number.parseInt(sha256Hex(text).slice(0, 6), 16);
  return {
    toOperation: ({ authority, type, key, kind }) =>
      noTo.has(numberOf(`${authority} ${type} ${key} ${kind}`) % 8) ? 'reject' : 'approve',
    toConflict: (conflict, authority) =>
      numberOf(`${authority} ${conflict.key}`) % 4 === silentOn
        ? undefined
        : conflict.candidates[numberOf(conflict.key) % conflict.candidates.length]?.digest,
  };
}

describe('partly rejected plans', () => {
  it('neither plan again what was applied nor let a value swing back, over five rounds', () => {
    fc.assert(
      fc.property(plots, fc.uniqueArray(fc.nat(7), { maxLength: 5 }), fc.nat(3), (plot, noTo, silentOn) => {
        const world = worldOf(plot);
        const answers = stubborn(new Set(noTo), silentOn);
        const applied = new Set<string>();
        const seen = new Map<string, string[]>();
        const look = (): void => {
          for (const [member, cloud] of Object.entries(world.clouds))
            for (const type of typeNames)
              for (const key of new Set([...world.base[type].keys(), 'p1', 'p2', 'p3', 'p4', 't1', 't2'])) {
                const place = `${member} ${type} ${key}`;
                const text = canonicalJson({ value: cloud.records[type].get(key) ?? null });
                const before = seen.get(place) ?? [];
                if (before.at(-1) === text) continue;
                expect(before, `${place} swings back`).not.toContain(text);
                seen.set(place, [...before, text]);
              }
        };
        look();
        for (let turn = 0; turn < 5; turn += 1) {
          const { plan, outcomes } = round(world, answers);
          for (const { id } of plan.operations) expect(applied, 'planned again').not.toContain(id);
          for (const [id, outcome] of outcomes) if (outcome === 'applied') applied.add(id);
          look();
        }
        const asked = planOf(world).plan.operations;
        expect(asked.filter((operation) => answers.toOperation(operation) === 'reject')).toEqual([]);
        expect(asked).toEqual([]);
      }),
      propertyRuns(150),
    );
  });

  it('come to rest again after people went on working in between', () => {
    fc.assert(
      fc.property(plots, fc.uniqueArray(fc.nat(7), { maxLength: 3 }), edits, (plot, noTo, more) => {
        const world = worldOf(plot);
        round(world, stubborn(new Set(noTo), 9));
        for (const one of more) act(world, one);
        for (const own of Object.values(world.rejections)) own.length = 0;
        settle(world);
        expect(disagreements(world)).toEqual([]);
      }),
      runs,
    );
  });
});

describe('the base of a record that still differs', () => {
  it('moves for a field on which all agree, so that a later return to the old value is a change', () => {
    const world = agreedWorld(['aa', 'bb'], { p1: ada }, {});
    put(world, 'aa', 'person', 'p1', { name: 'Ada L.', phone: '1' });
    put(world, 'bb', 'person', 'p1', { phone: '2' });
    round(world, { toOperation: () => 'approve', toConflict: () => undefined });
    expect(get(world, 'bb', 'person', 'p1')).toMatchObject({ name: 'Ada L.', phone: '2' });
    put(world, 'bb', 'person', 'p1', { name: 'Ada' });
    const { plan } = planOf(world);
    expect(plan.operations.map(({ authority, changes }) => ({ authority, changes }))).toEqual([
      { authority: 'aa', changes: [{ kind: 'value', field: 'name', before: 'Ada L.', after: 'Ada' }] },
    ]);
  });

  it('keeps an element that is still asked for apart from one that all have taken up', () => {
    const world = agreedWorld(['aa', 'bb', 'cc'], { p1: ada, p2: ada }, { t1: { title: 'T', people: [], labels: [] } });
    put(world, 'aa', 'team', 't1', { people: ['p1', 'p2'] });
    put(world, 'bb', 'team', 't1', { people: ['p1'] });
    put(world, 'cc', 'team', 't1', { people: ['p1'] });
    round(world, { toOperation: () => 'reject', toConflict: () => undefined });
    expect(world.base.team.get('t1')).toEqual({ title: 'T', people: ['p1'], labels: [] });
    put(world, 'bb', 'team', 't1', { people: [] });
    const set = { kind: 'set', field: 'people' };
    expect(planOf(world).plan.operations.map(({ authority, changes }) => [authority, changes])).toEqual([
      ['aa', [{ ...set, add: [], remove: ['p1'] }]],
      // Neither bb nor cc is asked for p2 again: their people said no, and nothing about it moved.
      ['cc', [{ ...set, add: [], remove: ['p1'] }]],
    ]);
  });

  it('does not count a field that one member could not read as agreed by it', () => {
    const world = agreedWorld(['aa', 'bb'], { p1: ada }, {});
    put(world, 'aa', 'person', 'p1', { name: 'Ada L.' });
    const unread = [{ member: 'bb', type: 'person' as const, keys: [], fields: [{ key: 'p1', field: 'name' }] }];
    round(world, agreeing(), unread);
    expect(world.base.person.get('p1')).toEqual(ada);
    expect(planOf(world).plan.operations).toMatchObject([{ authority: 'bb', rule: 'changedOnOneSide' }]);
  });

  it('stays where a member that could not be read may still have something else to say', () => {
    const world = agreedWorld(['aa', 'bb', 'cc'], { p1: ada }, {});
    for (const member of ['aa', 'bb']) put(world, member, 'person', 'p1', { name: 'Ada L.' });
    const { changes } = round(world, agreeing(), [{ member: 'cc', type: 'person', keys: ['p1'], fields: [] }]);
    expect(changes).toEqual([]);
    expect(planOf(world).plan.operations).toMatchObject([{ authority: 'cc', rule: 'changedOnOneSide' }]);
  });

  it('stays while a case holds the record, also where all show it alike', () => {
    const world = agreedWorld(['aa', 'bb'], { p1: ada }, {});
    for (const member of ['aa', 'bb']) put(world, member, 'person', 'p1', { name: 'Ada L.' });
    world.held = [{ type: 'person', key: 'p1' }];
    expect(round(world).changes).toEqual([]);
    world.held = [];
    expect(round(world).changes).toMatchObject([{ kind: 'put', key: 'p1', fields: { name: 'Ada L.' } }]);
  });

  it('takes in no provisional key, also where one member alone holds the set', () => {
    const whole = fullHoldings(['aa', 'bb']);
    const holdings = { ...whole, team: { ...whole.team, bb: ['title'] } };
    const world = new World(shapeOf(holdings), emptyClouds(holdings));
    put(world, 'aa', 'team', 't1', { title: 'T', people: ['~new'], labels: ['~draft'] });
    put(world, 'bb', 'team', 't1', { title: 'T' });
    round(world);
    expect(world.base.team.get('t1')).toEqual({ title: 'T', people: [], labels: ['~draft'] });
  });

  it('does not take the silence of an incomplete snapshot for agreement that an element is gone', () => {
    const world = agreedWorld(['aa', 'bb'], { p1: ada }, { t1: { title: 'T', people: ['p1'], labels: ['x'] } });
    put(world, 'aa', 'team', 't1', { labels: [] });
    const held = world.clouds['bb'] as Cloud;
    const whole = get(world, 'bb', 'team', 't1') as Fields;
    held.records.team.set('t1', { ...whole, labels: [] });
    round(world, agreeing(), [{ member: 'bb', type: 'team', keys: [], fields: [] }]);
    expect(world.base.team.get('t1')).toEqual(whole);
    held.records.team.set('t1', whole);
    expect(planOf(world).plan.operations).toMatchObject([
      { authority: 'bb', changes: [{ kind: 'set', field: 'labels', add: [], remove: ['x'] }] },
    ]);
  });
});

describe('what joined after the last agreement', () => {
  const members = ['aa', 'bb', 'cc'];
  const before: Holdings = {
    person: { aa: ['mail', 'name', 'phone'], bb: ['mail', 'name', 'phone'], cc: ['mail', 'name'] },
    team: { aa: ['labels', 'people', 'title'], bb: ['labels', 'people', 'title'], cc: ['title'] },
  };

  function joining(): World {
    const clouds = emptyClouds(before);
    for (const [member, cloud] of Object.entries(clouds)) {
      const ownPerson = Object.fromEntries(
        Object.entries({ ...ada, phone: '1' }).filter(([f]) => before.person[member]?.includes(f)),
      );
      const ownTeam = Object.fromEntries(
        Object.entries({ title: 'T', people: ['p1'], labels: ['x'] }).filter(([f]) => before.team[member]?.includes(f)),
      );
      cloud.records.person.set('p1', ownPerson);
      cloud.records.person.set('p2', ownPerson);
      cloud.records.team.set('t1', ownTeam);
    }
    const world = new World(shapeOf(before), clouds);
    settle(world);
    world.shape = shapeOf(fullHoldings(members));
    return world;
  }

  it('fills a field that a member newly holds, and empties it nowhere', () => {
    const world = joining();
    put(world, 'cc', 'person', 'p1', { phone: null });
    put(world, 'cc', 'person', 'p2', { phone: '2' });
    put(world, 'cc', 'team', 't1', { people: [], labels: [] });
    const { plan } = planOf(world);
    expect(plan.operations.map(({ authority, key, rule }) => `${authority} ${key} ${rule}`)).toEqual([
      'cc p1 firstContact',
      'cc t1 firstContact',
    ]);
    expect(plan.conflicts.map(({ key, field }) => `${key} ${field}`)).toEqual(['p2 phone']);
  });

  it('is still first contact in the round after another record was agreed on', () => {
    const world = joining();
    put(world, 'cc', 'person', 'p1', { phone: null });
    put(world, 'cc', 'person', 'p2', { phone: '1' });
    put(world, 'cc', 'team', 't1', { people: [], labels: [] });
    const { changes } = round(world, { toOperation: () => 'leave', toConflict: () => undefined });
    expect(changes.length).toBeGreaterThan(0);
    const { plan } = planOf(world);
    expect(plan.operations.every(({ authority, rule }) => authority === 'cc' && rule === 'firstContact')).toBe(true);
    expect(plan.operations.map(({ key }) => key)).toEqual(['p1', 't1']);
  });

  it('creates records at a member that newly takes part, and deletes them nowhere', () => {
    const world = joining();
    const shape = shapeOf(fullHoldings([...members, 'dd']));
    const grown = new World(shape, { ...world.clouds, dd: new Cloud({ person: ['mail'], team: ['title'] }) });
    Object.assign(grown.base, world.base);
    grown.heldAtBase = world.heldAtBase;
    put(grown, 'dd', 'person', 'p1', { mail: 'ada', name: 'Ada', phone: '1' });
    const { plan } = planOf(grown);
    expect(plan.operations.filter(({ kind }) => kind === 'delete')).toEqual([]);
    expect(plan.conflicts).toEqual([]);
    expect(
      plan.operations.filter(({ kind }) => kind === 'create').map(({ authority, key }) => `${authority} ${key}`),
    ).toEqual(['dd p2', 'dd t1']);
    expect(
      plan.operations.some(({ changes }) => changes.some((one) => one.kind === 'set' && one.remove.length > 0)),
    ).toBe(false);
  });

  it('is told from the groups under which the base was sealed', () => {
    const type = { format: 1 as const, type: 'person', count: 0, bucketCount: 1, segments: [] };
    const groups = [
      { id: 'aa+bb', fields: ['mail', 'name'], members: ['aa', 'bb'] },
      { id: 'aa', fields: ['phone'], members: ['aa'] },
    ];
    expect(heldAtBase({ types: [{ ...type, groups }] }, { types: [] })).toEqual({
      person: { aa: ['mail', 'name', 'phone'], bb: ['mail', 'name'] },
    });
    expect(heldAtBase(null, { types: [] })).toEqual({});
  });
});
