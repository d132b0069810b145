import fc from 'fast-check';
import { expect, test } from 'vitest';
import { resealChanged } from '../../../activities/sealing/reseal-changed.js';
import { createSegmentReader } from '../../../activities/sealing/segment-reader.js';
import { xxh64 } from '../../../activities/sealing/key-hash.js';
import type { Fields } from '../../../core/record.js';
import { bucketCountFor } from '../../../core/sealed.js';
import { runsOf } from '../../support/property-runs.js';
import { anyFields, base, CountingStore, groups, prefixes, seal, weakHash } from './worlds.js';

const key = fc.integer({ min: 0, max: 60 }).map((number) => `key-${number}`);

test('changing a seal gives what sealing the changed records gives, or nothing where the buckets would be others', async () => {
  let given = 0;
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(key, anyFields), { maxLength: 60 }),
      fc.array(fc.tuple(key, fc.option(anyFields, { nil: null })), { maxLength: 10 }),
      fc.constantFrom(4, 30, 100_000),
      fc.boolean(),
      async (rows, edits, recordsPerSegmentMax, weak) => {
        const hashKey = weak ? weakHash : xxh64;
        const before = new Map<string, Fields>(rows);
        const changes = new Map<string, Fields | null>(edits);
        const after = new Map(before);
        for (const [changed, fields] of changes) {
          if (fields === null) after.delete(changed);
          else after.set(changed, fields);
        }
        const store = new CountingStore();
        const previous = await seal(store, base, before, { hashKey, recordsPerSegmentMax });
        const reader = createSegmentReader({ store, prefixes, hashKey });
        const found = await resealChanged({
          previous,
          changes,
          groups,
          reader,
          store,
          prefix: 'aws',
          recordsPerSegmentMax,
        });
        if (found === null) {
          refused += 1;
          expect(bucketCountFor(after.size, recordsPerSegmentMax)).not.toBe(previous.bucketCount);
        } else {
          given += 1;
          expect(found).toEqual(await seal(new CountingStore(), base, after, { hashKey, recordsPerSegmentMax }));
        }
      },
    ),
    runsOf('CONCORDAT_RESEAL_CASES', 150),
  );
  expect(given).toBeGreaterThan(20);
  expect(refused).toBeGreaterThan(0);
}, 300_000);

test('one changed record reads and writes one segment', async () => {
  const rows = new Map<string, Fields>(
    Array.from({ length: 160 }, (_, index) => [`key-${index}`, { mail: `mail of ${index}` }]),
  );
  const store = new CountingStore();
  const previous = await seal(store, base, rows, { recordsPerSegmentMax: 20 });
  const before = store.objects.size;
  const found = await resealChanged({
    previous,
    changes: new Map([['key-7', { mail: 'new' }]]),
    groups,
    reader: createSegmentReader({ store, prefixes }),
    store,
    prefix: 'aws',
    recordsPerSegmentMax: 20,
  });
  expect(found?.segments.filter((segment, index) => segment !== previous.segments[index])).toHaveLength(1);
  // Body, one group and perhaps offsets; keys and the other groups are the same columns, put under the own prefix.
  expect(store.objects.size - before).toBeLessThanOrEqual(3 + groups.length);
  const [changed] = previous.segments.filter((segment) => !found?.segments.includes(segment));
  const own = [changed?.body, changed?.keys, changed?.offsets, ...(changed?.groups ?? [])];
  expect(store.read.filter((name) => !own.includes(name.split('/').at(-1)))).toEqual([]);
});

test('a seal under other groups is not changed but made anew', async () => {
  const store = new CountingStore();
  const previous = await seal(store, base, new Map([['k', { mail: 'm' }]]));
  const reader = createSegmentReader({ store, prefixes });
  const others = groups.slice(0, 2);
  expect(
    await resealChanged({ previous, changes: new Map(), groups: others, reader, store, prefix: 'aws' }),
  ).toBeNull();
});

test('what was sealed and is no longer what its name says is not carried into a new seal', async () => {
  const rows = new Map<string, Fields>(
    Array.from({ length: 40 }, (_, index) => [`key-${index}`, { mail: `mail of ${index}` }]),
  );
  const store = new CountingStore();
  const previous = await seal(store, base, rows);
  const [segment] = previous.segments;
  const name = `federation/segments/${segment?.body ?? ''}`;
  const bytes = Buffer.from(store.objects.get(name) ?? []);
  // A line that nothing touches, in place and of the same length.
  const at = bytes.indexOf('mail of 17');
  bytes.write('mail of 71', at);
  store.objects.set(name, bytes);
  const objects = store.objects.size;
  const changed = resealChanged({
    previous,
    changes: new Map([['key-3', { mail: 'new' }]]),
    groups,
    reader: createSegmentReader({ store, prefixes }),
    store,
    prefix: 'aws',
  });
  await expect(changed).rejects.toMatchObject({ code: 'inputNotAuthentic' });
  expect(store.objects.size).toBe(objects);
});

test('changes that change nothing read no body and leave every segment where it lies', async () => {
  const rows = new Map<string, Fields>(
    Array.from({ length: 40 }, (_, index) => [`key-${index}`, { mail: `mail of ${index}` }]),
  );
  const store = new CountingStore();
  const previous = await seal(store, base, rows);
  store.read.length = 0;
  const found = await resealChanged({
    previous,
    changes: new Map<string, Fields | null>([
      ['key-3', { mail: 'mail of 3' }],
      ['nobody', null],
    ]),
    groups,
    reader: createSegmentReader({ store, prefixes }),
    store,
    prefix: 'aws',
  });
  expect(found).toEqual(previous);
  const bodies = previous.segments.map(({ body }) => `federation/segments/${body}`);
  expect(store.read.filter((name) => bodies.includes(name))).toEqual([]);
  expect([...store.objects.keys()].filter((name) => name.startsWith('aws/'))).toEqual([]);
});
