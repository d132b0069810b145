import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../../core/digest.js';
import type { Json } from '../../../core/json.js';
import { sameJson } from '../../../core/lens/same-json.js';

test.each<[Json | undefined, Json | undefined]>([
  [{ a: 1 }, { a: 1, b: 2 }],
  [{ a: 1, b: 2 }, { a: 1 }],
  [{ a: 1 }, { b: 1 }],
  [{}, []],
  [[1], [1, 2]],
  [
    ['a', 'b'],
    ['b', 'a'],
  ],
  [null, undefined],
  [null, {}],
  ['1', 1],
  [{}, { toString: 'x' }],
])('%j and %j differ', (left, right) => {
  expect(sameJson(left, right)).toBe(false);
  expect(sameJson(right, left)).toBe(false);
});

test('says the same as canonical JSON', () => {
  const small = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>;
  fc.assert(
    fc.property(small, small, (left, right) => {
      expect(sameJson(left, right)).toBe(canonicalJson(left) === canonicalJson(right));
      expect(sameJson(left, structuredClone(left))).toBe(true);
    }),
  );
});
