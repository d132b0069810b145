/** Edges in a plan: a grant waits where what it refers to is in doubt, whoever has it. */
import { expect, it } from 'vitest';
import { planOf, World } from './support/round.js';
import { fullHoldings, grant, grantFields, grantKey, shapeOf } from './support/shape.js';
import { emptyClouds, settle } from './support/worlds.js';

const key = grantKey('p1', 't1');

/** Two meshes that agree on p1 and t1, with or without a grant between them. */
function agreed(withGrant: boolean): World {
  const members = ['aa', 'bb'];
  const fields = Object.keys(grant.fields).sort();
  const holdings = {
    ...fullHoldings(members),
    grant: Object.fromEntries(members.map((member) => [member, fields])),
  };
  const world = new World(shapeOf(holdings), emptyClouds(holdings));
  for (const { records } of Object.values(world.clouds)) {
    records.person.set('p1', { mail: 'p1', name: 'b', phone: 'b' });
    records.team.set('t1', { title: 'T', people: ['p1'], labels: [] });
    if (withGrant) records.grant.set(key, grantFields('p1', 't1'));
  }
  settle(world);
  return world;
}

/** Then a grant comes up in one of the two. */
function granted(): World {
  const world = agreed(false);
  world.clouds['aa']?.records.grant.set(key, grantFields('p1', 't1'));
  return world;
}
const writes = (world: World): string[] =>
  planOf(world).plan.operations.map(({ authority, kind, type }) => `${authority} ${kind} ${type}`);
const divergences = (world: World): string[] =>
  planOf(world)
    .plan.divergences.filter(({ type }) => type === 'grant')
    .map(({ kind, at }) => `${kind} ${at.join()}`);

it('a grant is made where it is missing', () => {
  expect(writes(granted())).toEqual(['bb create grant']);
});

it.each([
  ['person', 'p1'],
  ['team', 't1'],
])('a grant is not made, and waits, while the %s it refers to is held by a case', (type, of) => {
  const world = granted();
  world.held = [{ type, key: of }];
  expect(writes(world)).toEqual([]);
  expect(divergences(world)).toEqual(['waitsForReference bb']);
});

it('a grant that one mesh let go is not taken from the other while somebody it refers to is held by a case', () => {
  const world = agreed(true);
  world.clouds['aa']?.records.grant.delete(key);
  expect(writes(world)).toEqual(['bb delete grant']);
  world.held = [{ type: 'person', key: 'p1' }];
  expect(writes(world)).toEqual([]);
  expect(divergences(world)).toEqual(['waitsForReference aa']);
});
