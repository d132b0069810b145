import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RecordLayout } from '../../../activities/sealing/record-layout.js';
import { createSealer } from '../../../activities/sealing/sealer.js';
import { createSegmentReader } from '../../../activities/sealing/segment-reader.js';
import { readAll, readOne, verifySealed } from '../../../activities/sealing/read-records.js';
import { xxh64 } from '../../../activities/sealing/key-hash.js';
import { canonicalJson } from '../../../core/digest.js';
import { byCodeUnit, type Json } from '../../../core/json.js';
import { groupText } from '../../../core/record-digest.js';
import { fieldsOf, type Fields } from '../../../core/record.js';
import { SealedType, sealedGroups } from '../../../core/sealed.js';
import { anyFields, base, collected, CountingStore, groups, prefixes, sameObjects, seal, weakHash } from './worlds.js';

const anyRows = fc
  .uniqueArray(fc.tuple(fc.string({ minLength: 1, maxLength: 8 }), anyFields), {
    maxLength: 80,
    selector: ([key]) => key,
  })
  .map((rows) => new Map<string, Fields>(rows));

let spillFolder = '';
beforeAll(async () => {
  spillFolder = await mkdtemp(join(tmpdir(), 'concordat-spill-'));
});
afterAll(async () => {
  await rm(spillFolder, { recursive: true, force: true });
});

describe('a seal', () => {
  test('depends on the records alone: not on their order, nor on whether memory sufficed, nor on what was expected', async () => {
    await fc.assert(
      fc.asyncProperty(anyRows, fc.constantFrom(1, 7, 100_000), fc.boolean(), async (rows, perSegment, weak) => {
        const hashKey = weak ? weakHash : xxh64;
        const plain = new CountingStore();
        const spilled = new CountingStore();
        const common = { hashKey, recordsPerSegmentMax: perSegment };
        const first = await seal(plain, base, rows, common);
        const second = await seal(spilled, base, new Map([...rows].reverse()), {
          ...common,
          memoryBytesMax: 0,
          spillFolder,
          expectedCount: 50_000_000,
        });
        expect(second).toEqual(first);
        expect(sameObjects(spilled, plain)).toBe(true);
        expect(SealedType.parse(first)).toEqual(first);
      }),
      { numRuns: 60 },
    );
    expect(await readdir(spillFolder)).toEqual([]);
  });

  test('is read back whole, in order of hash and key, and one by one', async () => {
    await fc.assert(
      fc.asyncProperty(anyRows, fc.constantFrom(1, 7, 100_000), fc.boolean(), async (rows, perSegment, weak) => {
        const hashKey = weak ? weakHash : xxh64;
        const store = new CountingStore();
        const sealed = await seal(store, base, rows, { hashKey, recordsPerSegmentMax: perSegment });
        const reader = createSegmentReader({ store, prefixes, hashKey });
        const ordered = [...rows].sort(([a], [b]) =>
          hashKey(a) < hashKey(b) ? -1 : hashKey(a) > hashKey(b) ? 1 : byCodeUnit(a, b),
        );
        const records = ordered.map(([key, fields]) => ({ type: 'person', key, fields }));
        expect(await collected(readAll(sealed, reader))).toEqual(records);
        for (const record of records) expect(await readOne(sealed, record.key, reader)).toEqual(record);
        expect(await readOne(sealed, 'a key that nobody has', reader)).toBeUndefined();
        await verifySealed(sealed, reader);
      }),
      { numRuns: 60 },
    );
  });

  test('spills thousands of records of all sizes to a file and seals them as memory would', async () => {
    const rows = new Map<string, Fields>(
      Array.from({ length: 3000 }, (_, index) => [
        `key-${index}`,
        { mail: 'm'.repeat(index % 1000 === 0 ? 300_000 : index % 500), phone: 'ü€😀'.repeat(index % 7) },
      ]),
    );
    const plain = new CountingStore();
    const spilled = new CountingStore();
    const first = await seal(plain, base, rows, { recordsPerSegmentMax: 500, memoryBytesMax: 1e9 });
    const second = await seal(spilled, base, rows, { recordsPerSegmentMax: 500, memoryBytesMax: 200_000, spillFolder });
    expect(second).toEqual(first);
    expect(first.bucketCount).toBe(8);
    expect(sameObjects(spilled, plain)).toBe(true);
  });

  test('is the same where values come in the order of their names instead of records', async () => {
    const names = ['mail', 'path', 'phone', 'team'];
    const several = groups;
    const one = [{ id: 'all', fields: names, members: ['aws'] }];
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.string({ maxLength: 40 }));
    const value = fc.oneof(
      { weight: 3, arbitrary: text },
      fc.array(text, { maxLength: 3 }),
      fc.constantFrom<Json>(null, true, false, 7, 1e21, { deep: ['x'] }, [1], '\u007f\u0001"\\', 'm'.repeat(12_000)),
    );
    const rows = fc.uniqueArray(
      fc.tuple(text, fc.tuple(...names.map(() => fc.option(value, { nil: undefined, freq: 6 })))),
      { maxLength: 40, selector: ([key]) => key },
    );
    let kept = 0;
    await fc.assert(
      fc.asyncProperty(rows, fc.boolean(), fc.boolean(), async (all, isOne, spills) => {
        const common = {
          prefix: 'aws',
          type: 'person',
          groups: isOne ? one : several,
          expectedCount: 10,
          recordsPerSegmentMax: 4,
          ...(spills ? { memoryBytesMax: 0, spillFolder } : {}),
        };
        const [left, right] = [new CountingStore(), new CountingStore()];
        const plain = createSealer({ ...common, store: left });
        const straight = createSealer({ ...common, store: right });
        const add = straight.adder(names);
        for (const [key, values] of all) {
          plain.add({ type: 'person', key, fields: fieldsOf(names, values) });
          add(key, values);
          kept += 1;
        }
        expect(await straight.finish()).toEqual(await plain.finish());
        expect(sameObjects(left, right)).toBe(true);
      }),
      { numRuns: 150 },
    );
    expect(kept).toBeGreaterThan(500);
  });

  test('refuses values as it refuses records, and keeps nothing of them', async () => {
    const sealer = createSealer({
      store: new CountingStore(),
      prefix: 'aws',
      type: 'person',
      groups,
      expectedCount: 1,
    });
    const add = sealer.adder(['mail', 'path']);
    for (const [key, values] of [
      ['\ud800', ['m', 'p']],
      ['k', ['m', '\udc00']],
      ['k', [['\udc00'], null]],
      ['k', [Number.NaN, null]],
    ] as const)
      expect(() => add(key, values as readonly Json[])).toThrow();
    expect(() => sealer.adder(['other'])('k', ['x'])).toThrow();
    add('k', ['m', 'p']);
    expect((await sealer.finish()).count).toBe(1);
    expect(() => add('l', ['m', 'p'])).toThrow('ended');
  });

  test('of an empty set has no segment', async () => {
    const sealed = await seal(new CountingStore(), base, new Map());
    expect(sealed).toMatchObject({ count: 0, bucketCount: 1, segments: [] });
  });
});

describe('a sealer refuses', () => {
  const open = () =>
    createSealer({ store: new CountingStore(), prefix: 'aws', type: 'person', groups, expectedCount: 1 });

  test('a key that came twice, naming type and count but not the key', async () => {
    const sealer = open();
    for (const key of ['secret-key', 'other', 'secret-key', 'secret-key'])
      sealer.add({ type: 'person', key, fields: { mail: key } });
    const failure = await sealer.finish().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'keyRepeated', message: expect.stringMatching(/^2 of 4 .*person/) });
    expect(String(failure)).not.toContain('secret-key');
  });

  test.each([
    { reason: 'a field of no group', record: { type: 'person', key: 'k', fields: { other: 1 } } },
    { reason: 'another type', record: { type: 'team', key: 'k', fields: {} } },
    { reason: 'a number that is not JSON', record: { type: 'person', key: 'k', fields: { mail: Number.NaN } } },
    { reason: 'a lone surrogate in a key', record: { type: 'person', key: '\ud800', fields: {} } },
    { reason: 'a lone surrogate in a set', record: { type: 'person', key: 'k', fields: { team: ['\udc00'] } } },
  ])('$reason', ({ record }) => {
    expect(() => open().add(record)).toThrow();
  });

  test('records after it has finished, and a holder that holds no field', async () => {
    const sealer = open();
    await sealer.finish();
    expect(() => sealer.add({ type: 'person', key: 'k', fields: {} })).toThrow('ended');
    expect(() =>
      createSealer({ store: new CountingStore(), prefix: 'aws', type: 'person', groups: [], expectedCount: 1 }),
    ).toThrow('no fields');
  });
});

test('a record is written and hashed as canonicalJson and groupText would', () => {
  const layouts = [
    new RecordLayout(sealedGroups(groups)),
    new RecordLayout([{ id: 'all', fields: groups.flatMap((group) => group.fields).sort(), members: ['left'] }]),
  ];
  const anyOrder = fc.constantFrom<(names: string[]) => string[]>(
    (names) => names,
    (names) => names.sort(),
    (names) => names.sort().reverse(),
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), anyFields, fc.boolean(), anyOrder, (anyKey, some, odd, inOrder) => {
      const key = odd ? `\\ud800${anyKey}` : anyKey;
      const fields = Object.fromEntries(inOrder(Object.keys(some)).map((name) => [name, some[name] ?? null]));
      let expected: string | undefined;
      try {
        expected = canonicalJson({ key, fields });
      } catch {
        for (const layout of layouts) expect(() => layout.texts(key, fields)).toThrow();
      }
      if (expected === undefined) return;
      for (const layout of layouts) {
        const texts = layout.texts(key, fields);
        expect(texts?.whole).toBe(expected);
        expect(texts?.groups).toEqual(layout.groups.map((group) => groupText(key, fields, group.fields)));
      }
    }),
    { numRuns: 500 },
  );
});

test('a temporary file is begun with the first records where not all will fit, and else once there is no room', () => {
  const begun = (expectedCount: number, records: number): boolean => {
    const folder = join(spillFolder, `begun-${expectedCount}-${records}`);
    const sealer = createSealer({
      store: new CountingStore(),
      prefix: 'aws',
      type: 'person',
      groups,
      expectedCount,
      memoryBytesMax: 5_000_000,
      spillFolder: folder,
    });
    for (let index = 0; index < records; index += 1)
      sealer.add({ type: 'person', key: `key-${index}`, fields: { mail: 'm'.repeat(300) } });
    sealer.discard();
    return existsSync(folder);
  };
  expect(begun(100_000, 1_000)).toBe(true);
  expect(begun(100_000, 999)).toBe(false);
  expect(begun(1_000, 2_000)).toBe(false);
  expect(begun(1_000, 20_000)).toBe(true);
});
