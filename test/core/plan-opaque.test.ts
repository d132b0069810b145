/** Opaque records in a plan: shown while they changed or anything else differs about them, and then no more. */
import { describe, expect, it } from 'vitest';
import { baseChanges } from '../../core/next-base.js';
import { OpaqueIndex, type OpaqueRecord } from '../../core/opaque.js';
import { makePlan, type PlanInput } from '../../core/plan.js';
import { heldNow, planInputOf, World } from './support/round.js';
import { fullHoldings, shapeOf } from './support/shape.js';
import { emptyClouds } from './support/worlds.js';

const members = ['aa', 'bb', 'cc'];
const ana = { mail: 'ana@example.org', name: 'Ana Ruiz', phone: null };

/** All three hold her; bb shows another name and cannot be written. */
function met(): World {
  const holdings = fullHoldings(members);
  const world = new World(shapeOf(holdings), emptyClouds(holdings));
  for (const { records } of Object.values(world.clouds)) records.person.set('p1', ana);
  world.clouds['bb']?.records.person.set('p1', { ...ana, name: 'Ana Ruiz-Ortega' });
  return world;
}

const synced = (changed: boolean): OpaqueRecord => ({
  authority: 'bb',
  type: 'person',
  key: 'p1',
  reason: 'the user is synced from on-premises',
  changed,
});

function inputOf(world: World, changed: boolean): PlanInput {
  const { input } = planInputOf(world);
  const index = new OpaqueIndex([synced(changed)]);
  const people = (input.views['person'] ?? []).map((view) => index.silenced('person', view));
  return { ...input, views: { ...input.views, person: people }, opaque: [synced(changed)] };
}

const shown = (world: World, changed: boolean): readonly string[] =>
  makePlan(inputOf(world, changed)).divergences.map(({ kind, field, at }) => `${kind} ${field ?? ''} ${at.join()}`);

function agree(world: World): World {
  const { shape, views, incomplete, heldAtBase } = inputOf(world, true);
  world.applyToBase(baseChanges({ shape, views, incomplete, heldAtBase, held: [], effective: [] }));
  world.heldAtBase = heldNow(world.shape);
  return world;
}

describe('a record that is opaque in one mesh', () => {
  it('is shown at first contact, and after the agreement no more', () => {
    const world = met();
    expect(shown(world, true)).toEqual(['opaque  bb']);
    expect(shown(agree(world), false)).toEqual([]);
    const { divergences, opaque } = makePlan(inputOf(world, false));
    expect([divergences, opaque]).toEqual([[], []]);
  });

  it('is shown again when it changed there', () => {
    expect(shown(agree(met()), true)).toEqual(['opaque  bb']);
  });

  it('is shown beside what differs among the others', () => {
    const world = agree(met());
    world.clouds['cc']?.records.person.set('p1', { ...ana, phone: '77' });
    expect(shown(world, false)).toEqual(['opaque  bb', 'changed phone aa']);
  });

  it('is shown where one let it go', () => {
    const world = agree(met());
    world.clouds['cc']?.records.person.delete('p1');
    expect(shown(world, false)).toContain('opaque  bb');
  });

  it('is shown as long as all others let it go, or say something else than was agreed', () => {
    const before = met();
    before.base.person.set('p1', ana);
    before.heldAtBase = heldNow(before.shape);
    expect(shown(before, false)).toEqual([]);
    const world = before.copy();
    for (const member of ['aa', 'cc']) world.clouds[member]?.records.person.set('p1', { ...ana, phone: '77' });
    expect(shown(world, false)).toEqual(['opaque  bb']);
    for (const member of ['aa', 'cc']) world.clouds[member]?.records.person.delete('p1');
    expect(shown(world, false)).toEqual(['opaque  bb']);
  });

  it('is shown as long as somebody lacks it', () => {
    const world = met();
    for (const member of ['aa', 'cc']) world.clouds[member]?.records.person.delete('p1');
    expect(shown(world, true)).toEqual(['opaque  bb']);
    expect(shown(agree(world), false)).toEqual(['opaque  bb']);
  });
});
