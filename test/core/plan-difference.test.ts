/** What whoever refuses a plan says about it: the operation that differs, by id, and no value. */
import { expect, it } from 'vitest';
import { planDifference } from '../../core/plan-difference.js';
import { Plan } from '../../core/plan.js';
import { samples } from '../fuzz/samples.js';

const own = Plan.parse(samples.plan);
const [operation] = own.operations;
if (!operation) throw new Error('the sample has no operation');
const other = { ...operation, id: 'cd'.repeat(32), authority: 'sov', kind: 'delete' as const, key: 'a key' };

it.each<[string, Partial<Plan>, string]>([
  [
    'an invented operation',
    { operations: [operation, other] },
    'operation cdcdcdcdcdcd (delete person at sov) does not follow from them',
  ],
  ['one that is left out', { operations: [] }, 'operation abababababab (update person at aws) is left out'],
  [
    'one that keeps its id and says something else',
    { operations: [{ ...operation, key: 'a key' }] },
    'operation abababababab (update person at aws) does not follow from them, and 1 more differ',
  ],
  [
    'one in the place of another',
    { operations: [other] },
    'operation cdcdcdcdcdcd (delete person at sov) does not follow from them, and 1 more differ',
  ],
  [
    'another conflict',
    { conflicts: [], base: 'ab'.repeat(32) },
    'every operation is the same, and they differ in base, conflicts',
  ],
  ['a member called absent', { absent: [] }, 'every operation is the same, and they differ in absent'],
])('names %s', (_what, change, words) => {
  const said = planDifference(own, { ...own, ...change });
  expect(said).toBe(words);
  expect(said).not.toContain('a key');
});
