/**
 * Schedules of a federation on its Temporal server: each dataset with a schedule has one that starts `scheduledRun`, a
 * small workflow that starts the run of the dataset or finds one going. A scheduled start gets the time into its workflow
 * id, so it would run beside one started by hand; the small workflow in between keeps it to one.
 */
import {
  ScheduleAlreadyRunning,
  ScheduleClient,
  ScheduleNotFoundError,
  type Connection,
  type ScheduleDescription,
  type ScheduleOptions,
  type ScheduleOptionsStartWorkflowAction,
  type Workflow,
} from '@temporalio/client';
import { durationMs } from '../../core/duration.js';
import { ConcordatError } from '../../core/errors.js';
import type { Dataset, Schedule } from '../../core/federation/dataset.js';
import { byCodeUnit } from '../../core/json.js';
import { federationNamespace, scheduleId, scheduledWorkflowId, taskQueue } from '../../core/names.js';

export interface AppliedSchedule {
  readonly dataset: string;
  readonly outcome: 'created' | 'updated' | 'removed';
  readonly paused: boolean;
}

export interface ListedSchedule {
  readonly dataset: string;
  /** `absent`: the file has one, the server does not. `undeclared`: the other way round. */
  readonly state: 'active' | 'paused' | 'absent' | 'undeclared';
  readonly note: string | undefined;
  readonly next: string | undefined;
  readonly last: string | undefined;
  readonly skippedOverlap: number;
  readonly missedCatchUp: number;
}

type StartOptions = ScheduleOptions<ScheduleOptionsStartWorkflowAction<Workflow>>;

export function scheduleClient(connection: Connection, federation: string): ScheduleClient {
  return new ScheduleClient({ connection, namespace: federationNamespace(federation) });
}

/**
 * Makes the server's schedules what the dataset files say. Applying twice changes nothing; a pause and its note stay.
 * Schedules of datasets that declare none any more are removed only with `prune`.
 */
export async function applySchedules(
  client: ScheduleClient,
  datasets: readonly Dataset[],
  options: { readonly prune?: boolean } = {},
): Promise<readonly AppliedSchedule[]> {
  const applied: AppliedSchedule[] = [];
  for (const { dataset, schedule } of sorted(datasets)) {
    if (schedule) applied.push(await applySchedule(client, dataset, schedule));
  }
  if (!options.prune) return applied;
  const declared = new Set(applied.map((entry) => entry.dataset));
  for (const dataset of await scheduledDatasets(client)) {
    if (declared.has(dataset)) continue;
    await client.getHandle(scheduleId(dataset)).delete();
    applied.push({ dataset, outcome: 'removed', paused: false });
  }
  return applied;
}

async function applySchedule(client: ScheduleClient, dataset: string, schedule: Schedule): Promise<AppliedSchedule> {
  const wanted = startOptions(dataset, schedule);
  try {
    await client.create(wanted);
    return { dataset, outcome: 'created', paused: false };
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
  const { spec, action, policies } = wanted;
  let paused = false;
  await client.getHandle(wanted.scheduleId).update((previous) => {
    paused = previous.state.paused;
    return { spec, action, ...(policies ? { policies } : {}), state: previous.state };
  });
  return { dataset, outcome: 'updated', paused };
}

function startOptions(dataset: string, schedule: Schedule): StartOptions {
  const jitter = durationMs(schedule.jitter);
  return {
    scheduleId: scheduleId(dataset),
    spec:
      schedule.every === undefined
        ? { cronExpressions: [schedule.cron ?? ''], timezone: schedule.timeZone, jitter }
        : { intervals: [{ every: durationMs(schedule.every) }], jitter },
    action: {
      type: 'startWorkflow',
      workflowType: 'scheduledRun',
      args: [{ dataset }],
      workflowId: scheduledWorkflowId(dataset),
      taskQueue,
      staticSummary: `Scheduled run of ${dataset}`,
    },
    policies: { overlap: 'SKIP', catchupWindow: durationMs(schedule.catchUp), pauseOnFailure: false },
  };
}

/** What the files declare and what the server has, by dataset. */
export async function listSchedules(
  client: ScheduleClient,
  datasets: readonly Dataset[],
): Promise<readonly ListedSchedule[]> {
  const declared = sorted(datasets).flatMap((entry) => (entry.schedule ? [entry.dataset] : []));
  const names = new Set([...declared, ...(await scheduledDatasets(client))]);
  const listed: ListedSchedule[] = [];
  for (const dataset of [...names].sort(byCodeUnit)) {
    const described = await describe(client, dataset);
    listed.push(
      described
        ? {
            dataset,
            state: !declared.includes(dataset) ? 'undeclared' : described.state.paused ? 'paused' : 'active',
            note: described.state.note || undefined,
            next: described.state.paused ? undefined : described.info.nextActionTimes[0]?.toISOString(),
            last: described.info.recentActions.at(-1)?.takenAt.toISOString(),
            skippedOverlap: described.info.numActionsSkippedOverlap,
            missedCatchUp: described.info.numActionsMissedCatchupWindow,
          }
        : {
            dataset,
            state: 'absent',
            note: undefined,
            next: undefined,
            last: undefined,
            skippedOverlap: 0,
            missedCatchUp: 0,
          },
    );
  }
  return listed;
}

export async function pauseSchedule(client: ScheduleClient, dataset: string, note: string): Promise<void> {
  await known(dataset, () => client.getHandle(scheduleId(dataset)).pause(note));
}

export async function resumeSchedule(client: ScheduleClient, dataset: string, note: string): Promise<void> {
  await known(dataset, () => client.getHandle(scheduleId(dataset)).unpause(note));
}

/** HAZARD: without an overlap policy the server would start a second one beside a running one. */
export async function triggerSchedule(client: ScheduleClient, dataset: string): Promise<void> {
  await known(dataset, () => client.getHandle(scheduleId(dataset)).trigger('SKIP'));
}

/** Makes up for missed starts between two instants: one run at most, because a run reads what is true now. */
export async function backfillSchedule(
  client: ScheduleClient,
  dataset: string,
  period: { readonly start: Date; readonly end: Date },
): Promise<void> {
  await known(dataset, () => client.getHandle(scheduleId(dataset)).backfill({ ...period, overlap: 'SKIP' }));
}

/** Datasets that have a schedule on the server. The list lags a moment behind what was just made or removed. */
async function scheduledDatasets(client: ScheduleClient): Promise<readonly string[]> {
  const prefix = scheduleId('');
  const found: string[] = [];
  for await (const summary of client.list()) {
    if (summary.scheduleId.startsWith(prefix)) found.push(summary.scheduleId.slice(prefix.length));
  }
  return found.sort(byCodeUnit);
}

async function describe(client: ScheduleClient, dataset: string): Promise<ScheduleDescription | undefined> {
  try {
    return await client.getHandle(scheduleId(dataset)).describe();
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}

async function known(dataset: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    throw new ConcordatError(
      'notFound',
      `dataset ${dataset} has no schedule on the server; run \`concordat schedule apply\``,
      {
        cause: error,
      },
    );
  }
}

function sorted(datasets: readonly Dataset[]): readonly Dataset[] {
  return [...datasets].sort((one, other) => byCodeUnit(one.dataset, other.dataset));
}
