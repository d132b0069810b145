/** Puts beside each differing record the match tokens that its members gave for it, where a record waits to be joined by them. */
import type { MatchedRecord } from '../core/correlate.js';
import type { DatasetShape, DatasetType } from '../core/federation/federation.js';
import type { LongList } from '../core/long-list.js';
import { tokenRules } from '../core/match-tokens.js';
import type { SnapshotStatement } from '../core/messages.js';
import { isProvisional, type AuthorityId, type Fields } from '../core/record.js';
import { letOthersRun } from './event-loop.js';
import { readAll } from './sealing/read-records.js';
import { createSegmentReader } from './sealing/segment-reader.js';
import type { Views } from './spilling/gathered-views.js';
import type { ObjectStore } from './store.js';

/**
 * Per type, what correlation reads. HAZARD: a token is what a member says of its own record, like a value in clear: one
 * that lies joins its own record to another's, which shows as a divergence of the digests and is written nowhere unasked.
 */
export async function withTokens(
  views: Views,
  snapshots: Readonly<Record<AuthorityId, SnapshotStatement>>,
  { dataset, types, members }: Pick<DatasetShape, 'dataset' | 'types' | 'members'>,
  exchange: ObjectStore,
): Promise<Readonly<Record<string, LongList<MatchedRecord>>>> {
  const reader = createSegmentReader({ store: exchange, prefixes: members });
  const result: Record<string, LongList<MatchedRecord>> = {};
  for (const type of types) {
    const name = type.taxonomy.type;
    const ofType = views[name] ?? [];
    result[name] = ofType;
    if (!matchesByToken(type, dataset) || !ofType.some(({ key }) => isProvisional(key))) continue;
    const wanted = new Map<string, Record<AuthorityId, Fields>>(ofType.map(({ key }) => [key, {}]));
    for (const [member, { matches }] of Object.entries(snapshots)) {
      const own = matches.find((sealed) => sealed.type === name);
      if (!own) continue;
      for await (const { key, fields } of readAll(own, reader)) {
        await letOthersRun();
        const tokens = wanted.get(key);
        if (tokens) tokens[member] = fields;
      }
    }
    result[name] = ofType.map((view) => ({ ...view, tokens: wanted.get(view.key) ?? {} }));
  }
  return result;
}

function matchesByToken(type: DatasetType, dataset: DatasetShape['dataset']): boolean {
  return tokenRules(dataset.correlation[type.taxonomy.type] ?? [], type.digests).length > 0;
}
