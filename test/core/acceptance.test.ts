/** What people left as it is: not asked again until it ends or a value moves, and nothing else is left with it. */
import { describe, expect, it } from 'vitest';
import { isAccepted } from '../../core/acceptance.js';
import type { Plan } from '../../core/plan.js';
import type { Fields } from '../../core/record.js';
import type { Cloud, TypeName } from './support/cloud.js';
import { planOf, World } from './support/round.js';
import { fullHoldings, shapeOf } from './support/shape.js';
import { rejectionsOf } from './support/terms.js';
import { emptyClouds, settle } from './support/worlds.js';

function agreedWorld(members: readonly string[]): World {
  const clouds = emptyClouds(fullHoldings(members));
  for (const { records } of Object.values(clouds)) {
    records.person.set('p1', { mail: 'p1', name: 'Ada', phone: null });
    records.team.set('t1', { title: 'T', people: ['p1'], labels: [] });
  }
  const world = new World(shapeOf(fullHoldings(members)), clouds);
  settle(world);
  return world;
}

function put(world: World, member: string, type: TypeName, key: string, changes: Fields): void {
  const { records } = world.clouds[member] as Cloud;
  records[type].set(key, { ...records[type].get(key), ...changes });
}

function turnDown(world: World, pick: (operation: Plan['operations'][number]) => boolean = () => true): void {
  for (const operation of planOf(world).plan.operations.filter(pick))
    (world.rejections[operation.authority] ??= []).push(...rejectionsOf(operation));
}

function leave(world: World, authority: string, conflict: Plan['conflicts'][number] | undefined): void {
  (world.rejections[authority] ??= []).push({
    subject: conflict?.id ?? '',
    reason: 'both are right',
    untilMs: 9,
    approver: 'bo',
  });
}

const changed = (plan: Plan): readonly string[] =>
  plan.operations.flatMap(({ authority, changes }) => changes.map(({ field }) => `${authority} ${field}`));

describe('a field that was turned down', () => {
  it('is not asked again when another field of its record moves', () => {
    const world = agreedWorld(['aa', 'bb']);
    put(world, 'aa', 'person', 'p1', { name: 'Countess' });
    turnDown(world);
    put(world, 'aa', 'person', 'p1', { name: 'Countess', phone: '77' });
    const { plan } = planOf(world);
    expect(changed(plan)).toEqual(['bb phone']);
    const byField = new Map(plan.divergences.map((divergence) => [divergence.field, divergence]));
    expect([byField.get('name'), byField.get('phone')].map((one) => one && isAccepted(one))).toEqual([true, false]);
  });

  it('is asked again once its own value moves, and only in the mesh that turned it down was it left', () => {
    const world = agreedWorld(['aa', 'bb', 'cc']);
    put(world, 'aa', 'person', 'p1', { name: 'Countess' });
    turnDown(world, ({ authority }) => authority === 'bb');
    expect(changed(planOf(world).plan)).toEqual(['cc name']);
    expect(planOf(world).plan.divergences.map(isAccepted)).toEqual([false]);
    put(world, 'aa', 'person', 'p1', { name: 'Lady' });
    expect(changed(planOf(world).plan)).toEqual(['bb name', 'cc name']);
  });
});

describe('an element that was turned down', () => {
  it('is not asked again when the set gains another', () => {
    const world = agreedWorld(['aa', 'bb']);
    put(world, 'aa', 'team', 't1', { labels: ['x'] });
    turnDown(world);
    put(world, 'aa', 'team', 't1', { labels: ['x', 'y'] });
    const { plan } = planOf(world);
    expect(plan.operations.map(({ changes }) => changes)).toEqual([
      [{ kind: 'set', field: 'labels', add: ['y'], remove: [] }],
    ]);
    expect(plan.divergences).toMatchObject([{ field: 'labels', accepted: [{ authority: 'bb' }] }]);
    expect(plan.divergences.map(isAccepted)).toEqual([false]);
  });
});

describe('a conflict that was left as it is', () => {
  function contradicting(): World {
    const world = agreedWorld(['aa', 'bb']);
    put(world, 'aa', 'person', 'p1', { name: 'Countess' });
    put(world, 'bb', 'person', 'p1', { name: 'Lady' });
    return world;
  }

  it('by one authority is still asked of the other, for the value that writes to that one only', () => {
    const world = contradicting();
    const [asked] = planOf(world).plan.conflicts;
    leave(world, 'aa', asked);
    const { plan } = planOf(world);
    expect(plan.conflicts.map(({ id }) => id)).toEqual([asked?.id]);
    expect(plan.conflicts[0]?.candidates.map(({ value }) => value)).toEqual(['Countess']);
    expect(
      plan.conflicts[0]?.candidates.flatMap(({ operations }) => operations.map(({ authority }) => authority)),
    ).toEqual(['bb']);
    expect(plan.divergences).toMatchObject([
      { kind: 'conflict', accepted: [{ authority: 'aa', reason: 'both are right' }] },
    ]);
    expect(plan.divergences.map(isAccepted)).toEqual([false]);
  });

  it('by all whom it could change is asked of nobody and shown as accepted', () => {
    const world = contradicting();
    const [asked] = planOf(world).plan.conflicts;
    for (const authority of ['aa', 'bb']) leave(world, authority, asked);
    const { plan } = planOf(world);
    expect(plan.conflicts).toEqual([]);
    expect(plan.divergences.map(isAccepted)).toEqual([true]);
    expect(plan.divergences[0]?.accepted.map(({ authority }) => authority)).toEqual(['aa', 'bb']);
  });

  it('is asked anew as soon as one of its values moves', () => {
    const world = contradicting();
    const [asked] = planOf(world).plan.conflicts;
    for (const authority of ['aa', 'bb']) leave(world, authority, asked);
    put(world, 'bb', 'person', 'p1', { name: 'Baroness' });
    const { plan } = planOf(world);
    expect(plan.conflicts[0]?.candidates).toHaveLength(2);
    expect(plan.divergences[0]?.accepted).toEqual([]);
  });

  it('by an authority that nothing would be written to says nothing', () => {
    const world = agreedWorld(['aa', 'bb', 'cc']);
    put(world, 'aa', 'person', 'p1', { name: 'Countess' });
    put(world, 'bb', 'person', 'p1', { name: 'Lady' });
    const [asked] = planOf(world).plan.conflicts;
    leave(world, 'zz', asked);
    expect(planOf(world).plan.conflicts).toEqual([asked]);
  });
});
