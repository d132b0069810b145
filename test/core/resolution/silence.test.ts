/** Single scenes of what silence means: each stands for an attack that random worlds meet too seldom. */
import { expect, it } from 'vitest';
import { shapeWithout } from '../../../core/federation/federation.js';
import type { Plan } from '../../../core/plan.js';
import type { Fields } from '../../../core/record.js';
import { latestHeld } from '../../../core/resolution/latest.js';
import type { TypeName } from '../support/cloud.js';
import { planOf, World } from '../support/round.js';
import { emptyClouds } from '../support/worlds.js';
import { fullHoldings, shapeOf } from '../support/shape.js';
import { agreedUnder } from '../support/policy-worlds.js';

function put(world: World, member: string, type: TypeName, key: string, fields: Fields): void {
  const records = world.clouds[member]?.records[type];
  records?.set(key, { ...records.get(key), ...fields });
}
const brief = ({ operations, conflicts }: Plan): string[] => [
  ...operations.map(({ authority, rule, changes }) => `${authority} ${rule} ${JSON.stringify(changes[0])}`),
  ...conflicts.map(({ field }) => `conflict ${field}`),
];
const to = (authority: string, before: string, after: string): string =>
  `${authority} leastPrivilege ${JSON.stringify({ kind: 'value', field: 'phone', before, after })}`;

it('the strictest member, called absent, still holds the others to what was agreed with it', () => {
  const world = agreedUnder({ fields: { phone: { kind: 'leastPrivilege' } } });
  put(world, 'aa', 'person', 'p1', { phone: 'c' });
  put(world, 'aa', 'person', 'p2', { phone: 'c' });
  world.base.person.set('p2', { ...world.base.person.get('p2'), phone: 'a' });
  world.shape = shapeWithout(world.shape, ['cc']);
  expect(brief(planOf(world).plan)).toEqual([to('aa', 'c', 'b'), to('aa', 'c', 'a'), to('bb', 'b', 'a')]);
});

it('first contact removes nothing from a set without a person, whoever owns it', () => {
  const members = ['aa', 'bb'];
  const team = { fields: { labels: { kind: 'owned' as const, by: 'aa' } } };
  const holdings = fullHoldings(members);
  const world = new World(shapeOf(holdings, 'permitted', { team }), emptyClouds(holdings));
  for (const [member, labels] of [
    ['aa', ['x']],
    ['bb', ['x', 'y']],
  ] as const)
    put(world, member, 'team', 't1', { title: 'T', people: [], labels: [...labels] });
  expect(brief(planOf(world).plan)).toEqual(['conflict labels']);
});

it.each(['owned', 'intersection'] as const)(
  'an element that an incomplete snapshot does not show is removed nowhere: %s',
  (kind) => {
    const labels = kind === 'owned' ? { kind, by: 'bb' } : { kind };
    const world = agreedUnder({}, { fields: { labels } });
    put(world, 'bb', 'team', 't1', { labels: [] });
    expect(brief(planOf(world, [{ member: 'bb', type: 'team', keys: [], fields: [] }]).plan)).toEqual([]);
    expect(brief(planOf(world).plan)).toHaveLength(2);
  },
);

it('nobody is latest where the time of one of the values is not known', () => {
  const stamp = (at: number): string => at.toString(16).padStart(16, '0');
  const times = { phone: { changed: { after: stamp(5), until: stamp(6) }, stands: stamp(6) } };
  const open = [
    { value: 'x', heldBy: ['aa'] },
    { value: 'y', heldBy: ['bb'] },
  ];
  const known = { aa: { vectors: {}, since: 1, times }, bb: { vectors: {}, since: 1 } };
  expect(latestHeld('phone', open, known)).toBeNull();
});
