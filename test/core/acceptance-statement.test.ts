/** Differences that people accept without being asked: bound to the values they saw, for their own mesh, shown apart. */
import { describe, expect, it } from 'vitest';
import { isAccepted } from '../../core/acceptance.js';
import { holdingAcceptances, shownStates, type StandingAcceptance } from '../../core/acceptance-statement.js';
import { canonicalJson, digestOf } from '../../core/digest.js';
import type { StandingIgnore } from '../../core/ignored.js';
import { OpaqueIndex, type OpaqueRecord } from '../../core/opaque.js';
import { makePlan, type Plan, type PlanInput } from '../../core/plan.js';
import type { Fields } from '../../core/record.js';
import type { Cloud, TypeName } from './support/cloud.js';
import { planInputOf, World, type Gap } from './support/round.js';
import { fullHoldings, grantFields, shapeOf } from './support/shape.js';
import { emptyClouds, settle } from './support/worlds.js';

const members = ['aa', 'bb', 'cc'];

function agreedWorld(): World {
  const clouds = emptyClouds(fullHoldings(members));
  for (const { records } of Object.values(clouds))
    records.person.set('p1', { mail: 'ana@example.org', name: 'Ana Ruiz', phone: null });
  const world = new World(shapeOf(fullHoldings(members)), clouds);
  settle(world);
  return world;
}

function put(world: World, member: string, type: TypeName, key: string, changes: Fields): void {
  const { records } = world.clouds[member] as Cloud;
  records[type].set(key, { ...records[type].get(key), ...changes });
}

function accepts(input: PlanInput, authority: string, field: string | null, key = 'p1'): StandingAcceptance {
  const about = { type: 'person', key, field };
  return {
    ...about,
    authority,
    values: { ...shownStates(input, about) },
    owner: 'HR Berlin',
    reason: 'two spellings on purpose',
    untilMs: 1_900_000_000_000,
    id: digestOf({ authority, ...about }),
    approver: 'ada',
  };
}

const inputOf = (world: World, gaps: readonly Gap[] = []): PlanInput => planInputOf(world, gaps).input;
const planWith = (input: PlanInput, acceptances: readonly StandingAcceptance[]): Plan =>
  makePlan({ ...input, acceptances });
const asked = (plan: Plan): readonly string[] =>
  plan.operations.flatMap(({ authority, kind, changes }) =>
    kind === 'update' ? changes.map(({ field }) => `${authority} ${field}`) : [`${authority} ${kind}`],
  );

describe('an accepted field', () => {
  it('is not asked of the authority that accepted it, is shown with its owner, and leaves the others asked', () => {
    const world = agreedWorld();
    put(world, 'aa', 'person', 'p1', { name: 'Ana Ruíz', phone: '77' });
    const input = inputOf(world);
    const plan = planWith(input, [accepts(input, 'bb', 'name')]);
    expect(asked(plan)).toEqual(['bb phone', 'cc name', 'cc phone']);
    expect(plan.divergences.find(({ field }) => field === 'name')?.accepted).toEqual([
      { authority: 'bb', owner: 'HR Berlin', reason: 'two spellings on purpose', untilMs: 1_900_000_000_000 },
    ]);
    expect(plan.divergences.filter(isAccepted)).toEqual([]);
    const all = planWith(input, [accepts(input, 'bb', 'name'), accepts(input, 'cc', 'name')]);
    expect(asked(all)).toEqual(['bb phone', 'cc phone']);
    expect(all.divergences.filter(isAccepted).map(({ field }) => field)).toEqual(['name']);
  });

  it.each(['aa', 'bb', 'cc'])(
    'is back in the list once the value of %s moves, and not when another field does',
    (member) => {
      const world = agreedWorld();
      put(world, 'aa', 'person', 'p1', { name: 'Ana Ruíz' });
      const input = inputOf(world);
      const standing = [accepts(input, 'bb', 'name'), accepts(input, 'cc', 'name')];
      put(world, member, 'person', 'p1', { phone: '88' });
      expect(asked(planWith(inputOf(world), standing)).filter((one) => one.endsWith('name'))).toEqual([]);
      put(world, member, 'person', 'p1', { name: 'A. Ruiz' });
      const moved = planWith(inputOf(world), standing);
      expect(moved.divergences.find(({ field }) => field === 'name')?.accepted).toEqual([]);
    },
  );

  it('holds while a member cannot be heard, and not where one that was silent speaks', () => {
    const world = agreedWorld();
    put(world, 'aa', 'person', 'p1', { name: 'Ana Ruíz' });
    const whole = inputOf(world);
    const gaps: readonly Gap[] = [{ member: 'cc', type: 'person', keys: ['p1'], fields: [] }];
    const partly = inputOf(world, gaps);
    expect(holdingAcceptances(partly, [accepts(whole, 'bb', 'name')])).toHaveLength(1);
    expect(holdingAcceptances(whole, [accepts(partly, 'bb', 'name')])).toEqual([]);
  });

  it('stands with the one of two that ends last, in whatever order they are given', () => {
    const world = agreedWorld();
    put(world, 'aa', 'person', 'p1', { name: 'Ana Ruíz' });
    const input = inputOf(world);
    const early = accepts(input, 'bb', 'name');
    const late = { ...early, untilMs: early.untilMs + 1, owner: 'HR Madrid', id: digestOf('later') };
    for (const standing of [
      [early, late],
      [late, early],
    ])
      expect(planWith(input, standing).divergences.find(({ field }) => field === 'name')?.accepted).toMatchObject([
        { owner: 'HR Madrid', untilMs: late.untilMs },
      ]);
  });

  it('of one authority accepts nothing for another', () => {
    const world = agreedWorld();
    put(world, 'aa', 'person', 'p1', { name: 'Ana Ruíz' });
    const input = inputOf(world);
    expect(asked(planWith(input, [accepts(input, 'aa', 'name')]))).toEqual(['bb name', 'cc name']);
  });
});

describe('an accepted conflict', () => {
  it('is asked of nobody once all that it could change accepted it', () => {
    const world = agreedWorld();
    put(world, 'aa', 'person', 'p1', { name: 'Ana Ruíz' });
    put(world, 'bb', 'person', 'p1', { name: 'A. Ruiz' });
    const input = inputOf(world);
    const one = planWith(input, [accepts(input, 'aa', 'name')]);
    expect(
      one.conflicts[0]?.candidates.flatMap(({ operations }) => operations.map(({ authority }) => authority)),
    ).toEqual(['bb', 'cc']);
    const all = planWith(
      input,
      members.map((member) => accepts(input, member, 'name')),
    );
    expect(all.conflicts).toEqual([]);
    expect(all.divergences.every(isAccepted)).toBe(true);
  });
});

describe('an accepted record', () => {
  it('is created nowhere that accepted its lack, and asked again when any of its fields moves', () => {
    const world = agreedWorld();
    put(world, 'aa', 'person', 'p2', { mail: 'bo@example.org', name: 'Bo', phone: null });
    const input = inputOf(world);
    const standing = [accepts(input, 'bb', null, 'p2'), accepts(input, 'cc', null, 'p2')];
    const plan = planWith(input, standing);
    expect(plan.operations).toEqual([]);
    expect(plan.divergences).toMatchObject([{ kind: 'missing', accepted: [{ authority: 'bb' }, { authority: 'cc' }] }]);
    put(world, 'aa', 'person', 'p2', { phone: '99' });
    expect(asked(planWith(inputOf(world), standing))).toEqual(['bb create', 'cc create']);
  });

  it('keeps nothing from being deleted by accepting one field of it', () => {
    const world = agreedWorld();
    world.clouds['aa']?.records.person.delete('p1');
    const input = inputOf(world);
    expect(asked(planWith(input, [accepts(input, 'bb', 'name')]))).toEqual(['bb delete', 'cc delete']);
    expect(asked(planWith(input, [accepts(input, 'bb', null)]))).toEqual(['cc delete']);
  });

  it('that was not read is not accepted as gone', () => {
    const world = agreedWorld();
    const gaps: readonly Gap[] = [{ member: 'cc', type: 'person', keys: ['p1'], fields: [] }];
    put(world, 'aa', 'person', 'p1', { name: 'Ana Ruíz' });
    const input = inputOf(world, gaps);
    const plan = planWith(
      input,
      members.map((member) => accepts(input, member, null)),
    );
    expect(plan.divergences.filter(({ kind }) => kind === 'unread').map(({ accepted }) => accepted)).toEqual([[]]);
  });
});

describe('a difference that no operation would settle', () => {
  const opaque = (authority: string, changed: boolean): OpaqueRecord => ({
    authority,
    type: 'person',
    key: 'p1',
    reason: 'the user is synced from on-premises',
    changed,
  });
  const withOpaque = (records: readonly OpaqueRecord[]): PlanInput => {
    const input = inputOf(agreedWorldWhereOneMoved());
    const index = new OpaqueIndex(records);
    const people = (input.views['person'] ?? []).map((view) => index.silenced('person', view));
    return { ...input, views: { ...input.views, person: people }, opaque: records };
  };
  function agreedWorldWhereOneMoved(): World {
    const world = agreedWorld();
    put(world, 'cc', 'person', 'p1', { name: 'Ana Ruíz' });
    return world;
  }
  const opaqueIn = (plan: Plan) => plan.divergences.filter(({ kind }) => kind === 'opaque').map(isAccepted);

  it('is accepted once all at whom it lies accepted it, and not before', () => {
    const input = withOpaque([opaque('aa', false), opaque('bb', false)]);
    const [one, other] = [accepts(input, 'aa', null), accepts(input, 'bb', null)];
    expect(opaqueIn(planWith(input, [one]))).toEqual([false]);
    expect(opaqueIn(planWith(input, [one, other]))).toEqual([true]);
  });

  it('is not the one that was accepted where what is opaque changed', () => {
    const before = withOpaque([opaque('aa', false)]);
    const standing = [accepts(before, 'aa', null)];
    expect(opaqueIn(planWith(before, standing))).toEqual([true]);
    expect(opaqueIn(planWith(withOpaque([opaque('aa', true)]), standing))).toEqual([false]);
  });
});

it('a plan is the same whatever the order of acceptances, and the same as ever where there are none', () => {
  const world = agreedWorld();
  put(world, 'aa', 'person', 'p1', { name: 'Ana Ruíz', phone: '77' });
  const input = inputOf(world);
  const standing = [accepts(input, 'bb', 'name'), accepts(input, 'cc', 'phone'), accepts(input, 'bb', null)];
  expect(digestOf(planWith(input, [...standing].reverse()))).toBe(digestOf(planWith(input, standing)));
  expect(canonicalJson(makePlan({ ...input, acceptances: [], ignored: [] }))).toBe(canonicalJson(makePlan(input)));
});

describe('an ignored record', () => {
  const ignore = (authority: string, record: string): StandingIgnore => ({
    authority,
    type: 'person',
    record,
    reason: 'backup service account',
    id: digestOf({ authority, record }),
    approver: 'ada',
  });

  it('is listed, is no divergence and leads to no operation, and neither do its grants', () => {
    const holdings = {
      ...fullHoldings(members),
      grant: Object.fromEntries(members.map((one) => [one, ['on', 'who']])),
    };
    const clouds = emptyClouds(holdings);
    for (const { records } of Object.values(clouds)) records.team.set('t1', { title: 'T', people: [], labels: [] });
    const world = new World(shapeOf(holdings), clouds);
    settle(world);
    const record = `~${'7'.repeat(64)}`;
    put(world, 'aa', 'person', record, { mail: null, name: 'svc-backup', phone: null });
    put(world, 'aa', 'grant', `~${'8'.repeat(64)}`, grantFields(record, 't1'));
    const input = inputOf(world);
    expect(makePlan(input).divergences.map(({ kind }) => kind)).toEqual(['heldByCase', 'heldByCase']);
    const plan = makePlan({ ...input, ignored: [ignore('aa', record)] });
    expect(plan.ignored?.map(({ authority, type }) => [authority, type])).toEqual([
      ['aa', 'grant'],
      ['aa', 'person'],
    ]);
    expect([plan.divergences, plan.operations, plan.conflicts]).toEqual([[], [], []]);
    // Nobody speaks for another's records.
    expect(makePlan({ ...input, ignored: [ignore('bb', record)] }).ignored).toBeUndefined();
  });
});
