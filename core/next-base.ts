/** The next base: what members agree on after the receipts, field by field. What still differs keeps its old base. */
import { knownBase, membersHolding, type CompareContext, type HeldFields, type RecordView } from './compare.js';
import { placelessMembers, presenceOf, referencesOfView } from './presence.js';
import type { DatasetShape } from './federation/federation.js';
import { byCodeUnit, type Json } from './json.js';
import { sameJson } from './lens/same-json.js';
import type { Base } from './messages.js';
import { isBaseBehind, migratedHeld } from './migrate-base.js';
import { applyChanges, setElements, type Operation } from './operation.js';
import type { LongList } from './long-list.js';
import { inOrderOfKeys, type IncompleteScope } from './plan.js';
import { isProvisional, type AuthorityId, type Fields } from './record.js';
import { References } from './references.js';
import { standsIn } from './resolution/same-effect.js';
import { lastOf } from './steps.js';

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
  readonly views: Readonly<Record<string, LongList<RecordView>>>;
  readonly incomplete: readonly IncompleteScope[];
  /** Records that a case holds back. */
  readonly held: readonly { readonly type: string; readonly key: string }[];
  /** Operations with an effect (applied or alreadyApplied). */
  readonly effective: readonly Operation[] | EffectiveOperations;
  /** As in PlanInput. */
  readonly heldAtBase: Readonly<Record<string, HeldFields>>;
}

/** The same where they have no place in memory. */
export interface EffectiveOperations {
  readonly of: (type: string, key: string) => readonly Operation[];
}

export function effectiveByRecord(effective: NextBaseInput['effective']): EffectiveOperations['of'] {
  if ('of' in effective) return effective.of;
  const byRecord = new Map<string, Operation[]>();
  for (const operation of effective) {
    const record = `${operation.type} ${operation.key}`;
    const known = byRecord.get(record);
    if (known) known.push(operation);
    else byRecord.set(record, [operation]);
  }
  return (type, key) => byRecord.get(`${type} ${key}`) ?? [];
}

export function baseChanges(input: NextBaseInput): readonly BaseChange[] {
  return lastOf(baseChangeSteps(input));
}

/** The same, record by record. */
export function* baseChangeSteps(input: NextBaseInput): Generator<void, readonly BaseChange[]> {
  const changes: BaseChange[] = [];
  for (const change of eachBaseChange(input)) {
    if (change) changes.push(change);
    else yield;
  }
  return changes;
}

/** Undefined before each record that is looked at. */
export function* eachBaseChange(input: NextBaseInput): Generator<BaseChange | undefined, void> {
  const references = new References(input.shape, input.held);
  const heldByCase = new Set(input.held.map(({ type, key }) => `${type} ${key}`));
  const effectiveOf = effectiveByRecord(input.effective);
  for (const shapeType of input.shape.types) {
    const type = shapeType.taxonomy.type;
    // What an absent member holds it has not agreed to: its types keep their base until it is back.
    if (shapeType.absent.length > 0) continue;
    const inPlaceOf = standsIn(shapeType, input.views[type] ?? []);
    const context: CompareContext = {
      ...(inPlaceOf ? { standsIn: inPlaceOf } : {}),
      type: shapeType,
      incomplete: new Set(input.incomplete.filter((scope) => scope.type === type).map((scope) => scope.authority)),
      references,
      heldAtBase: input.heldAtBase[type],
    };
    for (const view of inOrderOfKeys(input.views[type] ?? [])) {
      yield undefined;
      if (isProvisional(view.key)) continue;
      for (const member of placelessMembers(view, context)) references.markPlaceless(type, view.key, member);
      let next = knownBase(view.base, context);
      const isReplaced = Object.keys(shapeType.held).some((member) => inPlaceOf?.(view.key, member) === true);
      // HAZARD: what refers to a record in a case keeps its base: that nobody shows it under this key says nothing.
      // HAZARD: who holds another record in its place never agreed on this one, and does not delete it when effects part.
      if (
        !isReplaced &&
        !heldByCase.has(`${type} ${view.key}`) &&
        !references.areOpen(referencesOfView(view, shapeType))
      ) {
        const after = afterOperations(view, effectiveOf(type, view.key));
        const { holders, unread } = presenceOf(after, context);
        for (const member of unread) references.markUnread(type, view.key, member);
        next = holders.length + unread.length === 0 ? undefined : agreedFields(after, next, context);
      }
      if (next === undefined) {
        if (view.base !== undefined) yield { kind: 'remove', type, key: view.key };
      } else if (!sameJson(view.storedBase ?? view.base, next)) {
        yield { kind: 'put', type, key: view.key, fields: next };
      }
    }
  }
}

/**
 * What the base holds of a record now. Where every member shows the record, each field on which all of them agree is
 * taken over, and of a set each element, whatever else is still open; the rest keeps what was agreed before. Left as it
 * was, a field that all have changed alike would make a later return to its old value look like standing still.
 */
function agreedFields(view: RecordView, base: Fields | undefined, context: CompareContext): Fields | undefined {
  const { holders, absent, unread } = presenceOf(view, context);
  if (absent.length > 0 || unread.length > 0) return base;
  const agreed: Record<string, Json> = {};
  for (const [field, kind] of Object.entries(context.type.taxonomy.fields)) {
    const members = membersHolding(field, holders, context);
    const values = members.map((member) => view.members[member]?.[field]);
    const before = base?.[field];
    const next =
      members.length === 0
        ? undefined
        : // A member that could not read the field has not agreed to it.
          values.includes(undefined)
          ? before
          : kind.kind === 'set'
            ? agreedElements(kind.of, members, values, before, context)
            : agreedValue(values, before);
    if (next !== undefined) agreed[field] = next;
  }
  return agreed;
}

function agreedValue(values: readonly (Json | undefined)[], before: Json | undefined): Json | undefined {
  const first = values[0] ?? null;
  return values.every((value) => sameJson(value ?? null, first)) ? first : before;
}

/** Before the first agreement on a set all must show the same; from then on each element is agreed on by itself. */
function agreedElements(
  of: string,
  members: readonly AuthorityId[],
  values: readonly (Json | undefined)[],
  before: Json | undefined,
  { references, incomplete }: CompareContext,
): Json | undefined {
  const sets = values.map((value) => new Set(setElements(value)));
  const old = new Set(setElements(before));
  const next: string[] = [];
  for (const element of new Set([...old, ...sets.flatMap((set) => [...set])])) {
    const having = sets.filter((set) => set.has(element)).length;
    const isOpen = references.isOpen(of, element);
    // HAZARD: that an incomplete snapshot does not show an element is no agreement to its absence.
    const isUnclear =
      having < sets.length &&
      (having > 0 || members.some((member) => incomplete.has(member) || references.isUnread(of, element, member)));
    if (before === undefined && isUnclear && !isOpen) return undefined;
    if (isOpen || isUnclear ? old.has(element) : having > 0) next.push(element);
  }
  return next.sort(byCodeUnit);
}

/** The fields that each member held when a base was agreed, as its sealed manifests tell, called as they are now. */
export function heldAtBase(
  base: Pick<Base, 'types' | 'versions'> | null,
  { types }: Pick<DatasetShape, 'types'>,
): Readonly<Record<string, HeldFields>> {
  const held: Record<string, HeldFields> = {};
  for (const { type, groups } of base?.types ?? []) {
    const ofType: Record<AuthorityId, string[]> = {};
    for (const { fields, members } of groups)
      for (const member of members) ofType[member] = [...(ofType[member] ?? []), ...fields];
    const taxonomy = types.find((one) => one.taxonomy.type === type)?.taxonomy;
    held[type] = taxonomy && isBaseBehind(base, taxonomy) ? migratedHeld(ofType, taxonomy) : ofType;
  }
  return held;
}
