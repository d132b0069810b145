/**
 * Whoever can write to the exchange store, and whoever signs a manifest over a forged seal, must not be able to hide a
 * divergence or to show two readers two things. Here both are tried.
 */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSegmentReader } from '../../../activities/sealing/segment-reader.js';
import { readAll, readOne, verifySealed } from '../../../activities/sealing/read-records.js';
import { xxh64 } from '../../../activities/sealing/key-hash.js';
import { walkDiffering, type Participant } from '../../../activities/sealing/walk-differing.js';
import { ConcordatError } from '../../../core/errors.js';
import type { Fields } from '../../../core/record.js';
import type { SealedSegment, SealedType } from '../../../core/sealed.js';
import {
  anyWorlds,
  base,
  collected,
  CountingStore,
  groups,
  naiveDiffering,
  prefixes,
  seal,
  type Rows,
} from './worlds.js';

const readerOf = (store: CountingStore) => createSegmentReader({ store, prefixes, coalesceGapBytes: 50 });

async function outcomeOf<T>(work: Promise<T>): Promise<T | 'refused'> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ConcordatError && error.code === 'inputNotAuthentic') return 'refused';
    throw error;
  }
}

async function sealWorlds(store: CountingStore, worlds: Readonly<Record<string, Rows>>): Promise<Participant[]> {
  const participants: Participant[] = [];
  for (const [id, rows] of Object.entries(worlds))
    participants.push({ id, sealed: await seal(store, id, rows, { recordsPerSegmentMax: 10 }) });
  return participants;
}

describe('one byte changed in the store', () => {
  test('is refused or makes no difference, wherever it is', async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(
        anyWorlds,
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (worlds, which, where, by) => {
          const store = new CountingStore();
          const participants = await sealWorlds(store, worlds);
          const object = [...store.objects.values()][which % Math.max(1, store.objects.size)];
          if (object) object[where % object.length] = (object[where % object.length] ?? 0) ^ by;
          const reader = readerOf(store);
          const found = await outcomeOf(collected(walkDiffering({ participants, groups, reader })));
          if (found === 'refused') refused += 1;
          else expect(found).toEqual(naiveDiffering(worlds));
        },
      ),
      { numRuns: 200 },
    );
    expect(refused).toBeGreaterThan(10);
  });

  test('is always found by verifySealed', async () => {
    const rows = new Map<string, Fields>(
      Array.from({ length: 25 }, (_, index) => [`key-${index}`, { mail: `ü${index}`, team: ['t1'], phone: null }]),
    );
    const store = new CountingStore();
    const sealed = await seal(store, base, rows, { recordsPerSegmentMax: 10 });
    for (const [name, bytes] of store.objects) {
      for (let at = 0; at < bytes.length; at += Math.max(1, Math.floor(bytes.length / 25))) {
        const before = bytes[at] ?? 0;
        bytes[at] = before ^ 4;
        expect(await outcomeOf(verifySealed(sealed, readerOf(store))), `${name} at ${at}`).toBe('refused');
        bytes[at] = before;
      }
    }
    expect(await outcomeOf(verifySealed(sealed, readerOf(store)))).toBeUndefined();
  });

  test('under one prefix does not hide the good copy under another', async () => {
    const rows: Rows = new Map([['k', { mail: 'm' }]]);
    const other: Rows = new Map([['k', { mail: 'n' }]]);
    const store = new CountingStore();
    const sealed = await seal(store, 'aws', rows);
    await seal(store, 'entra', rows, { groups });
    await seal(store, 'entra', rows, { groups: groups.filter((group) => group.members.includes('aws')) });
    for (const [name, bytes] of store.objects) if (name.startsWith('aws/')) bytes.fill(0x20);
    const participants = [
      { id: 'aws', sealed },
      { id: base, sealed: await seal(store, base, other) },
    ];
    const found = await collected(walkDiffering({ participants, groups, reader: readerOf(store) }));
    expect(found).toEqual([{ key: 'k', present: { aws: { mail: 'm' }, [base]: { mail: 'n' } } }]);
  });

  test('a missing object is a fault of the store, to be tried again, and not a forgery', async () => {
    const store = new CountingStore();
    const sealed = await seal(store, 'aws', new Map([['k', { mail: 'm' }]]));
    store.objects.delete(`aws/segments/${sealed.segments[0]?.body}`);
    await expect(collected(readAll(sealed, readerOf(store)))).rejects.toMatchObject({ code: 'storeFault' });
    store.objects.clear();
    await expect(readOne(sealed, 'k', readerOf(store))).rejects.toMatchObject({ code: 'storeFault' });
  });
});

/** A seal of one group, put together by hand, whose manifest and objects agree on whatever is given. */
async function forged(
  store: CountingStore,
  lines: readonly { readonly key: string; readonly text: string; readonly indexed: string; readonly hash?: bigint }[],
): Promise<SealedType> {
  const put = async (bytes: Buffer): Promise<string> => {
    const digest = createHash('sha256').update(bytes).digest('hex');
    await store.putIfAbsent(`aws/segments/${digest}`, bytes);
    return digest;
  };
  const bodies: Buffer[] = [];
  const keys = Buffer.alloc(8 * lines.length);
  const offsets = Buffer.alloc(4 * lines.length);
  let at = 0;
  lines.forEach(({ key, text, hash }, index) => {
    keys.writeBigUInt64BE(hash ?? xxh64(key), 8 * index);
    offsets.writeUInt32BE(at, 4 * index);
    const line = Buffer.from(`${keys.toString('hex', 8 * index, 8 * index + 8)}\t${text}\n`);
    bodies.push(line);
    at += line.length;
  });
  const body = Buffer.concat(bodies);
  const column = Buffer.concat(lines.map(({ indexed }) => createHash('sha256').update(indexed).digest()));
  const segment: SealedSegment = {
    bucket: 0,
    count: lines.length,
    bodyBytes: body.length,
    body: await put(body),
    keys: await put(keys),
    groups: [await put(column)],
    offsets: await put(offsets),
  };
  return { format: 1, type: 'person', count: lines.length, bucketCount: 1, groups: oneGroup, segments: [segment] };
}

const oneGroup = [{ id: 'aws', fields: ['mail', 'path'], members: ['aws'] }];
const honest = (key: string) => {
  const text = `{"fields":{"mail":"${key}"},"key":"${key}"}`;
  return { key, text, indexed: text };
};
const [low = '', high = ''] = ['a', 'b'].sort((left, right) => (xxh64(left) < xxh64(right) ? -1 : 1));

describe('a manifest over a forged seal', () => {
  test('the hand-made seal passes where nothing is forged', async () => {
    const store = new CountingStore();
    const sealed = await forged(store, [honest(low), honest(high)]);
    await verifySealed(sealed, readerOf(store));
    expect(await collected(readAll(sealed, readerOf(store)))).toHaveLength(2);
  });

  test.each([
    {
      reason: 'a body that its index does not name',
      lines: [{ ...honest('k'), indexed: '{"fields":{"mail":"other"},"key":"k"}' }],
    },
    {
      reason: 'a field that no digest covers',
      lines: [{ ...honest('k'), text: '{"fields":{"mail":"k","role":"admin"},"key":"k"}' }],
    },
    {
      reason: 'a member beside fields and key',
      lines: [{ ...honest('k'), text: '{"fields":{"mail":"k"},"key":"k","more":1}' }],
    },
    {
      reason: 'one member given twice, of which readers could take either',
      lines: [{ ...honest('k'), text: '{"fields":{"mail":"x","mail":"k"},"key":"k"}' }],
    },
    {
      reason: 'text that is not canonical, although it was hashed like that',
      lines: [{ key: 'k', text: '{"key":"k","fields":{"mail":"k"}}', indexed: '{"key":"k","fields":{"mail":"k"}}' }],
    },
    { reason: 'a lone surrogate', lines: [{ ...honest('k'), text: '{"fields":{"mail":"\\ud800"},"key":"k"}' }] },
    { reason: 'a key under the hash of another', lines: [{ ...honest('k'), hash: 5n }] },
    { reason: 'something that is no record', lines: [{ ...honest('k'), text: '[]' }] },
    { reason: 'something that is no JSON', lines: [{ ...honest('k'), text: '{"fields":{"mail"' }] },
    { reason: 'one key twice', lines: [honest('k'), honest('k')] },
  ])('is refused by every reader: $reason', async ({ lines }) => {
    const store = new CountingStore();
    const sealed = await forged(store, lines);
    const empty: SealedType = { ...sealed, count: 0, segments: [] };
    const participants = [
      { id: 'aws', sealed },
      { id: base, sealed: empty },
    ];
    const reader = readerOf(store);
    expect(await outcomeOf(verifySealed(sealed, reader))).toBe('refused');
    expect(await outcomeOf(collected(readAll(sealed, reader)))).toBe('refused');
    expect(await outcomeOf(collected(walkDiffering({ participants, groups: oneGroup, reader })))).toBe('refused');
  });

  test('is refused where its keys are out of order, which would let a walk pass by one', async () => {
    const store = new CountingStore();
    const sealed = await forged(store, [honest(high), honest(low)]);
    const participants = [
      { id: 'aws', sealed },
      { id: base, sealed: await forged(store, [honest(low)]) },
    ];
    const reader = readerOf(store);
    expect(await outcomeOf(collected(walkDiffering({ participants, groups: oneGroup, reader })))).toBe('refused');
    expect(await outcomeOf(readOne(sealed, low, reader))).toBe('refused');
  });

  test('is refused where only its keys differ, which its digests do not show', async () => {
    const store = new CountingStore();
    const participants = [
      { id: 'aws', sealed: await forged(store, [{ ...honest(low), hash: 5n }]) },
      { id: base, sealed: await forged(store, [honest(low)]) },
    ];
    const found = collected(walkDiffering({ participants, groups: oneGroup, reader: readerOf(store) }));
    expect(await outcomeOf(found)).toBe('refused');
  });

  test('is refused by verifySealed where a body lies under a name that is not its digest', async () => {
    const store = new CountingStore();
    const sealed = await forged(store, [honest(low)]);
    const [segment] = sealed.segments;
    const body = store.objects.get(`aws/segments/${segment?.body}`);
    if (!segment || !body) throw new Error('the seal has no body');
    store.objects.set(`aws/segments/${'f'.repeat(64)}`, body);
    const renamed = { ...sealed, segments: [{ ...segment, body: 'f'.repeat(64) }] };
    expect(await outcomeOf(verifySealed(renamed, readerOf(store)))).toBe('refused');
  });

  test('is refused where a key lies outside its bucket', async () => {
    const store = new CountingStore();
    const sealed = { ...(await forged(store, [honest(low), honest(high)])), bucketCount: 4096 };
    expect(await outcomeOf(verifySealed(sealed, readerOf(store)))).toBe('refused');
  });

  test('is refused where columns or offsets do not fit', async () => {
    const store = new CountingStore();
    const sealed = await forged(store, [honest(low), honest(high)]);
    const [segment] = sealed.segments;
    if (!segment) throw new Error('the seal has no segment');
    const withSegment = (change: Partial<SealedSegment>): SealedType => ({
      ...sealed,
      segments: [{ ...segment, ...change }],
    });
    const faulty = [
      withSegment({ count: 1 }),
      withSegment({ offsets: segment.keys }),
      withSegment({ bodyBytes: segment.bodyBytes - 1 }),
      withSegment({ bodyBytes: 5 }),
    ];
    for (const one of faulty) expect(await outcomeOf(verifySealed(one, readerOf(store)))).toBe('refused');
  });
});
