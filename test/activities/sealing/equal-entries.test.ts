import fc from 'fast-check';
import { expect, test } from 'vitest';
import { equalEntries } from '../../../activities/sealing/equal-entries.js';

test('entries are equal up to the one that holds the first byte that differs, wherever in it that stands', () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 3 });
  fc.assert(
    fc.property(
      fc.constantFrom(8, 32),
      fc.integer({ min: 1, max: 20 }),
      fc.nat(5),
      fc.nat(5),
      changes,
      (width, size, leftEntry, rightEntry, flips) => {
        const same = Buffer.from(Array.from({ length: width * size }, (_, at) => (at * 31) % 256));
        const left = Buffer.concat([Buffer.alloc(leftEntry * width, 1), same, Buffer.alloc(width, 3)]);
        const right = Buffer.concat([Buffer.alloc(rightEntry * width, 2), same, Buffer.alloc(width, 4)]);
        let expected = size;
        for (const [where, by] of flips) {
          const at = where % same.length;
          right[rightEntry * width + at] = (same[at] ?? 0) ^ by;
        }
        for (let entry = size - 1; entry >= 0; entry -= 1) {
          const [from, other] = [(leftEntry + entry) * width, (rightEntry + entry) * width];
          if (!left.subarray(from, from + width).equals(right.subarray(other, other + width))) expected = entry;
        }
        const words = (bytes: Buffer): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        expect(equalEntries(words(left), leftEntry, words(right), rightEntry, width, size)).toBe(expected);
      },
    ),
    { numRuns: 500 },
  );
});
