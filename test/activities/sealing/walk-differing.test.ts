import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { xxh64, type KeyHash } from '../../../activities/sealing/key-hash.js';
import { createSegmentReader } from '../../../activities/sealing/segment-reader.js';
import { walkDiffering, type Differing, type Participant } from '../../../activities/sealing/walk-differing.js';
import {
  anyWorlds,
  collected,
  CountingStore,
  groups,
  naiveDiffering,
  prefixes,
  seal,
  weakHash,
  type Rows,
} from './worlds.js';

interface WalkSettings {
  readonly hashKey?: KeyHash;
  readonly backwards?: boolean;
  readonly coalesceGapBytes?: number;
}

async function sealWorlds(
  store: CountingStore,
  worlds: Readonly<Record<string, Rows>>,
  hashKey: KeyHash = xxh64,
): Promise<Participant[]> {
  const participants: Participant[] = [];
  for (const [id, rows] of Object.entries(worlds))
    participants.push({ id, sealed: await seal(store, id, rows, { hashKey }) });
  return participants;
}

async function walk(
  store: CountingStore,
  participants: readonly Participant[],
  settings: WalkSettings = {},
): Promise<Differing[]> {
  const { hashKey = xxh64, backwards = false, coalesceGapBytes = 100 } = settings;
  return await collected(
    walkDiffering({
      participants: backwards ? participants.toReversed() : participants,
      groups,
      reader: createSegmentReader({ store, prefixes, hashKey, coalesceGapBytes }),
    }),
  );
}

describe('walkDiffering yields what a compare of maps in memory finds', () => {
  test.each([
    { name: 'with the real hash', hashKey: xxh64 },
    { name: 'where most keys collide', hashKey: weakHash },
    { name: 'where all keys collide', hashKey: (): bigint => 7n },
  ])('$name', async ({ hashKey }) => {
    await fc.assert(
      fc.asyncProperty(anyWorlds, fc.boolean(), fc.constantFrom(0, 60, 1e6), async (worlds, backwards, gap) => {
        const store = new CountingStore();
        const participants = await sealWorlds(store, worlds, hashKey);
        const found = await walk(store, participants, { hashKey, backwards, coalesceGapBytes: gap });
        expect(found).toEqual(naiveDiffering(worlds, { hashKey }));
      }),
      { numRuns: 150 },
    );
  });
});
