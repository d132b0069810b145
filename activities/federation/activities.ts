/**
 * What the coordinator does: order, compare what authorities chose to expose, and propose. It holds no credential and no
 * key, and everything it makes is made again by those whom it concerns.
 */
import { canonicalJson, type Digest } from '../../core/digest.js';
import { durationMs } from '../../core/duration.js';
import { ConcordatError } from '../../core/errors.js';
import type { Federation } from '../../core/federation/federation.js';
import { recordsPerGroupUsually } from '../../core/compare-groups.js';
import type { Proposal, Ref, RunInputs } from '../../core/messages.js';
import { authorityEndpoint, federationEndpoint } from '../../core/names.js';
import { isAccepted } from '../../core/acceptance.js';
import { countWhere } from '../../core/long-list.js';
import { neededValues } from '../../core/needed-values.js';
import { versionsWaitFor } from '../../core/new-versions.js';
import { affectedAuthorities } from '../../core/affected-authorities.js';
import type { FederationActivities, RunSetup } from '../../workflows/activity-types.js';
import type { PlanSummary } from '../../workflows/messages.js';
import { putDocument } from '../exchange.js';
import { hasBaseChange } from '../base-changes.js';
import { isSliceOver, letOthersRun } from '../event-loop.js';
import { federationPrefix } from '../federation-prefix.js';
import { highestRound } from '../round-hints.js';
import { eraseCopies } from '../erasure/erase-copies.js';
import { judgeOpens } from './judge-opens.js';
import { nextAgreement } from '../next-agreement.js';
import type { Watched } from '../differing-records.js';
import { recomputeCorrelation, recomputeGroup, recomputePlan, type Recomputed } from '../recompute.js';
import { recomputePermit } from '../reviews.js';
import type { ObjectStore } from '../store.js';
import { hasUnanimous } from '../unanimous.js';
import { walkCompared } from '../walking/walk-compared.js';
import { walkWide } from '../walking/walk-in-threads.js';
import { heldAtBase } from '../../core/next-base.js';

export interface FederationContext {
  /** With the terms and keys that count now: it changes between two runs where a manifest did. */
  readonly federation: Federation;
  /** Reads manifests again where they changed. Throws where they do not hold. */
  readonly refreshTerms?: () => Promise<void>;
  readonly exchange: ObjectStore;
  /** Which of these Nexus endpoints do not exist. */
  readonly missingEndpoints: (names: readonly string[]) => Promise<readonly string[]>;
  readonly heartbeat: (details?: unknown) => void;
  /** Aborted where the activity that runs is cancelled; absent where nobody can cancel it. */
  readonly signal?: () => AbortSignal;
  /** Milliseconds since the epoch, as this machine believes. Decides nothing: who is left out by it may be asked again. */
  readonly now: () => number;
  /** How long the worker of an authority may be away before its step fails; 2 minutes where absent. */
  readonly absentAfterMs?: number;
  /** Records of all members that one group of a compare takes (core/compare-groups.ts). */
  readonly recordsPerGroup?: number;
  /** Tells whoever operates the worker. */
  readonly warn?: (message: string) => void;
}

const absentAfterDefaultMs = 120_000;

export function createFederationActivities(context: FederationContext): FederationActivities {
  const { exchange } = context;

  async function setupRun(datasetName: string): Promise<RunSetup> {
    await context.refreshTerms?.();
    const { federation } = context;
    const dataset = federation.datasets[datasetName];
    if (!dataset)
      throw new ConcordatError(
        'notFound',
        `the federation has no dataset ${datasetName}; it has ${Object.keys(federation.datasets).join(', ')}`,
      );
    const name = federation.file.federation;
    const members = [...dataset.members]
      .sort()
      .map((authority) => ({ authority, endpoint: authorityEndpoint(name, authority) }));
    // HAZARD: a missing endpoint would fail the workflow task for ever and cannot be caught there.
    const missing = await context.missingEndpoints([
      ...members.map(({ endpoint }) => endpoint),
      federationEndpoint(name),
    ]);
    if (missing.length > 0)
      throw new ConcordatError('endpointMissing', `these Nexus endpoints do not exist: ${missing.join(', ')}`);
    return {
      federation: name,
      members,
      waitInRunMs: durationMs(dataset.approval.waitInRun),
      absentAfterMs: context.absentAfterMs ?? absentAfterDefaultMs,
      highestRound: await highestRound(exchange, dataset.members, datasetName),
      recordsPerGroup: context.recordsPerGroup ?? recordsPerGroupUsually,
    };
  }

  async function correlateSnapshots(
    inputs: RunInputs,
  ): Promise<Awaited<ReturnType<FederationActivities['correlateSnapshots']>>> {
    const { correlation } = await recomputeCorrelation(context.federation, exchange, inputs, watchedBy(context));
    const linksBy: Record<string, number> = {};
    for (const { authority } of correlation.assignments) linksBy[authority] = (linksBy[authority] ?? 0) + 1;
    return {
      correlation: await putDocument(exchange, federationPrefix, correlation),
      linksBy,
      cases: correlation.cases.length,
    };
  }

  /** From what groups left where there are some. */
  function recomputed(inputs: RunInputs, compared: readonly Ref[] = []): Promise<Recomputed> {
    const again = (group: number): void =>
      context.warn?.(`what group ${group} of the compare left is gone, so it is compared again`);
    const walk = compared.length > 0 ? walkCompared(exchange, inputs, compared, again) : walkWide;
    return recomputePlan(context.federation, exchange, inputs, 'own', watchedBy(context), walk);
  }

  async function compareAndPlan(inputs: RunInputs, compared?: readonly Ref[]): Promise<PlanSummary> {
    const made = await recomputed(inputs, compared);
    const { plan, planDigest } = made;
    const operationsBy: Record<string, number> = {};
    for (const { authority } of plan.operations) {
      if (isSliceOver()) await letOthersRun();
      operationsBy[authority] = (operationsBy[authority] ?? 0) + 1;
    }
    const ref = await putDocument(exchange, federationPrefix, plan);
    const moves = await hasBaseChange(
      {
        shape: made.messages.shape,
        views: made.views,
        incomplete: made.incomplete,
        held: made.correlation.held,
        effective: [],
        heldAtBase: heldAtBase(made.messages.base, made.messages.shape),
      },
      context.signal?.(),
    );
    const snapshots = Object.values(made.snapshots);
    let accepted = 0;
    for (const divergence of plan.divergences) {
      if (isSliceOver()) await letOthersRun();
      if (isAccepted(divergence)) accepted += 1;
    }
    // Only values of `digest` fields are disclosed.
    const hasDigests = made.messages.shape.types.some(({ digests }) => digests.length > 0);
    const needed = hasDigests ? neededValues(plan, made.views) : [];
    const newVersions = plan.newVersions ?? [];
    return {
      plan: ref,
      planDigest,
      divergences: plan.divergences.length - accepted,
      accepted,
      operations: plan.operations.length,
      operationsBy,
      conflicts: plan.conflicts.length,
      cases: plan.cases.length,
      incompleteScopes: plan.incomplete
        .slice(0, 20)
        .map(({ authority, scope, reason }) => `${authority} ${scope} (${reason})`),
      setAside: snapshots.reduce(
        (sum, { untranslatable, lossy }) =>
          sum + [...untranslatable, ...lossy].reduce((count, entry) => count + entry.count, 0),
        0,
      ),
      affected: affectedAuthorities({
        operations: Object.keys(operationsBy).map((authority) => ({ authority })),
        conflicts: plan.conflicts,
        newVersions,
        absent: plan.absent,
      }),
      disclosers: [...new Set(needed.map(({ from }) => from))].sort(),
      // Under a new version none moves before all who hold its type approved it.
      baseMoves: newVersions.length === 0 && (moves || hasUnanimous(made.unanimous)),
      ...(newVersions.length > 0 ? { newVersions: newVersions.length, versionsWaitFor: versionsWaitFor(plan) } : {}),
    };
  }

  async function settleReviews(
    input: Parameters<FederationActivities['settleReviews']>[0],
  ): Promise<Awaited<ReturnType<FederationActivities['settleReviews']>>> {
    const made = await planOf(input.inputs, input.plan.sha256, input.compared);
    const { permit } = await recomputePermit(context.federation, exchange, input.reviews, made);
    const operationsBy = Object.fromEntries(
      Object.entries(permit.operations).map(([authority, operations]) => [authority, operations.length]),
    );
    return { permit: await putDocument(exchange, federationPrefix, permit), operationsBy };
  }

  async function proposeCandidate({
    compared,
    ...input
  }: Parameters<FederationActivities['proposeCandidate']>[0]): Promise<
    Awaited<ReturnType<FederationActivities['proposeCandidate']>>
  > {
    const made = await planOf(input.inputs, input.plan.sha256, compared);
    const { permit } = await recomputePermit(context.federation, exchange, input.reviews, made);
    const next = await nextAgreement({
      federation: context.federation,
      exchange,
      prefix: federationPrefix,
      run: input.inputs.run,
      recomputed: made,
      permit,
      receipts: input.receipts,
      heartbeat: context.heartbeat,
    });
    const left = divergencesLeft(made, next.done);
    if (!next.candidate || !next.sealed) return { proposal: null, left };
    await putDocument(exchange, federationPrefix, next.sealed.base);
    const candidate = await putDocument(exchange, federationPrefix, next.candidate);
    const proposal: Proposal = { ...input, candidate };
    return { proposal: await putDocument(exchange, federationPrefix, proposal), left };
  }

  async function planOf(inputs: RunInputs, planDigest: Digest, compared?: readonly Ref[]): Promise<Recomputed> {
    const made = await recomputed(inputs, compared);
    if (made.planDigest !== planDigest)
      throw new ConcordatError('planNotReproduced', 'the plan of this run cannot be made again from its inputs');
    return made;
  }

  const beating = <Result>(work: () => Promise<Result>): Promise<Result> => withHeartbeat(context, work);
  return {
    setupRun,
    judgeOpens: (input) => judgeOpens(context.federation, exchange, input, context.now()),
    // HAZARD: each says that it lives from its beginning to its end. An attempt that does not is begun again while it still runs.
    correlateSnapshots: (inputs) => beating(() => correlateSnapshots(inputs)),
    compareGroup: ({ inputs, ...part }) =>
      beating(() => recomputeGroup(context.federation, exchange, inputs, { part, ...watchedBy(context) })),
    compareAndPlan: (inputs, compared) => beating(() => compareAndPlan(inputs, compared)),
    settleReviews: (input) => beating(() => settleReviews(input)),
    proposeCandidate: (input) => beating(() => proposeCandidate(input)),
    eraseCopies: (name) => beating(() => eraseCopies(context.federation, exchange, name, context.heartbeat)),
    assembleSeal: async (seal) => ({ seal: await putDocument(exchange, federationPrefix, seal) }),
  };
}

/** A divergence is settled where all the operations of one way out had their effect; accepted ones do not count. */
export function divergencesLeft(recomputed: Recomputed, effective: Pick<ReadonlySet<Digest>, 'has'>): number {
  const settledConflicts = new Set(
    recomputed.plan.conflicts
      .filter(({ candidates }) =>
        candidates.some(({ operations }) => operations.length > 0 && operations.every(({ id }) => effective.has(id))),
      )
      .map(({ type, key, field }) => canonicalJson([type, key, field])),
  );
  return countWhere(recomputed.plan.divergences, (divergence) => {
    if (isAccepted(divergence)) return false;
    if (divergence.kind === 'conflict' || divergence.kind === 'editedAndDeleted')
      return !settledConflicts.has(canonicalJson([divergence.type, divergence.key, divergence.field]));
    // A suspension is a step on the way: the record is still there, and gone elsewhere.
    if (divergence.kind === 'suspended') return true;
    return divergence.operations.length === 0 || !divergence.operations.every((id) => effective.has(id));
  });
}

/** What a compare says of itself is what the heartbeats tell until it says more. */
function watchedBy({ heartbeat, signal }: FederationContext): Watched {
  return { onProgress: heartbeat, ...(signal ? { signal: signal() } : {}) };
}

async function withHeartbeat<Result>(context: FederationContext, work: () => Promise<Result>): Promise<Result> {
  const timer = setInterval(() => context.heartbeat(), 5_000);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
