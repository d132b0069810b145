/**
 * Compares one record over all members with the last agreed base: three ways per field, sets element by element.
 *
 * Pure, and blind to the order in which members are named. A clock never enters. Nothing is decided here beyond what
 * a policy of the dataset says (core/resolution) or, without one, the default allows: a change on one side is proposed to
 * the others; changes on several sides are a conflict; a deletion is proposed only where every snapshot involved is complete; first contact proposes and never deletes.
 */
import { orderOf, type VersionVector } from './clock/version-vector.js';
import { byCodeUnit, type Json } from './json.js';
import type { DatasetType } from './federation/federation.js';
import { isOfScopes, referredTypes } from './federation/taxonomy.js';
import type { AuthorityId, Fields } from './record.js';
import type { References } from './references.js';
import { setElements } from './operation.js';
import { referenceOf } from './lens/reference.js';
import { effectDivergence } from './effect-labels.js';
import { sameJson } from './lens/same-json.js';
import { presenceOf, type Presence } from './presence.js';
import { joinedVector, type VersionsOfRecord } from './record-versions.js';
import { latestHeld } from './resolution/latest.js';
import { resolveField } from './resolution/resolve-field.js';
import { heldValues, inOneOrder, type FieldVerdict, type Held, type RecordVerdict } from './verdict.js';
import { isExempt, type StandsIn } from './resolution/same-effect.js';
import { decideTogether } from './resolution/together.js';
import { guardUnique, type TakenBy } from './resolution/unique.js';
import { isSuspension } from './resolution/deletion.js';

export interface RecordView {
  readonly key: string;
  /** Members that hold this type; undefined where the member's snapshot has no such record. */
  readonly members: Readonly<Record<AuthorityId, Fields | undefined>>;
  readonly base: Fields | undefined;
  /** What the base document holds, where `base` says the same under a newer digest key (core/reseal.ts). */
  readonly storedBase?: Fields;
  /** What members know of each other's changes; without it all changes are concurrent. */
  readonly versions?: VersionsOfRecord;
}

export interface CompareContext {
  readonly type: DatasetType;
  /** Members whose snapshot of this type is not provably complete. */
  readonly incomplete: ReadonlySet<AuthorityId>;
  /** What is known of the records that sets refer to. */
  readonly references: References;
  /** The fields that each member held when the base was agreed; undefined where the base knows nothing of this type. */
  readonly heldAtBase: HeldFields | undefined;
  /** Which other records hold a value of a field that is to be unique; absent where none is. */
  readonly takenBy?: TakenBy;
  /** Which members hold another record of the same effect in place of one that they lack; absent where none may. */
  readonly standsIn?: StandsIn;
}

export type HeldFields = Readonly<Record<AuthorityId, readonly string[]>>;

export function compareRecord(view: RecordView, context: CompareContext): RecordVerdict {
  const base = knownBase(view.base, context);
  const { holders, absent, unread } = presenceOf(view, context);
  if (holders.length === 0)
    return unread.length === 0
      ? { kind: 'gone' }
      : {
          kind: 'deleted',
          by: absent,
          heldBy: [],
          fields: [],
          merged: {},
          unread,
          heldBackBy: whoCannotTell(context, unread),
        };
  const fields = compareFields(view, base, { holders, absent, unread }, context);
  const merged = mergedFields(fields);
  // Rows that their authority hides are there, and say nothing that could be brought anywhere.
  if (base === undefined && holders.every((member) => isSilentRecord(view.members[member])))
    return { kind: 'agreed', fields: {} };
  if (base !== undefined && absent.length > 0) {
    const heldBackBy = whoCannotTell(context, unread);
    const editedBy = holders.filter((member) => changedFromBase(view.members[member] ?? {}, base, context));
    if (editedBy.length > 0)
      return { kind: 'editedAndDeleted', by: absent, editedBy, fields, merged, unread, heldBackBy };
    return { kind: 'deleted', by: absent, heldBy: holders, fields, merged, unread, heldBackBy };
  }
  if (absent.length === 0 && unread.length === 0 && fields.every((field) => field.kind === 'equal')) {
    return { kind: 'agreed', fields: merged };
  }
  return { kind: 'differs', fields, merged, missing: absent, unread };
}

function whoCannotTell(context: CompareContext, unread: readonly AuthorityId[]): readonly AuthorityId[] {
  return [
    ...Object.keys(context.type.held).filter((member) => context.incomplete.has(member) || unread.includes(member)),
    // HAZARD: who takes no part cannot say that it still holds the record, or has edited it.
    ...context.type.absent,
  ].sort(byCodeUnit);
}

/** What the base cannot say: nothing at all of this type, or nothing of these fields. Told once for all records. */
const baseSilence = new WeakMap<CompareContext, 'everything' | ReadonlySet<string>>();

function silenceOf(context: CompareContext): 'everything' | ReadonlySet<string> {
  const known = baseSilence.get(context);
  if (known !== undefined) return known;
  const { heldAtBase } = context;
  const members = Object.entries(context.type.held).filter(([, fields]) => fields.length > 0);
  const silence =
    heldAtBase === undefined || members.some(([member]) => heldAtBase[member] === undefined)
      ? 'everything'
      : new Set(members.flatMap(([member, fields]) => fields.filter((field) => !heldAtBase[member]?.includes(field))));
  baseSilence.set(context, silence);
  return silence;
}

/**
 * The base as far as it was agreed by the members that hold its fields now. A member that took up a type or a field
 * after the last agreement never agreed to it: what it lacks there is first contact, not a deletion.
 */
export function knownBase(base: Fields | undefined, context: CompareContext): Fields | undefined {
  const silence = silenceOf(context);
  if (base === undefined || silence === 'everything') return undefined;
  if (silence.size === 0) return base;
  return Object.fromEntries(Object.entries(base).filter(([field]) => !silence.has(field)));
}

function isSilentRecord(fields: Fields | undefined): boolean {
  return fields !== undefined && Object.keys(fields).length === 0;
}

/**
 * Among `members`, those that hold the field. One that holds no record of the type a set refers to is none of them.
 * Whether it could read the field of one record is another question.
 */
export function membersHolding(
  field: string,
  members: readonly AuthorityId[],
  context: CompareContext,
): readonly AuthorityId[] {
  const kind = context.type.taxonomy.fields[field];
  const referred = kind ? referredTypes(kind) : [];
  return members.filter(
    (member) =>
      context.type.held[member]?.includes(field) &&
      (referred.length === 0 || referred.some((type) => context.references.canSpeakOf(type, member))),
  );
}

function compareFields(
  view: RecordView,
  base: Fields | undefined,
  presence: Presence,
  context: CompareContext,
): readonly FieldVerdict[] {
  const { holders } = presence;
  const verdicts: FieldVerdict[] = [];
  for (const [field, kind] of Object.entries(context.type.taxonomy.fields).sort(([a], [b]) => byCodeUnit(a, b))) {
    // A member whose connector could not read the field of this one record says nothing about it.
    const speaking = membersHolding(field, holders, context).filter((member) => {
      const value = view.members[member]?.[field];
      // A reference to a record in doubt is as open as that record.
      const named = kind.kind === 'reference' ? referenceOf(value) : null;
      return value !== undefined && !(named && context.references.isOpen(named.type, named.key));
    });
    if (speaking.length === 0) continue;
    if (isOfScopes(kind)) continue;
    if (kind.kind === 'effect') {
      verdicts.push(compareEffect(field, speaking, view, context));
      continue;
    }
    if (isExempt(context.type, field, speaking, view)) {
      verdicts.push({ kind: 'equal', field, value: view.members[speaking[0] ?? '']?.[field] ?? null });
      continue;
    }
    const policy = context.type.policy?.fields?.[field];
    const threeWay = (): FieldVerdict =>
      kind.kind === 'set'
        ? compareSet(field, kind.of, speaking, view, base, context)
        : compareValue(field, speaking, view, base, policy?.kind === 'latest');
    const resolved = policy
      ? resolveField({ field, kind, policy, speaking, view, base, presence, context, threeWay })
      : [threeWay()];
    verdicts.push(...resolved);
  }
  return guardUnique(decideTogether(verdicts, context.type.policy?.together, view), view, context);
}

/** The values that no other one was made in knowledge of. What nothing is known of outdates nothing and stays. */
function notOutdated(found: readonly Held[], vectorOf: (entry: Held) => VersionVector | null): ReadonlySet<Held> {
  const vectors = new Map(found.map((entry) => [entry, vectorOf(entry)]));
  return new Set(
    found.filter((entry) => {
      const vector = vectors.get(entry);
      if (!vector) return true;
      return ![...vectors.values()].some((other) => other && orderOf(other, vector) === 'later');
    }),
  );
}

function compareValue(
  field: string,
  speaking: readonly AuthorityId[],
  view: RecordView,
  baseFields: Fields | undefined,
  latestDecides: boolean,
): FieldVerdict {
  const base = baseFields?.[field];
  const found = heldValues(field, speaking, view);
  const [first] = found;
  if (first && found.length === 1) return { kind: 'equal', field, value: first.value };
  const isAtBase = (entry: Held): boolean => sameJson(entry.value, base ?? null);
  const moved = found.filter((entry) => !isAtBase(entry));
  const standing = notOutdated(found, (entry) => joinedVector(view.versions, entry.heldBy, field, isAtBase(entry)));
  const open = moved.filter((entry) => standing.has(entry));
  // Where every change was taken back by somebody who knew it, the base itself is the latest value.
  const [target] = open.length > 0 || base === undefined ? open : found.filter(isAtBase);
  if (target && open.length <= 1) {
    const behind = speaking.filter((member) => !target.heldBy.includes(member));
    return {
      kind: 'proposal',
      field,
      target: target.value,
      cause: moved.length > 1 || isAtBase(target) ? 'later' : base === undefined ? 'filled' : 'changed',
      because: target.heldBy,
      behind,
    };
  }
  const latest = latestDecides ? latestHeld(field, open, view.versions) : null;
  if (latest)
    return {
      kind: 'proposal',
      field,
      target: latest.value,
      cause: 'latestObserved',
      because: latest.heldBy,
      behind: speaking.filter((member) => !latest.heldBy.includes(member)),
    };
  return { kind: 'conflict', field, base, candidates: inOneOrder(found) };
}

function compareSet(
  field: string,
  of: string,
  speaking: readonly AuthorityId[],
  view: RecordView,
  baseFields: Fields | undefined,
  context: CompareContext,
): FieldVerdict {
  const { references } = context;
  const settled = (value: Json | undefined): ReadonlySet<string> =>
    new Set(setElements(value).filter((element) => !references.isOpen(of, element)));
  const base = settled(baseFields?.[field]);
  const elementsOf = new Map(speaking.map((member) => [member, settled(view.members[member]?.[field])]));
  // HAZARD: an element missing from an incomplete snapshot, or whose record was not read, is unread and not removed.
  const isSilent = (member: AuthorityId, element: string): boolean =>
    context.incomplete.has(member) || references.isUnread(of, element, member);
  const target = new Set(base);
  const because = new Set<AuthorityId>();
  for (const [member, elements] of elementsOf) {
    for (const element of elements) {
      if (base.has(element)) continue;
      target.add(element);
      because.add(member);
    }
    for (const element of base) {
      if (elements.has(element) || isSilent(member, element)) continue;
      target.delete(element);
      because.add(member);
    }
  }
  const perMember: Record<AuthorityId, { add: readonly string[]; remove: readonly string[] }> = {};
  for (const [member, elements] of elementsOf) {
    const add = [...target].filter(
      (element) =>
        !elements.has(element) &&
        !(base.has(element) && isSilent(member, element)) &&
        references.canAdd(of, element, member),
    );
    const remove = [...elements].filter((element) => !target.has(element));
    if (add.length > 0 || remove.length > 0)
      perMember[member] = { add: add.sort(byCodeUnit), remove: remove.sort(byCodeUnit) };
  }
  const sorted = [...target].sort(byCodeUnit);
  if (Object.keys(perMember).length === 0) return { kind: 'equal', field, value: sorted };
  const cause = baseFields?.[field] === undefined ? 'filled' : 'changed';
  return { kind: 'setProposal', field, target: sorted, cause, perMember, because: [...because].sort(byCodeUnit) };
}

/** No base and no policy: what policies and roles leave is what it is now, and where it differs nobody here can end it. */
function compareEffect(
  field: string,
  speaking: readonly AuthorityId[],
  view: RecordView,
  { type }: CompareContext,
): FieldVerdict {
  const values = Object.fromEntries(speaking.map((member) => [member, view.members[member]?.[field]]));
  const canSay = (member: AuthorityId, capability: string): boolean =>
    type.sayable?.[member]?.includes(capability) ?? true;
  const divergence = effectDivergence(values, canSay);
  if (divergence) return { kind: 'effect', field, ...divergence };
  return { kind: 'equal', field, value: view.members[speaking[0] ?? '']?.[field] ?? null };
}

/** What every member would hold if all proposals were applied; conflicting fields are left out. */
export function mergedFields(verdicts: readonly FieldVerdict[]): Fields {
  const merged: Record<string, Json> = {};
  for (const verdict of verdicts) {
    if (verdict.kind === 'equal') merged[verdict.field] = verdict.value;
    else if (verdict.kind === 'proposal' || verdict.kind === 'setProposal') merged[verdict.field] = verdict.target;
    else if (verdict.kind === 'waits' && verdict.value !== undefined) merged[verdict.field] = verdict.value;
  }
  return merged;
}

/** Whether deleting the record would lose something that the base does not hold. */
function changedFromBase(fields: Fields, base: Fields, context: CompareContext): boolean {
  return Object.entries(fields).some(([field, value]) => {
    const kind = context.type.taxonomy.fields[field];
    // What its policies leave is not the record's own, and no reason to keep what another mesh let go.
    if (kind?.kind === 'effect') return false;
    // That a record was suspended on the way to its deletion is no edit that should keep it.
    if (isSuspension(context.type.policy, field, value)) return false;
    if (kind?.kind !== 'set') {
      // What was never agreed on is somebody's own: to lose it is for a person to decide.
      return !sameJson(value, base[field] ?? null);
    }
    const before = new Set(setElements(base[field]));
    // Losing members while its last ones leave is no edit that should keep a deleted team alive; gaining one is.
    return setElements(value).some((element) => !before.has(element) && !context.references.isOpen(kind.of, element));
  });
}
