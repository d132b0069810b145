/** What members hold alike and the base lacks: told apart from what differs, and sealed as a new seal would seal it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { xxh64, type KeyHash } from '../../../activities/sealing/key-hash.js';
import { sealUnanimous, type SealUnanimousOptions } from '../../../activities/sealing/seal-unanimous.js';
import { createSegmentReader } from '../../../activities/sealing/segment-reader.js';
import { verifySealed } from '../../../activities/sealing/read-records.js';
import { walkDiffering, type Participant } from '../../../activities/sealing/walk-differing.js';
import { unanimousRecords, type UnanimousWalk } from '../../../activities/sealing/walk-unanimous.js';
import { canonicalJson } from '../../../core/digest.js';
import { byCodeUnit } from '../../../core/json.js';
import { agreedAsShown } from '../../../core/unanimous.js';
import type { DatasetType } from '../../../core/federation/federation.js';
import type { Fields } from '../../../core/record.js';
import { fullRuns } from '../../support/property-runs.js';
import {
  anyFields,
  anyWorlds,
  base,
  collected,
  CountingStore,
  groups,
  heldPart,
  naiveDiffering,
  prefixes,
  sameObjects,
  seal,
  weakHash,
  type Rows,
} from './worlds.js';

const memberIds = ['aws', 'entra', 'openstack'];
const person = {
  taxonomy: { type: 'person', fields: { team: { kind: 'set', of: 'text' } } },
} as unknown as DatasetType;

async function walkOf(
  store: CountingStore,
  worlds: Readonly<Record<string, Rows>>,
  wanted: readonly string[],
  hashKey: KeyHash,
  recordsPerSegment: readonly number[] = [100_000],
): Promise<UnanimousWalk> {
  const participants: Participant[] = [];
  for (const [id, rows] of Object.entries(worlds)) {
    const recordsPerSegmentMax = recordsPerSegment[participants.length % recordsPerSegment.length] ?? 1;
    participants.push({ id, sealed: await seal(store, id, rows, { hashKey, recordsPerSegmentMax }) });
  }
  const reader = createSegmentReader({ store, prefixes, hashKey, coalesceGapBytes: 100 });
  return { participants, groups, reader, unanimous: { base, wanted: new Set(wanted.map(hashKey)) } };
}

type Row = Awaited<ReturnType<typeof unanimousRecords>> extends AsyncGenerator<readonly (infer Body)[]> ? Body : never;

async function recordsOf(walk: UnanimousWalk, ids: readonly string[]): Promise<readonly Row[]> {
  return (await collected(unanimousRecords(walk, ids))).flat();
}

const sorted = <Item extends { readonly key: string }>(items: readonly Item[]): readonly Item[] =>
  [...items].sort((a, b) => byCodeUnit(a.key, b.key));

describe('a walk that passes over what is unanimous', () => {
  test.each([
    { name: 'with the real hash', hashKey: xxh64, runs: 120 },
    { name: 'where most keys collide', hashKey: weakHash, runs: 120 },
  ])('yields the rest, and the records it passed over are those of all members, $name', async ({ hashKey, runs }) => {
    await fc.assert(
      fc.asyncProperty(
        anyWorlds,
        fc.array(fc.nat(60), { maxLength: 3 }),
        fc.array(fc.constantFrom(1, 3, 20, 100_000), { minLength: 1, maxLength: 4 }),
        fc.constantFrom('empty', 'as it comes'),
        async (given, named, recordsPerSegment, contact) => {
          const worlds: Record<string, Rows> = {
            ...given,
            [base]: contact === 'empty' ? new Map() : (given[base] ?? new Map()),
          };
          const members = memberIds.filter((id) => worlds[id]);
          const differing = naiveDiffering(worlds, { hashKey });
          const wanted = named.flatMap((at) => differing[at]?.key ?? []);
          const walk = await walkOf(new CountingStore(), worlds, wanted, hashKey, recordsPerSegment);
          let counted = 0;
          const options = { ...walk, onUnanimous: (count: number) => void (counted += count) };
          const found = await collected(walkDiffering(options));
          const passed = await recordsOf(walk, members);
          expect(passed).toHaveLength(counted);
          // Each record is in one of the two, and none in both.
          const keys = new Set(found.map(({ key }) => key));
          expect(passed.some(({ key }) => keys.has(key))).toBe(false);
          const naive = new Map(differing.map((one) => [one.key, one]));
          expect([...keys, ...passed.map(({ key }) => key)].sort()).toEqual([...naive.keys()].sort());
          for (const one of found) expect(one).toEqual(naive.get(one.key));
          for (const { key, fields } of passed) {
            const { present = {} } = naive.get(key) ?? {};
            expect(present[base]).toBeUndefined();
            expect(wanted).not.toContain(key);
            for (const id of members) expect(present[id]).toEqual(heldPart(id, fields));
          }
          // What all have, alone under its hash, is passed over; only what collides may be looked at too.
          const isAlone = ({ key }: { readonly key: string }): boolean =>
            differing.every((other) => other.key === key || hashKey(other.key) !== hashKey(key));
          const alike = differing.filter(
            (one) =>
              isAlone(one) &&
              !wanted.some((key) => hashKey(key) === hashKey(one.key)) &&
              naiveDiffering(Object.fromEntries(members.map((id) => [id, onlyOf(worlds[id], one.key)]))).length === 0 &&
              !worlds[base]?.has(one.key),
          );
          if (hashKey === xxh64 && members.includes('aws'))
            expect(sorted(passed).map(({ key }) => key)).toEqual(sorted(alike).map(({ key }) => key));
        },
      ),
      fullRuns(runs),
    );
  });
});

function onlyOf(rows: Rows | undefined, key: string): Rows {
  const fields = rows?.get(key);
  return new Map(fields ? [[key, fields]] : []);
}

describe('sealing what is unanimous', () => {
  const anyRows = fc.uniqueArray(fc.tuple(fc.oneof(fc.string({ minLength: 1, maxLength: 6 }), fc.uuid()), anyFields), {
    maxLength: 60,
    selector: ([key]) => key,
  });

  test('gives the seal, and the objects, of a new seal of the same records', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyRows,
        fc.array(fc.tuple(fc.nat(70), fc.constantFrom(...memberIds), fc.option(anyFields)), { maxLength: 4 }),
        fc.constantFrom(1, 4, 20),
        fc.boolean(),
        async (rows, changes, recordsPerSegmentMax, trusted) => {
          const worlds: Record<string, Map<string, Fields>> = { [base]: new Map() };
          const tidy = rows.map(([key, fields]) => [key, tidied(fields)] as const);
          for (const id of memberIds) worlds[id] = new Map(tidy.map(([key, fields]) => [key, heldPart(id, fields)]));
          for (const [at, id, to] of changes) {
            const key = tidy[at]?.[0] ?? `new ${at}`;
            if (to === null) worlds[id]?.delete(key);
            else worlds[id]?.set(key, heldPart(id, tidied(to)));
          }
          const store = new CountingStore();
          const walk = await walkOf(store, worlds, [], xxh64, [recordsPerSegmentMax]);
          const passed = await recordsOf(walk, ['aws']);
          const differing = await collected(walkDiffering(walk));
          // Some of what was looked at is sealed as well, as the base would say it.
          const puts = new Map(
            differing.flatMap(({ key, present }, at) =>
              at % 2 === 0 ? [[key, agreedAsShown(present['aws'] ?? { mail: 'm' }, person)] as const] : [],
            ),
          );
          const all = new Map([
            ...passed.map(({ key, fields }) => [key, agreedAsShown(fields, person)] as const),
            ...puts,
          ]);
          const given: SealUnanimousOptions = {
            walk,
            source: 'aws',
            count: passed.length,
            puts,
            isTrusted: () => trusted,
            setFields: ['team'],
            normalised: (fields) => agreedAsShown(fields, person),
            store,
            prefix: 'entra',
            keepsCopies: true,
            recordsPerSegmentMax,
          };
          const sealed = await sealUnanimous(given);
          const fresh = new CountingStore();
          const expected = await seal(fresh, base, all, { prefix: 'entra', recordsPerSegmentMax });
          const { bucketCount } = walk.participants.find(({ id }) => id === 'aws')?.sealed ?? { bucketCount: 0 };
          if (bucketCount !== expected.bucketCount) {
            expect(sealed).toBeNull();
            return;
          }
          expect(canonicalJson(sealed)).toBe(canonicalJson(expected));
          const lies = [...fresh.objects.keys()].every((name) => store.objects.has(name));
          expect(lies).toBe(true);
          await verifySealed(expected, createSegmentReader({ store, prefixes: ['entra'] }));
          expect(sameObjects(fresh, onlyThose(store, fresh))).toBe(true);
        },
      ),
      fullRuns(100),
    );
  });

  test('of equal members reads no record, and writes nothing that is there', async () => {
    const rows = new Map(Array.from({ length: 300 }, (_, at) => [`key ${at}`, { mail: `${at}`, team: ['t1'] }]));
    const worlds = Object.fromEntries([...memberIds, base].map((id) => [id, id === base ? new Map() : rows]));
    const store = new CountingStore();
    const walk = await walkOf(store, worlds, [], xxh64, [20]);
    const [before, read] = [store.objects.size, store.read.length];
    let count = 0;
    expect(await collected(walkDiffering({ ...walk, onUnanimous: (more) => void (count += more) }))).toEqual([]);
    expect([count, store.read.length - read]).toEqual([300, 0]);
    const options = { walk, source: 'aws', count, puts: new Map(), isTrusted: () => true, store, prefix: 'aws' };
    const taking = {
      setFields: [],
      normalised: (fields: Fields) => fields,
      keepsCopies: true,
      recordsPerSegmentMax: 20,
    };
    const sealed = await sealUnanimous({ ...options, ...taking });
    expect(sealed?.segments).toEqual(walk.participants.find(({ id }) => id === 'aws')?.sealed.segments);
    expect(store.objects.size).toBe(before);
  });

  test('takes no body on trust that somebody else made', async () => {
    const rows = new Map(Array.from({ length: 30 }, (_, at) => [`key ${at}`, { mail: `${at}` }]));
    const worlds = Object.fromEntries([...memberIds, base].map((id) => [id, id === base ? new Map() : rows]));
    for (const extra of [[], [['other', { mail: 'x' }] as const]]) {
      const store = new CountingStore();
      const walk = await walkOf(store, worlds, [], xxh64);
      const { segments = [] } = walk.participants.find(({ id }) => id === 'aws')?.sealed ?? {};
      for (const prefix of prefixes) {
        const name = `${prefix}/segments/${segments[0]?.body ?? ''}`;
        const bytes = store.objects.get(name);
        if (bytes) store.objects.set(name, Buffer.from(Buffer.from(bytes).toString('utf8').replace('"7"', '"8"')));
      }
      const options = { walk, source: 'aws', count: 30, puts: new Map(extra), store, prefix: 'openstack' };
      const taking = { setFields: [], normalised: (fields: Fields) => fields, keepsCopies: false };
      const sealing = sealUnanimous({ ...options, ...taking, isTrusted: () => false });
      await expect(sealing).rejects.toMatchObject({ code: 'inputNotAuthentic' });
      // What it made itself is held to its digest before a line of it goes into another segment.
      if (extra.length > 0)
        await expect(sealUnanimous({ ...options, ...taking, isTrusted: () => true })).rejects.toMatchObject({
          code: 'inputNotAuthentic',
        });
    }
  });
});

/** Sets as a map makes them: texts once and in order, or null. */
function tidied(fields: Fields): Fields {
  const { team } = fields;
  if (!Array.isArray(team)) return fields;
  return { ...fields, team: team.length === 0 ? null : [...new Set(team as string[])].sort(byCodeUnit) };
}

function onlyThose(store: CountingStore, wanted: CountingStore): CountingStore {
  const some = new CountingStore();
  for (const [name, bytes] of store.objects) if (wanted.objects.has(name)) some.objects.set(name, bytes);
  return some;
}
