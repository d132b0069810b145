/** What a full read is held against in slices, because digests of all of it would not have room. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { slicesOf } from '../../../activities/authority/increments/native-proof.js';

it('every id is in one slice, and no slice has much more than its share', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { maxLength: 50 }), fc.integer({ min: 1, max: 60 }), (ids, inPass) => {
      const slices = slicesOf(ids.length, inPass);
      expect(slices.length).toBe(Math.max(1, Math.ceil(ids.length / inPass)));
      for (const id of ids) expect(slices.filter((isIn) => isIn(id)).length).toBe(1);
    }),
  );
  const ids = Array.from({ length: 10_000 }, (_, index) => `person-${index}`);
  for (const isIn of slicesOf(ids.length, 1_000)) expect(ids.filter(isIn).length).toBeLessThan(1_200);
});
