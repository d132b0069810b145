/** Lets views whose base stands under an older digest key be compared with what members show under the new one. */
import type { RecordView } from '../core/compare.js';
import type { DigestKeyId } from '../core/sealed-value.js';
import type { LongList } from '../core/long-list.js';
import type { SnapshotStatement } from '../core/messages.js';
import type { Fields, AuthorityId } from '../core/record.js';
import { resealedBase, sealedUnder, type ChangedSince } from '../core/reseal.js';
import type { BaseChange } from '../core/next-base.js';
import type { RunMessages } from './run-messages.js';
import { readAll } from './sealing/read-records.js';
import { createSegmentReader, type SegmentReader } from './sealing/segment-reader.js';
import type { Views } from './spilling/gathered-views.js';
import type { ObjectStore } from './store.js';

type Snapshots = Readonly<Record<AuthorityId, SnapshotStatement>>;

/** What the members say of the base, applied to what differs. At all times but after a new key this changes nothing. */
export async function withResealedBase(
  views: Views,
  snapshots: Snapshots,
  { shape, members, opens }: Pick<RunMessages, 'shape' | 'members' | 'opens'>,
  exchange: ObjectStore,
): Promise<Views> {
  const to = runKey(opens);
  if (to === null || Object.values(snapshots).every(({ reseals }) => reseals.length === 0)) return views;
  const reader = createSegmentReader({ store: exchange, prefixes: members });
  const result: Record<string, LongList<RecordView>> = { ...views };
  for (const { taxonomy, digests } of shape.types) {
    const ofType = views[taxonomy.type] ?? [];
    if (digests.length === 0 || ofType.length === 0) continue;
    const said = await saidOf(taxonomy.type, snapshots, reader);
    result[taxonomy.type] = ofType.map((view) => {
      const base = resealedBase(view, digests, to, said(view.key));
      return base && view.base ? { ...view, base, storedBase: view.storedBase ?? view.base } : view;
    });
  }
  return result;
}

async function saidOf(
  type: string,
  snapshots: Snapshots,
  reader: SegmentReader,
): Promise<(key: string) => ChangedSince> {
  const changed = new Map<string, ReadonlyMap<string, readonly string[]>>();
  for (const [member, { reseals }] of Object.entries(snapshots))
    for (const { from, changed: types } of reseals) {
      const own = types.find((sealed) => sealed.type === type);
      if (!own) continue;
      const records = new Map<string, readonly string[]>();
      for await (const { key, fields } of readAll(own, reader)) records.set(key, Object.keys(fields));
      changed.set(`${member} ${from}`, records);
    }
  return (key) => (member, from) => {
    const records = changed.get(`${member} ${from}`);
    return records && (records.get(key) ?? []);
  };
}

function runKey(opens: RunMessages['opens']): DigestKeyId | null {
  return Object.values(opens)[0]?.digestKey ?? null;
}

/**
 * The keys under which values of the next base may be sealed; undefined where the dataset has no `digest` fields. Every
 * value under an older key is in a view, because nobody shows such a value any more; of types that an absent member
 * holds nothing moves, so what was known of them stays.
 */
export function keysOfNextBase(
  { base, shape, opens }: Pick<RunMessages, 'base' | 'shape' | 'opens'>,
  views: Views,
  changes: LongList<BaseChange>,
): readonly DigestKeyId[] | undefined {
  const current = runKey(opens);
  if (current === null) return base?.digestKeys;
  const keys = new Set([current]);
  if (shape.absent.length > 0) for (const key of base?.digestKeys ?? []) keys.add(key);
  const next = new Map<string, Fields | null>(
    changes.map((change) => [`${change.type} ${change.key}`, change.kind === 'put' ? change.fields : null]),
  );
  for (const { taxonomy, digests } of shape.types)
    for (const view of digests.length === 0 ? [] : (views[taxonomy.type] ?? [])) {
      const changed = next.get(`${taxonomy.type} ${view.key}`);
      const fields = changed === undefined ? (view.storedBase ?? view.base) : changed;
      for (const key of fields ? sealedUnder(fields, digests) : []) keys.add(key);
    }
  return [...keys].sort();
}
