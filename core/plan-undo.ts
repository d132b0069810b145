/** What signed undos make of one record: operations under the rule `undo`, in place of what the comparison says of it. */
import { askedOperations, settlingOf } from './acceptance.js';
import { knownBase, membersHolding, mergedFields, type CompareContext, type RecordView } from './compare.js';
import { creation, deletion } from './draft-operations.js';
import type { FieldKind } from './federation/taxonomy.js';
import { byCodeUnit, type Json } from './json.js';
import { referenceOf } from './lens/reference.js';
import { sameJson } from './lens/same-json.js';
import { setElements, type Operation } from './operation.js';
import { withinLimits, type PlanBuilder } from './plan-builder.js';
import { placelessMembers, presenceOf, referencesOfView } from './presence.js';
import type { AuthorityId, Fields } from './record.js';
import { permitsNoMore } from './resolution/privilege-order.js';
import { elementsMoved, standsAs, type UndoneRecord, type UndoState } from './undo.js';
import { heldValues, type FieldVerdict, type RecordVerdict } from './verdict.js';

export interface UndoneExistence {
  readonly operations: readonly Operation[];
  /** What the operations and the references are judged by: a record that comes back is looked at as it was. */
  readonly view: RecordView;
}

/**
 * A record that an agreement created goes, one that it deleted comes back. Null where no statement says so or where it
 * leads to nothing: then the comparison holds.
 */
export function planUndoneExistence(
  builder: PlanBuilder,
  view: RecordView,
  context: CompareContext,
): UndoneExistence | null {
  for (const undone of builder.undos.of(context.type.taxonomy.type, view.key)) {
    if (undone.fields !== null) continue;
    const planned = undone.left ?? (undone.was ? bringBack : letGo)(builder, view, context, undone);
    builder.undos.note(undone, null, typeof planned === 'string' ? planned : planned.state);
    if (typeof planned !== 'string') return planned;
  }
  return null;
}

type Planned = UndoneExistence & { readonly state: UndoState };

/** HAZARD: as with every deletion, nothing follows while anybody who may still hold the record cannot tell. */
function letGo(
  builder: PlanBuilder,
  view: RecordView,
  context: CompareContext,
  { undo, found }: UndoneRecord,
): Planned | UndoState {
  const { type } = context;
  const { holders, unread } = presenceOf(view, context);
  const base = knownBase(view.base, context);
  if (found === undefined) return 'nothingAgreedBefore';
  if (base === undefined) return holders.length === 0 ? 'isBack' : 'moved';
  if (!standsAs(found, base) || holders.some((member) => !standsAs(found, view.members[member] ?? {}))) return 'moved';
  if (type.policy?.deletion !== undefined && type.policy.deletion.kind !== 'propose') return 'deletionPolicy';
  if (type.absent.length > 0 || unread.length > 0 || holders.some((member) => context.incomplete.has(member))) {
    builder.references.markOpen(type.taxonomy.type, view.key);
    const silent = [...type.absent, ...unread, ...holders.filter((member) => context.incomplete.has(member))];
    builder.diverge('deletionHeldBack', type, view, null, [undo.authority], [...new Set(silent)]);
    return { operations: [], view, state: 'heldBack' };
  }
  const members = withinLimits(builder, type, view, 'delete', [undo.authority], holders);
  const asked = builder.acceptances.ask(
    members.map((authority) => deletion(authority, type, view, 'undo', [undo.authority])),
    view,
  );
  builder.diverge('undone', type, view, null, [undo.authority], members, settlingOf(asked));
  return { operations: askedOperations(asked), view, state: 'goesBack' };
}

function bringBack(
  builder: PlanBuilder,
  view: RecordView,
  context: CompareContext,
  { undo, was = {}, found }: UndoneRecord,
): Planned | UndoState {
  const { type, takenBy } = context;
  const { references } = builder;
  const name = type.taxonomy.type;
  if (found !== undefined) return 'nothingAgreedBefore';
  if (view.base !== undefined) return standsAs(was, view.base) ? 'isBack' : 'moved';
  const back: RecordView = { ...view, base: was };
  for (const member of placelessMembers(back, context)) references.markPlaceless(name, view.key, member);
  const { holders, absent } = presenceOf(back, context);
  if (holders.some((member) => !standsAs(was, view.members[member] ?? {}))) return 'moved';
  // Nobody holds the clear value any more, so nobody could be told it.
  if (type.digests.some((field) => was[field] !== undefined && was[field] !== null)) return 'digestField';
  if (references.areOpen(referencesOfView(back, type))) return 'waits';
  if (takenBy && Object.entries(was).some(([field, value]) => takenBy(field, value, view.key).length > 0))
    return 'doubled';
  const members = withinLimits(builder, type, back, 'create', [undo.authority], absent);
  const asked = builder.acceptances.ask(
    members.map((authority) => creation(authority, type, view.key, was, 'undo', [undo.authority], references)),
    view,
  );
  builder.diverge('undone', type, view, null, [undo.authority], members, settlingOf(asked));
  return { operations: askedOperations(asked), view: back, state: 'goesBack' };
}

/** The verdict on a record with fields that go back. Where none does it is what the comparison said. */
export function withUndoneFields(
  builder: PlanBuilder,
  verdict: RecordVerdict,
  view: RecordView,
  context: CompareContext,
): RecordVerdict {
  const undone = builder.undos
    .of(context.type.taxonomy.type, view.key)
    .filter((one): one is UndoneRecord & { readonly fields: readonly string[] } => one.fields !== null);
  if (undone.length === 0) return verdict;
  let fields: readonly FieldVerdict[] | null =
    verdict.kind === 'agreed'
      ? Object.entries(verdict.fields).map(([field, value]) => ({ kind: 'equal', field, value }))
      : verdict.kind === 'differs'
        ? verdict.fields
        : null;
  const taken = new Set<string>();
  for (const one of undone)
    for (const field of [...one.fields].sort(byCodeUnit)) {
      const turned =
        fields === null || taken.has(field) ? 'moved' : (one.left ?? undoField(one, field, fields, view, context));
      if (typeof turned === 'string') {
        builder.undos.note(one, field, turned);
        continue;
      }
      fields = turned;
      taken.add(field);
      builder.undos.note(one, field, 'goesBack');
    }
  if (taken.size === 0 || fields === null) return verdict;
  const { missing, unread } = verdict.kind === 'differs' ? verdict : { missing: [], unread: [] };
  return { kind: 'differs', fields, merged: mergedFields(fields), missing, unread };
}

function undoField(
  undone: UndoneRecord,
  field: string,
  verdicts: readonly FieldVerdict[],
  view: RecordView,
  context: CompareContext,
): readonly FieldVerdict[] | UndoState {
  const kind = context.type.taxonomy.fields[field];
  const { was, found } = undone;
  const base = knownBase(view.base, context);
  if (kind === undefined || was === undefined || found === undefined || was[field] === undefined)
    return 'nothingAgreedBefore';
  if (base === undefined || base[field] === undefined) return 'moved';
  if (verdicts.some((one) => one.field === field && one.kind === 'waits')) return 'waits';
  const { holders } = presenceOf(view, context);
  const speaking = membersHolding(field, holders, context).filter(
    (member) => view.members[member]?.[field] !== undefined,
  );
  return kind.kind === 'set'
    ? undoSet(undone, field, kind, speaking, verdicts, view, base, context)
    : undoValue(undone, field, kind, speaking, verdicts, view, base, context);
}

function undoValue(
  { undo, was, found }: UndoneRecord,
  field: string,
  kind: FieldKind,
  speaking: readonly AuthorityId[],
  verdicts: readonly FieldVerdict[],
  view: RecordView,
  base: Fields,
  context: CompareContext,
): readonly FieldVerdict[] | UndoState {
  const { type, takenBy, references } = context;
  const target: Json = was?.[field] ?? null;
  const left: Json = found?.[field] ?? null;
  if (sameJson(target, left) || sameJson(base[field] ?? null, target)) return 'isBack';
  if (!sameJson(base[field] ?? null, left)) return 'moved';
  const values = heldValues(field, speaking, view);
  if (values.some(({ value }) => !sameJson(value, left) && !sameJson(value, target))) return 'moved';
  if (type.digests.includes(field)) return 'digestField';
  const named = referenceOf(target);
  if (named && references.isOpen(named.type, named.key)) return 'waits';
  if (takenBy && takenBy(field, target, view.key).length > 0) return 'doubled';
  const privileges = kind.kind === 'text' || kind.kind === 'boolean' ? kind.privileges : undefined;
  const isLeast = type.policy?.fields?.[field]?.kind === 'leastPrivilege';
  if (isLeast && !(privileges && permitsNoMore(privileges, target, left))) return 'wouldWiden';
  const behind = speaking.filter((member) => !sameJson(view.members[member]?.[field] ?? null, target));
  if (behind.length === 0) return 'isBack';
  return [
    ...verdicts.filter((one) => one.field !== field),
    { kind: 'proposal', field, target, cause: 'undo', because: [undo.authority], behind },
  ];
}

/** Element by element: those that the agreement moved and that stand in the base as it left them. */
function undoSet(
  { undo, was, found }: UndoneRecord,
  field: string,
  kind: Extract<FieldKind, { kind: 'set' }>,
  speaking: readonly AuthorityId[],
  verdicts: readonly FieldVerdict[],
  view: RecordView,
  base: Fields,
  { type, references }: CompareContext,
): readonly FieldVerdict[] | UndoState {
  const own = verdicts.filter((one) => one.field === field);
  if (own.some((one) => one.kind !== 'equal' && one.kind !== 'setProposal')) return 'waits';
  const current = new Set(setElements(base[field]));
  const moved = elementsMoved(was, found, field);
  const isClear = (element: string): boolean => !references.isOpen(kind.of, element);
  const narrows = ['leastPrivilege', 'intersection'].includes(type.policy?.fields?.[field]?.kind ?? '');
  const add = moved.lost.filter((element) => !current.has(element) && isClear(element) && !narrows);
  const remove = moved.gained.filter((element) => current.has(element) && isClear(element));
  if (add.length + remove.length === 0) {
    if (narrows && moved.lost.some((element) => !current.has(element))) return 'wouldWiden';
    return moved.lost.every((one) => current.has(one)) && !moved.gained.some((one) => current.has(one))
      ? 'isBack'
      : 'waits';
  }
  const perMember: Record<AuthorityId, { add: readonly string[]; remove: readonly string[] }> = {};
  for (const member of speaking) {
    const elements = new Set(setElements(view.members[member]?.[field]));
    const gained = add.filter((one) => !elements.has(one) && references.canAdd(kind.of, one, member));
    const lost = remove.filter((one) => elements.has(one));
    if (gained.length + lost.length > 0) perMember[member] = { add: gained, remove: lost };
  }
  if (Object.keys(perMember).length === 0) return 'isBack';
  const touched = new Set([...add, ...remove]);
  const others = own.flatMap((one) => withoutElements(one, touched));
  const before = own.flatMap((one) =>
    one.kind === 'setProposal' ? one.target : one.kind === 'equal' ? setElements(one.value) : [],
  );
  const target = new Set([...before.filter((one) => !touched.has(one)), ...add]);
  return [
    ...verdicts.filter((one) => one.field !== field),
    ...others,
    {
      kind: 'setProposal',
      field,
      target: [...target].sort(byCodeUnit),
      cause: 'undo',
      perMember,
      because: [undo.authority],
    },
  ];
}

/** What else the comparison proposes for the set, which is decided on by itself. */
function withoutElements(verdict: FieldVerdict, touched: ReadonlySet<string>): readonly FieldVerdict[] {
  if (verdict.kind !== 'setProposal') return [];
  const rest = (elements: readonly string[]): readonly string[] => elements.filter((one) => !touched.has(one));
  const perMember = Object.fromEntries(
    Object.entries(verdict.perMember).flatMap(([member, { add, remove }]) =>
      rest(add).length + rest(remove).length === 0 ? [] : [[member, { add: rest(add), remove: rest(remove) }]],
    ),
  );
  return Object.keys(perMember).length === 0 ? [] : [{ ...verdict, target: rest(verdict.target), perMember }];
}
