/** Which opaque records a plan shows: those that changed since the last agreement, and those of which anything else differs. */
import type { RecordView } from './compare.js';
import type { DatasetType } from './federation/federation.js';
import { sameJson } from './lens/same-json.js';
import type { LongList } from './long-list.js';
import type { OpaqueRecord } from './opaque.js';
import type { PlanBuilder } from './plan-builder.js';

/**
 * After the record was planned. `divergences`: how many there were before it. What its own mesh seals of it never is the base,
 * so that the record is compared in every run: that alone is no divergence.
 */
export function planOpaque(builder: PlanBuilder, type: DatasetType, view: RecordView, divergences: number): void {
  const opaque = builder.opaque.of(type.taxonomy.type, view.key);
  if (opaque.length === 0) return;
  if (builder.divergences.length > divergences || opaque.some(({ changed }) => changed) || isElsewhereThanBase(view))
    divergeAt(builder, type, view.key, opaque);
}

/** Those that were not compared at all, since all show them as they were agreed. `shown`: those that were. */
export function planOpaqueUnseen(builder: PlanBuilder, type: DatasetType, shown: LongList<RecordView>): void {
  const changed = builder.opaque.ofType(type.taxonomy.type).filter((one) => one.changed);
  if (changed.length === 0) return;
  const unseen = new Set(changed.map(({ key }) => key));
  for (const { key } of shown) unseen.delete(key);
  for (const one of changed) if (unseen.has(one.key)) divergeAt(builder, type, one.key, [one]);
}

/** Whether somebody lacks it or shows another value than was agreed, also where nobody can be asked to follow. */
function isElsewhereThanBase({ base, members }: RecordView): boolean {
  return Object.values(members).some(
    (fields) =>
      fields === undefined ||
      Object.entries(fields).some(([field, value]) => {
        const agreed = base?.[field];
        return agreed !== undefined && !sameJson(value, agreed);
      }),
  );
}

function divergeAt(builder: PlanBuilder, type: DatasetType, key: string, opaque: readonly OpaqueRecord[]): void {
  const at = opaque.map(({ authority }) => authority);
  builder.diverge('opaque', type, { key }, null, at, at);
}
