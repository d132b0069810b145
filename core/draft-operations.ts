/** The operations that carry one record of one mesh to what a comparison proposes: updates, a creation, a deletion. */
import type { RecordView } from './compare.js';
import type { FieldVerdict } from './verdict.js';
import type { DatasetType } from './federation/federation.js';
import { byCodeUnit } from './json.js';
import { makeOperation, setElements, type Change, type Operation, type Rule } from './operation.js';
import type { AuthorityId, Fields } from './record.js';
import type { References } from './references.js';

const ruleOfCause: Readonly<Record<Extract<FieldVerdict, { kind: 'proposal' }>['cause'], Rule>> = {
  changed: 'changedOnOneSide',
  later: 'changedLater',
  filled: 'firstContact',
  owned: 'owned',
  leastPrivilege: 'leastPrivilege',
  latestObserved: 'latestObserved',
  undo: 'undo',
};

const ruleOfSetCause: Readonly<Record<Extract<FieldVerdict, { kind: 'setProposal' }>['cause'], Rule>> = {
  changed: 'elementChanged',
  filled: 'firstContact',
  owned: 'owned',
  union: 'union',
  intersection: 'intersection',
  undo: 'undo',
};

/** The update of one mesh's record, one operation for each rule, so that a decision on one does not hang on another. */
export function updatesOf(
  authority: AuthorityId,
  type: string,
  view: RecordView,
  fields: readonly FieldVerdict[],
  ruleForAll?: Rule,
): readonly Operation[] {
  const current = view.members[authority] ?? {};
  const byRule = new Map<Rule, { changes: Change[]; because: Set<AuthorityId> }>();
  const put = (rule: Rule, change: Change, because: readonly AuthorityId[]): void => {
    const chosen = ruleForAll ?? rule;
    const entry = byRule.get(chosen) ?? { changes: [], because: new Set() };
    entry.changes.push(change);
    for (const member of because) entry.because.add(member);
    byRule.set(chosen, entry);
  };
  for (const field of fields) {
    if (field.kind === 'proposal' && field.behind.includes(authority)) {
      put(
        ruleOfCause[field.cause],
        { kind: 'value', field: field.field, before: current[field.field] ?? null, after: field.target },
        field.because,
      );
    }
    const own = field.kind === 'setProposal' ? field.perMember[authority] : undefined;
    if (own && field.kind === 'setProposal') {
      put(
        ruleOfSetCause[field.cause],
        { kind: 'set', field: field.field, add: [...own.add], remove: [...own.remove] },
        field.because,
      );
    }
  }
  return [...byRule.entries()].map(([rule, { changes, because }]) =>
    makeOperation({ authority, type, key: view.key, kind: 'update', changes, rule, because: [...because], current }),
  );
}

/** Every field that the mesh holds, from what all would hold; of a set only the elements that the mesh will have. */
export function creation(
  authority: AuthorityId,
  type: DatasetType,
  key: string,
  merged: Fields,
  rule: Rule,
  because: readonly AuthorityId[],
  references: References,
): Operation {
  const changes = (type.held[authority] ?? []).flatMap((field): readonly Change[] => {
    const value = merged[field];
    const kind = type.taxonomy.fields[field];
    if (value === undefined || kind === undefined || kind.kind === 'effect') return [];
    if (kind.kind !== 'set') return [{ kind: 'value', field, before: null, after: value }];
    if (!references.canSpeakOf(kind.of, authority)) return [];
    const add = setElements(value).filter((element) => references.canAdd(kind.of, element, authority));
    return [{ kind: 'set', field, add, remove: [] }];
  });
  return makeOperation({
    authority,
    type: type.taxonomy.type,
    key,
    kind: 'create',
    changes,
    rule,
    because,
    current: null,
  });
}

/** Names all that the mesh would lose, so that the operation is another one as soon as the record changes. */
export function deletion(
  authority: AuthorityId,
  type: DatasetType,
  view: RecordView,
  rule: Rule,
  because: readonly AuthorityId[],
): Operation {
  const current = view.members[authority] ?? {};
  const changes = Object.entries(current).flatMap(([field, value]): readonly Change[] => {
    const kind = type.taxonomy.fields[field]?.kind;
    // It moves with policies elsewhere, and is not what the mesh is asked to let go.
    if (kind === 'effect') return [];
    return kind === 'set'
      ? [{ kind: 'set', field, add: [], remove: [...setElements(value)].sort(byCodeUnit) }]
      : [{ kind: 'value', field, before: value, after: null }];
  });
  return makeOperation({
    authority,
    type: type.taxonomy.type,
    key: view.key,
    kind: 'delete',
    changes,
    rule,
    because,
    current,
  });
}
