/**
 * The plan: frozen data, known by its digest, made again by every authority before its people are asked and before it
 * writes. It says nothing of a run or a clock, so a review can outlive a run and a later run that finds the same plan
 * attaches to it.
 */
import { z } from 'zod';
import { compareRecord, type FieldVerdict, type RecordVerdict, type RecordView } from './compare.js';
import { Case } from './correlate.js';
import { Digest, digestOf } from './digest.js';
import type { DatasetShape, DatasetType } from './federation/federation.js';
import { byCodeUnit, Json } from './json.js';
import { makeOperation, Operation, setElements, type Change, type Rule } from './operation.js';
import { AuthorityId, isProvisional, type Fields } from './record.js';

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
}

type DivergenceDraft = Omit<Divergence, 'operations' | 'accepted'> & { readonly operations: readonly Operation[] };

class PlanBuilder {
  readonly operations: Operation[] = [];
  readonly conflicts: Conflict[] = [];
  readonly divergences: DivergenceDraft[] = [];
}

/** Records whose existence is disputed, with the meshes in which the candidate "kept" would create them again. */
type Disputed = Map<
  string,
  { readonly conflict: { candidates: Candidate[] }; readonly recreatedAt: readonly AuthorityId[] }
>;

export function makePlan(input: PlanInput): Plan {
  const builder = new PlanBuilder();
  const heldKeys = new Set(input.held.map(({ key }) => key));
  const openKeys = new Set(heldKeys);
  const disputed: Disputed = new Map();
  for (const type of input.shape.types) {
    const incomplete = new Set(
      input.incomplete.filter((scope) => scope.type === type.taxonomy.type).map((scope) => scope.authority),
    );
    const views = [...(input.views[type.taxonomy.type] ?? [])].sort((a, b) => byCodeUnit(a.key, b.key));
    for (const view of views) {
      if (heldKeys.has(view.key) || isProvisional(view.key)) {
        const at = holdersOf(view);
        builder.divergences.push({
          kind: 'heldByCase',
          type: type.taxonomy.type,
          key: view.key,
          field: null,
          because: at,
          at,
          operations: [],
        });
        continue;
      }
      const verdict = compareRecord(view, { type, incomplete, openKeys });
      planRecord(builder, type, view, verdict, openKeys, disputed);
      restoreMemberships(type, view, disputed);
    }
  }
  return freeze(input, builder);
}

function planRecord(
  builder: PlanBuilder,
  type: DatasetType,
  view: RecordView,
  verdict: RecordVerdict,
  openKeys: Set<string>,
  disputed: Disputed,
): void {
  const typeName = type.taxonomy.type;
  switch (verdict.kind) {
    case 'agreed':
    case 'gone':
      return;
    case 'deleted': {
      if (verdict.heldBackBy.length > 0) {
        builder.divergences.push({
          kind: 'deletionHeldBack',
          type: typeName,
          key: view.key,
          field: null,
          because: [...verdict.by],
          at: [...verdict.heldBackBy],
          operations: [],
        });
        openKeys.add(view.key);
        return;
      }
      const operations = verdict.heldBy.map((authority) =>
        deletion(authority, typeName, view, 'deletedOnOneSide', verdict.by),
      );
      builder.operations.push(...operations);
      builder.divergences.push({
        kind: 'deleted',
        type: typeName,
        key: view.key,
        field: null,
        because: [...verdict.by],
        at: [...verdict.heldBy],
        operations,
      });
      return;
    }
    case 'editedAndDeleted':
      openKeys.add(view.key);
      planDispute(builder, type, view, verdict, disputed);
      return;
    case 'differs':
      planDifference(builder, type, view, verdict);
  }
}

function planDifference(
  builder: PlanBuilder,
  type: DatasetType,
  view: RecordView,
  verdict: Extract<RecordVerdict, { kind: 'differs' }>,
): void {
  const typeName = type.taxonomy.type;
  const conflicted = verdict.fields.filter((field) => field.kind === 'conflict');
  for (const authority of holdersOf(view)) {
    const current = view.members[authority] ?? {};
    for (const operation of updatesOf(authority, typeName, view, verdict.fields, current))
      builder.operations.push(operation);
  }
  for (const field of verdict.fields) {
    if (field.kind === 'equal') continue;
    if (field.kind === 'conflict') {
      const candidates = field.candidates.map((candidate): Candidate => {
        const operations = field.candidates
          .filter((other) => other !== candidate)
          .flatMap((other) => other.heldBy)
          .map((authority) =>
            makeOperation({
              authority,
              type: typeName,
              key: view.key,
              kind: 'update',
              changes: [
                {
                  kind: 'value',
                  field: field.field,
                  before: view.members[authority]?.[field.field] ?? null,
                  after: candidate.value,
                },
              ],
              rule: 'chosen',
              because: candidate.heldBy,
              current: view.members[authority] ?? {},
            }),
          );
        return {
          digest: digestOf({ value: candidate.value }),
          kind: 'value',
          value: candidate.value,
          heldBy: [...candidate.heldBy],
          operations,
        };
      });
      builder.conflicts.push(makeConflict(typeName, view.key, field.field, candidates));
      const involved = field.candidates.flatMap((candidate) => candidate.heldBy).sort(byCodeUnit);
      builder.divergences.push({
        kind: 'conflict',
        type: typeName,
        key: view.key,
        field: field.field,
        because: involved,
        at: involved,
        operations: candidates.flatMap((candidate) => candidate.operations),
      });
      continue;
    }
    const at = field.kind === 'proposal' ? field.behind : Object.keys(field.perMember).sort(byCodeUnit);
    const operations = builder.operations.filter(
      (operation) =>
        operation.key === view.key &&
        operation.type === typeName &&
        operation.changes.some((change) => change.field === field.field),
    );
    builder.divergences.push({
      kind: field.kind === 'proposal' ? 'changed' : 'elementsChanged',
      type: typeName,
      key: view.key,
      field: field.field,
      because: [...field.because],
      at: [...at],
      operations,
    });
  }
  if (verdict.unread.length > 0) {
    builder.divergences.push({
      kind: 'unread',
      type: typeName,
      key: view.key,
      field: null,
      because: holdersOf(view),
      at: [...verdict.unread],
      operations: [],
    });
  }
  if (verdict.missing.length === 0) return;
  // A record is created whole or not at all: an open conflict about one of its fields holds its creation back.
  const waits = conflicted.length > 0;
  const because = holdersOf(view);
  const operations = waits
    ? []
    : verdict.missing.map((authority) => creation(authority, type, view.key, verdict.merged, 'newRecord', because));
  builder.operations.push(...operations);
  builder.divergences.push({
    kind: waits ? 'waitsForConflict' : 'missing',
    type: typeName,
    key: view.key,
    field: null,
    because,
    at: [...verdict.missing],
    operations,
  });
}

/** Edited on one side, deleted on another: either it stays, edited, and comes back where it was deleted, or it goes everywhere. */
function planDispute(
  builder: PlanBuilder,
  type: DatasetType,
  view: RecordView,
  verdict: Extract<RecordVerdict, { kind: 'editedAndDeleted' }>,
  disputed: Disputed,
): void {
  const typeName = type.taxonomy.type;
  const holders = holdersOf(view);
  const contested = verdict.fields.some((field) => field.kind === 'conflict');
  const kept: Candidate = {
    digest: digestOf({ kept: verdict.merged }),
    kind: 'kept',
    value: verdict.merged,
    heldBy: [...verdict.editedBy],
    operations: contested
      ? []
      : [
          ...holders.flatMap((authority) =>
            updatesOf(authority, typeName, view, verdict.fields, view.members[authority] ?? {}, 'chosen'),
          ),
          ...verdict.by.map((authority) =>
            creation(authority, type, view.key, verdict.merged, 'chosen', verdict.editedBy),
          ),
        ],
  };
  const absent: Candidate = {
    digest: digestOf({ absent: true }),
    kind: 'absent',
    heldBy: [...verdict.by],
    operations: holders.map((authority) => deletion(authority, typeName, view, 'chosen', verdict.by)),
  };
  const candidates = contested ? [absent] : [kept, absent];
  const conflict = makeConflict(typeName, view.key, null, candidates);
  builder.conflicts.push(conflict);
  builder.divergences.push({
    kind: 'editedAndDeleted',
    type: typeName,
    key: view.key,
    field: null,
    because: [...verdict.editedBy, ...verdict.by].sort(byCodeUnit),
    at: [...holders, ...verdict.by].sort(byCodeUnit),
    operations: candidates.flatMap((candidate) => candidate.operations),
  });
  if (!contested) disputed.set(view.key, { conflict, recreatedAt: verdict.by });
}

/**
 * A record that comes back comes back into its teams: its cloud dropped the memberships with it, and without this the
 * next run would read their absence as somebody's removal.
 */
function restoreMemberships(type: DatasetType, view: RecordView, disputed: Disputed): void {
  for (const [field, kind] of Object.entries(type.taxonomy.fields)) {
    if (kind.kind !== 'set') continue;
    const elsewhere = new Set(Object.values(view.members).flatMap((fields) => setElements(fields?.[field])));
    for (const element of [...elsewhere].sort(byCodeUnit)) {
      const dispute = disputed.get(element);
      const kept = dispute?.conflict.candidates.find((candidate) => candidate.kind === 'kept');
      if (!dispute || !kept) continue;
      for (const authority of dispute.recreatedAt) {
        const current = view.members[authority];
        if (!current || !type.held[authority]?.includes(field) || setElements(current[field]).includes(element))
          continue;
        const changes: readonly Change[] = [{ kind: 'set', field, add: [element], remove: [] }];
        kept.operations.push(
          makeOperation({
            authority,
            type: type.taxonomy.type,
            key: view.key,
            kind: 'update',
            changes,
            rule: 'chosen',
            because: kept.heldBy,
            current,
          }),
        );
      }
    }
  }
}

/** The update of one mesh's record, one operation for each rule, so that a decision on one does not hang on another. */
function updatesOf(
  authority: AuthorityId,
  type: string,
  view: RecordView,
  fields: readonly FieldVerdict[],
  current: Fields,
  ruleForAll?: Rule,
): readonly Operation[] {
  const byRule = new Map<Rule, { changes: Change[]; because: Set<AuthorityId> }>();
  const put = (rule: Rule, change: Change, because: readonly AuthorityId[]): void => {
    const chosen = ruleForAll ?? rule;
    const entry = byRule.get(chosen) ?? { changes: [], because: new Set() };
    entry.changes.push(change);
    for (const member of because) entry.because.add(member);
    byRule.set(chosen, entry);
  };
  for (const field of fields) {
    const firstContact = view.base === undefined;
    if (field.kind === 'proposal' && field.behind.includes(authority)) {
      put(
        field.cause === 'filled' ? 'firstContact' : 'changedOnOneSide',
        { kind: 'value', field: field.field, before: current[field.field] ?? null, after: field.target },
        field.because,
      );
    }
    const own = field.kind === 'setProposal' ? field.perMember[authority] : undefined;
    if (own && field.kind === 'setProposal') {
      put(
        firstContact ? 'firstContact' : 'elementChanged',
        { kind: 'set', field: field.field, add: [...own.add], remove: [...own.remove] },
        field.because,
      );
    }
  }
  return [...byRule.entries()].map(([rule, { changes, because }]) =>
    makeOperation({ authority, type, key: view.key, kind: 'update', changes, rule, because: [...because], current }),
  );
}

function creation(
  authority: AuthorityId,
  type: DatasetType,
  key: string,
  merged: Fields,
  rule: Rule,
  because: readonly AuthorityId[],
): Operation {
  const changes = (type.held[authority] ?? []).flatMap((field): readonly Change[] => {
    const value = merged[field];
    if (value === undefined) return [];
    return type.taxonomy.fields[field]?.kind === 'set'
      ? [{ kind: 'set', field, add: [...setElements(value)], remove: [] }]
      : [{ kind: 'value', field, before: null, after: value }];
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

function deletion(
  authority: AuthorityId,
  type: string,
  view: RecordView,
  rule: Rule,
  because: readonly AuthorityId[],
): Operation {
  const current = view.members[authority] ?? {};
  const changes = Object.entries(current).map(([field, value]): Change =>
    Array.isArray(value)
      ? { kind: 'set', field, add: [], remove: [...setElements(value)] }
      : { kind: 'value', field, before: value, after: null },
  );
  return makeOperation({ authority, type, key: view.key, kind: 'delete', changes, rule, because, current });
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

function holdersOf(view: RecordView): AuthorityId[] {
  return Object.keys(view.members)
    .filter((member) => view.members[member] !== undefined)
    .sort(byCodeUnit);
}

/** Takes out what an authority's standing rejections keep from being asked, and puts everything into its one order. */
function freeze(input: PlanInput, builder: PlanBuilder): Plan {
  const accepted = new Map<string, Divergence['accepted'][number]>();
  for (const [authority, rejections] of Object.entries(input.rejections)) {
    for (const { operation, reason, untilMs } of rejections) accepted.set(operation, { authority, reason, untilMs });
  }
  const typeOrder = new Map(input.shape.types.map((type, position) => [type.taxonomy.type, position]));
  const order = (operation: Operation): string =>
    `${operation.authority} ${typeOrder.get(operation.type) ?? 0} ${operation.key} ${operation.kind} ${operation.id}`;
  return {
    algorithm: planAlgorithm,
    dataset: input.shape.dataset.dataset,
    configuration: input.shape.configuration,
    base: input.base,
    standing: input.standing,
    correlation: input.correlation,
    operations: builder.operations
      .filter((operation) => !accepted.has(operation.id))
      .sort((a, b) => byCodeUnit(order(a), order(b))),
    conflicts: builder.conflicts.sort((a, b) => byCodeUnit(a.id, b.id)),
    divergences: builder.divergences
      .map((divergence) => ({
        ...divergence,
        operations: divergence.operations.map((operation) => operation.id).sort(byCodeUnit),
        accepted: divergence.operations.flatMap((operation) => accepted.get(operation.id) ?? []),
      }))
      .sort((a, b) =>
        byCodeUnit(`${a.type} ${a.key} ${a.field ?? ''} ${a.kind}`, `${b.type} ${b.key} ${b.field ?? ''} ${b.kind}`),
      ),
    cases: [...input.cases].sort((a, b) => byCodeUnit(a.id, b.id)),
    incomplete: [...input.incomplete].sort((a, b) =>
      byCodeUnit(`${a.authority} ${a.type} ${a.scope}`, `${b.authority} ${b.type} ${b.scope}`),
    ),
  };
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
