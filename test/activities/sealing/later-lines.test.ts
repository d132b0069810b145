/** A base after a few changes names the large object of before, and says the same as one that was made anew. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { xxh64 } from '../../../activities/sealing/key-hash.js';
import { readAll, readMany, verifySealed } from '../../../activities/sealing/read-records.js';
import { resealChanged } from '../../../activities/sealing/reseal-changed.js';
import { createSegmentReader } from '../../../activities/sealing/segment-reader.js';
import { walkDiffering } from '../../../activities/sealing/walk-differing.js';
import type { Fields } from '../../../core/record.js';
import { bodiesOf, SealedType, WholeSeal } from '../../../core/sealed.js';
import { propertyRuns } from '../../support/property-runs.js';
import { anyFields, base, collected, CountingStore, groups, prefixes, seal, weakHash, type Rows } from './worlds.js';

const many: Rows = new Map(
  Array.from({ length: 300 }, (_, index) => [`key-${index}`, { mail: `mail of ${index}`, path: 'somewhere' }]),
);
const readerOf = (store: CountingStore, hashKey = xxh64) => createSegmentReader({ store, prefixes, hashKey });

async function changed(
  store: CountingStore,
  previous: SealedType,
  changes: ReadonlyMap<string, Fields | null>,
  options: { readonly prefix?: string; readonly recordsPerSegmentMax?: number; readonly hashKey?: typeof xxh64 } = {},
): Promise<SealedType> {
  const { prefix = 'aws', hashKey = xxh64, ...others } = options;
  const reader = readerOf(store, hashKey);
  const found = await resealChanged({
    previous,
    changes,
    groups,
    reader,
    store,
    prefix,
    apartFromBytes: 1,
    ...others,
  });
  if (!found) throw new Error('the number of buckets changed');
  return SealedType.parse(found);
}

const withoutBodies = ({ segments, ...sealed }: SealedType): object => ({
  ...sealed,
  format: 1,
  segments: segments.map(({ body: _body, later: _later, ...segment }) => segment),
});

test('after any changes, again and again, index and records are those of a seal made anew', async () => {
  const counted = { apart: 0, whole: 0 };
  const key = fc.integer({ min: 0, max: 330 }).map((number) => `key-${number}`);
  const edits = fc.array(fc.tuple(key, fc.option(anyFields, { nil: null, freq: 12 })), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(fc.array(edits, { maxLength: 4 }), fc.boolean(), async (rounds, weak) => {
      const hashKey = weak ? weakHash : xxh64;
      const options = { hashKey, recordsPerSegmentMax: 200 };
      const store = new CountingStore();
      const rows = new Map(many);
      let sealed = await seal(store, base, rows, options);
      for (const changes of rounds) {
        sealed = await changed(store, sealed, new Map(changes), options);
        for (const [edited, fields] of changes)
          if (fields === null) rows.delete(edited);
          else rows.set(edited, fields);
      }
      for (const { later } of sealed.segments) counted[later ? 'apart' : 'whole'] += 1;
      const anew = await seal(new CountingStore(), base, rows, options);
      expect(withoutBodies(sealed)).toEqual(withoutBodies(anew));
      const reader = readerOf(store, hashKey);
      const records = await collected(readAll(sealed, reader));
      expect(new Map(records.map((record) => [record.key, record.fields]))).toEqual(rows);
      await verifySealed(sealed, reader);
      // Back in one object each, it is the seal made anew to the last byte.
      const others: Rows = new Map([...rows].map(([one, fields]) => [one, { ...fields, mail: 'other' }]));
      const back = await resealChanged({
        previous: sealed,
        changes: others,
        groups,
        reader,
        store,
        prefix: 'aws',
        recordsPerSegmentMax: 200,
      });
      expect(back).toEqual(await seal(new CountingStore(), base, others, options));
    }),
    propertyRuns(20),
  );
  expect(counted.apart).toBeGreaterThan(5);
  expect(counted.whole).toBeGreaterThan(5);
}, 300_000);

describe('one changed record', () => {
  const change = new Map<string, Fields | null>([['key-7', { mail: 'new' }]]);

  test('reads no more of the large object than its own line, and writes none of it', async () => {
    const store = new CountingStore();
    const previous = await seal(store, base, many);
    const before = new Set(store.objects.keys());
    store.pieceBytesRead = 0;
    const [segment] = (await changed(store, previous, change)).segments;
    expect(segment?.body).toBe(previous.segments[0]?.body);
    expect(segment?.later).toMatchObject({ earlierBytes: previous.segments[0]?.bodyBytes, placesCount: 3 });
    expect(store.pieceBytesRead).toBeLessThan(100);
    expect(store.read.filter((name) => name.endsWith(segment?.body ?? ''))).toHaveLength(1);
    const written = [...store.objects].filter(([name]) => !before.has(name));
    const columns = segment ? [segment.keys, segment.offsets, ...segment.groups] : [];
    const others = written.filter(([name]) => !columns.some((column) => name.endsWith(column)));
    expect(others.map(([, bytes]) => bytes.length).reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(100);
  });

  test('differs from the base before in that record, and in none from a base that says it in one object', async () => {
    const store = new CountingStore();
    const previous = await seal(store, base, many);
    const now = await changed(store, previous, change);
    const anew = await seal(store, 'aws', new Map<string, Fields>([...many, ['key-7', { mail: 'new' }]]));
    const differing = async (other: SealedType): Promise<readonly string[]> =>
      (
        await collected(
          walkDiffering({
            groups,
            reader: readerOf(store),
            participants: [
              { id: base, sealed: now },
              { id: 'aws', sealed: other },
            ],
          }),
        )
      ).map(({ key }) => key);
    expect(await differing({ ...previous })).toEqual(['key-7']);
    store.read.length = 0;
    expect(await differing(anew)).toEqual([]);
    expect(store.read).toEqual([]);
  });

  test('gives the same base whoever makes it, from the same base before', async () => {
    const store = new CountingStore();
    const previous = await seal(store, base, many);
    expect(await changed(store, previous, change, { prefix: 'entra' })).toEqual(await changed(store, previous, change));
  });

  test('and many more, one after another, are written into one object again', async () => {
    const store = new CountingStore();
    let sealed = await seal(store, base, many);
    const formats: number[] = [];
    for (let at = 0; at < 30; at += 1) {
      sealed = await changed(store, sealed, new Map([[`key-${at}`, { mail: 'new', path: 'somewhere' }]]));
      formats.push(sealed.format);
    }
    // Of 300 lines of much the same length, a sixteenth.
    expect(formats.indexOf(1)).toBeGreaterThan(15);
    expect(formats.indexOf(1)).toBeLessThan(25);
    expect(formats.at(-1)).toBe(2);
  });

  test('that goes leaves its line in no object that the base names', async () => {
    const store = new CountingStore();
    const first = await changed(store, await seal(store, base, many), change);
    const second = await changed(store, first, new Map([['key-9', { mail: 'mail of erased' }]]));
    const gone = await changed(store, second, new Map([['key-9', null]]));
    const bytes = gone.segments
      .flatMap(bodiesOf)
      .map((body) => Buffer.from(store.objects.get(`aws/segments/${body}`) ?? []));
    expect(bytes.length).toBeGreaterThan(0);
    expect(bytes.some((one) => one.length === 0 || one.includes('key-9"'))).toBe(false);
  });

  test('is no snapshot of a member: what lies apart a base alone may seal', async () => {
    const store = new CountingStore();
    const now = await changed(store, await seal(store, base, many), change);
    expect(WholeSeal.safeParse(now).success).toBe(false);
    expect(SealedType.safeParse({ ...now, format: 1 }).success).toBe(false);
    expect(WholeSeal.safeParse(await seal(store, base, many)).success).toBe(true);
  });
});

describe('whoever spoils an object', () => {
  const spoil = (store: CountingStore, name: string): void => {
    const bytes = Buffer.from(store.objects.get(name) ?? []);
    for (let at = 0; at < bytes.length; at += 1) bytes[at] = (bytes[at] ?? 0) ^ 1;
    store.objects.set(name, bytes);
  };
  const spread = new Map<string, Fields | null>([
    ['key-7', { mail: 'new' }],
    ['key-8', { mail: 'newer' }],
  ]);
  const asked = ['key-7', 'key-200'];

  async function spoiltWorld(prefixesOfSpoilt: readonly string[], which: 'body' | 'later' | 'places') {
    const store = new CountingStore();
    const now = await changed(store, await seal(store, base, many), spread, { prefix: 'entra' });
    const [segment] = now.segments;
    const digest = { body: segment?.body, later: segment?.later?.body, places: segment?.later?.places }[which] ?? '';
    const good = [...store.objects].find(([name]) => name.endsWith(digest))?.[1];
    for (const prefix of prefixes) {
      const name = `${prefix}/segments/${digest}`;
      if (good) store.objects.set(name, good);
      if (prefixesOfSpoilt.includes(prefix)) spoil(store, name);
    }
    return { store, now };
  }

  test.each(['body', 'later', 'places'] as const)('under one prefix, the other one is read (%s)', async (which) => {
    const { store, now } = await spoiltWorld(['aws'], which);
    const found = await collected(readMany(now, asked, readerOf(store)));
    expect(new Set(found.map(({ fields }) => fields['mail']))).toEqual(new Set(['mail of 200', 'new']));
  });

  test.each(['body', 'later', 'places'] as const)('everywhere, nothing is read of it (%s)', async (which) => {
    const { store, now } = await spoiltWorld(prefixes, which);
    await expect(collected(readMany(now, asked, readerOf(store)))).rejects.toMatchObject({ code: 'inputNotAuthentic' });
    await expect(verifySealed(now, readerOf(store))).rejects.toMatchObject({ code: 'inputNotAuthentic' });
  });

  test('and signs places that lead elsewhere is refused', async () => {
    const store = new CountingStore();
    const now = await changed(store, await seal(store, base, many), spread);
    const [segment] = now.segments;
    if (!segment?.later) throw new Error('no lines lie apart');
    const later = segment.later;
    const honest = Buffer.from(store.objects.get(`aws/segments/${later.places}`) ?? []);
    let refused = 0;
    for (let at = 0; at < honest.length; at += 4)
      for (const by of [-300, -1, 1, 300, 2 ** 31]) {
        const forged = Buffer.from(honest);
        forged.writeUInt32BE((forged.readUInt32BE(at) + by) >>> 0, at);
        const places = createHash('sha256').update(forged).digest('hex');
        store.objects.set(`aws/segments/${places}`, forged);
        const sealed = { ...now, segments: [{ ...segment, later: { ...later, places } }] };
        const read = collected(readAll(sealed, readerOf(store))).then(
          (records) => records.map(({ key, fields }) => `${key} ${JSON.stringify(fields)}`).join(),
          (error: unknown) => (error as { readonly code?: string }).code,
        );
        const found = await read;
        if (found === 'inputNotAuthentic') refused += 1;
        // A stretch that is empty may begin anywhere.
        else
          expect(found).toBe(
            (await collected(readAll(now, readerOf(store))))
              .map(({ key, fields }) => `${key} ${JSON.stringify(fields)}`)
              .join(),
          );
      }
    expect(refused).toBeGreaterThan(15);
  });
});
