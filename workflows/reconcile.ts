/**
 * One run for one dataset: open, snapshot, translate, compare, approve, commit, agree.
 *
 * The coordinator's side. It orders the steps and passes references on; every authority checks and recomputes for
 * itself, so this workflow can stall but not lie. History holds references and counts only and does not grow with the
 * number of records.
 */
import {
  allHandlersFinished,
  condition,
  createNexusServiceClient,
  isCancellation,
  makeContinueAsNewFunc,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
} from '@temporalio/workflow';
import type { Ref, RunInputs } from '../core/messages.js';
import type { FederationActivities } from './activity-types.js';
import { sealCandidate } from './agreeing.js';
import { compareInGroups, type GroupsDone } from './comparing.js';
import { authorityService, type ReviewResult, type SnapshotResult } from './contract.js';
import { disclosed, gatherDisclosures } from './disclosing.js';
import { codeOf, failure, messageOf } from './failure.js';
import { gatherReviews } from './gather-reviews.js';
import { all, timeoutsOf, type Member, type Timeouts } from './members.js';
import {
  progressQuery,
  reviewClosedSignal,
  type CommitReport,
  type PlanSummary,
  type ReconcileInput,
  type ReviewReport,
  type RunResult,
  type RunStage,
} from './messages.js';
import { openAndRead } from './reading.js';
import { absentWords, outcomeOf, outcomeWords, planWords } from './run-words.js';
import { show } from './stage.js';

const quick = proxyLocalActivities<Pick<FederationActivities, 'setupRun'>>({
  startToCloseTimeout: '30s',
  retry: { maximumAttempts: 3 },
});
const { correlateSnapshots, compareAndPlan, settleReviews, proposeCandidate } = proxyActivities<FederationActivities>({
  startToCloseTimeout: '1h',
  heartbeatTimeout: '30s',
  retry: { maximumAttempts: 5, initialInterval: '1s', maximumInterval: '30s' },
});

export async function reconcile(input: ReconcileInput): Promise<RunResult> {
  let stage: RunStage = 'open';
  let plan: PlanSummary | null = null;
  let waitingFor: readonly string[] = [];
  const closedReviews: { authority: string; plan: string }[] = [];
  let sealed: readonly Ref[] = [];
  let planned: RunInputs | null = null;
  let groups: GroupsDone | null = null;
  setHandler(progressQuery, () => ({ stage, waitingFor, plan, snapshots: sealed, inputs: planned, groups }), {
    description: 'Stage of the run, and whom it waits for',
  });
  setHandler(
    reviewClosedSignal,
    ({ authority, plan: closed }) => void closedReviews.push({ authority, plan: closed }),
    {
      description: 'An authority closed a review; sent by its own workflow',
    },
  );

  const setup = await checked(() => quick.setupRun(input.dataset));
  const everyone = setup.members.map(({ authority, endpoint }): Member => ({
    authority,
    client: createNexusServiceClient({ service: authorityService, endpoint }),
  }));

  const timeouts = timeoutsOf(setup);

  const begun = await openAndRead(everyone, input.dataset, setup, timeouts, ({ members, absent }) => {
    stage = 'snapshot';
    show(
      { dataset: input.dataset, stage },
      `Reading ${members.length} meshes: ${members.map(({ authority }) => authority).join(', ')}.${absentWords(absent)}`,
    );
  });
  const { members, absent } = begun;
  let { inputs, snapshots } = begun;
  const { run } = inputs;
  inputs = { ...inputs, snapshots: snapshots.map(({ snapshot }) => snapshot) };

  let newLinks = 0;
  if (snapshots.some(({ unlinked }) => unlinked > 0)) {
    stage = 'translate';
    const { correlation, linksBy } = await checked(() =>
      correlateSnapshots.executeWithOptions({ summary: 'join records without a link' }, [inputs]),
    );
    newLinks = Object.values(linksBy).reduce((sum, count) => sum + count, 0);
    if (newLinks > 0) {
      const first = snapshots;
      const again = members.filter(({ authority }) => (linksBy[authority] ?? 0) > 0);
      const translated = await all('translate', again, ({ authority, client }) =>
        client.executeOperation(
          'translate',
          { inputs, correlation },
          { ...timeouts.step, summary: `${authority}: translate again with the new links` },
        ),
      );
      const byAuthority = new Map(again.map(({ authority }, position) => [authority, translated[position]]));
      snapshots = members.map(
        ({ authority }, position) => byAuthority.get(authority) ?? (first[position] as SnapshotResult),
      );
      inputs = {
        ...inputs,
        snapshots: snapshots.map(({ snapshot }) => snapshot),
        correlation,
        firstSnapshots: first.map(({ snapshot }) => snapshot),
      };
    }
  }
  const records = Object.fromEntries(
    members.map(({ authority }, position) => [authority, snapshots[position]?.records ?? 0]),
  );

  sealed = inputs.snapshots;
  planned = inputs;
  stage = 'compare';
  const total = Object.values(records).reduce((sum, count) => sum + count, 0);
  const compared = await checked(() =>
    compareInGroups(inputs, total, setup.recordsPerGroup, (told) => {
      groups = told;
      show({}, `Comparing ${total} records: ${told.done} of ${told.of} groups of buckets are done.`);
    }),
  );
  plan = await checked(() =>
    compareAndPlan.executeWithOptions(
      { summary: 'compare with the base and plan' },
      compared ? [inputs, compared] : [inputs],
    ),
  );
  const fromGroups = compared ? { compared } : {};
  const counts = { divergences: plan.divergences, operations: plan.operations, cases: plan.cases };
  const report = { dataset: input.dataset, run, plan, newLinks, records, snapshots: sealed, inputs, absent };
  if (input.planOnly === true) {
    stage = 'done';
    show({ stage: 'done', outcome: 'planned', ...counts }, planWords(plan, absent));
    return {
      ...report,
      evidence: { inputs, reviews: [], permit: null },
      outcome: 'planned',
      reviews: [],
      commits: [],
      receipts: [],
      agreement: null,
      left: plan.divergences,
    };
  }

  const disclosures = await gatherDisclosures(members, inputs, plan, timeouts);
  let reviews: ReviewReport[] = [];
  let settled: readonly ReviewResult[] = [];
  if (plan.affected.length > 0) {
    stage = 'approve';
    waitingFor = plan.affected;
    show(
      { stage, ...counts },
      `${planWords(plan, absent)}\n\nWaiting for: ${plan.affected.join(', ')}. Each authority asks its own people in its own namespace.`,
    );
    const gathered = await gatherReviews(
      members,
      inputs,
      plan,
      timeouts,
      input.noWait === true ? 0 : setup.waitInRunMs,
      (left) => void (waitingFor = left),
      disclosures,
    );
    reviews = gathered.reports;
    settled = gathered.results;
  }
  waitingFor = [];

  const reviewRefs = settled.map(({ review }) => review);
  let commits: CommitReport[] = [];
  let receipts: Ref[] = [];
  let settledPermit: Ref | null = null;
  let agreement: RunResult['agreement'] = null;
  let left = plan.divergences;
  const somethingApproved = settled.some(({ approved, choices }) => approved + choices > 0);
  if (somethingApproved || plan.baseMoves) {
    const { permit, operationsBy } = await checked(() =>
      settleReviews({ inputs, plan: (plan as PlanSummary).plan, reviews: reviewRefs, ...fromGroups }),
    );
    settledPermit = permit;
    const writers = members.filter(({ authority }) => (operationsBy[authority] ?? 0) > 0);
    if (writers.length > 0) {
      stage = 'commit';
      show(
        { stage },
        `Writing: ${writers.map(({ authority }) => `${authority} ${operationsBy[authority] ?? 0}`).join(', ')} operations.`,
      );
      const committed = await commitAll(writers, inputs, plan.plan, reviewRefs, permit, timeouts, disclosures);
      commits = committed.reports;
      receipts = committed.receipts;
    }
    stage = 'agree';
    const proposal = await checked(() =>
      proposeCandidate({
        inputs,
        plan: (plan as PlanSummary).plan,
        reviews: reviewRefs,
        permit,
        receipts,
        ...fromGroups,
      }),
    );
    left = proposal.left;
    if (proposal.proposal) agreement = await sealCandidate(members, inputs, proposal.proposal, timeouts);
  }

  const outcome = outcomeOf(reviews, left, plan, absent, agreement !== null);
  stage = 'done';
  show({ stage, outcome, ...counts, divergences: left }, outcomeWords(outcome, plan, left, reviews, commits, absent));
  await condition(allHandlersFinished);
  // A review that closed while nobody waited for it any more must not wait for the next schedule.
  const taken = new Set(settled.map(({ authority }) => authority));
  if (closedReviews.some((closed) => closed.plan === plan?.planDigest && !taken.has(closed.authority))) {
    await makeContinueAsNewFunc<typeof reconcile>()({ dataset: input.dataset });
  }
  const evidence = { inputs, reviews: reviewRefs, permit: settledPermit };
  return { ...report, evidence, outcome, reviews, commits, receipts, agreement, left };
}

/** Runs an activity and gives its failure the words of core/errors.ts, so that the run fails instead of its task. */
async function checked<Result>(activity: () => Promise<Result>): Promise<Result> {
  try {
    return await activity();
  } catch (error) {
    if (isCancellation(error)) throw error;
    throw failure(codeOf(error), messageOf(error));
  }
}

async function commitAll(
  writers: readonly Member[],
  inputs: RunInputs,
  plan: Ref,
  reviews: readonly Ref[],
  permit: Ref,
  timeouts: Timeouts,
  disclosures: readonly Ref[],
): Promise<{ reports: CommitReport[]; receipts: Ref[] }> {
  const answers = await Promise.allSettled(
    writers.map(({ client, authority }) =>
      client.executeOperation(
        'commit',
        { inputs, plan, reviews, permit, ...disclosed(disclosures) },
        { ...timeouts.step, summary: `${authority}: gate, then write` },
      ),
    ),
  );
  const reports: CommitReport[] = [];
  const receipts: Ref[] = [];
  for (const [position, answer] of answers.entries()) {
    const authority = writers[position]?.authority ?? '';
    if (answer.status === 'rejected') {
      if (isCancellation(answer.reason)) throw answer.reason;
      reports.push({ authority, outcome: 'failed', code: codeOf(answer.reason), counts: null });
      continue;
    }
    const result = answer.value;
    if (result.receipts) receipts.push(result.receipts);
    if (result.kind === 'refused') reports.push({ authority, outcome: 'refused', code: result.code, counts: null });
    else
      reports.push({
        authority,
        outcome: result.complete ? 'done' : 'incomplete',
        code: result.code,
        counts: result.counts,
      });
  }
  return { reports, receipts };
}
