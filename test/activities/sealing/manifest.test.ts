import { expect, test } from 'vitest';
import { bucketCountFor, groupsHeldBy, sealedGroups, sealedRoot, SealedType } from '../../../core/sealed.js';
import { CountingStore, groups, seal } from './worlds.js';

test('the root does not depend on the order of types and changes with any digest', async () => {
  const person = await seal(new CountingStore(), 'aws', new Map([['k', { mail: 'm' }]]));
  const team = { ...person, type: 'team' };
  expect(sealedRoot([team, person])).toBe(sealedRoot([person, team]));
  const changed = { ...person, segments: person.segments.map((segment) => ({ ...segment, offsets: segment.keys })) };
  expect(sealedRoot([team, changed])).not.toBe(sealedRoot([team, person]));
});

test('buckets are a power of two of at most 100,000 records, and never more than 4,096', () => {
  expect([0, 1, 100_000, 100_001, 200_000, 200_001, 1_000_000].map((count) => bucketCountFor(count))).toEqual([
    1, 1, 1, 2, 2, 4, 16,
  ]);
  expect(bucketCountFor(1e12)).toBe(4096);
});

test('groups are sealed in one order, whatever order they came in', () => {
  expect(sealedGroups(groups.toReversed())).toEqual(sealedGroups(groups));
  expect(groupsHeldBy(groups, 'openstack').map(({ id }) => id)).toEqual(['aws+entra+openstack']);
});

test('a manifest that does not add up is refused', async () => {
  const rows = new Map(Array.from({ length: 30 }, (_, index) => [`k${index}`, { mail: 'm' }]));
  const sealed = await seal(new CountingStore(), 'aws', rows, { recordsPerSegmentMax: 10 });
  expect(SealedType.safeParse(sealed).success).toBe(true);
  const [first] = sealed.segments;
  if (!first) throw new Error('the seal has no segment');
  const faulty: readonly { readonly reason: string; readonly sealed: object }[] = [
    { reason: 'another count', sealed: { ...sealed, count: 29 } },
    { reason: 'no power of two', sealed: { ...sealed, bucketCount: 3 } },
    { reason: 'segments out of order', sealed: { ...sealed, segments: sealed.segments.toReversed() } },
    { reason: 'a bucket beyond the last', sealed: { ...sealed, bucketCount: 2 } },
    { reason: 'a missing column', sealed: { ...sealed, segments: [{ ...first, groups: [] }], count: first.count } },
    { reason: 'a group twice', sealed: { ...sealed, groups: sealed.groups.map(() => sealed.groups[0]) } },
    {
      reason: 'a field in two groups',
      sealed: { ...sealed, groups: sealed.groups.map((g) => ({ ...g, fields: ['mail'] })) },
    },
    { reason: 'an unknown property', sealed: { ...sealed, more: 1 } },
    { reason: 'another format', sealed: { ...sealed, format: 2 } },
    { reason: 'no groups', sealed: { ...sealed, groups: [], segments: [], count: 0 } },
  ];
  for (const { reason, sealed: one } of faulty) expect(SealedType.safeParse(one).success, reason).toBe(false);
});
