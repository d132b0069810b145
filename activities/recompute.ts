/**
 * The plan and the next base, made from sealed inputs: by the coordinator to propose them, by every authority again
 * before its people are asked, before it writes and before it signs. One input gives one digest on every machine.
 */
import type { Digest } from '../core/digest.js';
import { correlationSteps, type Correlation, type MatchedRecord } from '../core/correlate.js';
import type { Case } from '../core/correlation-cases.js';
import { ConcordatError } from '../core/errors.js';
import type { DatasetShape, DatasetType, Federation } from '../core/federation/federation.js';
import { byCodeUnit } from '../core/json.js';
import type { LongList } from '../core/long-list.js';
import { standingDigest, type Ref, type RunInputs, type SnapshotStatement, type Standing } from '../core/messages.js';
import { heldAtBase } from '../core/next-base.js';
import { Plan, planSteps, type IncompleteScope, type MadePlan, type PlanInput } from '../core/plan.js';
import { typeOrderOf } from '../core/plan-builder.js';
import { requireProvenVersions } from '../core/migrate-base.js';
import { newVersionsOf } from '../core/new-versions.js';
import { planDifference } from '../core/plan-difference.js';
import { isProvisional, type AuthorityId } from '../core/record.js';
import type { HeldFields, RecordView } from '../core/compare.js';
import { agreedValues } from './agreed-values.js';
import { OpaqueIndex, OpaqueRecords, type OpaqueRecord } from '../core/opaque.js';
import { digestInPieces } from './documents/put-in-pieces.js';
import { differingRecords, walksOf, type Walk, type Watched } from './differing-records.js';
import { inSlices, letOthersRun } from './event-loop.js';
import { getDocument } from './exchange.js';
import { digestOfInputs, keepPlan, keptPlan, type Computed } from './kept-plan.js';
import { readOpens, readSnapshots, type RunMessages, type Terms } from './run-messages.js';
import { compareGroup, type GroupSettings } from './walking/compared-group.js';
import { walkWide } from './walking/walk-in-threads.js';
import { areInFile, rewritten, viewsByKey, type Views } from './spilling/gathered-views.js';
import { planLists } from './spilling/plan-lists.js';
import type { ObjectStore } from './store.js';
import { withResealedBase } from './resealed-views.js';
import { withTokens } from './tokens-of-views.js';
import type { UnanimousByType } from './unanimous.js';
import { undoneRecords, viewsWithUndone } from './undone.js';
import { withVersions } from './versions-of-views.js';

export interface Recomputed {
  readonly messages: RunMessages;
  readonly snapshots: Readonly<Record<AuthorityId, SnapshotStatement>>;
  readonly views: Views;
  /** Of types whose records need no view where all members show them alike and the base lacks them: those records. */
  readonly unanimous: UnanimousByType;
  /** One of the views; undefined where the record does not differ, or is none of the dataset. */
  readonly viewOf: (type: string, key: string) => RecordView | undefined;
  /** undefined where the dataset holds no such type. */
  readonly typeOf: (type: string) => DatasetType | undefined;
  readonly correlation: Correlation;
  readonly incomplete: readonly IncompleteScope[];
  /** What the plan was made from. */
  readonly planInput: PlanInput;
  readonly plan: MadePlan;
  readonly planDigest: Digest;
}

/**
 * Throws planNotReproduced with the first operation that differs. The named plan is read for these words alone, and
 * nothing else of it counts.
 */
export async function requireSamePlan(
  exchange: ObjectStore,
  { plan, planDigest }: Pick<Recomputed, 'plan' | 'planDigest'>,
  named: Ref,
  digest: Digest = named.sha256,
): Promise<void> {
  if (planDigest === digest && planDigest === named.sha256) return;
  const differs = await getDocument(exchange, named, Plan).then(
    (other) => planDifference({ ...plan, operations: [...plan.operations], divergences: [...plan.divergences] }, other),
    () => 'the one that is named cannot be read',
  );
  const other = digest === planDigest ? named.sha256 : digest;
  throw new ConcordatError(
    'planNotReproduced',
    `this authority computes plan ${planDigest.slice(0, 12)} from the sealed inputs, not ${other.slice(0, 12)}: ${differs}`,
  );
}

/**
 * Everything from the references of a run to its plan. Throws where an input is not authentic or the run does not fit together.
 *
 * HAZARD: whoever gives a `walk` of its own believes what that says of the sealed records. An authority gives none.
 */
export async function recomputePlan(
  federation: Federation,
  exchange: ObjectStore,
  inputs: RunInputs,
  terms: Terms = 'own',
  watched: Watched = {},
  walk: Walk = walkWide,
): Promise<Recomputed> {
  const found = await toCompare(federation, exchange, inputs, terms);
  const { messages, snapshots } = found;
  // HAZARD: only what was walked here is kept, never what somebody's walk said; and nothing of an undo, of which the stores may
  // hold less by the next time.
  const digest = walk === walkWide && found.undone.length === 0 ? digestOfInputs(messages, snapshots) : null;
  const kept = digest && keptPlan(federation, exchange, digest);
  watched.signal?.throwIfAborted();
  if (kept) return { ...kept, messages, snapshots };
  const computed = await planFrom(found, exchange, watched, walk);
  if (digest) keepPlan(federation, exchange, digest, computed);
  return { ...computed, messages, snapshots };
}

async function planFrom(
  { messages, snapshots, undone, opaque, acceptances, named }: ToCompare,
  exchange: ObjectStore,
  { signal, onProgress, viewsInMemoryMax }: Watched,
  walk: Walk,
): Promise<Computed> {
  const compared = await differingRecords(messages.shape, snapshots, messages.base, exchange, {
    named,
    signal,
    onProgress,
    viewsInMemoryMax,
    walk,
  });
  const differing = await viewsWithUndone(compared.views, undone, messages, exchange);
  const comparable = await withResealedBase(differing, snapshots, messages, exchange);
  const shown = await withVersions(comparable, snapshots, messages, exchange);
  const correlation = await correlateViews(messages, await withTokens(shown, snapshots, messages.shape, exchange));
  if (correlation.assignments.length > 0)
    throw new ConcordatError(
      'planNotReproduced',
      'the snapshots hold records that should have been linked before the comparison',
    );
  const incomplete = incompleteScopes(snapshots);
  // Opaque records are joined by what they show, and from here on say nothing.
  const index = new OpaqueIndex(opaque);
  const views: Record<string, LongList<RecordView>> = {};
  for (const [type, records] of Object.entries(shown)) {
    if (!areInFile(records)) views[type] = records.map((view) => index.silenced(type, view));
    else views[type] = opaque.length === 0 ? records : await rewritten(records, (view) => index.silenced(type, view));
  }
  const planInput: PlanInput = {
    shape: messages.shape,
    base: messages.baseDigest,
    standing: standingDigest(Object.values(messages.standings)),
    rejections: Object.fromEntries(
      Object.entries(messages.standings).map(([authority, standing]) => [authority, standing.rejections]),
    ),
    acceptances,
    ignored: ownStatements(messages, ({ ignored }) => ignored),
    correlation: await digestInPieces(correlation),
    cases: correlation.cases,
    held: correlation.held,
    incomplete,
    views,
    heldAtBase: heldAtBase(messages.base, messages.shape),
    openedAt: Object.fromEntries(Object.entries(messages.opens).map(([authority, { hlc }]) => [authority, hlc])),
    agreedValues: await agreedValues(messages.shape, messages.base, views, exchange),
    opaque,
    ...(undone.length > 0 ? { undos: undone } : {}),
    newVersions: newVersionsOf(messages.shape, messages.base, messages.baseDigest, snapshots),
  };
  const isLarge = Object.values(views).some(areInFile);
  const plan = await inSlices(
    planSteps(planInput, isLarge ? planLists(typeOrderOf(messages.shape)) : undefined),
    signal,
  );
  await letOthersRun();
  const planDigest = await digestInPieces(plan);
  return {
    views,
    unanimous: compared.unanimous,
    viewOf: byTypeAndKey(views),
    typeOf: byType(messages.shape),
    correlation,
    incomplete,
    planInput,
    plan,
    planDigest,
  };
}

/** One group of the compare from which recomputePlan makes the plan. */
export async function recomputeGroup(
  federation: Federation,
  exchange: ObjectStore,
  inputs: RunInputs,
  settings: Omit<GroupSettings, 'exchange' | 'prefixes' | 'inputs'>,
): ReturnType<typeof compareGroup> {
  const { messages, snapshots, named } = await toCompare(federation, exchange, inputs, 'own');
  const walks = walksOf(messages.shape, snapshots, messages.base, named);
  return compareGroup(walks, { ...settings, exchange, prefixes: messages.shape.members, inputs });
}

type ToCompare = Awaited<ReturnType<typeof toCompare>>;

/** What is held against each other, and what was said of it, before a record of it is read. */
async function toCompare(federation: Federation, exchange: ObjectStore, inputs: RunInputs, terms: Terms) {
  const messages = await readOpens(federation, exchange, inputs, terms);
  const snapshots = await readSnapshots(federation, exchange, inputs, inputs.snapshots, messages);
  requireProvenVersions(messages.shape.types, messages.base, Object.values(snapshots));
  const undone = await undoneRecords(messages, exchange);
  const opaque = await opaqueRecords(exchange, snapshots);
  const acceptances = ownStatements(messages, (standing) => standing.acceptances);
  // What somebody said something of is looked at, whoever shows it.
  const named = [...undone, ...opaque, ...acceptances];
  return { messages, snapshots, undone, opaque, acceptances, named };
}

function byType({ types }: DatasetShape): Recomputed['typeOf'] {
  const known = new Map(types.map((type) => [type.taxonomy.type, type]));
  return (type) => known.get(type);
}

function byTypeAndKey(views: Recomputed['views']): Recomputed['viewOf'] {
  const known = new Map(Object.entries(views).map(([type, ofType]) => [type, viewsByKey(ofType)]));
  return (type, key) => known.get(type)?.(key);
}

/**
 * HAZARD: an authority's people speak for their own mesh only; what a standing says in another's name is nobody's word.
 */
function ownStatements<Item extends { readonly authority: AuthorityId }>(
  messages: RunMessages,
  of: (standing: Standing) => readonly Item[] | undefined,
): readonly Item[] {
  return Object.entries(messages.standings).flatMap(([authority, standing]) =>
    (of(standing) ?? []).filter((one) => one.authority === authority),
  );
}

/** The correlation over the first snapshots: what a second translation applies. */
export async function recomputeCorrelation(
  federation: Federation,
  exchange: ObjectStore,
  inputs: RunInputs,
  { signal, onProgress }: Watched = {},
): Promise<Pick<Recomputed, 'messages' | 'snapshots' | 'correlation'>> {
  const messages = await readOpens(federation, exchange, inputs);
  const snapshots = await readSnapshots(federation, exchange, inputs, inputs.snapshots, messages);
  // What has a natural key waits for nobody to join it.
  const types = messages.shape.types.filter(({ taxonomy }) => taxonomy.key === undefined);
  const { views } = await differingRecords({ ...messages.shape, types }, snapshots, messages.base, exchange, {
    named: [],
    signal,
    onProgress,
  });
  const records = await withTokens(views, snapshots, { ...messages.shape, types }, exchange);
  return { messages, snapshots, correlation: await correlateViews(messages, records) };
}

export async function correlateViews(
  messages: RunMessages,
  matched: Readonly<Record<string, LongList<MatchedRecord>>>,
): Promise<Correlation> {
  const statements = Object.values(messages.standings).flatMap((standing) => standing.links);
  const ignored = ownStatements(messages, (standing) => standing.ignored);
  const lost = heldAtBase(messages.base, messages.shape);
  const assignments: Correlation['assignments'] = [];
  const cases: Case[] = [];
  const held: Correlation['held'] = [];
  for (const type of messages.shape.types) {
    const name = type.taxonomy.type;
    const records = matched[name] ?? [];
    // Known by its natural key: nothing to join, and no doubt about who is who.
    if (type.taxonomy.key !== undefined || !records.some(({ key }) => isProvisional(key))) continue;
    const found = await inSlices(
      correlationSteps({
        type: name,
        rules: messages.shape.dataset.correlation[name] ?? [],
        digests: type.digests,
        statements: statements.filter((statement) => statement.type === name),
        ignored: ignored.filter((one) => one.type === name),
        asksAboutUnmatchable: messages.shape.dataset.unmatchable?.[name] === 'ask',
        records: records.map((record) => withLost(record, type, lost[name])),
      }),
    );
    assignments.push(...found.assignments);
    cases.push(...found.cases);
    held.push(...found.held);
  }
  return { assignments, cases, held };
}

/** Who held the record when it was agreed and shows it no more: whoever matches it there now has another native id. */
function withLost(record: MatchedRecord, type: DatasetType, heldAt: HeldFields | undefined): MatchedRecord {
  const { base } = record as MatchedRecord & Partial<Pick<RecordView, 'base'>>;
  if (base === undefined || isProvisional(record.key)) return record;
  const lost = Object.keys(type.held).filter(
    (member) => heldAt?.[member] !== undefined && record.members[member] === undefined,
  );
  return lost.length > 0 ? { ...record, lost } : record;
}

/** What each member says that it cannot fully represent, from the documents that the snapshots name. */
export async function opaqueRecords(
  exchange: ObjectStore,
  snapshots: Readonly<Record<AuthorityId, SnapshotStatement>>,
): Promise<readonly OpaqueRecord[]> {
  const records: OpaqueRecord[] = [];
  for (const { authority, opaque } of Object.values(snapshots)) {
    if (opaque === null) continue;
    const ref = { ref: `${authority}/documents/${opaque}`, sha256: opaque };
    const document = await getDocument(exchange, ref, OpaqueRecords);
    records.push(...document.records.map((record) => ({ authority, ...record })));
  }
  return records;
}

export function incompleteScopes(
  snapshots: Readonly<Record<AuthorityId, SnapshotStatement>>,
): readonly IncompleteScope[] {
  return Object.values(snapshots)
    .flatMap((snapshot) =>
      snapshot.scopes
        .filter((scope) => !scope.complete)
        .map((scope) => ({
          authority: snapshot.authority,
          type: scope.type,
          scope: scope.scope,
          reason: scope.reason ?? 'unexpectedAnswer',
        })),
    )
    .sort((a, b) => byCodeUnit(`${a.authority} ${a.type} ${a.scope}`, `${b.authority} ${b.type} ${b.scope}`));
}
