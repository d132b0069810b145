/**
 * Compares one record over all members with the last agreed base: three ways per field, sets element by element.
 *
 * Pure, and blind to the order in which members are named. A clock never enters. Nothing is decided here beyond what
 * the default policy allows: a change on one side is proposed to the others; changes on several sides are a conflict;
 * a deletion is proposed only where every snapshot involved is complete; first contact proposes and never deletes.
 */
import { byCodeUnit, type Json } from './json.js';
import type { DatasetType } from './federation/federation.js';
import type { AuthorityId, Fields } from './record.js';
import { isProvisional } from './record.js';
import { setElements } from './operation.js';
import { canonicalJson } from './digest.js';

export interface RecordView {
  readonly key: string;
  /** Members that hold this type; undefined where the member's snapshot has no such record. */
  readonly members: Readonly<Record<AuthorityId, Fields | undefined>>;
  readonly base: Fields | undefined;
}

export interface CompareContext {
  readonly type: DatasetType;
  /** Members whose snapshot of this type is not provably complete. */
  readonly incomplete: ReadonlySet<AuthorityId>;
  /** Keys of referenced records whose existence is open (a case, or a conflict about deletion): sets are compared without them. */
  readonly openKeys: ReadonlySet<string>;
}

export type FieldVerdict =
  | { readonly kind: 'equal'; readonly field: string; readonly value: Json }
  | {
      readonly kind: 'proposal';
      readonly field: string;
      readonly target: Json;
      /** changed: against the base; filled: first contact found one value and emptiness elsewhere. */
      readonly cause: 'changed' | 'filled';
      readonly because: readonly AuthorityId[];
      readonly behind: readonly AuthorityId[];
    }
  | {
      readonly kind: 'setProposal';
      readonly field: string;
      readonly target: readonly string[];
      readonly perMember: Readonly<
        Record<AuthorityId, { readonly add: readonly string[]; readonly remove: readonly string[] }>
      >;
      readonly because: readonly AuthorityId[];
    }
  | {
      readonly kind: 'conflict';
      readonly field: string;
      readonly base: Json | undefined;
      readonly candidates: readonly { readonly value: Json; readonly heldBy: readonly AuthorityId[] }[];
    };

export type RecordVerdict =
  /** All members hold it and agree in every field. */
  | { readonly kind: 'agreed'; readonly fields: Fields }
  /** No member holds it any more, and all of them were read completely. */
  | { readonly kind: 'gone' }
  /** Some fields differ; `missing` members get it created from `merged` where no conflict is open. */
  | {
      readonly kind: 'differs';
      readonly fields: readonly FieldVerdict[];
      readonly merged: Fields;
      readonly missing: readonly AuthorityId[];
      readonly unread: readonly AuthorityId[];
    }
  | {
      readonly kind: 'deleted';
      readonly by: readonly AuthorityId[];
      readonly heldBy: readonly AuthorityId[];
      readonly unread: readonly AuthorityId[];
      /** Members whose incomplete snapshot forbids any deletion now; empty where the deletion may be proposed. */
      readonly heldBackBy: readonly AuthorityId[];
    }
  | {
      readonly kind: 'editedAndDeleted';
      readonly by: readonly AuthorityId[];
      readonly editedBy: readonly AuthorityId[];
      readonly fields: readonly FieldVerdict[];
      readonly merged: Fields;
      readonly unread: readonly AuthorityId[];
    };

export function compareRecord(view: RecordView, context: CompareContext): RecordVerdict {
  const holders: AuthorityId[] = [];
  const absent: AuthorityId[] = [];
  const unread: AuthorityId[] = [];
  for (const member of Object.keys(context.type.held).sort(byCodeUnit)) {
    if (view.members[member] !== undefined) holders.push(member);
    else if (context.incomplete.has(member)) unread.push(member);
    else absent.push(member);
  }
  const fields = compareFields(view, holders, context);
  const merged = mergedFields(fields);
  if (view.base !== undefined && absent.length > 0) {
    if (holders.length === 0 && unread.length === 0) return { kind: 'gone' };
    const editedBy = holders.filter((member) => changedFromBase(view.members[member] ?? {}, view.base ?? {}, context));
    if (editedBy.length > 0) return { kind: 'editedAndDeleted', by: absent, editedBy, fields, merged, unread };
    const heldBackBy = Object.keys(context.type.held)
      .filter((member) => context.incomplete.has(member))
      .sort(byCodeUnit);
    return { kind: 'deleted', by: absent, heldBy: holders, unread, heldBackBy };
  }
  if (absent.length === 0 && unread.length === 0 && fields.every((field) => field.kind === 'equal')) {
    return { kind: 'agreed', fields: merged };
  }
  return { kind: 'differs', fields, merged, missing: absent, unread };
}

function compareFields(
  view: RecordView,
  holders: readonly AuthorityId[],
  context: CompareContext,
): readonly FieldVerdict[] {
  const verdicts: FieldVerdict[] = [];
  for (const field of Object.keys(context.type.taxonomy.fields).sort(byCodeUnit)) {
    // A member whose connector could not read the field of this one record says nothing about it.
    const speaking = holders.filter(
      (member) => context.type.held[member]?.includes(field) && view.members[member]?.[field] !== undefined,
    );
    if (speaking.length === 0) continue;
    const isSet = context.type.taxonomy.fields[field]?.kind === 'set';
    verdicts.push(isSet ? compareSet(field, speaking, view, context) : compareValue(field, speaking, view));
  }
  return verdicts;
}

function compareValue(field: string, speaking: readonly AuthorityId[], view: RecordView): FieldVerdict {
  const base = view.base?.[field];
  const byValue = new Map<string, { value: Json; heldBy: AuthorityId[] }>();
  for (const member of speaking) {
    const value = view.members[member]?.[field] ?? null;
    const text = canonicalJson({ value });
    const entry = byValue.get(text) ?? { value, heldBy: [] };
    entry.heldBy.push(member);
    byValue.set(text, entry);
  }
  const values = [...byValue.entries()].sort(([left], [right]) => byCodeUnit(left, right)).map(([, entry]) => entry);
  const [first] = values;
  if (first && values.length === 1) return { kind: 'equal', field, value: first.value };
  const stale = base === undefined ? null : base;
  const moved = values.filter((entry) => canonicalJson({ value: entry.value }) !== canonicalJson({ value: stale }));
  const [target] = moved;
  if (target && moved.length === 1) {
    const behind = speaking.filter((member) => !target.heldBy.includes(member));
    return {
      kind: 'proposal',
      field,
      target: target.value,
      cause: base === undefined ? 'filled' : 'changed',
      because: target.heldBy,
      behind,
    };
  }
  return { kind: 'conflict', field, base, candidates: values };
}

function compareSet(
  field: string,
  speaking: readonly AuthorityId[],
  view: RecordView,
  context: CompareContext,
): FieldVerdict {
  const open = (element: string): boolean => isProvisional(element) || context.openKeys.has(element);
  const elementsOf = (value: Json | undefined): Set<string> =>
    new Set(setElements(value).filter((element) => !open(element)));
  const base = elementsOf(view.base?.[field]);
  const perMemberElements = new Map(speaking.map((member) => [member, elementsOf(view.members[member]?.[field])]));
  const target = new Set(base);
  const because = new Set<AuthorityId>();
  for (const [member, elements] of perMemberElements) {
    for (const element of elements) {
      if (base.has(element)) continue;
      target.add(element);
      because.add(member);
    }
    // HAZARD: an element missing from an incomplete snapshot is unread, not removed.
    if (context.incomplete.has(member)) continue;
    for (const element of base) {
      if (elements.has(element)) continue;
      target.delete(element);
      because.add(member);
    }
  }
  const perMember: Record<AuthorityId, { add: readonly string[]; remove: readonly string[] }> = {};
  for (const [member, elements] of perMemberElements) {
    const unread = context.incomplete.has(member) ? base : new Set<string>();
    const add = [...target].filter((element) => !elements.has(element) && !unread.has(element)).sort(byCodeUnit);
    const remove = [...elements].filter((element) => !target.has(element)).sort(byCodeUnit);
    if (add.length > 0 || remove.length > 0) perMember[member] = { add, remove };
  }
  if (Object.keys(perMember).length === 0) {
    // Elements whose own existence is open stay as the base had them: they are neither agreed anew nor lost.
    const kept = setElements(view.base?.[field]).filter(open);
    return { kind: 'equal', field, value: [...target, ...kept].sort(byCodeUnit) };
  }
  const sorted = [...target].sort(byCodeUnit);
  return { kind: 'setProposal', field, target: sorted, perMember, because: [...because].sort(byCodeUnit) };
}

/** What every member would hold if all proposals were applied; conflicting fields are left out. */
function mergedFields(verdicts: readonly FieldVerdict[]): Fields {
  const merged: Record<string, Json> = {};
  for (const verdict of verdicts) {
    if (verdict.kind === 'equal') merged[verdict.field] = verdict.value;
    else if (verdict.kind !== 'conflict') merged[verdict.field] = verdict.target;
  }
  return merged;
}

function changedFromBase(fields: Fields, base: Fields, context: CompareContext): boolean {
  return Object.keys(fields).some((field) => {
    if (base[field] === undefined) return false;
    const isSet = context.type.taxonomy.fields[field]?.kind === 'set';
    if (!isSet)
      return canonicalJson({ value: fields[field] ?? null }) !== canonicalJson({ value: base[field] ?? null });
    const before = new Set(setElements(base[field]));
    // Losing members while its last ones leave is no edit that should keep a deleted team alive; gaining one is.
    return setElements(fields[field]).some(
      (element) => !before.has(element) && !isProvisional(element) && !context.openKeys.has(element),
    );
  });
}
