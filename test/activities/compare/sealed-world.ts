/** A world sealed as its members and its base would seal it, and read back. */
import { type Compared, type Walk } from '../../../activities/differing-records.js';
import { xxh64, type KeyHash } from '../../../activities/sealing/key-hash.js';
import { createSealer } from '../../../activities/sealing/sealer.js';
import { createSegmentReader } from '../../../activities/sealing/segment-reader.js';
import { rangeCountOf, walkDiffering } from '../../../activities/sealing/walk-differing.js';
import { unanimousRecords } from '../../../activities/sealing/walk-unanimous.js';
import { showingAll } from '../../../activities/unanimous.js';
import { rangesOfGroup } from '../../../core/compare-groups.js';
import type { FieldGroup } from '../../../core/federation/federation.js';
import { byCodeUnit } from '../../../core/json.js';
import type { Base, SnapshotStatement } from '../../../core/messages.js';
import { groupsHeldBy, type SealedType } from '../../../core/sealed.js';
import { MemoryStore } from '../../support/memory-store.js';
import { weakHash } from '../sealing/worlds.js';
import type { Dice } from './dice.js';
import { textOf } from './naive.js';
import type { Plot, Rows, World } from './worlds.js';

export const hashes: Readonly<Record<Plot['hash'], KeyHash>> = { real: xxh64, weak: weakHash, 'one for all': () => 7n };

export interface Sealed {
  readonly store: MemoryStore;
  readonly snapshots: Readonly<Record<string, SnapshotStatement>>;
  readonly base: Base | null;
  readonly bucketCounts: readonly number[];
}

export async function sealed(world: World, hashKey: KeyHash, dice: Dice): Promise<Sealed> {
  const store = new MemoryStore();
  const seal = async (prefix: string, type: string, groups: readonly FieldGroup[], rows: Rows): Promise<SealedType> => {
    const recordsPerSegmentMax = dice.one([1, 4, 20, 100_000, 100_000]);
    const sealer = createSealer({
      store,
      prefix,
      type,
      groups,
      expectedCount: dice.one([0, rows.size]),
      hashKey,
      // No more than 16 buckets or so: each costs a walk of its own.
      recordsPerSegmentMax: Math.max(recordsPerSegmentMax, rows.size >> 4),
    });
    if (dice.isOneOf(2)) {
      const names = groups.flatMap(({ fields }) => fields).toSorted(byCodeUnit);
      const add = sealer.adder(names);
      for (const [key, fields] of rows)
        add(
          key,
          names.map((name) => fields[name]),
        );
    } else for (const [key, fields] of rows) sealer.add({ type, key, fields });
    return sealer.finish();
  };
  const types: Record<string, SealedType[]> = {};
  const ofBase: SealedType[] = [];
  for (const { type, members, base, baseGroups } of world.types) {
    const name = type.taxonomy.type;
    for (const [member, rows] of Object.entries(members))
      (types[member] ??= []).push(await seal(member, name, groupsHeldBy(type.groups, member), rows));
    if (world.hasBase) ofBase.push(await seal(dice.one(world.shape.members), name, baseGroups, base));
  }
  return {
    store,
    snapshots: Object.fromEntries(
      Object.entries(types).map(([authority, own]) => [
        authority,
        { authority, types: own } as unknown as SnapshotStatement,
      ]),
    ),
    base: world.hasBase ? { dataset: 'things', sequence: 1, previous: null, types: ofBase } : null,
    bucketCounts: [...Object.values(types).flat(), ...ofBase].map(({ bucketCount }) => bucketCount),
  };
}

/** As workers walk, under a hash of the test's own and parted as among groups of a compare. */
export function walkUnder(hashKey: KeyHash, groups: number, coalesceGapBytes: number): Walk {
  return async function* ({ store, prefixes, ...walk }) {
    const reader = createSegmentReader({ store, prefixes, hashKey, coalesceGapBytes });
    const ranges = rangeCountOf(walk.participants);
    for (let group = 0; group < groups; group += 1)
      yield* walkDiffering({ ...walk, reader, ranges: rangesOfGroup(ranges, group, groups) });
  };
}

/** The records of a type that are taken over unseen, each put together from the members that show all of it. */
export async function takenUnseen(
  { unanimous }: Compared,
  name: string,
  { store }: Sealed,
  world: World,
  hashKey: KeyHash,
  preferred: string,
): Promise<string[]> {
  const found = unanimous[name];
  if (!found) return [];
  const reader = createSegmentReader({ store, prefixes: world.shape.members, hashKey });
  const texts: string[] = [];
  for await (const bodies of unanimousRecords({ ...found.walk, reader }, showingAll(found, preferred)))
    for (const { key, fields } of bodies) texts.push(textOf({ key, fields }));
  if (texts.length !== found.count) throw new Error(`${found.count} were counted and ${texts.length} are read`);
  return texts.sort();
}
