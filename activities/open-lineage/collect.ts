/**
 * Finds runs that have begun or ended and puts their events into the outbox.
 *
 * Runs are read from where Temporal keeps them, not told by the workflow: a run then cannot wait for its events or fail by
 * them, has not one history event more, and is told of also where it was terminated or ran out of time.
 */
import { ConcordatError, type ErrorCode } from '../../core/errors.js';
import type { Federation } from '../../core/federation/federation.js';
import {
  startEvent,
  endEvent,
  eventTypeOf,
  type RunEvent,
  type ToldEnd,
  type ToldRun,
} from '../../core/open-lineage/run-event.js';
import { ProgressFacts, ResultFacts, type Ending } from '../../core/open-lineage/run-facts.js';
import type { ObjectStore } from '../store.js';
import { lineageRunId } from './run-id.js';
import { readLogs, readSnapshots } from './read-facts.js';
import { waitingMax, type Outbox } from './outbox.js';

/** An execution of a run as the server lists it. */
export interface ListedRun {
  readonly workflowId: string;
  readonly workflowRunId: string;
  readonly dataset: string;
  readonly startedAtMs: number;
  /** null while it goes on. */
  readonly end: { readonly atMs: number; readonly ending: Ending } | null;
}

/** What an ended run left, unread: whoever operates Temporal may have written it. */
export interface RunLeavings {
  readonly result: unknown;
  /** Of a run without a result: its last answer to a query. */
  readonly progress: unknown;
  readonly code: ErrorCode | null;
}

export interface RunSource {
  /** Runs that go on, and those that ended since. */
  list(endedSinceMs: number): AsyncIterable<ListedRun>;
  leavings(run: ListedRun): Promise<RunLeavings>;
}

export interface CollectOptions {
  readonly federation: Federation;
  readonly exchange: ObjectStore;
  readonly outbox: Outbox;
  readonly runs: RunSource;
  readonly version: string;
  readonly jobNamespace: string | null;
  readonly now: () => number;
}

export interface Collected {
  readonly added: number;
  /** Whether the outbox is full, so that runs wait to be told. */
  readonly full: boolean;
  /** Runs whose events could not be made, with the code of the first failure. They are tried again. */
  readonly failed: readonly { readonly workflowRunId: string; readonly code: ErrorCode | null }[];
}

export interface Collector {
  collect(signal: AbortSignal): Promise<Collected>;
}

/** Nobody is told of a run that ended longer ago while no worker of the federation was there. */
export const lookBackMs = 7 * 86_400_000;
/** The server lists what has just ended a little later. */
const overlapMs = 300_000;
const forgetEveryMs = 3_600_000;
const dayMs = 86_400_000;

export function createCollector(options: CollectOptions): Collector {
  const { federation, outbox, runs, version, jobNamespace, now } = options;
  /** Runs that are in the outbox already, with what of them. */
  const known = new Map<string, 'start' | 'end'>();
  let endedSinceMs: number | null = null;
  let forgottenAtMs = 0;

  const tell = async (run: ListedRun, add: (event: RunEvent) => Promise<void>): Promise<void> => {
    const told: ToldRun = {
      federation,
      dataset: run.dataset,
      runId: lineageRunId(federation.file.federation, run.workflowId, run.workflowRunId),
      workflowId: run.workflowId,
      workflowRunId: run.workflowRunId,
      startedAt: new Date(run.startedAtMs).toISOString(),
      version,
      jobNamespace,
    };
    await add(startEvent(told));
    if (!run.end) return;
    const endedAt = new Date(run.end.atMs).toISOString();
    const { ending } = run.end;
    if (
      await outbox.has({ eventType: eventTypeOf(ending), eventTime: endedAt, run: { runId: told.runId, facets: {} } })
    )
      return;
    await add(endEvent(told, { endedAt, ending, ...(await endOf(options, run)) }));
  };

  return {
    async collect(signal) {
      const beganMs = now();
      const sinceMs = Math.max(await outbox.toldSince(beganMs), beganMs - lookBackMs, endedSinceMs ?? 0);
      if (beganMs - forgottenAtMs > forgetEveryMs) {
        // Later than anything that could be found again.
        await outbox.forget({ postedMs: beganMs - lookBackMs - dayMs, refusedMs: beganMs - 30 * dayMs });
        forgottenAtMs = beganMs;
      }
      let room = waitingMax - (await outbox.waiting()).length;
      let added = 0;
      const add = async (event: RunEvent): Promise<void> => {
        if (!(await outbox.add(event))) return;
        added += 1;
        room -= 1;
      };
      const failed: { workflowRunId: string; code: ErrorCode | null }[] = [];
      const seen = new Set<string>();
      for await (const run of runs.list(sinceMs)) {
        if (signal.aborted) return { added, full: false, failed };
        seen.add(run.workflowRunId);
        const done = run.end ? 'end' : 'start';
        // A dataset that the folder no longer has cannot be described.
        if (known.get(run.workflowRunId) === done || federation.datasets[run.dataset] === undefined) continue;
        if (room < 2) return { added, full: true, failed };
        try {
          await tell(run, add);
          known.set(run.workflowRunId, done);
        } catch (error) {
          // One run that cannot be read must not keep the others from being told. It is found again by the next pass.
          failed.push({
            workflowRunId: run.workflowRunId,
            code: error instanceof ConcordatError ? error.code : null,
          });
        }
      }
      for (const id of known.keys()) if (!seen.has(id)) known.delete(id);
      if (failed.length === 0) endedSinceMs = beganMs - overlapMs;
      return { added, full: false, failed };
    },
  };
}

async function endOf(
  { federation, exchange, runs }: CollectOptions,
  run: ListedRun,
): Promise<Omit<ToldEnd, 'endedAt' | 'ending'>> {
  const leavings = await runs.leavings(run);
  const result = ResultFacts.safeParse(leavings.result).data ?? null;
  const progress = ProgressFacts.safeParse(leavings.progress).data ?? null;
  return {
    code: leavings.code,
    result,
    plan: progress?.plan ?? null,
    snapshots: await readSnapshots(federation, exchange, run.dataset, result?.snapshots ?? progress?.snapshots ?? []),
    logs: result?.agreement ? await readLogs(federation, exchange, run.dataset) : [],
  };
}
