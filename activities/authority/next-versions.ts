/** What is known of one record of this authority after it was observed once more (core/record-versions.ts). */
import type { SeenInterval } from '../../core/clock/seen-interval.js';
import type { DatasetType } from '../../core/federation/federation.js';
import type { Json } from '../../core/json.js';
import { sameJson } from '../../core/lens/same-json.js';
import type { AuthorityId, Fields } from '../../core/record.js';
import { observeRecord, RecordVersions, versionsField, type AppliedValue } from '../../core/record-versions.js';
import type { Difference } from './observed-differences.js';

type Touched = ReadonlyMap<string, ReadonlyMap<string, readonly AppliedValue[]>>;

/** What is known of a record after this observation; undefined where nothing is. */
export function nextVersions(
  member: AuthorityId,
  { round, seen, type }: { readonly round: number; readonly seen: SeenInterval; readonly type: DatasetType },
  agreed: ReadonlyMap<string, Difference>,
  applied: Touched,
): (key: string, difference: Difference, known: RecordVersions | undefined) => RecordVersions | undefined {
  const fields = Object.entries(type.taxonomy.fields).flatMap(([field, { kind }]) => (kind === 'set' ? [] : [field]));
  return (key, difference, known) => {
    const moved = agreed.get(key);
    if (!difference.now) return observeGone(difference, moved, known, seen);
    return observeRecord({
      member,
      round,
      before: difference.before ?? null,
      now: difference.now,
      known,
      agreed: (field) => moved !== undefined && !sameJson(moved.before?.[field], moved.now?.[field]),
      applied: (field) => applied.get(key)?.get(field) ?? [],
      fields,
      seen,
    });
  };
}

export function asFields(versions: RecordVersions): Fields {
  // Optional properties are left out where they are not there, never undefined.
  return { [versionsField]: versions as unknown as Json };
}

/** When a record was first seen gone, until all members agreed that it is. */
function observeGone(
  { before }: Difference,
  moved: Difference | undefined,
  known: RecordVersions | undefined,
  seen: SeenInterval,
): RecordVersions | undefined {
  if (moved && !moved.now) return undefined;
  return before ? { vectors: {}, seen: null, gone: seen.until } : known;
}

export function versionsIn(fields: Fields): RecordVersions {
  return RecordVersions.parse(fields[versionsField]);
}
