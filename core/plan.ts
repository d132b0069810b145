/**
 * The plan: frozen data, known by its digest, made again by every authority before its people are asked and before it
 * writes. It says nothing of a run or a clock, so a review can outlive a run and a later run that finds the same plan
 * attaches to it.
 */
import { z } from 'zod';
import { compareRecord, type CompareContext, type HeldFields, type RecordView } from './compare.js';
import type { RecordVerdict } from './verdict.js';
import { placelessMembers, presenceOf, referencesOfView } from './presence.js';
import { Acceptance, askedOperations, settlingOf, withConflicts, type Rejection, type Settling } from './acceptance.js';
import type { StandingAcceptance } from './acceptance-statement.js';
import { IgnoredRecord, type StandingIgnore } from './ignored.js';
import { Case } from './correlation-cases.js';
import { Digest } from './digest.js';
import { lastOf } from './steps.js';
import { DivergenceKind } from './divergence-kind.js';
import { creation, updatesOf } from './draft-operations.js';
import { planConflict, planDispute } from './plan-conflict.js';
import type { DatasetShape, DatasetType } from './federation/federation.js';
import { byCodeUnit, Json } from './json.js';
import { sortedBy } from './in-one-order.js';
import type { LongList } from './long-list.js';
import { Operation } from './operation.js';
import { NewVersion } from './new-versions.js';
import { OpaqueRecord } from './opaque.js';
import { behindOf, PlanBuilder, withinLimits, type DivergenceDraft } from './plan-builder.js';
import type { PlanGathering } from './plan-gathering.js';
import { AuthorityId, isProvisional } from './record.js';
import type { OpenedAt } from './resolution/deletion.js';
import { planDeletion } from './resolution/plan-deletion.js';
import { standsIn } from './resolution/same-effect.js';
import { planOpaque, planOpaqueUnseen } from './plan-opaque.js';
import { planUndoneExistence, withUndoneFields } from './plan-undo.js';
import { PlannedUndo, type UndoneRecord } from './undo.js';
import { agreedDoubles, takenIn, type AgreedValue } from './resolution/unique.js';

export const planAlgorithm = 'concordat-plan/1';

export const Candidate = z.strictObject({
  /** Digest of the value, or of "absent"; a choice names it, never the value. */
  digest: Digest,
  kind: z.enum(['value', 'kept', 'absent']),
  value: Json.optional(),
  heldBy: z.array(AuthorityId),
  /** What would be written where, if this candidate qualifies. */
  operations: z.array(Operation),
});
export type Candidate = z.infer<typeof Candidate>;

export const Conflict = z.strictObject({
  id: Digest,
  type: z.string(),
  key: z.string(),
  /** null where the existence of the record is in dispute: edited on one side, deleted on another. */
  field: z.string().nullable(),
  candidates: z.array(Candidate),
});
export type Conflict = z.infer<typeof Conflict>;

export const Divergence = z.strictObject({
  kind: DivergenceKind,
  type: z.string(),
  key: z.string(),
  field: z.string().nullable(),
  because: z.array(AuthorityId),
  at: z.array(AuthorityId),
  /** Operations that are asked for and would settle it, where there are any. */
  operations: z.array(Digest),
  /** Who accepted it as it is, wholly or in part: a rejection with a reason and an end. */
  accepted: z.array(Acceptance),
  /** Of kind `effectDiffers`: per member, what it leaves of the capabilities on which members differ. */
  leaves: z.record(AuthorityId, z.array(z.string())).optional(),
});
export type Divergence = z.infer<typeof Divergence>;

export const IncompleteScope = z.strictObject({
  authority: AuthorityId,
  type: z.string(),
  scope: z.string(),
  reason: z.string(),
});
export type IncompleteScope = z.infer<typeof IncompleteScope>;

export const Plan = z.strictObject({
  algorithm: z.literal(planAlgorithm),
  dataset: z.string(),
  configuration: Digest,
  base: Digest.nullable(),
  standing: Digest,
  correlation: Digest,
  operations: z.array(Operation),
  conflicts: z.array(Conflict),
  divergences: z.array(Divergence),
  cases: z.array(Case),
  incomplete: z.array(IncompleteScope),
  /** Of the divergences of kind `opaque`, why. */
  opaque: z.array(OpaqueRecord).default([]),
  /** Records that are nobody's, as people said; absent where there are none. */
  ignored: z.array(IgnoredRecord).optional(),
  /** What people of the members undo, and what becomes of it; left out where nobody undoes anything. */
  undos: z.array(PlannedUndo).optional(),
  /** Types and maps that are new since the last agreement; left out where there are none. */
  newVersions: z.array(NewVersion).optional(),
  /** Members that take no part: they count with their base, nothing is deleted and no base moves without them. */
  absent: z.array(AuthorityId),
});
export type Plan = z.infer<typeof Plan>;

/** As it was made: what it may hold very many of may lie elsewhere than in memory. */
export interface MadePlan extends Omit<Plan, 'operations' | 'divergences'> {
  readonly operations: LongList<Operation>;
  readonly divergences: LongList<Divergence>;
}

export interface PlanInput {
  readonly shape: DatasetShape;
  readonly base: Digest | null;
  readonly standing: Digest;
  readonly rejections: Readonly<Record<AuthorityId, readonly Rejection[]>>;
  /** What people accepted without being asked, of all members. */
  readonly acceptances?: readonly StandingAcceptance[];
  /** Native records that their authorities' people call nobody's. */
  readonly ignored?: readonly StandingIgnore[];
  readonly correlation: Digest;
  readonly cases: readonly Case[];
  readonly held: readonly { readonly type: string; readonly key: string }[];
  readonly incomplete: readonly IncompleteScope[];
  /** Per type, every differing record with all members and the base. What is no array comes in order of keys. */
  readonly views: Readonly<Record<string, LongList<RecordView>>>;
  /** Per type that the base has, the fields each member held when it was agreed (heldAtBase in next-base.ts). */
  readonly heldAtBase: Readonly<Record<string, HeldFields>>;
  /** Stamps of the opens; delays that a dataset declares are judged by them, and without them none has passed. */
  readonly openedAt?: OpenedAt;
  /** Of fields declared unique: values of agreed records that others hold too. */
  readonly agreedValues?: readonly AgreedValue[];
  /** What members cannot fully represent. The views are silent about it (OpaqueIndex.silenced). */
  readonly opaque?: readonly OpaqueRecord[];
  readonly newVersions?: readonly NewVersion[];
  /** Of the statements in all standings that still hold. The views show every record that one names. */
  readonly undos?: readonly UndoneRecord[];
}

export function makePlan(input: PlanInput): Plan {
  const { operations, divergences, ...plan } = lastOf(planSteps(input));
  return { ...plan, operations: [...operations], divergences: [...divergences] };
}

/** The same, record by record: whoever has other work to do meanwhile takes the steps in slices. */
export function* planSteps(input: PlanInput, gathering?: PlanGathering): Generator<void, MadePlan> {
  const builder = new PlanBuilder(input, gathering);
  const { references } = builder;
  const heldByCase = new Set(input.held.map(({ type, key }) => `${type} ${key}`));
  for (const type of input.shape.types) {
    const name = type.taxonomy.type;
    const takenBy = takenIn(type, input.views[name] ?? [], input.agreedValues ?? []);
    const inPlaceOf = standsIn(type, input.views[name] ?? []);
    const context: CompareContext = {
      type,
      incomplete: new Set(input.incomplete.filter((scope) => scope.type === name).map((scope) => scope.authority)),
      references,
      heldAtBase: input.heldAtBase[name],
      ...(takenBy ? { takenBy } : {}),
      ...(inPlaceOf ? { standsIn: inPlaceOf } : {}),
    };
    if (takenBy)
      for (const { key, field } of agreedDoubles(type, input.views[name] ?? [], input.agreedValues ?? [], takenBy))
        builder.diverge('doubled', type, { key }, field, [], Object.keys(type.held));
    for (const view of inOrderOfKeys(input.views[name] ?? [])) {
      yield;
      builder.settleDrafts(settlingAlone);
      for (const member of placelessMembers(view, context)) references.markPlaceless(name, view.key, member);
      if (builder.isIgnored(name, view, type)) {
        builder.undos.noteAll(name, view.key, 'waits');
        continue;
      }
      if (heldByCase.has(`${name} ${view.key}`) || isProvisional(view.key)) {
        const { holders } = presenceOf(view, context);
        builder.undos.noteAll(name, view.key, 'waits');
        builder.diverge('heldByCase', type, view, null, holders, holders);
        continue;
      }
      const before = builder.divergences.length;
      const referred = referencesOfView(view, type);
      if (references.areOpen(referred)) {
        const { holders, absent } = presenceOf(view, context);
        references.markOpen(name, view.key);
        builder.undos.noteAll(name, view.key, 'waits');
        builder.diverge('waitsForReference', type, view, null, holders, absent.length > 0 ? absent : holders);
        builder.disputes.restoreEdges(view, referred, context);
      } else {
        planRecord(builder, view, context);
        builder.disputes.restoreMemberships(type, view, references);
      }
      planOpaque(builder, type, view, before);
    }
    planOpaqueUnseen(builder, type, input.views[name] ?? []);
  }
  return yield* freeze(input, builder);
}

function planRecord(builder: PlanBuilder, view: RecordView, context: CompareContext): void {
  const { type } = context;
  const { references } = builder;
  const name = type.taxonomy.type;
  const undone = planUndoneExistence(builder, view, context);
  const presence = presenceOf(undone?.view ?? view, context);
  const planned: Operation[] = [...(undone?.operations ?? planCompared(builder, view, context, presence.holders))];
  for (const operation of planned) builder.put(operation);
  const happens = (kind: Operation['kind'], member: AuthorityId): boolean =>
    planned.some((operation) => operation.kind === kind && operation.authority === member);
  for (const member of presence.unread) references.markUnread(name, view.key, member);
  for (const member of presence.absent) if (!happens('create', member)) references.markWithout(name, view.key, member);
  for (const member of presence.holders) if (happens('delete', member)) references.markWithout(name, view.key, member);
}

function planCompared(
  builder: PlanBuilder,
  view: RecordView,
  context: CompareContext,
  holders: readonly AuthorityId[],
): readonly Operation[] {
  const { type } = context;
  const verdict = withUndoneFields(builder, compareRecord(view, context), view, context);
  switch (verdict.kind) {
    case 'agreed':
    case 'gone':
      return [];
    case 'deleted':
      return planDeletion(builder, type, view, verdict);
    case 'editedAndDeleted':
      builder.references.markOpen(type.taxonomy.type, view.key);
      planDispute(builder, type, view, verdict, holders);
      return [];
    case 'differs':
      return planDifference(builder, type, view, verdict, holders);
  }
}

function planDifference(
  builder: PlanBuilder,
  type: DatasetType,
  view: RecordView,
  verdict: Extract<RecordVerdict, { kind: 'differs' }>,
  holders: readonly AuthorityId[],
): readonly Operation[] {
  const updates = builder.acceptances.ask(
    withinLimits(builder, type, view, 'update', [], behindOf(verdict.fields, holders)).flatMap((authority) =>
      updatesOf(authority, type.taxonomy.type, view, verdict.fields),
    ),
    view,
  );
  const conflicts: Digest[] = [];
  let isHeld = false;
  for (const field of verdict.fields) {
    if (field.kind === 'equal') continue;
    if (field.kind === 'effect') {
      builder.diverge('effectDiffers', type, view, field.field, [], field.at, { leaves: field.leaves });
      continue;
    }
    if (field.kind === 'conflict') {
      conflicts.push(planConflict(builder, type, view, field));
      continue;
    }
    if (field.kind === 'waits' || field.kind === 'doubled') {
      const [kind, because] =
        field.kind === 'waits' ? (['waitsForMember', field.for] as const) : (['doubled', []] as const);
      builder.diverge(kind, type, view, field.field, because, field.at);
      isHeld = true;
      continue;
    }
    const at = behindOf([field], holders);
    const kind =
      field.cause === 'undo'
        ? 'undone'
        : isPolicyCause(field.cause)
          ? 'decidedByPolicy'
          : field.kind === 'proposal'
            ? 'changed'
            : 'elementsChanged';
    builder.diverge(kind, type, view, field.field, field.because, at, settlingOf(updates, field.field));
  }
  if (verdict.unread.length > 0) builder.diverge('unread', type, view, null, holders, verdict.unread);
  // A record is created whole or not at all: what is open about one of its fields holds its creation back.
  if (verdict.missing.length === 0 || (isHeld && conflicts.length === 0)) return askedOperations(updates);
  if (conflicts.length > 0) {
    builder.diverge('waitsForConflict', type, view, null, holders, verdict.missing, { conflicts });
    return askedOperations(updates);
  }
  const missing = withinLimits(builder, type, view, 'create', holders, verdict.missing);
  if (missing.length === 0) return askedOperations(updates);
  const creations = builder.acceptances.ask(
    missing.map((authority) =>
      creation(authority, type, view.key, verdict.merged, 'newRecord', holders, builder.references),
    ),
    view,
  );
  builder.diverge('missing', type, view, null, holders, missing, settlingOf(creations));
  return askedOperations([...updates, ...creations]);
}

function isPolicyCause(cause: string): boolean {
  return ['owned', 'leastPrivilege', 'latestObserved', 'union', 'intersection'].includes(cause);
}

/** Kinds that say that nobody can tell, or that something is under way: there is nothing yet that one could accept. */
const undecided: ReadonlySet<Divergence['kind']> = new Set([
  'unread',
  'deletionHeldBack',
  'heldByCase',
  'waitsForConflict',
  'waitsForMember',
  'waitsForReference',
]);

export function isAcceptable(kind: Divergence['kind']): boolean {
  return !undecided.has(kind);
}

/** A divergence that nothing would settle is accepted where everybody at whom it is accepted it. */
function settlingOrAccepted(
  { acceptances }: PlanBuilder,
  { kind, type, key, field, at }: DivergenceDraft,
  settling: Settling,
): Settling {
  if (settling.operations.length + settling.accepted.length > 0 || !isAcceptable(kind)) return settling;
  const accepted = acceptances.declaredAt({ type, key, field }, at);
  return accepted.length === at.length ? { operations: [], accepted } : settling;
}

/** Views are walked in order of their keys. */
export function inOrderOfKeys(views: LongList<RecordView>): Iterable<RecordView> {
  return Array.isArray(views) ? [...views].sort((a: RecordView, b: RecordView) => byCodeUnit(a.key, b.key)) : views;
}

/** What settles a divergence that is no conflict and waits for none. */
function settlingAlone(builder: PlanBuilder, { conflicts: _none, ...draft }: DivergenceDraft): Settling {
  return settlingOrAccepted(builder, { ...draft, conflicts: [] }, draft);
}

/** Puts everything into its one order. */
function* freeze(input: PlanInput, builder: PlanBuilder): Generator<void, MadePlan> {
  const asked = new Map(builder.conflicts.map((conflict) => [conflict.id, builder.acceptances.askConflict(conflict)]));
  builder.settleDrafts(settlingAlone);
  builder.settleWaiting((draft) => {
    const { conflicts, kind, ...own } = draft;
    const settling = withConflicts(
      own,
      conflicts.flatMap((id) => asked.get(id) ?? []),
      kind === 'waitsForConflict',
    );
    return settlingOrAccepted(builder, draft, settling);
  });
  const { operations, divergences } = builder.gathering;
  return {
    algorithm: planAlgorithm,
    dataset: input.shape.dataset.dataset,
    configuration: input.shape.configuration,
    base: input.base,
    standing: input.standing,
    correlation: input.correlation,
    operations: yield* operations.finish(),
    conflicts: sortedBy(
      [...asked.values()].flatMap(({ conflict }) => conflict ?? []),
      ({ id }) => id,
    ),
    divergences: yield* divergences.finish(),
    cases: sortedBy(input.cases, ({ id }) => id),
    incomplete: sortedBy(
      input.incomplete,
      ({ authority, type, scope, reason }) => `${authority} ${type} ${scope} ${reason}`,
    ),
    opaque: sortedBy(builder.shownOpaque, ({ authority, type, key }) => `${authority} ${type} ${key}`),
    ...(builder.ignored.length > 0
      ? { ignored: sortedBy(builder.ignored, ({ authority, type, key }) => `${authority} ${type} ${key}`) }
      : {}),
    ...(input.newVersions && input.newVersions.length > 0 ? { newVersions: [...input.newVersions] } : {}),
    absent: [...input.shape.absent],
    ...(builder.undos.planned().length > 0 ? { undos: [...builder.undos.planned()] } : {}),
  };
}
