import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { xxh64, type KeyHash } from '../../../activities/sealing/key-hash.js';
import { createSegmentReader } from '../../../activities/sealing/segment-reader.js';
import { walkDiffering, type Differing, type Participant } from '../../../activities/sealing/walk-differing.js';
import type { FieldGroup } from '../../../core/federation/federation.js';
import type { Fields } from '../../../core/record.js';
import {
  anyWorlds,
  base,
  collected,
  CountingStore,
  groups,
  groupsOf,
  naiveDiffering,
  prefixes,
  seal,
  weakHash,
  type Rows,
} from './worlds.js';
import { fullRuns } from '../../support/property-runs.js';

interface WalkSettings {
  readonly hashKey?: KeyHash;
  readonly groups?: readonly FieldGroup[];
  readonly coalesceGapBytes?: number;
}

async function sealWorlds(
  store: CountingStore,
  worlds: Readonly<Record<string, Rows>>,
  hashKey: KeyHash = xxh64,
  recordsPerSegment: readonly number[] = [100_000],
): Promise<Participant[]> {
  const participants: Participant[] = [];
  for (const [id, rows] of Object.entries(worlds)) {
    const recordsPerSegmentMax = recordsPerSegment[participants.length % recordsPerSegment.length] ?? 1;
    participants.push({ id, sealed: await seal(store, id, rows, { hashKey, recordsPerSegmentMax }) });
  }
  return participants;
}

async function walk(
  store: CountingStore,
  participants: readonly Participant[],
  settings: WalkSettings = {},
): Promise<Differing[]> {
  const { hashKey = xxh64, coalesceGapBytes = 100 } = settings;
  return await collected(
    walkDiffering({
      participants,
      groups: settings.groups ?? groups,
      reader: createSegmentReader({ store, prefixes, hashKey, coalesceGapBytes }),
    }),
  );
}

function manyRows(count: number, id: string): Map<string, Fields> {
  const held = groupsOf(id).flatMap((group) => group.fields);
  return new Map(
    Array.from({ length: count }, (_, index) => [
      `key-${index}`,
      Object.fromEntries(held.map((field) => [field, `${field} of ${index}`])),
    ]),
  );
}

describe('walkDiffering yields what a compare of maps in memory finds, whatever the order of participants', () => {
  test.each([
    { name: 'with the real hash', hashKey: xxh64, runs: 150 },
    { name: 'where most keys collide', hashKey: weakHash, runs: 150 },
    { name: 'where all keys collide', hashKey: (): bigint => 7n, runs: 60 },
  ])('$name', async ({ hashKey, runs }) => {
    await fc.assert(
      fc.asyncProperty(
        anyWorlds,
        fc.boolean(),
        fc.constantFrom(0, 60, 1e6),
        fc.array(fc.constantFrom(1, 3, 20, 100_000), { minLength: 1, maxLength: 4 }),
        async (worlds, backwards, coalesceGapBytes, recordsPerSegment) => {
          const store = new CountingStore();
          const participants = await sealWorlds(store, worlds, hashKey, recordsPerSegment);
          const given = backwards ? participants.toReversed() : participants;
          const found = await walk(store, given, { hashKey, coalesceGapBytes });
          expect(found).toEqual(naiveDiffering(worlds, { hashKey }));
        },
      ),
      fullRuns(runs),
    );
  });

  test('through blocks, batches and segments of thousands of records', async () => {
    const worlds = { aws: manyRows(9000, 'aws'), entra: manyRows(9000, 'entra'), [base]: manyRows(9000, base) };
    for (let index = 0; index < 9000; index += 1) {
      if (index % 3 === 0 && index > 4000) worlds.aws.set(`key-${index}`, { mail: 'edited', team: ['t'], path: '/' });
      if (index % 700 === 0) worlds.entra.delete(`key-${index}`);
      if (index % 900 === 0) worlds[base]?.delete(`key-${index}`);
    }
    const store = new CountingStore();
    const participants = await sealWorlds(store, worlds, xxh64, [3000, 100_000, 700]);
    const found = await walk(store, participants, { coalesceGapBytes: 4096 });
    expect(found).toEqual(naiveDiffering(worlds));
    expect(found.length).toBeGreaterThan(1500);
  });

  // Blocks begin and end at these: 128 entries are looked at word by word, and each block after is twice as long.
  test.each([0, 31, 32, 127, 128, 255, 256, 511, 512, 1023, 1024, 2047, 2048, 2199])(
    'where of many records only number %i differs, at the edge of a block',
    async (position) => {
      const rows = [...manyRows(2200, 'entra')].sort(([a], [b]) => (xxh64(a) < xxh64(b) ? -1 : 1));
      const [key, fields] = rows[position] ?? ['', {}];
      const edited = new Map(rows).set(key, { ...fields, phone: 'edited' });
      const last = rows.at(-1)?.[0] ?? '';
      for (const isAligned of [true, false]) {
        const worlds = { entra: edited, [base]: new Map(rows) };
        // One record more at the end, and the keys are no longer those of the base as a whole.
        if (!isAligned) worlds[base]?.delete(last);
        const store = new CountingStore();
        const found = await walk(store, await sealWorlds(store, worlds));
        expect(found.map((one) => one.key)).toEqual([...new Set(isAligned ? [key] : [key, last])]);
      }
    },
  );

  test('where two participants share no group, so that equal key hashes prove nothing', async () => {
    const apart: readonly FieldGroup[] = [
      { id: 'aws', fields: ['path'], members: ['aws'] },
      { id: 'openstack', fields: ['mail'], members: ['openstack'] },
    ];
    const hashKey = (): bigint => 7n;
    const store = new CountingStore();
    const sealOf = async (id: string, keys: readonly string[], field: string): Promise<Participant> => ({
      id,
      sealed: await seal(store, id, new Map(keys.map((key) => [key, { [field]: key }])), {
        hashKey,
        groups: apart.filter((group) => group.id === id),
      }),
    });
    const participants = [await sealOf('aws', ['one'], 'path'), await sealOf('openstack', ['two'], 'mail')];
    const found = await walk(store, participants, { hashKey, groups: apart });
    expect(found).toEqual([
      { key: 'one', present: { aws: { path: 'one' }, openstack: undefined } },
      { key: 'two', present: { aws: undefined, openstack: { mail: 'two' } } },
    ]);
  });
});

describe('the cost of a walk follows what changed', () => {
  const unchanged = { aws: manyRows(400, 'aws'), entra: manyRows(400, 'entra'), openstack: manyRows(400, 'openstack') };
  const worlds = { ...unchanged, [base]: manyRows(400, base) };

  test('nothing is read where nothing differs, although members hold different fields', async () => {
    const store = new CountingStore();
    const participants = await sealWorlds(store, worlds, xxh64, [50]);
    expect(new Set(participants.map(({ sealed }) => JSON.stringify(sealed.segments))).size).toBeGreaterThan(1);
    expect(await walk(store, participants)).toEqual([]);
    expect(store.read).toEqual([]);
  });

  test('one edited record costs the columns of its segment, each once, and one body per version', async () => {
    const store = new CountingStore();
    const edited = new Map(worlds.entra).set('key-7', { mail: 'new', team: ['t1'], phone: 'phone of 7' });
    const participants = await sealWorlds(store, { ...worlds, entra: edited }, xxh64, [50]);
    const found = await walk(store, participants);
    expect(found.map(({ key }) => key)).toEqual(['key-7']);
    const inBucket = new Set(
      participants.flatMap(({ sealed }) =>
        sealed.segments
          .filter((segment) => segment.bucket === changedBucket(participants))
          .flatMap((segment) => [segment.keys, segment.offsets, segment.body, ...segment.groups]),
      ),
    );
    const read = store.read.map((name) => name.split('/').at(-1) ?? '');
    expect(read.filter((digest) => !inBucket.has(digest))).toEqual([]);
    const bodies = participants.flatMap(({ sealed }) => sealed.segments.map((segment) => segment.body));
    expect(read.filter((digest) => bodies.includes(digest))).toHaveLength(2);
    expect(new Set(read).size).toBe(read.length);
    expect(store.pieceBytesRead).toBeLessThan(300);
  });

  test('a column with one digest among all holders is not read to pass over it', async () => {
    const store = new CountingStore();
    const rows = manyRows(400, base);
    const coarse = await seal(store, base, rows);
    const fine = await seal(store, 'aws', manyRows(400, 'aws'), { recordsPerSegmentMax: 50 });
    expect(
      await walk(store, [
        { id: base, sealed: coarse },
        { id: 'aws', sealed: fine },
      ]),
    ).toEqual([]);
    const bodies = [...coarse.segments, ...fine.segments].flatMap(({ body, offsets }) => [body, offsets]);
    expect(store.read.filter((name) => bodies.some((digest) => name.endsWith(digest)))).toEqual([]);
  });

  test('a walk that was cancelled reads no further segment', async () => {
    const store = new CountingStore();
    const edited = new Map([...worlds.entra].map(([key, fields]) => [key, { ...fields, phone: 'new' }]));
    const participants = await sealWorlds(store, { ...worlds, entra: edited }, xxh64, [50]);
    const cancelled = new AbortController();
    const reader = createSegmentReader({ store, prefixes });
    let seen = 0;
    const consume = async (): Promise<void> => {
      for await (const { key } of walkDiffering({ participants, groups, reader, signal: cancelled.signal })) {
        seen += key.length > 0 ? 1 : 0;
        cancelled.abort();
      }
    };
    await expect(consume()).rejects.toThrow('aborted');
    expect(seen).toBeLessThan(100);
  });
});

/** The bucket in which the seals of entra and base hold different columns of the group that all share. */
function changedBucket(participants: readonly Participant[]): number {
  const shared = (id: string): readonly string[] => {
    const sealed = participants.find((participant) => participant.id === id)?.sealed;
    const at = sealed?.groups.findIndex((group) => group.members.length === 3) ?? 0;
    return sealed?.segments.map((segment) => segment.groups[at] ?? '') ?? [];
  };
  const baseColumns = shared(base);
  return shared('entra').findIndex((column, bucket) => column !== baseColumns[bucket]);
}

describe('a seal made under another configuration', () => {
  test('makes every record count as differing', async () => {
    const store = new CountingStore();
    const worlds = { aws: manyRows(30, 'aws'), entra: manyRows(30, 'entra'), [base]: manyRows(30, base) };
    const participants = await sealWorlds(store, worlds);
    const changed = groups.map((group) => (group.id === 'aws' ? { ...group, fields: ['path', 'arn'] } : group));
    expect(await walk(store, participants)).toEqual([]);
    const found = await walk(store, participants, { groups: changed });
    expect(found.map(({ key }) => key).sort()).toEqual([...worlds.aws.keys()].sort());
    expect(found[0]?.present[base]).toEqual(worlds[base]?.get(found[0]?.key ?? ''));
  });

  test('does so too where the base lacks a group that is held now', async () => {
    const store = new CountingStore();
    const before = groups.filter((group) => group.id !== 'aws');
    const participants = [
      { id: 'aws', sealed: await seal(store, 'aws', manyRows(5, 'aws')) },
      { id: base, sealed: await seal(store, base, manyRows(5, 'entra'), { groups: before }) },
    ];
    expect(await walk(store, participants)).toHaveLength(5);
  });
});

test('participants that cannot be compared are refused', async () => {
  const store = new CountingStore();
  const person = await seal(store, 'aws', new Map());
  await expect(walk(store, [])).rejects.toThrow('needs a participant');
  await expect(
    walk(store, [
      { id: 'aws', sealed: person },
      { id: 'aws', sealed: person },
    ]),
  ).rejects.toThrow('one id');
  await expect(
    walk(store, [
      { id: 'aws', sealed: person },
      { id: 'entra', sealed: { ...person, type: 'team' } },
    ]),
  ).rejects.toThrow('different types');
});
