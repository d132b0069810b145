/** Puts beside each differing record what its members know of each other's changes, as their snapshots say. */
import { compareHlc, type Hlc } from '../core/clock/hlc.js';
import type { RecordView } from '../core/compare.js';
import type { Open, SnapshotStatement } from '../core/messages.js';
import type { LongList } from '../core/long-list.js';
import type { AuthorityId } from '../core/record.js';
import { RecordVersions, versionsField, type KnownVersions } from '../core/record-versions.js';
import { letOthersRun } from './event-loop.js';
import { readAll } from './sealing/read-records.js';
import type { OpenedMessages } from './run-messages.js';
import { RecordsInOrder } from './sealing/records-in-order.js';
import { createSegmentReader, type SegmentReader } from './sealing/segment-reader.js';
import { areInFile, rewritten, type Views } from './spilling/gathered-views.js';
import type { SortedList } from './spilling/sorted-list.js';
import type { ObjectStore } from './store.js';

/**
 * HAZARD: versions are what a member says of itself. What cannot be true, a dot of a round that its member has not opened,
 * makes all of that record's versions of that member unknown: then its changes are concurrent, and people decide.
 */
export async function withVersions(
  views: Views,
  snapshots: Readonly<Record<AuthorityId, SnapshotStatement>>,
  { members, opens }: Pick<OpenedMessages, 'members' | 'opens'>,
  exchange: ObjectStore,
): Promise<Views> {
  const reader = createSegmentReader({ store: exchange, prefixes: members });
  const result: Record<string, LongList<RecordView>> = {};
  for (const [type, ofType] of Object.entries(views)) {
    if (areInFile(ofType)) {
      result[type] = await inFile(type, ofType, snapshots, opens, reader);
      continue;
    }
    const wanted = new Set(ofType.map(({ key }) => key));
    const known: (readonly [AuthorityId, number, Hlc, ReadonlyMap<string, unknown>])[] = [];
    for (const [member, { versions, hlc }] of Object.entries(snapshots)) {
      const own = versions.find((one) => one.type === type);
      if (!own || wanted.size === 0) continue;
      const entries = new Map<string, unknown>();
      for await (const { key, fields } of readAll(own.sealed, reader)) {
        await letOthersRun();
        if (wanted.has(key)) entries.set(key, fields[versionsField]);
      }
      known.push([member, own.since, hlc, entries]);
    }
    result[type] = ofType.map((view) => ({
      ...view,
      versions: Object.fromEntries(
        known.map(([member, since, hlc, entries]) => [member, versionsOf(entries.get(view.key), since, hlc, opens)]),
      ),
    }));
  }
  return result;
}

/** Versions are sealed in the order in which the views lie, so both are read once, side by side. Gives views in order of keys. */
async function inFile(
  type: string,
  views: SortedList<RecordView>,
  snapshots: Readonly<Record<AuthorityId, SnapshotStatement>>,
  opens: Readonly<Record<AuthorityId, Open>>,
  reader: SegmentReader,
): Promise<SortedList<RecordView>> {
  const known = Object.entries(snapshots).flatMap(([member, { versions, hlc }]) => {
    const own = versions.find((one) => one.type === type);
    return own ? [{ member, since: own.since, hlc, entries: new RecordsInOrder(readAll(own.sealed, reader)) }] : [];
  });
  const made = await rewritten(views, async (view) => {
    const versions: Record<AuthorityId, KnownVersions | undefined> = {};
    for (const { member, since, hlc, entries } of known) {
      for await (const _ of entries.before(view.key)) await letOthersRun();
      versions[member] = versionsOf((await entries.take(view.key))?.[versionsField], since, hlc, opens);
    }
    return { ...view, versions };
  });
  for (const { entries } of known) for await (const _ of entries.rest()) await letOthersRun();
  return made;
}

function versionsOf(
  entry: unknown,
  since: number,
  sealedAt: Hlc,
  opens: Readonly<Record<AuthorityId, Open>>,
): KnownVersions | undefined {
  if (entry === undefined) return { vectors: {}, since };
  const parsed = RecordVersions.safeParse(entry);
  if (!parsed.success) return undefined;
  const isPossible = Object.values(parsed.data.vectors).every((vector) =>
    Object.entries(vector).every(([member, number]) => number <= (opens[member]?.round ?? number)),
  );
  if (!isPossible) return undefined;
  const { vectors, times, gone } = parsed.data;
  // Nothing was seen after it was sealed. What claims so has no time, so that no delay and no order rests on it.
  const isPast = (stamp: Hlc): boolean => compareHlc(stamp, sealedAt) <= 0;
  const past = Object.entries(times ?? {}).filter(
    ([, { changed, stands }]) => isPast(stands) && (changed === null || isPast(changed.until)),
  );
  return {
    vectors,
    since,
    ...(past.length > 0 ? { times: Object.fromEntries(past) } : {}),
    ...(gone !== undefined && isPast(gone) ? { gone } : {}),
  };
}
