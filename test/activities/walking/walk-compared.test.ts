/** What groups of a compare leave is what one walk yields, however many groups there are and whatever became of it since. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { walkDiffering, type Differing, type Participant } from '../../../activities/sealing/walk-differing.js';
import { createSegmentReader } from '../../../activities/sealing/segment-reader.js';
import { compareGroup, type GroupProgress } from '../../../activities/walking/compared-group.js';
import { walkCompared } from '../../../activities/walking/walk-compared.js';
import type { TypeWalk } from '../../../activities/differing-records.js';
import type { Ref, RunInputs } from '../../../core/messages.js';
import type { DatasetType } from '../../../core/federation/federation.js';
import { fullRuns } from '../../support/property-runs.js';
import { anyWorlds, base, collected, CountingStore, groups, prefixes, seal, type Rows } from './../sealing/worlds.js';

const inputs: RunInputs = {
  dataset: 'people',
  run: '0'.repeat(64),
  opens: [],
  snapshots: [],
  correlation: null,
  firstSnapshots: [],
};
const type = { taxonomy: { type: 'person' } } as unknown as DatasetType;

async function sealedWalk(
  store: CountingStore,
  worlds: Readonly<Record<string, Rows>>,
  recordsPerSegment: readonly number[],
): Promise<TypeWalk> {
  const participants: Participant[] = [];
  for (const [id, rows] of Object.entries({ [base]: new Map(), ...worlds })) {
    const recordsPerSegmentMax = recordsPerSegment[participants.length % recordsPerSegment.length] ?? 1;
    participants.push({ id, sealed: await seal(store, id, rows, { recordsPerSegmentMax }) });
  }
  return { type, isAgreed: () => false, walk: { participants, groups, unanimous: { base, wanted: new Set() } } };
}

interface Found {
  readonly records: readonly Differing[];
  readonly unanimous: number;
}

async function foundBy(
  walk: (options: { readonly onUnanimous: (count: number) => void }) => AsyncIterable<Differing>,
): Promise<Found> {
  let unanimous = 0;
  const records = await collected(walk({ onUnanimous: (count) => void (unanimous += count) }));
  return { records, unanimous };
}

const inOneWalk = (store: CountingStore, { walk }: TypeWalk): Promise<Found> =>
  foundBy((heard) => walkDiffering({ ...walk, ...heard, reader: createSegmentReader({ store, prefixes }) }));

async function inGroups(store: CountingStore, walk: TypeWalk, count: number, partBytes = 60): Promise<Ref[]> {
  const refs: Ref[] = [];
  // The last first: in which order groups are done says nothing.
  for (let group = count - 1; group >= 0; group -= 1) {
    const part = { group, groups: count };
    const { compared } = await compareGroup([walk], { exchange: store, prefixes, inputs, part, partBytes });
    refs.unshift(compared);
  }
  return refs;
}

const fromGroups = (
  store: CountingStore,
  { walk }: TypeWalk,
  refs: readonly Ref[],
  again: number[] = [],
): Promise<Found> =>
  foundBy((heard) =>
    walkCompared(store, inputs, refs, (group) => void again.push(group))({ ...walk, ...heard, store, prefixes }),
  );

test('for all worlds, bucket counts and numbers of groups', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyWorlds,
      fc.array(fc.constantFrom(1, 3, 20, 100_000), { minLength: 1, maxLength: 4 }),
      fc.constantFrom(1, 2, 4, 16),
      fc.constantFrom(1, 200, 1_000_000),
      async (worlds, recordsPerSegment, count, partBytes) => {
        const store = new CountingStore();
        const walk = await sealedWalk(store, worlds, recordsPerSegment);
        const expected = await inOneWalk(store, walk);
        const again: number[] = [];
        expect(await fromGroups(store, walk, await inGroups(store, walk, count, partBytes), again)).toEqual(expected);
        expect(again).toEqual([]);
      },
    ),
    fullRuns(150),
  );
});

function worldsOf(count: number): Readonly<Record<string, Rows>> {
  const rows = (id: string): Rows =>
    new Map(
      Array.from({ length: count }, (_, at) => [`key ${at}`, { mail: at % 3 === 0 ? id : 'a@b', team: [`t${at}`] }]),
    );
  return { aws: rows('aws'), entra: rows('entra'), openstack: rows('openstack') };
}

test('a group that is done again puts nothing new, and reading it reads no sealed record', async () => {
  const store = new CountingStore();
  const walk = await sealedWalk(store, worldsOf(300), [50]);
  const refs = await inGroups(store, walk, 4);
  const names = [...store.objects.keys()];
  expect(await inGroups(store, walk, 4)).toEqual(refs);
  expect([...store.objects.keys()]).toEqual(names);
  store.read.length = 0;
  const found = await fromGroups(store, walk, refs);
  expect(found.records.length).toBe(100);
  expect(found.unanimous).toBe(200);
  expect(store.read.filter((name) => name.includes('/segments/'))).toEqual([]);
});

test('what is gone or altered is compared again, from the record at which it is missed', async () => {
  const store = new CountingStore();
  const walk = await sealedWalk(store, worldsOf(300), [50]);
  const expected = await inOneWalk(store, walk);
  const refs = await inGroups(store, walk, 4, 400);
  const partsOf = (): string[] => [...store.objects.keys()].filter((name) => name.startsWith('federation/compared/'));
  expect(partsOf().length).toBeGreaterThan(8);
  const spoils: readonly ((name: string) => void)[] = [
    (name) => void store.objects.delete(name),
    (name) => void store.objects.set(name, Buffer.from('["key 1",{}]\n')),
  ];
  for (const spoil of spoils)
    for (const name of [...partsOf(), refs[1]?.ref ?? '']) {
      const bytes = store.objects.get(name) as Uint8Array;
      spoil(name);
      const again: number[] = [];
      expect(await fromGroups(store, walk, refs, again), name).toEqual(expected);
      expect(again).toHaveLength(1);
      store.objects.set(name, bytes);
    }
});

test('what another run, or another group, left is not taken', async () => {
  const store = new CountingStore();
  const walk = await sealedWalk(store, worldsOf(60), [50]);
  const expected = await inOneWalk(store, walk);
  const [first, second] = await inGroups(store, walk, 2);
  if (!first || !second) throw new Error('no groups');
  const again: number[] = [];
  expect(await fromGroups(store, walk, [second, second], again)).toEqual(expected);
  expect(again).toEqual([0]);
  const other = await compareGroup([walk], {
    exchange: store,
    prefixes,
    inputs: { ...inputs, run: '1'.repeat(64) },
    part: { group: 1, groups: 2 },
  });
  expect(await fromGroups(store, walk, [first, other.compared], again)).toEqual(expected);
  expect(again).toEqual([0, 1]);
});

test('a group tells how far it is, and ends where it is cancelled', async () => {
  const store = new CountingStore();
  const walk = await sealedWalk(store, worldsOf(300), [50]);
  const told: GroupProgress[] = [];
  const settings = { exchange: store, prefixes, inputs, part: { group: 1, groups: 2 } };
  const { differing } = await compareGroup([walk], { ...settings, onProgress: (progress) => void told.push(progress) });
  expect(told.at(-1)).toMatchObject({ group: 1, groups: 2, type: 'person', differing });
  const cancelling = new AbortController();
  cancelling.abort(new Error('somebody cancelled the run'));
  await expect(compareGroup([walk], { ...settings, signal: cancelling.signal })).rejects.toThrow(
    'somebody cancelled the run',
  );
});
