/** One round of the pure pipeline over clouds in memory: snapshots, plan, decisions, permit, writes, next base. */
import type { LongList } from '../../../core/long-list.js';
import type { HeldFields, RecordView } from '../../../core/compare.js';
import type { Case } from '../../../core/correlation-cases.js';
import type { OpenedDecision } from '../../../core/decision.js';
import { canonicalJson, digestOf } from '../../../core/digest.js';
import type { DatasetShape } from '../../../core/federation/federation.js';
import { baseChanges, type BaseChange } from '../../../core/next-base.js';
import type { Operation } from '../../../core/operation.js';
import { makePermit, operationsOf, type Permit } from '../../../core/permit.js';
import type { Rejection } from '../../../core/acceptance.js';
import { makePlan, type Conflict, type IncompleteScope, type Plan, type PlanInput } from '../../../core/plan.js';
import type { AgreedValue } from '../../../core/resolution/unique.js';
import { hadEffect, type Outcome } from '../../../core/receipt.js';
import type { Fields } from '../../../core/record.js';
import { reviewScope, tally, type Review } from '../../../core/review.js';
import type { UndoneRecord } from '../../../core/undo.js';
import type { Observations } from './observations.js';
import { inWriteOrder, typeNames, type Cloud, type TypeName } from './cloud.js';
import { ownVotes, plainTerms, rejectionsOf } from './terms.js';

/** What one member's snapshot fails to show; every entry makes its type incomplete. */
export interface Gap {
  readonly member: string;
  readonly type: TypeName;
  /** Records that were not read. */
  readonly keys: readonly string[];
  /** Of these records a field was not read. */
  readonly fields: readonly { readonly key: string; readonly field: string }[];
}

export class World {
  shape: DatasetShape;
  readonly clouds: Readonly<Record<string, Cloud>>;
  readonly base: Record<TypeName, Map<string, Fields>> = { person: new Map(), team: new Map(), grant: new Map() };
  heldAtBase: Readonly<Record<string, HeldFields>> = {};
  readonly rejections: Record<string, Rejection[]> = {};
  held: readonly { readonly type: string; readonly key: string }[] = [];
  cases: readonly Case[] = [];
  /** What signed undos name; the views show every record of it. */
  undone: readonly UndoneRecord[] = [];
  /** Where time enters: who saw which change when. Absent where a test does without. */
  observations: Observations | undefined;

  constructor(shape: DatasetShape, clouds: Readonly<Record<string, Cloud>>) {
    this.shape = shape;
    this.clouds = clouds;
  }

  copy(): World {
    const twin = new World(
      this.shape,
      Object.fromEntries(Object.entries(this.clouds).map(([member, cloud]) => [member, cloud.copy()])),
    );
    for (const type of typeNames) for (const [key, fields] of this.base[type]) twin.base[type].set(key, fields);
    for (const [member, own] of Object.entries(this.rejections)) twin.rejections[member] = [...own];
    twin.heldAtBase = this.heldAtBase;
    twin.held = this.held;
    twin.cases = this.cases;
    twin.undone = this.undone;
    twin.observations = this.observations?.copy();
    return twin;
  }

  applyToBase(changes: readonly BaseChange[]): void {
    if (changes.length === 0) return;
    for (const change of changes) {
      const records = this.base[change.type as TypeName];
      if (change.kind === 'put') records.set(change.key, change.fields);
      else records.delete(change.key);
    }
    // A base is sealed in the groups of all members, also of those who are away.
    const isWhole = this.shape.absent.length === 0;
    this.heldAtBase = { ...this.heldAtBase, ...heldNow(isWhole ? this.shape : withoutTypesOfAbsent(this.shape)) };
  }
}

function withoutTypesOfAbsent(shape: DatasetShape): DatasetShape {
  return { ...shape, types: shape.types.filter(({ absent }) => absent.length === 0) };
}

export function heldNow(shape: DatasetShape): Readonly<Record<string, HeldFields>> {
  return Object.fromEntries(shape.types.map((type) => [type.taxonomy.type, type.held]));
}

/** Every record that members and base do not all show alike, as the walk over sealed segments yields them. */
export function viewsOf(world: World, gaps: readonly Gap[] = []): Record<string, RecordView[]> {
  return Object.fromEntries(
    world.shape.types.map(({ taxonomy, held }) => {
      const type = taxonomy.type as TypeName;
      const members = Object.keys(held);
      const shown = (member: string, key: string): Fields | undefined => {
        const own = gaps.filter((gap) => gap.member === member && gap.type === type);
        const fields = world.clouds[member]?.records[type].get(key);
        if (fields === undefined || own.some((gap) => gap.keys.includes(key))) return undefined;
        // What refers to a record that was not read cannot be told from what leads out of the dataset.
        const hidden = gaps
          .filter((gap) => gap.member === member)
          .flatMap((gap) => gap.keys.map((one) => `${gap.type}/${one}`));
        if (
          type === 'grant' &&
          Object.values(fields).some((value) => typeof value === 'string' && hidden.includes(value))
        )
          return undefined;
        const unread = own.flatMap((gap) => gap.fields.filter((one) => one.key === key).map((one) => one.field));
        return Object.fromEntries(
          Object.entries(fields).filter(([field]) => held[member]?.includes(field) && !unread.includes(field)),
        );
      };
      const keys = new Set([
        ...world.base[type].keys(),
        ...members.flatMap((member) => [...(world.clouds[member]?.records[type].keys() ?? [])]),
      ]);
      const everyRecord = canonicalJson(world.heldAtBase[type] ?? {}) !== canonicalJson(held);
      const views = [...keys].map((key): RecordView => ({
        key,
        members: Object.fromEntries(members.map((member) => [member, shown(member, key)])),
        base: world.base[type].get(key),
      }));
      const isUndone = (key: string): boolean => world.undone.some((one) => one.type === type && one.key === key);
      for (const one of world.undone)
        if (one.type === type && !keys.has(one.key))
          views.push({
            key: one.key,
            members: Object.fromEntries(members.map((member) => [member, undefined])),
            base: undefined,
          });
      return [type, views.filter((view) => everyRecord || isDiffering(view, held) || isUndone(view.key))];
    }),
  );
}

function isDiffering(view: RecordView, held: HeldFields): boolean {
  const members = Object.keys(held);
  if (view.base === undefined || members.some((member) => view.members[member] === undefined)) return true;
  const fields = new Set(Object.values(held).flat());
  return [...fields].some((field) => {
    const values = members
      .filter((member) => held[member]?.includes(field))
      .map((member) => view.members[member]?.[field]);
    return (
      new Set([...values, view.base?.[field]].map((value) => canonicalJson({ value: value ?? 'absent' }))).size > 1
    );
  });
}

export function incompleteOf(gaps: readonly Gap[]): readonly IncompleteScope[] {
  return gaps.map(({ member, type }, position) => ({
    authority: member,
    type,
    scope: `${type}/${position}`,
    reason: 'truncated',
  }));
}

export interface Planned {
  readonly views: Readonly<Record<string, LongList<RecordView>>>;
  readonly plan: Plan;
  readonly digest: string;
}

export function planOf(world: World, gaps: readonly Gap[] = []): Planned {
  const { views, input } = planInputOf(world, gaps);
  const plan = makePlan(input);
  return { views, plan, digest: digestOf(plan) };
}

export function planInputOf(
  world: World,
  gaps: readonly Gap[] = [],
): { readonly views: Planned['views']; readonly input: PlanInput } {
  const { observations } = world;
  const found = viewsOf(world, gaps);
  const views = observations
    ? Object.fromEntries(
        Object.entries(found).map(([type, ofType]) => [
          type,
          ofType.map((view) => ({ ...view, versions: observations.of(world.shape.members, type, view.key) })),
        ]),
      )
    : found;
  const input: PlanInput = {
    shape: world.shape,
    base: null,
    standing: digestOf(world.rejections),
    rejections: world.rejections,
    correlation: digestOf([...world.held]),
    cases: world.cases,
    held: world.held,
    incomplete: incompleteOf(gaps),
    views,
    heldAtBase: world.heldAtBase,
    agreedValues: agreedValuesOf(world, views),
    ...(world.undone.length > 0 ? { undos: world.undone } : {}),
    ...(observations ? { openedAt: observations.openedAt(world.shape.members) } : {}),
  };
  return { views, input };
}

/** What records that are in no view hold of fields which are to be unique. */
function agreedValuesOf(world: World, views: Planned['views']): AgreedValue[] {
  return world.shape.types.flatMap(({ taxonomy, policy }) => {
    const shown = new Set((views[taxonomy.type] ?? []).map(({ key }) => key));
    const agreed = [...world.base[taxonomy.type as TypeName]].filter(([key]) => !shown.has(key));
    return (policy?.unique ?? []).flatMap((field) =>
      agreed.flatMap(([key, fields]) => {
        const value = fields[field];
        return typeof value === 'string' ? [{ type: taxonomy.type, field, value, keys: [key] }] : [];
      }),
    );
  });
}

export interface Answers {
  /** What an authority's people say to one of its own operations. */
  readonly toOperation: (operation: Operation) => 'approve' | 'reject' | 'leave';
  /** The digest of the candidate that an authority's people accept, if any. */
  readonly toConflict: (conflict: Conflict, authority: string) => string | undefined;
}

/** Everything approved; of each conflict all choose the candidate that `pick` names. */
export function agreeing(pick: (conflict: Conflict) => number = () => 0): Answers {
  return {
    toOperation: () => 'approve',
    toConflict: (conflict) => conflict.candidates[pick(conflict) % conflict.candidates.length]?.digest,
  };
}

export interface Round extends Planned {
  readonly permit: Permit;
  readonly outcomes: ReadonlyMap<string, Outcome>;
  readonly effective: readonly Operation[];
  readonly changes: readonly BaseChange[];
}

let decisionNumber = 0;

export function decisionOf(fields: Partial<OpenedDecision>): OpenedDecision {
  decisionNumber += 1;
  return {
    id: String(decisionNumber).padStart(22, '0'),
    kind: 'approve',
    federation: 'example',
    authority: 'aa',
    dataset: 'workforce',
    plan: '0'.repeat(64),
    approver: 'ada',
    operations: [],
    delegation: null,
    binds: 'identicalOperations',
    choices: {},
    conflicts: [],
    partial: false,
    reason: null,
    untilMs: null,
    issuedAtMs: 0,
    expiresAtMs: 1,
    ...fields,
  };
}

export function reviewsOf(world: World, { plan, digest }: Planned, answers: Answers): { id: string; review: Review }[] {
  return world.shape.members.map((authority) => {
    const scope = reviewScope(plan, authority);
    const saying = (answer: string): string[] =>
      scope.operations.filter((operation) => answers.toOperation(operation) === answer).map(({ id }) => id);
    const choices: Record<string, string> = {};
    for (const conflict of scope.conflicts) {
      const choice = answers.toConflict(conflict, authority);
      if (choice !== undefined) choices[conflict.id] = choice;
    }
    const rejected = saying('reject');
    for (const operation of scope.operations)
      if (rejected.includes(operation.id)) (world.rejections[authority] ??= []).push(...rejectionsOf(operation));
    const decisions = [
      decisionOf({ authority, plan: digest, operations: saying('approve'), choices, partial: true }),
      ...(rejected.length > 0
        ? [decisionOf({ authority, plan: digest, kind: 'reject', operations: rejected, partial: true })]
        : []),
    ];
    const counted = tally(scope, ownVotes(decisions), plainTerms(1, authority));
    const review: Review = {
      authority,
      dataset: 'workforce',
      plan: digest,
      outcome: counted.approved.length === scope.operations.length ? 'approved' : 'partlyApproved',
      code: null,
      hlc: '0'.repeat(16),
      operations: [...counted.approved],
      rejected: [...counted.rejected],
      left: [...counted.left],
      choices: { ...counted.choices },
      decisions: [],
      delegations: [],
    };
    return { id: digestOf({ authority, digest }), review };
  });
}

/** Plans, asks, writes and moves the base of the world. */
export function round(world: World, answers: Answers = agreeing(), gaps: readonly Gap[] = []): Round {
  world.observations?.observe(world.clouds);
  const planned = planOf(world, gaps);
  const reviews = reviewsOf(world, planned, answers);
  const permit = makePermit(planned.digest, planned.plan, world.shape.dataset, reviews);
  const byId = operationsOf(planned.plan);
  const outcomes = new Map<string, Outcome>();
  const effective: Operation[] = [];
  for (const [member, ids] of Object.entries(permit.operations)) {
    const cloud = world.clouds[member];
    if (!cloud) throw new Error(`the permit names ${member}, which is no cloud of this world`);
    for (const operation of inWriteOrder(ids.flatMap((id) => byId.get(id) ?? []))) {
      const outcome = cloud.write(operation);
      outcomes.set(operation.id, outcome);
      if (hadEffect(outcome)) effective.push(operation);
    }
  }
  const changes = baseChanges({
    shape: world.shape,
    views: planned.views,
    incomplete: incompleteOf(gaps),
    held: world.held,
    effective,
    heldAtBase: world.heldAtBase,
  });
  world.applyToBase(changes);
  world.observations?.wrote(effective);
  return { ...planned, permit, outcomes, effective, changes };
}
