/** How the records of several clouds came to be one: by which rule of the dataset, read from the sealed snapshots. */
import { readAll } from '../../activities/sealing/read-records.js';
import { createSegmentReader } from '../../activities/sealing/segment-reader.js';
import type { ObjectStore } from '../../activities/store.js';
import type { Dataset } from '../../core/federation/dataset.js';
import type { AuthorityId, Fields } from '../../core/record.js';
import { isProvisional } from '../../core/record.js';
import type { Snapshots } from '../reading/documents.js';

export interface MatchCount {
  readonly type: string;
  /** Fields of the first rule that all holders of the record satisfy; null where one cloud alone holds it. */
  readonly rule: readonly string[] | null;
  readonly records: number;
  /** How many of them every member holds. */
  readonly everywhere: number;
}

export async function countMatches(
  exchange: ObjectStore,
  dataset: Dataset,
  snapshots: Snapshots,
): Promise<readonly MatchCount[]> {
  const members = Object.keys(snapshots);
  const reader = createSegmentReader({ store: exchange, prefixes: members });
  const counts: MatchCount[] = [];
  for (const type of dataset.types) {
    const holders = new Map<string, Map<AuthorityId, Fields>>();
    for (const [member, { types }] of Object.entries(snapshots)) {
      const sealed = types.find((one) => one.type === type);
      if (!sealed) continue;
      for await (const { key, fields } of readAll(sealed, reader))
        if (!isProvisional(key)) holders.set(key, (holders.get(key) ?? new Map<string, Fields>()).set(member, fields));
    }
    const rules = (dataset.correlation?.[type] ?? []).map(({ match }) => match);
    for (const rule of [...rules, null]) {
      const joined = [...holders.values()].filter((held) => ruleOf(rules, [...held.values()]) === rule);
      const everywhere = joined.filter((held) => held.size === members.length).length;
      if (joined.length > 0) counts.push({ type, rule, records: joined.length, everywhere });
    }
  }
  return counts;
}

/** The strongest rule that fits every holder; where one lacks the field, a later rule must have joined it. */
function ruleOf(rules: readonly (readonly string[])[], held: readonly Fields[]): readonly string[] | null {
  if (held.length < 2) return null;
  const isAlike = (field: string): boolean => {
    const values = new Set(held.map((fields) => fields[field] ?? null));
    return values.size === 1 && !values.has(null);
  };
  return rules.find((rule) => rule.every(isAlike)) ?? null;
}
