/** Follows a run to its end, over restarts of the server and runs that continue as new ones. */
import { setMaxListeners } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import type { RunProgress, RunResult, RunStage } from '../../workflows/messages.js';
import type { reconcile } from '../../workflows/reconcile.js';
import { retryWhileAway } from './retry-while-away.js';
import { progressOf, type RunClient, type RunId } from './runs.js';
import type { StepUnderWay } from './steps-under-way.js';
import { failureBehind } from './workflow-failure.js';

export interface FollowRun {
  /** Called once a second at most. null where no worker of the federation answers. `steps`: what could be seen of them last. */
  readonly progress: (progress: RunProgress | null, steps: readonly StepUnderWay[]) => void;
  /** Looks at the steps under way; never throws. Absent where nobody wants to know. */
  readonly steps?: () => Promise<readonly StepUnderWay[]>;
  readonly server: (state: 'away' | 'back') => void;
  /** Ends the following, not the run. */
  readonly signal: AbortSignal;
}

const everyMs = 700;
/** Workers tell no more often than every few seconds how far they are. */
const stepsEveryMs = 2_500;
/** What an authority does in them takes as long as it has records. */
const longStages: ReadonlySet<RunStage> = new Set(['snapshot', 'translate', 'commit']);

/** The result, or undefined where the signal ended the following. Throws the code with which the run failed. */
export async function followRun(
  client: RunClient,
  { workflowId, runId }: RunId,
  options: FollowRun,
): Promise<RunResult | undefined> {
  const { signal } = options;
  const ended = new AbortController();
  const end = (): void => ended.abort();
  signal.addEventListener('abort', end, { once: true });
  // The client adds a listener for each of its calls and leaves it there.
  setMaxListeners(0, ended.signal);
  void poll(client, workflowId, options, ended.signal);
  try {
    return await untilResult(client, workflowId, runId, options, ended.signal);
  } catch (error) {
    if (signal.aborted) return undefined;
    throw failureBehind(error) ?? error;
  } finally {
    signal.removeEventListener('abort', end);
    ended.abort();
  }
}

/** Asks in long polls, so that the end is known when it comes. */
async function untilResult(
  client: RunClient,
  workflowId: string,
  runId: string,
  { server }: FollowRun,
  signal: AbortSignal,
): Promise<RunResult> {
  return retryWhileAway(
    () => client.connection.withAbortSignal(signal, () => client.workflows.result<typeof reconcile>(workflowId, runId)),
    { signal, report: server, patienceMs: 600_000 },
  );
}

async function poll(
  client: RunClient,
  workflowId: string,
  { progress, steps }: FollowRun,
  ended: AbortSignal,
): Promise<void> {
  let seen: readonly StepUnderWay[] = [];
  let stage: RunStage | undefined;
  let lookedAtMs = performance.now();
  let isLooking = false;
  /** Not waited for: where a namespace answers late, the stages that the run comes to meanwhile are told nevertheless. */
  const look = async (of: RunStage): Promise<void> => {
    isLooking = true;
    const found = (await steps?.()) ?? [];
    isLooking = false;
    lookedAtMs = performance.now();
    if (stage === of) seen = found;
  };
  while (!ended.aborted) {
    try {
      const found = await progressOf(client, workflowId);
      if (found?.stage !== stage) {
        seen = [];
        lookedAtMs = performance.now();
      } else if (stage && longStages.has(stage) && !isLooking && performance.now() - lookedAtMs >= stepsEveryMs) {
        void look(stage);
      }
      stage = found?.stage;
      if (!ended.aborted) progress(found, seen);
    } catch {
      // What matters of it, the wait for the result finds as well.
    }
    await setTimeout(everyMs, undefined, { signal: ended }).catch(() => undefined);
  }
}
