/**
 * Before people are asked: recompute the plan, take out what cannot be written here, check brakes and freeze windows,
 * and lay out what they will see. A plan that this authority cannot reproduce is refused unasked.
 */
import type { Json } from '../../core/json.js';
import type { RunInputs } from '../../core/messages.js';
import { phraseParts } from '../../core/phrase.js';
import { quorumOf, type TrippedBrake } from '../../core/brakes.js';
import { durationMs } from '../../core/duration.js';
import { ConcordatError } from '../../core/errors.js';
import type { DatasetType } from '../../core/federation/federation.js';
import type { LongList } from '../../core/long-list.js';
import { placesOf } from '../../core/operation-ranges.js';
import { typeOrderOf } from '../../core/plan-builder.js';
import { recordPlace } from '../../core/plan-gathering.js';
import { applyChanges, type Operation } from '../../core/operation.js';
import { nothingDecided, reviewScope, type ReviewScope } from '../../core/review.js';
import type { Fields, NativeObject } from '../../core/record.js';
import type { PreparedReview } from '../../workflows/activity-types.js';
import type { ReviewInput } from '../../workflows/contract.js';
import { clearValuesOf, readDisclosures, runDigests, type DisclosedValues } from './disclosure.js';
import { protectionOfSealed, type FieldDigests } from '../surface/field-digests.js';
import { recomputePlan, requireSamePlan, type Recomputed } from '../recompute.js';
import { askedAtMsOf, idsOf } from './asked-at.js';
import { askedOfPlan } from './asked-records.js';
import { brakesOfScope } from './brakes-of-scope.js';
import { constraintRefusals, openFreeze } from './constraints.js';
import { authorityOf, watchedBy, type AuthorityContext } from './context.js';
import type { NativeWrite } from '../connectors/connector.js';
import { letOthersRun } from '../event-loop.js';
import { formerIdOf } from '../links.js';
import { isBringingBack, nativeChange } from './native-writes.js';
import { OwnRecords } from './own-records.js';
import { restingObjects } from './resting-objects.js';
import { withBodies, withBodiesAsRead, withBodiesOfMany } from './native-bodies.js';
import { SheetGathered } from './sheet-gathered.js';
import { noticesOf, type ReviewNotice } from './notices.js';
import { progressOf, reviewNow } from './review.js';
import { readReviewState, writeReviewState, type ReviewState } from './review-state.js';
import { noticeInputs } from './peer-clocks.js';
import { listUnsettled } from './unsettled.js';
import { sheetOperationsUsually, writeSheet, type SheetOperation } from './review-sheet.js';
import { areInFile } from '../spilling/gathered-views.js';
import { listWithout } from '../spilling/plan-lists.js';
import { SortedList } from '../spilling/sorted-list.js';
import { requireLive } from './live-run.js';
import { authorsOfScope } from './terms.js';

export interface ReviewSignals {
  /** Tells the workflow of an older plan's review that another has taken its place. */
  readonly replaced: (dataset: string, oldPlan: string, newPlan: string) => Promise<void>;
  /** Tells people that they are waited for, outside of Temporal; absent where the authority declared no way. */
  readonly notify?: (notice: ReviewNotice) => Promise<void>;
}

export async function prepareReview(
  context: AuthorityContext,
  input: ReviewInput,
  signals: Pick<ReviewSignals, 'replaced'>,
): Promise<PreparedReview> {
  const { inputs } = input;
  let recomputed: Recomputed;
  let own: OwnRecords;
  let digests: FieldDigests | null;
  let disclosed: DisclosedValues;
  try {
    await requireLive(context, inputs);
    recomputed = await recomputePlan(context.federation, context.exchange, inputs, 'own', watchedBy(context));
    await noticeInputs(context, recomputed);
    await requireSamePlan(context.exchange, recomputed, input.plan, input.planDigest);
    digests = await runDigests(context, recomputed);
    own = await OwnRecords.load(context, inputs, digests, askedOfPlan(recomputed));
    disclosed = await readDisclosures(context, input.disclosures ?? [], recomputed, digests);
  } catch (error) {
    if (!(error instanceof ConcordatError) || error.code === 'storeFault') throw error;
    return refusedReview(context, error);
  }
  const authority = authorityOf(context);
  const planned = reviewScope(recomputed.plan, context.id);
  const listedMax = context.sheetOperationsMax ?? sheetOperationsUsually;
  const isLarge = planned.operations.length > listedMax;
  const whole: ReviewScope = isLarge ? planned : { ...planned, operations: [...planned.operations] };
  const sheet = new SheetGathered(isLarge, listedMax);
  await sheetOperations(context, inputs, recomputed, own, whole, digests, disclosed, isLarge, (entry) =>
    sheet.add(entry),
  );
  const scope: ReviewScope = {
    ...whole,
    operations: await listWithout(whole.operations, sheet.refusedIds),
  };
  const tripped = await brakesOfScope(authority, scope, heldCounts(recomputed, context.id));
  const quorum = quorumOf(authority, tripped.length > 0);
  const deadlineMs = durationMs(authority.approval.deadline);
  const previous = await readReviewState(context, inputs.dataset);
  const openedAtMs = previous?.plan === input.planDigest ? previous.openedAtMs : context.now();
  const { authors, documents } = await authorsOfScope(context, inputs, recomputed, scope);
  const frozen = openFreeze(context);
  await writeSheet(context, {
    federation: context.federation.file.federation,
    authority: context.id,
    dataset: inputs.dataset,
    plan: input.planDigest,
    quorum,
    braked: tripped.map((brake: TrippedBrake) => ({ ...brake })),
    frozen,
    deadlineAtMs: openedAtMs + deadlineMs,
    operations: [...sheet.entries],
    conflicts: scope.conflicts.map((conflict) => ({
      conflict,
      label: labelOf(recomputed, conflict.type, conflict.key),
    })),
    cases: recomputed.plan.cases,
    ...(scope.newVersions ? { newVersions: [...scope.newVersions] } : {}),
    documents: documents.map(({ document, signers, operations }) => ({
      document,
      signers: [...signers],
      operations: operations.length,
    })),
    labels: labelsOf(recomputed, isLarge ? sheet.shown(whole).operations : recomputed.plan.operations),
    clear: await clearOfSheet(inputs, recomputed, own, sheet.shown(whole), digests, disclosed),
    ...(isLarge ? { large: await sheet.counts(scope) } : {}),
  });
  if (previous && previous.plan !== input.planDigest)
    await signals.replaced(inputs.dataset, previous.plan, input.planDigest);
  const state: ReviewState = {
    plan: input.planDigest,
    scope,
    refused: sheet.refused(),
    ...(scope.operations.length < whole.operations.length
      ? {
          asked: placesOf(idsOf(whole.operations), (id) => !sheet.refusedIds.has(id)),
        }
      : {}),
    quorum,
    braked: tripped.length > 0,
    authors: Object.fromEntries(Object.entries(authors).map(([id, people]) => [id, [...people]])),
    openedAtMs,
    askedAtMs: askedAtMsOf(previous, scope, openedAtMs),
  };
  await writeReviewState(context, inputs.dataset, state);
  const { tally, counted } = await reviewNow(context, inputs.dataset, input.planDigest, state);
  return {
    kind: tally.closed ? 'closed' : 'waiting',
    authority: context.id,
    federation: context.federation.file.federation,
    code: null,
    message: null,
    operations: scope.operations.length,
    conflicts: scope.conflicts.length,
    ...(scope.newVersions ? { newVersions: scope.newVersions.length } : {}),
    quorum,
    braked: tripped.length > 0,
    ...progressOf(tally, counted),
    deadlineMs,
    ...noticesOf(authority, state, deadlineMs),
  };
}

/** A list in a file stays one, unless there is more to be told with it. */
function joined(operations: LongList<Operation>, more: readonly Operation[]): LongList<Operation> {
  return more.length === 0 ? operations : [...operations, ...more];
}

function refusedReview(context: AuthorityContext, error: ConcordatError): PreparedReview {
  return {
    kind: 'refused',
    authority: context.id,
    federation: context.federation.file.federation,
    code: error.code,
    message: error.message,
    operations: 0,
    conflicts: 0,
    quorum: 0,
    braked: false,
    ...nothingDecided,
    deadlineMs: 0,
    waitingSinceMs: context.now(),
    reminders: [],
    escalations: [],
  };
}

export function heldCounts(recomputed: Recomputed, authority: string): Readonly<Record<string, number>> {
  return Object.fromEntries((recomputed.snapshots[authority]?.types ?? []).map(({ type, count }) => [type, count]));
}

async function sheetOperations(
  context: AuthorityContext,
  inputs: RunInputs,
  recomputed: Recomputed,
  own: OwnRecords,
  scope: ReviewScope,
  digests: FieldDigests | null,
  disclosed: DisclosedValues,
  isLarge: boolean,
  add: (entry: SheetOperation) => void,
): Promise<void> {
  const authority = authorityOf(context);
  const operations = joined(
    scope.operations,
    scope.conflicts.flatMap(({ candidates }) =>
      candidates.flatMap((candidate) => candidate.operations.filter((operation) => operation.authority === context.id)),
    ),
  );
  const former = new Map<string, string | null>();
  for (const operation of operations.filter(isBringingBack))
    former.set(operation.id, await formerIdOf(context.privateStore, inputs.dataset, operation.type, operation.key));
  const resting = await restingObjects(context, inputs, own, operations);
  // A record that this very plan creates has no native id yet; for the preview it gets a name of its own, both ways.
  const created = new Map(
    operations
      .filter(({ kind }) => kind === 'create')
      .map(({ type, key }) => [`(new ${type} ${key.slice(0, 12)})`, { type, key }]),
  );
  const placeholders = new Map([...created].map(([placeholder, { type, key }]) => [`${type} ${key}`, placeholder]));
  const resolve = (type: string, nativeId: string): string | null =>
    created.get(nativeId)?.key ?? own.resolve(type, nativeId);
  const resolveBack = (type: string, key: string): string | null =>
    own.resolveBack(type, key) ?? placeholders.get(`${type} ${key}`) ?? null;
  const constrained = await constraintRefusals(context, recomputed, operations, disclosed);
  const unsettled = new Map(
    (await listUnsettled(context, inputs.dataset)).map((write) => [`${write.type} ${write.key}`, write]),
  );
  const sheetOf = (operation: Operation, objects: readonly NativeObject[]): SheetOperation => {
    const type = recomputed.typeOf(operation.type) as DatasetType;
    const fields = fieldsOf(recomputed, operation, context.id);
    const label = labelOf(recomputed, operation.type, operation.key);
    const refusing = (refused: SheetOperation['refused']): SheetOperation => ({
      operation,
      label,
      calls: [],
      consequences: [],
      refused,
    });
    const protection = protectionOfSealed(
      authority,
      digests,
      type,
      operation.key,
      operation.kind === 'create' ? applyChanges(operation.changes, null) : fields,
    );
    if (protection !== null) return refusing({ code: 'protectedRecord', message: protection });
    const doubtful = unsettled.get(`${operation.type} ${operation.key}`);
    if (doubtful)
      return refusing({
        code: 'unsettledWrite',
        message: `nobody knows whether an earlier write to it had its effect (operation ${doubtful.operation.slice(0, 12)}); settle that first`,
      });
    const constraint = constrained.get(operation.id);
    if (constraint) return refusing(constraint);
    const opened = disclosed.open(operation, type.digests);
    if (opened.kind === 'refused') return refusing({ code: opened.code, message: opened.message });
    const changes = (operation.kind === 'delete' && objects.length > 1 ? objects : objects.slice(0, 1)).map((object) =>
      nativeChange(context, {
        operation: opened.operation,
        type,
        native: { id: object.id, body: object.body, fields },
        resolve,
        resolveBack,
      }),
    );
    if (objects.length === 0)
      changes.push(
        nativeChange(context, {
          operation: opened.operation,
          type,
          native: null,
          formerId: former.get(operation.id) ?? null,
          resolve,
          resolveBack,
        }),
      );
    const writes: NativeWrite[] = [];
    for (const change of changes) {
      if (change.kind === 'refused') return refusing({ code: change.code, message: change.message });
      writes.push(change.write);
    }
    const calls = writes
      .flatMap((write) => context.connector.plannedCalls(write))
      .map((call) => ({ call: call.call, target: call.target, arguments: { ...call.arguments } }));
    const consequences = [
      ...(writes.length > 1 ? [`${writes.length} objects of this mesh are this one record: all of them go`] : []),
      ...(resting.get(operation.id) ?? []),
      ...new Set(writes.flatMap((write) => context.connector.consequencesOf?.(write) ?? [])),
    ];
    return { operation, label, calls, consequences, refused: null };
  };
  const typeOrder = typeOrderOf(recomputed.messages.shape);
  const bodies =
    operations instanceof SortedList
      ? withBodiesOfMany(inputs, own, operations, recordPlace(context.id, typeOrder))
      : (isLarge ? withBodiesAsRead : withBodies)(inputs, own, [...operations]);
  for await (const { operation, objects } of bodies) {
    await letOthersRun();
    add(sheetOf(operation, objects));
  }
}

/**
 * What this authority's people may read in the place of digests: their own values, and those that would be written to
 * their own mesh. HAZARD: in clear. The sheet lies in the private store and is shown to these people alone.
 */
async function clearOfSheet(
  inputs: RunInputs,
  recomputed: Recomputed,
  own: OwnRecords,
  scope: ReviewScope,
  digests: FieldDigests | null,
  disclosed: DisclosedValues,
): Promise<Record<string, Json>> {
  if (!digests) return {};
  const records = new Set([...scope.operations, ...scope.conflicts].map(({ type, key }) => `${type} ${key}`));
  return Object.fromEntries([
    ...disclosed.byDigest,
    ...(await clearValuesOf(inputs, own, recomputed, digests, records)),
  ]);
}

function fieldsOf(recomputed: Recomputed, operation: Operation, authority: string): Fields {
  return recomputed.viewOf(operation.type, operation.key)?.members[authority] ?? {};
}

/** The record's label as any member or the base shows it; for people's eyes, never for joining. */
export function labelOf(recomputed: Recomputed, type: string, key: string): string | null {
  const taxonomy = recomputed.typeOf(type)?.taxonomy;
  const view = recomputed.viewOf(type, key);
  if (!taxonomy || !view) return null;
  const label = taxonomy.label ?? Object.keys(taxonomy.fields)[0] ?? '';
  for (const fields of [view.base, ...Object.values(view.members)]) {
    const said = fields && phraseParts(taxonomy, fields);
    if (said)
      return said
        .map((part) => {
          if (part.kind === 'text') return part.text;
          const { type: named, key: of } = part.reference;
          const known = labelOf(recomputed, named, of) ?? of.slice(0, 8);
          return part.withType ? `${named} ${known}` : known;
        })
        .join('');
    const value = fields?.[label];
    if (typeof value === 'string' && value !== '') return value;
  }
  return null;
}

function labelsOf(recomputed: Recomputed, operations: LongList<Operation>): Record<string, string> {
  const labels: Record<string, string> = {};
  const wanted = new Set<string>();
  for (const operation of operations) {
    wanted.add(operation.key);
    for (const change of operation.changes)
      if (change.kind === 'set') for (const element of [...change.add, ...change.remove]) wanted.add(element);
  }
  for (const conflict of recomputed.plan.conflicts) wanted.add(conflict.key);
  for (const [type, views] of Object.entries(recomputed.views)) {
    const isFew = areInFile(views);
    for (const key of isFew ? wanted : views.map((view) => view.key)) {
      if (isFew ? !recomputed.viewOf(type, key) : !wanted.has(key)) continue;
      const label = labelOf(recomputed, type, key);
      if (label !== null) labels[key] = label;
    }
  }
  return labels;
}
