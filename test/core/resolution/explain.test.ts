/** An explanation: every member's value, what changed, what decided, and what each other rule would have done. */
import { expect, it } from 'vitest';
import { shapeWithout } from '../../../core/federation/federation.js';
import { explainRecord, type Explanation } from '../../../core/resolution/explain.js';
import { planInputOf, type World } from '../support/round.js';
import { agreedUnder } from '../support/policy-worlds.js';

function changedWorld(): World {
  const world = agreedUnder({ fields: { phone: { kind: 'owned', by: 'bb' } } });
  const set = (member: string, fields: Record<string, string | null>): void => {
    const records = world.clouds[member]?.records.person;
    records?.set('p1', { ...records.get('p1'), ...fields });
  };
  set('aa', { phone: 'c' });
  set('cc', { phone: 'a', name: 'c' });
  world.observations?.observe(world.clouds);
  return world;
}

const explain = (world: World, field?: string): Explanation => {
  const found = explainRecord(planInputOf(world).input, { type: 'person', key: 'p1' }, field);
  if (!found) throw new Error('nothing to explain');
  return found;
};

it('names values, changes and the rule, and plans every other rule anew', () => {
  const { fields } = explain(changedWorld(), 'phone');
  const [phone] = fields;
  expect(phone?.base).toEqual({ value: 'b' });
  expect(phone?.members.map(({ authority, value, changed }) => [authority, value, changed])).toEqual([
    ['aa', 'c', true],
    ['bb', 'b', false],
    ['cc', 'a', true],
  ]);
  expect(phone?.decided.policy).toEqual({ kind: 'owned', by: 'bb' });
  expect(phone?.decided.outcome.changes.map(({ authority, rule }) => `${authority} ${rule}`)).toEqual([
    'aa owned',
    'cc owned',
  ]);
  const would = Object.fromEntries(
    (phone?.alternatives ?? []).map(({ policy, outcome }) => [
      'by' in policy ? `owned by ${policy.by}` : policy.kind,
      outcome.changes.map(
        ({ authority, change }) => `${authority} ${change.kind === 'value' ? JSON.stringify(change.after) : ''}`,
      ),
    ]),
  );
  expect(would).toEqual({
    threeWay: [],
    'owned by aa': ['bb "c"', 'cc "c"'],
    'owned by cc': ['aa "a"', 'bb "a"'],
    latest: [],
    leastPrivilege: ['aa "a"', 'bb "a"'],
    people: [],
  });
  const threeWay = phone?.alternatives.find(({ policy }) => policy.kind === 'threeWay');
  expect(threeWay?.outcome.asks[0]?.candidates).toHaveLength(3);
});

it('says who cannot be heard, and what waits for them', () => {
  const world = changedWorld();
  world.shape = shapeWithout(world.shape, ['bb']);
  const { members, fields } = explain(world, 'phone');
  expect(members).toContainEqual({ authority: 'bb', state: 'absent' });
  expect(fields[0]?.decided.outcome.changes).toEqual([]);
  expect(fields[0]?.decided.outcome.divergences).toMatchObject([{ kind: 'waitsForMember', because: ['bb'] }]);
});

it('says what another deletion policy would have done where a record is gone', () => {
  const world = agreedUnder({});
  world.clouds['bb']?.delete('person', 'p1');
  const found = explain(world);
  expect(found.decided.outcome.deletes.map(({ authority }) => authority)).toEqual(['aa', 'cc']);
  expect(
    found.alternatives.map(({ policy, outcome }) => [policy.kind, outcome.creates.map(({ rule }) => rule)]),
  ).toEqual([['keep', ['keptByPolicy']]]);
});

it('does not depend on other records, whose plans it leaves out', () => {
  const world = changedWorld();
  const alone = explain(world);
  const p2 = world.clouds['aa']?.records.person;
  p2?.set('p2', { ...p2.get('p2'), name: 'a', phone: 'a' });
  expect(explain(world)).toEqual(alone);
});

it('has nothing to say of a record that differs nowhere', () => {
  expect(explainRecord(planInputOf(agreedUnder({})).input, { type: 'person', key: 'p1' })).toBeUndefined();
});
