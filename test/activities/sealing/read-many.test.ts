/** Reading some records of a seal by their keys: exactly those that are there, whatever hashes they have. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readMany, readOne } from '../../../activities/sealing/read-records.js';
import { createSegmentReader } from '../../../activities/sealing/segment-reader.js';
import { xxh64 } from '../../../activities/sealing/key-hash.js';
import type { Fields } from '../../../core/record.js';
import { anyFields, base, collected, CountingStore, prefixes, seal, weakHash } from './worlds.js';

const key = fc.integer({ min: 0, max: 80 }).map((number) => `key-${number}`);

test('the records of some keys are those that are there, each once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(key, anyFields), { maxLength: 60 }),
      fc.array(key, { maxLength: 40 }),
      fc.constantFrom(4, 100_000),
      fc.boolean(),
      async (rows, wanted, recordsPerSegmentMax, weak) => {
        const hashKey = weak ? weakHash : xxh64;
        const all = new Map<string, Fields>(rows);
        const store = new CountingStore();
        const sealed = await seal(store, base, all, { hashKey, recordsPerSegmentMax });
        const reader = createSegmentReader({ store, prefixes, hashKey });
        const found = await collected(readMany(sealed, wanted, reader));
        const expected = [...new Set(wanted)].filter((one) => all.has(one));
        expect(found.map((record) => record.key).sort()).toEqual(expected.sort());
        for (const { key: one, fields } of found) expect(fields).toEqual(all.get(one));
        for (const one of wanted) expect((await readOne(sealed, one, reader))?.fields).toEqual(all.get(one));
      },
    ),
    { numRuns: 60 },
  );
});

test('columns of a segment are read once, however many of its records are asked for', async () => {
  const rows = new Map<string, Fields>(Array.from({ length: 300 }, (_, at) => [`key-${at}`, { mail: `m${at}` }]));
  const store = new CountingStore();
  const sealed = await seal(store, base, rows);
  store.read.length = 0;
  const reader = createSegmentReader({ store, prefixes, cacheBytesMax: 0 });
  expect(await collected(readMany(sealed, [...rows.keys()].slice(0, 50), reader))).toHaveLength(50);
  const [segment] = sealed.segments;
  expect(store.read.filter((name) => name.endsWith(segment?.keys ?? ''))).toHaveLength(1);
});
