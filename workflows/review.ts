/**
 * One authority asks its own people about one plan, in its own namespace, under its own quorum and deadline.
 *
 * It outlives the run that opened it. Update and Signal carry the same signed decision; the validator checks shape,
 * stage, plan and deadline; signature, approver and quorum are verified in an activity for both. The outcome of a
 * passed deadline is never approval.
 */
import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  createNexusServiceClient,
  isCancellation,
  proxyActivities,
  setHandler,
  sleep,
} from '@temporalio/workflow';
import { HandlerUnfinishedPolicy } from '@temporalio/common';
import { durationWords } from '../core/duration.js';
import { federationEndpoint } from '../core/names.js';
import { nothingDecided, type ReviewOutcome, type ReviewProgress } from '../core/review.js';
import type { AuthorityActivities, DueNotice, PreparedReview } from './activity-types.js';
import { federationService, type ReviewInput, type ReviewResult } from './contract.js';
import { codeOf, failure, messageOf } from './failure.js';
import {
  decideSignal,
  decideUpdate,
  DecisionEnvelope,
  replacedSignal,
  reviewStatusQuery,
  type DecisionAnswer,
  type ReviewStatus,
} from './messages.js';
import { show } from './stage.js';

const { prepareReview, recordDecision, closeReview } = proxyActivities<AuthorityActivities>({
  startToCloseTimeout: '1h',
  heartbeatTimeout: '1m',
  retry: { maximumAttempts: 20, initialInterval: '1s', maximumInterval: '1m' },
});

/** What is outside may be slow or gone; after these tries the log has it, and the review goes on. */
const { remindPeople } = proxyActivities<AuthorityActivities>({
  startToCloseTimeout: '30s',
  retry: { maximumAttempts: 6, initialInterval: '2s', maximumInterval: '1m' },
});

/** The workflow's own clock, which a replay gives again. */
function nowMs(): number {
  // oxlint-disable-next-line no-restricted-properties
  return Date.now();
}

export async function review(input: ReviewInput): Promise<ReviewResult> {
  const openedAtMs = nowMs();
  let prepared: PreparedReview | undefined;
  let ended: ReviewOutcome | 'tally' | undefined;
  let progress: ReviewProgress = nothingDecided;
  const reminded: string[] = [];
  const escalatedTo: string[] = [];
  const refusedSignals: Record<string, number> = {};
  const signalled: DecisionEnvelope[] = [];
  const deadlineMs = (): number => openedAtMs + (prepared?.deadlineMs ?? 0);

  const record = async (envelope: DecisionEnvelope): Promise<DecisionAnswer> => {
    const answer = await recordDecision.executeWithOptions({ summary: 'verify signature, approver and quorum' }, [
      { dataset: input.inputs.dataset, plan: input.planDigest, envelope },
    ]);
    progress = countsOf(answer);
    if (answer.closed && ended === undefined) ended = 'tally';
    showWaiting();
    return answer;
  };
  const showWaiting = (): void => {
    if (!prepared || ended !== undefined) return;
    show(
      {},
      waitingWords(input.planDigest, prepared, progress, [
        ...reminded,
        `Deadline in ${durationWords(deadlineMs() - nowMs())}.`,
      ]),
    );
  };

  setHandler(
    decideUpdate,
    async (envelope) => {
      try {
        return await record(envelope);
      } catch (error) {
        throw failure(codeOf(error), messageOf(error));
      }
    },
    {
      validator: (envelope) =>
        refuseWrong(
          envelope,
          input.planDigest,
          prepared !== undefined,
          ended !== undefined,
          prepared !== undefined && nowMs() > deadlineMs(),
        ),
      description: 'A signed decision on this plan',
      unfinishedPolicy: HandlerUnfinishedPolicy.WARN_AND_ABANDON,
    },
  );
  setHandler(decideSignal, (envelope) => void signalled.push(envelope), {
    description: 'The same signed decision, for schedulers and Temporal UI',
  });
  setHandler(
    replacedSignal,
    ({ plan }) => {
      if (plan !== input.planDigest && ended === undefined) ended = 'replaced';
    },
    { description: 'Another plan took the place of this one; decisions on identical operations were carried over' },
  );
  setHandler(
    reviewStatusQuery,
    (): ReviewStatus => ({
      plan: input.planDigest,
      dataset: input.inputs.dataset,
      stage: ended !== undefined ? 'closed' : prepared === undefined ? 'preparing' : 'waiting',
      operations: prepared?.operations ?? 0,
      conflicts: prepared?.conflicts ?? 0,
      ...(prepared?.newVersions === undefined ? {} : { newVersions: prepared.newVersions }),
      quorum: prepared?.quorum ?? 0,
      braked: prepared?.braked ?? false,
      ...progress,
      waitingSinceMs: prepared?.waitingSinceMs ?? openedAtMs,
      deadlineMs: deadlineMs(),
      escalatedTo,
      reminded: reminded.length,
      refusedSignals,
    }),
    { description: 'What was asked and how far the decisions are' },
  );

  try {
    prepared = await prepareReview.executeWithOptions({ summary: 'recompute the plan and check own constraints' }, [
      input,
    ]);
    progress = countsOf(prepared);
    if (prepared.kind === 'refused') {
      return await close(input, 'refused', prepared.code, prepared.message);
    }
    if (prepared.kind === 'closed') ended = 'tally';
    show({ stage: 'waiting', operations: prepared.operations, authority: prepared.authority }, '');
    showWaiting();
    const remainingMs = Math.max(1, deadlineMs() - nowMs());
    const takeSignals = async (): Promise<void> => {
      while (ended === undefined) {
        await condition(() => signalled.length > 0 || ended !== undefined);
        for (let envelope = signalled.shift(); envelope !== undefined; envelope = signalled.shift()) {
          await takeSignal(envelope, input.planDigest, record, refusedSignals);
        }
      }
    };
    // Its cancellation is the main path's cancellation, which is handled below.
    const signals = takeSignals().catch((error: unknown) => {
      if (!isCancellation(error)) throw error;
    });
    const isOpen = (): boolean => ended === undefined;
    const askedAtMs = nowMs();
    const remind = async (notice: DueNotice): Promise<number> => {
      const answer = await remindPeople.executeWithOptions({ summary: noticeWords(notice) }, [
        { dataset: input.inputs.dataset, plan: input.planDigest, role: notice.role, mayDecide: notice.mayDecide },
      ]);
      progress = countsOf(answer);
      if (answer.earlyMs > 0) return answer.earlyMs;
      if (notice.role !== null && !escalatedTo.includes(notice.role)) escalatedTo.push(notice.role);
      reminded.push(`${noticeWords(notice)}${answer.posted === 'failed' ? '; its address did not answer' : ''}.`);
      // Who has just been called in may have decided long ago.
      if (answer.closed && ended === undefined) ended = 'tally';
      showWaiting();
      return 0;
    };
    // Beside the wait for the deadline: an address that does not answer must not hold it up.
    const notices = new CancellationScope();
    const reminding = notices
      .run(() => remindInTime(dueNotices(prepared), askedAtMs, isOpen, remind))
      .catch(() => undefined);
    const decided = await condition(() => ended !== undefined, remainingMs, { summary: 'deadline of the review' });
    if (!decided) ended = 'expired';
    notices.cancel();
    await reminding;
    await signals;
  } catch (error) {
    if (!isCancellation(error)) throw failure(codeOf(error), messageOf(error));
    ended = 'withdrawn';
  }
  return CancellationScope.nonCancellable(async () => {
    await condition(allHandlersFinished);
    const outcome = ended ?? 'expired';
    const result = await close(input, outcome, null, null);
    const late = signalled.splice(0).length;
    if (late > 0) refusedSignals['reviewClosed'] = (refusedSignals['reviewClosed'] ?? 0) + late;
    // Only where there is something to write: a review that expired or was rejected would ask again and again, each new
    // run opening the next review.
    if (prepared && result.approved + result.choices > 0) await requestRun(input, prepared);
    return result;
  });
}

function dueNotices(prepared: PreparedReview | undefined): readonly DueNotice[] {
  const reminders = prepared?.reminders.map((afterMs): DueNotice => ({ afterMs, role: null, mayDecide: false })) ?? [];
  return [...reminders, ...(prepared?.escalations ?? [])].sort((a, b) => a.afterMs - b.afterMs);
}

async function remindInTime(
  notices: readonly DueNotice[],
  askedAtMs: number,
  isOpen: () => boolean,
  remind: (notice: DueNotice) => Promise<number>,
): Promise<void> {
  for (const notice of notices) {
    const waitMs = askedAtMs + notice.afterMs - nowMs();
    if (waitMs > 0) await sleep(waitMs, { summary: noticeWords(notice) });
    if (!isOpen()) return;
    try {
      // The authority's own clock says when an escalation takes effect; where it is behind this one, it is asked again.
      for (let earlyMs = await remind(notice); earlyMs > 0 && isOpen(); earlyMs = await remind(notice))
        await sleep(earlyMs, { summary: noticeWords(notice) });
    } catch (error) {
      // HAZARD: never ends a review. The next notice, or the deadline, comes all the same.
      if (isCancellation(error)) throw error;
    }
  }
}

function noticeWords({ role, mayDecide }: DueNotice): string {
  if (role === null) return 'Reminded';
  return mayDecide ? `The role ${role} may now decide too` : `The role ${role} was told`;
}

/** The counts out of an answer that holds more. */
function countsOf(answer: ReviewProgress): ReviewProgress {
  const { approved, rejected, left, choices, open, missing, missingRoles, needsOther, spoken, closed } = answer;
  return { approved, rejected, left, choices, open, missing, missingRoles, needsOther, spoken, closed };
}

/** Counts, roles and the next thing to type: shown in clear in Temporal UI. */
function waitingWords(
  planDigest: string,
  { operations, conflicts, newVersions, quorum, braked }: PreparedReview,
  { approved, rejected, open, missing, missingRoles, needsOther }: ReviewProgress,
  more: readonly string[],
): string {
  const plan = planDigest.slice(0, 12);
  const roles = Object.entries(missingRoles).map(([role, count]) => `${count} with the role ${role}`);
  const lacking = roles.length > 0 ? `${missing}, among them ${roles.join(' and ')}` : String(missing);
  return [
    `${operations} operations${newVersions === undefined ? '' : `, ${newVersions} new versions of types or maps`} and ${conflicts} conflicts of plan \`${plan}\` wait for at least ${quorum} approver(s)${braked ? ' (a brake raised the quorum)' : ''}. ${approved} approved, ${rejected} rejected, ${open} open. People missing: ${lacking}.`,
    ...(needsOther
      ? ['Something was approved only by whoever signed what is behind it: somebody else must approve too.']
      : []),
    ...more,
    `\n\`concordat approve ${plan} --as KEY\``,
  ].join('\n');
}

async function takeSignal(
  envelope: DecisionEnvelope,
  planDigest: string,
  record: (envelope: DecisionEnvelope) => Promise<DecisionAnswer>,
  refused: Record<string, number>,
): Promise<void> {
  try {
    refuseWrong(envelope, planDigest, true, false, false);
    await record(envelope);
  } catch (error) {
    if (isCancellation(error)) throw error;
    const code = codeOf(error);
    refused[code] = (refused[code] ?? 0) + 1;
  }
}

/** Synchronous and read-only: what can be refused before anything is written to the history. */
function refuseWrong(
  envelope: DecisionEnvelope,
  planDigest: string,
  prepared: boolean,
  closed: boolean,
  late: boolean,
): void {
  const parsed = DecisionEnvelope.safeParse(envelope);
  if (!parsed.success) throw failure('decisionMalformed', 'the decision does not have the shape { plan, jws }');
  if (closed || late)
    throw failure('reviewClosed', late ? 'the deadline of this review has passed' : 'this review has ended');
  if (parsed.data.plan !== planDigest)
    throw failure(
      'decisionForOtherPlan',
      `the decision names plan ${parsed.data.plan.slice(0, 12)}, this review is about ${planDigest.slice(0, 12)}`,
    );
  if (!prepared)
    throw ApplicationFailure.create({
      type: 'reviewNotReady',
      message: 'the review is being prepared; try again in a moment',
      nonRetryable: true,
    });
}

async function close(
  input: ReviewInput,
  outcome: ReviewOutcome | 'tally',
  code: string | null,
  message: string | null,
): Promise<ReviewResult> {
  const result = await closeReview.executeWithOptions({ summary: 'sign the outcome' }, [
    { dataset: input.inputs.dataset, plan: input.planDigest, outcome, code },
  ]);
  show(
    { stage: 'closed', outcome: result.outcome },
    `Outcome: **${result.outcome}**${result.code === null ? '' : ` (${result.code})`}. ${result.approved} approved, ${result.rejected} rejected.${message === null ? '' : `\n\n${message}`}`,
  );
  return result;
}

/** HAZARD: never fails the review. Where the federation cannot be asked, the next schedule finds the decisions. */
async function requestRun(input: ReviewInput, prepared: PreparedReview): Promise<void> {
  const client = createNexusServiceClient({
    service: federationService,
    endpoint: federationEndpoint(prepared.federation),
  });
  try {
    await client.executeOperation(
      'requestRun',
      { dataset: input.inputs.dataset, authority: prepared.authority, plan: input.planDigest },
      { scheduleToCloseTimeout: '1m', summary: 'ask the federation for a run' },
    );
  } catch (error) {
    if (isCancellation(error)) throw error;
    show(
      {},
      `The review has ended, but the federation could not be asked for a run: ${messageOf(error)}. The next scheduled run takes the decisions up.`,
    );
  }
}
