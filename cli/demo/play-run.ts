/** One run of the demo from its start to its end, with a pause between plan and approval in which the plan is told. */
import { setTimeout } from 'node:timers/promises';
import { ConcordatError } from '../../core/errors.js';
import type { AuthorityId } from '../../core/record.js';
import type { PlanSummary, RunResult } from '../../workflows/messages.js';
import { findPlan } from '../reading/find-run.js';
import { openFoundPlan, type OpenPlan } from '../reading/open-plan.js';
import { commitText } from '../showing/run-text.js';
import { counted, shortDigest, stageWords } from '../showing/words.js';
import { followRun } from '../temporal/follow-run.js';
import { viewReview, type ReviewView } from '../temporal/reviews.js';
import { startRun } from '../temporal/runs.js';
import { decideFor, type Choose, type Decided } from './decide.js';
import { secondsText } from './narrator.js';
import type { Setting } from './setting.js';

export interface PlayedRun {
  readonly result: RunResult;
  /** The run as Temporal knows it. */
  readonly runId: string;
  /** Length of its history. */
  readonly events: number;
  readonly durationMs: number;
}

export interface RunScript {
  /** Tells the plan, once every affected authority has laid out what it asks its people. */
  readonly tellPlan: (open: OpenPlan) => Promise<void> | void;
  readonly choose: Choose;
  readonly tellDecisions: (decisions: readonly Decided[], open: OpenPlan) => void;
}

export async function playRun(setting: Setting, script: RunScript): Promise<PlayedRun> {
  const { narrator, session, dataset, signal } = setting;
  const startedAt = performance.now();
  const run = await startRun(session.runs, { dataset }, () => undefined);
  let planned: (plan: PlanSummary) => void = () => undefined;
  const waitsForPeople = new Promise<PlanSummary>((resolve) => (planned = resolve));
  const ended = followRun(session.runs, run, {
    progress: (progress) => {
      if (!progress || signal.aborted) return;
      if (progress.stage !== 'done') narrator.progress(stageWords[progress.stage]);
      if (progress.stage === 'approve' && progress.plan) planned(progress.plan);
    },
    server: () => undefined,
    signal,
  });
  // What fails while the plan is told is thrown from there; the run's own end is awaited below in any case.
  ended.catch(() => undefined);
  const plan = await Promise.race([waitsForPeople, ended.then(() => undefined)]);
  if (plan) {
    const reviews = await untilAsked(setting, plan);
    const open = await openFoundPlan(
      session,
      await findPlan(session.runs, session.federation, session.exchange, plan.planDigest),
    );
    await script.tellPlan(open);
    // Each authority on its own: none waits for another, and none sees what another decides.
    const decisions = await Promise.all(
      reviews.map(({ authority, review }) => decideFor(setting, authority, open, review, script.choose)),
    );
    script.tellDecisions(decisions.flat(), open);
  }
  const result = await ended;
  signal.throwIfAborted();
  if (!result) throw new ConcordatError('runEnded', 'the run was not followed to its end');
  const durationMs = performance.now() - startedAt;
  const { historyLength } = await session.runs.workflows.getHandle(run.workflowId, run.runId).describe();
  return { result, runId: run.runId, events: historyLength, durationMs };
}

/** Polls until every affected authority has made the plan again for itself and waits for its people. */
async function untilAsked(
  { session, dataset, signal }: Setting,
  plan: PlanSummary,
): Promise<readonly { readonly authority: AuthorityId; readonly review: ReviewView }[]> {
  const reviews = new Map<AuthorityId, ReviewView>();
  const deadline = performance.now() + 60_000;
  while (reviews.size < plan.affected.length) {
    signal.throwIfAborted();
    for (const authority of plan.affected) {
      if (reviews.has(authority)) continue;
      const id = { federation: session.name, authority, dataset, plan: plan.planDigest };
      const review = await viewReview(session.connection, id);
      if (review.kind === 'failed') throw review.failure;
      if (review.kind === 'closed' || (review.kind === 'open' && review.status.stage !== 'preparing'))
        reviews.set(authority, review);
    }
    if (performance.now() > deadline)
      throw new ConcordatError(
        'authorityAbsent',
        `not every authority asked its people about plan ${shortDigest(plan.planDigest)} within a minute`,
      );
    await setTimeout(100);
  }
  return plan.affected.flatMap((authority) => {
    const review = reviews.get(authority);
    return review ? [{ authority, review }] : [];
  });
}

/** What was written, what is agreed now, and what it cost. */
export function tellResult({ narrator }: Setting, { result, events, durationMs }: PlayedRun): void {
  if (result.commits.length > 0) {
    narrator.say('Each authority checked plan and decisions once more, and wrote to its own cloud:');
    narrator.rows(
      result.commits.map((commit) => [commit.authority, commitText(commit).slice(commit.authority.length + 1)]),
    );
  }
  if (result.agreement)
    narrator.say(
      `Agreement ${result.agreement.sequence}: all three computed the same new base ${shortDigest(result.agreement.base)} and signed it. ${
        result.left === 0
          ? 'Nothing is left open.'
          : `${counted(result.left, 'divergence')} left open${result.plan.cases > 0 ? ', until the case is settled' : ''}.`
      }`,
    );
  narrator.say(`This run: ${secondsText(durationMs)}, ${events} events in its history.`);
}
