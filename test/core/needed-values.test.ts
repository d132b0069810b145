/** Whose clear values a plan needs: exactly those that it would write, from one who holds them, to who would write them. */
import { expect, test } from 'vitest';
import { neededValues } from '../../core/needed-values.js';
import { makeOperation, type Operation } from '../../core/operation.js';
import type { Json } from '../../core/json.js';
import type { Conflict } from '../../core/plan.js';

const sealed = (digit: string) => ({ hmac: digit.repeat(64), key: 'c'.repeat(32) });

function update(authority: string, before: Json, after: Json): Operation {
  return makeOperation({
    authority,
    type: 'person',
    key: 'p1',
    kind: 'update',
    changes: [{ kind: 'value', field: 'phone', before, after }],
    rule: 'changedOnOneSide',
    because: ['azure'],
    current: { phone: before },
  });
}

const views = {
  person: [
    {
      key: 'p1',
      members: { aws: { phone: sealed('a') }, azure: { phone: sealed('b') }, sov: { phone: sealed('b') } },
      base: { phone: sealed('a') },
    },
  ],
};

test('a value comes from the first member that holds it, and goes to who would write it alone', () => {
  const plan = { operations: [update('aws', sealed('a'), sealed('b'))], conflicts: [] };
  expect(neededValues(plan, views)).toEqual([
    { from: 'azure', to: 'aws', type: 'person', key: 'p1', field: 'phone', sealed: sealed('b') },
  ]);
});

test('nothing is needed for clear values, for emptying a field, and for a deletion', () => {
  const deletion: Operation = { ...update('aws', sealed('a'), sealed('b')), kind: 'delete' };
  const operations = [update('aws', 'x', 'y'), update('aws', sealed('a'), null), deletion];
  expect(neededValues({ operations, conflicts: [] }, views)).toEqual([]);
});

test('a value that nobody shows any more is needed from nobody', () => {
  expect(neededValues({ operations: [update('aws', sealed('a'), sealed('d'))], conflicts: [] }, views)).toEqual([]);
});

test('what a choice would release counts, each value for each receiver once', () => {
  const candidate = (after: Json, to: readonly string[]): Conflict['candidates'][number] => ({
    digest: 'e'.repeat(64),
    kind: 'value',
    value: after,
    heldBy: [],
    operations: to.map((authority) => update(authority, sealed('a'), after)),
  });
  const conflict: Conflict = {
    id: 'f'.repeat(64),
    type: 'person',
    key: 'p1',
    field: 'phone',
    candidates: [candidate(sealed('a'), ['azure', 'sov']), candidate(sealed('b'), ['aws'])],
  };
  const needed = neededValues({ operations: [update('aws', sealed('a'), sealed('b'))], conflicts: [conflict] }, views);
  expect(needed.map(({ from, to }) => `${from} to ${to}`)).toEqual(['azure to aws', 'aws to azure', 'aws to sov']);
});
