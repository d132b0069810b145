/**
 * The plan: frozen data, known by its digest, made again by every authority before its people are asked and before it
 * writes. It says nothing of a run or a clock, so a review can outlive a run and a later run that finds the same plan
 * attaches to it.
 */
import { z } from 'zod';
import {
  compareRecord,
  presenceOf,
  type CompareContext,
  type FieldVerdict,
  type HeldFields,
  type RecordVerdict,
  type RecordView,
} from './compare.js';
import { Case } from './correlate.js';
import { Digest, digestOf } from './digest.js';
import { creation, deletion, updatesOf } from './draft-operations.js';
import type { DatasetShape, DatasetType } from './federation/federation.js';
import { byCodeUnit, Json } from './json.js';
import { makeOperation, Operation } from './operation.js';
import { disputeCandidates, Disputes } from './plan-dispute.js';
import { AuthorityId, isProvisional } from './record.js';
import { References } from './references.js';

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
  kind: z.enum([
    'changed',
    'elementsChanged',
    'missing',
    'deleted',
    'conflict',
    'editedAndDeleted',
    'deletionHeldBack',
    'unread',
    'heldByCase',
    'waitsForConflict',
  ]),
  type: z.string(),
  key: z.string(),
  field: z.string().nullable(),
  because: z.array(AuthorityId),
  at: z.array(AuthorityId),
  /** Operations that would settle it, where there are any. */
  operations: z.array(Digest),
  /** Who accepted it as it is: a rejection with a reason and an end. */
  accepted: z.array(z.strictObject({ authority: AuthorityId, reason: z.string(), untilMs: z.int() })),
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
  /** Members that take no part: they count with their base, nothing is deleted and no base moves without them. */
  absent: z.array(AuthorityId),
});
export type Plan = z.infer<typeof Plan>;

/** A rejection that still holds: this authority keeps the identical operation from being asked again until then. */
export const Rejection = z.strictObject({
  operation: Digest,
  reason: z.string().max(500),
  untilMs: z.int(),
  approver: z.string(),
});
export type Rejection = z.infer<typeof Rejection>;

export interface PlanInput {
  readonly shape: DatasetShape;
  readonly base: Digest | null;
  readonly standing: Digest;
  readonly rejections: Readonly<Record<AuthorityId, readonly Rejection[]>>;
  readonly correlation: Digest;
  readonly cases: readonly Case[];
  readonly held: readonly { readonly type: string; readonly key: string }[];
  readonly incomplete: readonly IncompleteScope[];
  /** Per type, every differing record with all members and the base. */
  readonly views: Readonly<Record<string, readonly RecordView[]>>;
  /** Per type that the base has, the fields each member held when it was agreed (heldAtBase in next-base.ts). */
  readonly heldAtBase: Readonly<Record<string, HeldFields>>;
}

/** Operations are asked for at the end: a dispute gains some when the sets that refer to its record are walked. */
type DivergenceDraft = Omit<Divergence, 'operations' | 'accepted'> & {
  readonly operations: () => readonly Operation[];
};

/** Who accepted an operation as not done, by authority and operation. An authority accepts for its own mesh only. */
type Accepted = ReadonlyMap<string, Divergence['accepted'][number]>;

class PlanBuilder {
  readonly operations: Operation[] = [];
  readonly conflicts: Conflict[] = [];
  readonly divergences: DivergenceDraft[] = [];
  readonly disputes = new Disputes();
  readonly references: References;
  readonly #accepted: Accepted;

  constructor(input: PlanInput) {
    this.references = new References(input.shape, input.held);
    this.#accepted = acceptedOperations(input.rejections);
  }

  /** Plans the operations and what they would settle. */
  diverge(
    kind: Divergence['kind'],
    type: DatasetType,
    view: RecordView,
    field: string | null,
    because: readonly AuthorityId[],
    at: readonly AuthorityId[],
    operations: readonly Operation[] | (() => readonly Operation[]) = [],
  ): void {
    this.divergences.push({
      kind,
      type: type.taxonomy.type,
      key: view.key,
      field,
      because: [...because].sort(byCodeUnit),
      at: [...at].sort(byCodeUnit),
      operations: typeof operations === 'function' ? operations : () => operations,
    });
  }

  acceptanceOf(operation: Operation): Divergence['accepted'][number] | undefined {
    return this.#accepted.size === 0 ? undefined : this.#accepted.get(`${operation.authority} ${operation.id}`);
  }
}

function acceptedOperations(rejections: PlanInput['rejections']): Accepted {
  const accepted = new Map<string, Divergence['accepted'][number]>();
  for (const [authority, own] of Object.entries(rejections)) {
    for (const { operation, reason, untilMs } of own) {
      const known = accepted.get(`${authority} ${operation}`);
      // Of two that hold, the later end counts; the reason breaks a tie, so that no order shows.
      if (known && (known.untilMs > untilMs || (known.untilMs === untilMs && known.reason <= reason))) continue;
      accepted.set(`${authority} ${operation}`, { authority, reason, untilMs });
    }
  }
  return accepted;
}

export function makePlan(input: PlanInput): Plan {
  const builder = new PlanBuilder(input);
  const { references } = builder;
  const heldByCase = new Set(input.held.map(({ type, key }) => `${type} ${key}`));
  for (const type of input.shape.types) {
    const name = type.taxonomy.type;
    const context: CompareContext = {
      type,
      incomplete: new Set(input.incomplete.filter((scope) => scope.type === name).map((scope) => scope.authority)),
      references,
      heldAtBase: input.heldAtBase[name],
    };
    for (const view of [...(input.views[name] ?? [])].sort((a, b) => byCodeUnit(a.key, b.key))) {
      if (heldByCase.has(`${name} ${view.key}`) || isProvisional(view.key)) {
        const { holders } = presenceOf(view, context);
        builder.diverge('heldByCase', type, view, null, holders, holders);
        continue;
      }
      planRecord(builder, view, context);
      builder.disputes.restoreMemberships(type, view, references);
    }
  }
  return freeze(input, builder);
}

function planRecord(builder: PlanBuilder, view: RecordView, context: CompareContext): void {
  const { type } = context;
  const { references } = builder;
  const name = type.taxonomy.type;
  const verdict = compareRecord(view, context);
  const presence = presenceOf(view, context);
  const planned: Operation[] = [];
  switch (verdict.kind) {
    case 'agreed':
    case 'gone':
      break;
    case 'deleted':
      if (verdict.heldBackBy.length > 0) {
        references.markOpen(name, view.key);
        builder.diverge('deletionHeldBack', type, view, null, verdict.by, verdict.heldBackBy);
      } else {
        for (const authority of verdict.heldBy)
          planned.push(deletion(authority, type, view, 'deletedOnOneSide', verdict.by));
        builder.diverge('deleted', type, view, null, verdict.by, verdict.heldBy, planned);
      }
      break;
    case 'editedAndDeleted':
      references.markOpen(name, view.key);
      planDispute(builder, type, view, verdict, presence.holders);
      break;
    case 'differs':
      planned.push(...planDifference(builder, type, view, verdict, presence.holders));
  }
  builder.operations.push(...planned);
  const happens = (kind: Operation['kind'], member: AuthorityId): boolean =>
    planned.some(
      (operation) =>
        operation.kind === kind && operation.authority === member && builder.acceptanceOf(operation) === undefined,
    );
  for (const member of presence.unread) references.markUnread(name, view.key, member);
  for (const member of presence.absent) if (!happens('create', member)) references.markWithout(name, view.key, member);
  for (const member of presence.holders) if (happens('delete', member)) references.markWithout(name, view.key, member);
}

function planDifference(
  builder: PlanBuilder,
  type: DatasetType,
  view: RecordView,
  verdict: Extract<RecordVerdict, { kind: 'differs' }>,
  holders: readonly AuthorityId[],
): readonly Operation[] {
  const updates = holders.flatMap((authority) => updatesOf(authority, type.taxonomy.type, view, verdict.fields));
  for (const field of verdict.fields) {
    if (field.kind === 'equal') continue;
    if (field.kind === 'conflict') {
      planConflict(builder, type, view, field);
      continue;
    }
    const at = field.kind === 'proposal' ? field.behind : Object.keys(field.perMember);
    const operations = updates.filter(({ changes }) => changes.some((change) => change.field === field.field));
    const kind = field.kind === 'proposal' ? 'changed' : 'elementsChanged';
    builder.diverge(kind, type, view, field.field, field.because, at, operations);
  }
  if (verdict.unread.length > 0) builder.diverge('unread', type, view, null, holders, verdict.unread);
  if (verdict.missing.length === 0) return updates;
  // A record is created whole or not at all: an open conflict about one of its fields holds its creation back.
  if (verdict.fields.some((field) => field.kind === 'conflict')) {
    builder.diverge('waitsForConflict', type, view, null, holders, verdict.missing);
    return updates;
  }
  const creations = verdict.missing.map((authority) =>
    creation(authority, type, view.key, verdict.merged, 'newRecord', holders, builder.references),
  );
  builder.diverge('missing', type, view, null, holders, verdict.missing, creations);
  return [...updates, ...creations];
}

function planConflict(
  builder: PlanBuilder,
  type: DatasetType,
  view: RecordView,
  { field, candidates: values }: Extract<FieldVerdict, { kind: 'conflict' }>,
): void {
  const candidates = values.map((candidate): Candidate => ({
    digest: digestOf({ value: candidate.value }),
    kind: 'value',
    value: candidate.value,
    heldBy: [...candidate.heldBy],
    operations: values
      .filter((other) => other !== candidate)
      .flatMap((other) => other.heldBy)
      .map((authority) => {
        const current = view.members[authority] ?? {};
        return makeOperation({
          authority,
          type: type.taxonomy.type,
          key: view.key,
          kind: 'update',
          changes: [{ kind: 'value', field, before: current[field] ?? null, after: candidate.value }],
          rule: 'chosen',
          because: candidate.heldBy,
          current,
        });
      }),
  }));
  builder.conflicts.push(makeConflict(type.taxonomy.type, view.key, field, candidates));
  const involved = values.flatMap(({ heldBy }) => heldBy);
  const operations = candidates.flatMap((candidate) => candidate.operations);
  builder.diverge('conflict', type, view, field, involved, involved, operations);
}

function planDispute(
  builder: PlanBuilder,
  type: DatasetType,
  view: RecordView,
  verdict: Extract<RecordVerdict, { kind: 'editedAndDeleted' }>,
  holders: readonly AuthorityId[],
): void {
  const candidates = disputeCandidates(type, view, verdict, holders, builder.references);
  builder.disputes.add(type.taxonomy.type, view.key, candidates, verdict.by);
  builder.conflicts.push(makeConflict(type.taxonomy.type, view.key, null, candidates));
  builder.diverge(
    'editedAndDeleted',
    type,
    view,
    null,
    [...verdict.editedBy, ...verdict.by],
    [...holders, ...verdict.by],
    () => candidates.flatMap((candidate) => candidate.operations),
  );
}

function makeConflict(type: string, key: string, field: string | null, candidates: Candidate[]): Conflict {
  const id = digestOf({
    type,
    key,
    field,
    candidates: candidates.map((candidate) => ({ digest: candidate.digest, heldBy: candidate.heldBy })),
  });
  return { id, type, key, field, candidates };
}

/** Takes out what an authority's standing rejections keep from being asked, and puts everything into its one order. */
function freeze(input: PlanInput, builder: PlanBuilder): Plan {
  const typeOrder = new Map(input.shape.types.map((type, position) => [type.taxonomy.type, position]));
  return {
    algorithm: planAlgorithm,
    dataset: input.shape.dataset.dataset,
    configuration: input.shape.configuration,
    base: input.base,
    standing: input.standing,
    correlation: input.correlation,
    operations: sortedBy(
      builder.operations.filter((operation) => builder.acceptanceOf(operation) === undefined),
      ({ authority, type, key, kind, id }) => `${authority} ${typeOrder.get(type) ?? 0} ${key} ${kind} ${id}`,
    ),
    conflicts: sortedBy(builder.conflicts, ({ id }) => id),
    divergences: sortedBy(
      builder.divergences.map(({ operations, ...divergence }) => ({
        ...divergence,
        operations: operations()
          .map(({ id }) => id)
          .sort(byCodeUnit),
        accepted: sortedBy(
          operations().flatMap((operation) => builder.acceptanceOf(operation) ?? []),
          ({ authority, reason, untilMs }) => `${authority} ${untilMs} ${reason}`,
        ),
      })),
      ({ type, key, field, kind }) => `${type} ${key} ${field ?? ''} ${kind}`,
    ),
    cases: sortedBy(input.cases, ({ id }) => id),
    incomplete: sortedBy(
      input.incomplete,
      ({ authority, type, scope, reason }) => `${authority} ${type} ${scope} ${reason}`,
    ),
    absent: [...input.shape.absent],
  };
}

function sortedBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[] {
  return items
    .map((item) => ({ item, key: keyOf(item) }))
    .sort((a, b) => byCodeUnit(a.key, b.key))
    .map(({ item }) => item);
}

/** Authorities that a plan would write to, including through a conflict's candidates. */
export function affectedAuthorities(plan: Plan): readonly AuthorityId[] {
  const affected = new Set<AuthorityId>();
  for (const operation of plan.operations) affected.add(operation.authority);
  for (const conflict of plan.conflicts)
    for (const candidate of conflict.candidates)
      for (const operation of candidate.operations) affected.add(operation.authority);
  return [...affected].sort(byCodeUnit);
}
