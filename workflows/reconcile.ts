/**
 * One run for one dataset: open, snapshot, translate, compare, approve, commit, agree.
 *
 * The coordinator's side. It orders the steps and passes references on; every authority checks and recomputes for
 * itself, so this workflow can stall but not lie. History holds references and counts only and does not grow with the
 * number of records.
 */
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  createNexusServiceClient,
  isCancellation,
  makeContinueAsNewFunc,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  sleep,
  workflowInfo,
  type NexusServiceClient,
} from '@temporalio/workflow';
import type { Ref } from '../core/messages.js';
import {
  authorityService,
  type OpenResult,
  type ReviewResult,
  type RunInputs,
  type SnapshotResult,
} from './contract.js';
import type { FederationActivities, RunSetup } from './activity-types.js';
import { codeOf, failure, messageOf } from './failure.js';
import {
  progressQuery,
  reviewClosedSignal,
  type CommitReport,
  type PlanSummary,
  type ReconcileInput,
  type ReviewReport,
  type RunOutcome,
  type RunResult,
  type RunStage,
} from './messages.js';
import { show } from './stage.js';

const quick = proxyLocalActivities<Pick<FederationActivities, 'setupRun' | 'nameRun'>>({
  startToCloseTimeout: '30s',
  retry: { maximumAttempts: 3 },
});
const { correlateSnapshots, compareAndPlan, settleReviews, proposeCandidate } = proxyActivities<FederationActivities>({
  startToCloseTimeout: '1h',
  heartbeatTimeout: '30s',
  retry: { maximumAttempts: 5, initialInterval: '1s', maximumInterval: '30s' },
});

type AuthorityClient = NexusServiceClient<typeof authorityService>;
interface Member {
  readonly authority: string;
  readonly client: AuthorityClient;
}

/** How long an authority's worker may be away before its step fails, and how long a step may take once started. */
interface Timeouts {
  readonly open: { readonly scheduleToStartTimeout: number; readonly scheduleToCloseTimeout: number };
  readonly step: { readonly scheduleToStartTimeout: number; readonly scheduleToCloseTimeout: '24h' };
}

function timeoutsOf({ absentAfterMs }: RunSetup): Timeouts {
  return {
    open: { scheduleToStartTimeout: absentAfterMs, scheduleToCloseTimeout: absentAfterMs + 60_000 },
    step: { scheduleToStartTimeout: absentAfterMs, scheduleToCloseTimeout: '24h' },
  };
}

export async function reconcile(input: ReconcileInput): Promise<RunResult> {
  let stage: RunStage = 'open';
  let plan: PlanSummary | null = null;
  let waitingFor: readonly string[] = [];
  const closedReviews: { authority: string; plan: string }[] = [];
  let sealed: readonly Ref[] = [];
  setHandler(progressQuery, () => ({ stage, waitingFor, plan, snapshots: sealed }), {
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
  const members = setup.members.map(({ authority, endpoint }): Member => ({
    authority,
    client: createNexusServiceClient({ service: authorityService, endpoint }),
  }));

  const timeouts = timeoutsOf(setup);

  const opens = await openAll(members, input.dataset, timeouts);
  const { run } = await quick.nameRun({ dataset: input.dataset, opens });
  let inputs: RunInputs = {
    dataset: input.dataset,
    run,
    opens: opens.map(({ open }) => open),
    snapshots: [],
    correlation: null,
    firstSnapshots: [],
  };

  stage = 'snapshot';
  show(
    { dataset: input.dataset, stage },
    `Reading ${members.length} meshes: ${members.map(({ authority }) => authority).join(', ')}.`,
  );
  let snapshots = await all('snapshot', members, ({ authority, client }) =>
    client.executeOperation('snapshot', inputs, {
      ...timeouts.step,
      summary: `${authority}: read, translate and seal`,
    }),
  );
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
  stage = 'compare';
  plan = await checked(() =>
    compareAndPlan.executeWithOptions({ summary: 'compare with the base and plan' }, [inputs]),
  );
  const counts = { divergences: plan.divergences, operations: plan.operations, cases: plan.cases };
  const report = { dataset: input.dataset, run, plan, newLinks, records, snapshots: sealed };
  if (input.planOnly === true) {
    show({ stage: 'done', outcome: 'planned', ...counts }, planWords(plan));
    return {
      ...report,
      outcome: 'planned',
      reviews: [],
      commits: [],
      receipts: [],
      agreement: null,
      left: plan.divergences,
    };
  }

  let reviews: ReviewReport[] = [];
  let settled: readonly ReviewResult[] = [];
  if (plan.affected.length > 0) {
    stage = 'approve';
    waitingFor = plan.affected;
    show(
      { stage, ...counts },
      `${planWords(plan)}\n\nWaiting for: ${plan.affected.join(', ')}. Each authority asks its own people in its own namespace.`,
    );
    const gathered = await gatherReviews(
      members,
      inputs,
      plan,
      timeouts,
      input.noWait === true ? 0 : setup.waitInRunMs,
      (left) => void (waitingFor = left),
    );
    reviews = gathered.reports;
    settled = gathered.results;
  }
  waitingFor = [];

  const reviewRefs = settled.map(({ review }) => review);
  let commits: CommitReport[] = [];
  let receipts: Ref[] = [];
  let agreement: RunResult['agreement'] = null;
  let left = plan.divergences;
  const somethingApproved = settled.some(({ approved, choices }) => approved + choices > 0);
  if (somethingApproved || plan.baseMoves) {
    const { permit, operationsBy } = await checked(() =>
      settleReviews({ inputs, plan: (plan as PlanSummary).plan, reviews: reviewRefs }),
    );
    const writers = members.filter(({ authority }) => (operationsBy[authority] ?? 0) > 0);
    if (writers.length > 0) {
      stage = 'commit';
      show(
        { stage },
        `Writing: ${writers.map(({ authority }) => `${authority} ${operationsBy[authority] ?? 0}`).join(', ')} operations.`,
      );
      const committed = await commitAll(writers, inputs, plan.plan, reviewRefs, permit, timeouts);
      commits = committed.reports;
      receipts = committed.receipts;
    }
    stage = 'agree';
    const proposal = await checked(() =>
      proposeCandidate({ inputs, plan: (plan as PlanSummary).plan, reviews: reviewRefs, permit, receipts }),
    );
    left = proposal.left;
    if (proposal.candidate) {
      const candidate = proposal.candidate;
      // HAZARD: cancelled half way, some would hold the new base and some the old one, and no later run could start.
      const witnesses = await CancellationScope.nonCancellable(() =>
        all('witness', members, ({ authority, client }) =>
          client.executeOperation(
            'witness',
            { inputs, plan: (plan as PlanSummary).plan, reviews: reviewRefs, permit, receipts, candidate },
            { ...timeouts.step, summary: `${authority}: recompute and sign the new base` },
          ),
        ),
      );
      const [first] = witnesses;
      agreement = first ? { sequence: first.sequence, base: first.base } : null;
    }
  }

  const outcome = outcomeOf(reviews, left, plan);
  stage = 'done';
  show({ stage, outcome, ...counts, divergences: left }, outcomeWords(outcome, plan, left, reviews, commits));
  await condition(allHandlersFinished);
  // A review that closed while nobody waited for it any more must not wait for the next schedule.
  const taken = new Set(settled.map(({ authority }) => authority));
  if (closedReviews.some((closed) => closed.plan === plan?.planDigest && !taken.has(closed.authority))) {
    await makeContinueAsNewFunc<typeof reconcile>()({ dataset: input.dataset });
  }
  return { ...report, outcome, reviews, commits, receipts, agreement, left };
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

async function openAll(
  members: readonly Member[],
  dataset: string,
  timeouts: Timeouts,
): Promise<readonly OpenResult[]> {
  const { workflowId, runId } = workflowInfo();
  return all('open', members, ({ authority, client }) =>
    client.executeOperation(
      'open',
      { dataset, attempt: `${workflowId} ${runId}` },
      { ...timeouts.open, summary: `${authority}: nonce, configuration and base` },
    ),
  );
}

/** Asks all members at once and waits for every answer; the failure names each member that did not give one. */
async function all<Result>(
  step: string,
  members: readonly Member[],
  ask: (member: Member) => Promise<Result>,
): Promise<readonly Result[]> {
  const answers = await Promise.allSettled(members.map(ask));
  const failures = answers.flatMap((answer, position) =>
    answer.status === 'rejected'
      ? [{ authority: members[position]?.authority ?? '', reason: answer.reason as unknown }]
      : [],
  );
  const cancelled = failures.find(({ reason }) => isCancellation(reason));
  if (cancelled) throw cancelled.reason;
  const [first] = failures;
  if (first) {
    throw failure(
      codeOf(first.reason),
      `${step} failed: ${failures.map(({ authority, reason }) => `${authority} (${codeOf(reason)}: ${messageOf(reason)})`).join(', ')}`,
    );
  }
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
}

/** Waits until all reviews have ended or the wait is over. What is open then stays open in its authority's namespace. */
async function gatherReviews(
  members: readonly Member[],
  inputs: RunInputs,
  plan: PlanSummary,
  timeouts: Timeouts,
  waitMs: number,
  report: (left: readonly string[]) => void,
): Promise<{ reports: ReviewReport[]; results: readonly ReviewResult[] }> {
  const affected = members.filter(({ authority }) => plan.affected.includes(authority));
  const ended = new Map<string, ReviewResult | { readonly failed: string }>();
  let cancellation: unknown;
  const pending = affected.map(async ({ authority, client }) => {
    try {
      const result = await client.executeOperation(
        'review',
        { inputs, plan: plan.plan, planDigest: plan.planDigest },
        {
          ...timeouts.step,
          scheduleToCloseTimeout: '400 days',
          cancellationType: 'WAIT_CANCELLATION_REQUESTED',
          summary: `${authority} asks its people: ${counted(plan.operationsBy[authority] ?? 0, 'operation')}`,
        },
      );
      ended.set(authority, result);
    } catch (error) {
      if (isCancellation(error)) cancellation = error;
      ended.set(authority, { failed: codeOf(error) });
    }
    report(affected.filter((member) => !ended.has(member.authority)).map((member) => member.authority));
  });
  const everyone = Promise.all(pending);
  // A run that waits for nobody still gives each review the time to open, so that decisions already given are counted.
  try {
    await Promise.race([
      everyone,
      waitMs > 0 ? sleep(waitMs, { summary: 'waiting for people' }) : sleep('2s', { summary: 'reviews open' }),
    ]);
  } catch (error) {
    if (!isCancellation(error)) throw error;
    // HAZARD: a run that ended at once would take its request to withdraw the reviews with it.
    await CancellationScope.nonCancellable(() => Promise.race([everyone, sleep('1m', { summary: 'reviews end' })]));
    throw error;
  }
  if (cancellation) throw cancellation;
  const reports = affected.map(({ authority }): ReviewReport => {
    const result = ended.get(authority);
    if (!result) return { authority, outcome: 'pending', code: null, approved: 0, rejected: 0, choices: 0 };
    if ('failed' in result)
      return { authority, outcome: 'failed', code: result.failed, approved: 0, rejected: 0, choices: 0 };
    const { outcome, code, approved, rejected, choices } = result;
    return { authority, outcome, code, approved, rejected, choices };
  });
  return {
    reports,
    results: affected.flatMap(({ authority }) => {
      const result = ended.get(authority);
      return result && !('failed' in result) ? [result] : [];
    }),
  };
}

async function commitAll(
  writers: readonly Member[],
  inputs: RunInputs,
  plan: Ref,
  reviews: readonly Ref[],
  permit: Ref,
  timeouts: Timeouts,
): Promise<{ reports: CommitReport[]; receipts: Ref[] }> {
  const answers = await Promise.allSettled(
    writers.map(({ client, authority }) =>
      client.executeOperation(
        'commit',
        { inputs, plan, reviews, permit },
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

function outcomeOf(reviews: readonly ReviewReport[], left: number, plan: PlanSummary): RunOutcome {
  if (reviews.some(({ outcome }) => outcome === 'pending')) return 'approvalPending';
  return left > 0 || plan.cases > 0 || plan.incompleteScopes.length > 0 || plan.setAside > 0 ? 'divergent' : 'agreed';
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function planWords(plan: PlanSummary): string {
  const parts = [
    counted(plan.divergences, 'divergence'),
    `${counted(plan.operations, 'operation')} proposed`,
    counted(plan.conflicts, 'conflict'),
    counted(plan.cases, 'case'),
  ];
  if (plan.accepted > 0) parts.push(counted(plan.accepted, 'accepted divergence'));
  if (plan.setAside > 0)
    parts.push(`${counted(plan.setAside, 'record or property', 'records or properties')} set aside`);
  const scopes =
    plan.incompleteScopes.length > 0
      ? `\n\nIncomplete, so no deletion follows from: ${plan.incompleteScopes.join(', ')}.`
      : '';
  return `${parts.join(', ')}. Plan \`${plan.planDigest.slice(0, 12)}\`.${scopes}`;
}

function outcomeWords(
  outcome: RunOutcome,
  plan: PlanSummary,
  left: number,
  reviews: readonly ReviewReport[],
  commits: readonly CommitReport[],
): string {
  const lines = [`Outcome: **${outcome}**. ${counted(left, 'divergence')} left.`, planWords(plan)];
  if (reviews.length > 0)
    lines.push(`Reviews: ${reviews.map(({ authority, outcome: ended }) => `${authority} ${ended}`).join(', ')}.`);
  if (commits.length > 0)
    lines.push(
      `Commits: ${commits.map(({ authority, outcome: ended, code }) => `${authority} ${ended}${code === null ? '' : ` (${code})`}`).join(', ')}.`,
    );
  return lines.join('\n\n');
}
