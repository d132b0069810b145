/** How a compare is parted: by counts alone, bounded, and every bucket once. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareGroupCount, groupsMax, rangesOfGroup, recordsPerGroupUsually } from '../../core/compare-groups.js';

test.each([
  { records: 0, groups: 1 },
  { records: 30_000, groups: 1 },
  { records: 2_000_000, groups: 1 },
  { records: 2_000_001, groups: 2 },
  { records: 3_000_000, groups: 2 },
  { records: 15_000_000, groups: 8 },
  { records: 30_000_000, groups: 16 },
  { records: 3_000_000_000, groups: 16 },
])('$records records are $groups groups', ({ records, groups }) => {
  expect(compareGroupCount(records, recordsPerGroupUsually)).toBe(groups);
});

test('the groups take each range once, in order, whatever the counts', () => {
  fc.assert(
    fc.property(fc.nat(13), fc.nat(4), (rangeBits, groupBits) => {
      const [ranges, groups] = [2 ** rangeBits, 2 ** groupBits];
      expect(groups).toBeLessThanOrEqual(groupsMax);
      const parts = Array.from({ length: groups }, (_, group) => rangesOfGroup(ranges, group, groups));
      expect(parts.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, at) => from + at))).toEqual(
        Array.from({ length: ranges }, (_, at) => at),
      );
    }),
  );
});
