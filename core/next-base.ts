/** The next base: what members agree on after the receipts. Records that still differ keep their old base. */
import { compareRecord, type RecordView } from './compare.js';
import type { DatasetShape } from './federation/federation.js';
import { canonicalJson } from './digest.js';
import { byCodeUnit } from './json.js';
import { applyChanges, type Operation } from './operation.js';
import type { IncompleteScope } from './plan.js';
import { isProvisional, type AuthorityId, type Fields } from './record.js';

export type BaseChange =
  | { readonly kind: 'put'; readonly type: string; readonly key: string; readonly fields: Fields }
  | { readonly kind: 'remove'; readonly type: string; readonly key: string };

/** What a view becomes once the operations that had an effect are counted in. */
export function afterOperations(view: RecordView, effective: readonly Operation[]): RecordView {
  const members: Record<AuthorityId, Fields | undefined> = { ...view.members };
  for (const operation of effective) {
    members[operation.authority] =
      operation.kind === 'delete' ? undefined : applyChanges(operation.changes, members[operation.authority] ?? null);
  }
  return { ...view, members };
}

export interface NextBaseInput {
  readonly shape: DatasetShape;
  /** Per type, every differing record with all members and the base. */
  readonly views: Readonly<Record<string, readonly RecordView[]>>;
  readonly incomplete: readonly IncompleteScope[];
  /** Keys that a case holds back. */
  readonly held: readonly { readonly key: string }[];
  /** Operations with an effect (applied or alreadyApplied). */
  readonly effective: readonly Operation[];
}

export function baseChanges(input: NextBaseInput): readonly BaseChange[] {
  const changes: BaseChange[] = [];
  const openKeys = new Set(input.held.map(({ key }) => key));
  const effectiveByRecord = new Map<string, Operation[]>();
  for (const operation of input.effective) {
    const record = `${operation.type} ${operation.key}`;
    effectiveByRecord.set(record, [...(effectiveByRecord.get(record) ?? []), operation]);
  }
  for (const shapeType of input.shape.types) {
    const type = shapeType.taxonomy.type;
    const incomplete = new Set(input.incomplete.filter((scope) => scope.type === type).map((scope) => scope.authority));
    for (const view of [...(input.views[type] ?? [])].sort((a, b) => byCodeUnit(a.key, b.key))) {
      if (openKeys.has(view.key) || isProvisional(view.key)) continue;
      const after = afterOperations(view, effectiveByRecord.get(`${type} ${view.key}`) ?? []);
      const verdict = compareRecord(after, { type: shapeType, incomplete, openKeys });
      if (verdict.kind === 'editedAndDeleted' || (verdict.kind === 'deleted' && verdict.heldBackBy.length > 0))
        openKeys.add(view.key);
      if (verdict.kind === 'gone') changes.push({ kind: 'remove', type, key: view.key });
      if (
        verdict.kind === 'agreed' &&
        (view.base === undefined || canonicalJson(view.base) !== canonicalJson(verdict.fields))
      ) {
        changes.push({ kind: 'put', type, key: view.key, fields: verdict.fields });
      }
    }
  }
  return changes;
}
