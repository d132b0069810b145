import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DigestList } from '../../core/digest-list.js';
import { digestOf } from '../../core/digest.js';

// Some begin alike, so that what is found by its beginning is held to all of it.
const digests = fc.oneof(
  fc.nat(50).map((number) => digestOf({ number })),
  fc.nat(50).map((number) => `00000000${digestOf({ number }).slice(8)}`),
);

it('holds digests as they came, finds each of them, and no other', () => {
  fc.assert(
    fc.property(fc.array(digests, { maxLength: 40 }), digests, (given, other) => {
      const list = DigestList.of(given);
      expect([...list]).toEqual(given);
      expect(list).toHaveLength(given.length);
      for (const digest of given) expect(list.at(list.placeOf(digest))).toBe(digest);
      expect(list.has(other)).toBe(given.includes(other));
      expect([...list.sorted()]).toEqual([...given].sort());
      expect(Array.from(list.slice(3, 8))).toEqual(given.slice(3, 8));
    }),
    { numRuns: 40 },
  );
});
