/** Runs of a federation on its Temporal server: started, found, listed. One workflow id for each dataset, a run id for each run. */
import {
  WorkflowClient,
  WorkflowContinuedAsNewError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Connection,
  type WorkflowExecutionInfo,
} from '@temporalio/client';
import { grpcCodeOf, grpcStatus } from '../../activities/temporal-setup/temporal-services.js';
import { ConcordatError } from '../../core/errors.js';
import { datasetOfReconcileId, federationNamespace, reconcileWorkflowId, taskQueue } from '../../core/names.js';
import { progressQuery, type ReconcileInput, type RunProgress, type RunResult } from '../../workflows/messages.js';
import type { reconcile } from '../../workflows/reconcile.js';
import { retryWhileAway } from './retry-while-away.js';
import { readAttributes, startAttributes, type RunAttributes } from './run-attributes.js';
import { failureBehind } from './workflow-failure.js';

export interface RunClient {
  readonly connection: Connection;
  readonly workflows: WorkflowClient;
}

export function runClient(connection: Connection, federation: string): RunClient {
  return { connection, workflows: new WorkflowClient({ connection, namespace: federationNamespace(federation) }) };
}

export interface RunId {
  readonly dataset: string;
  readonly workflowId: string;
  readonly runId: string;
}

export type RunStatus = 'running' | 'finished' | 'failed' | 'continued';

export interface ListedRun extends RunId, RunAttributes {
  readonly status: RunStatus;
  readonly startedAt: Date;
  readonly closedAt: Date | null;
  /** Of its history; the server counts them when it closes, and may know none of a run that goes on. */
  readonly events: number | null;
}

export interface RunView extends RunId {
  readonly status: RunStatus;
  readonly startedAt: Date;
  readonly closedAt: Date | null;
  /** Of a finished run. */
  readonly result: RunResult | null;
  /** Of any other run whose worker answers: how far it is, or how far it came. */
  readonly progress: RunProgress | null;
  readonly failure: ConcordatError | null;
  /** The run that went on in its place. */
  readonly continuedAs: string | null;
}

/** How long a query may take: it needs a live worker of the federation. */
const queryWithinMs = 8_000;

/** Throws runInProgress where a run of the dataset is under way. */
export async function startRun(
  { workflows }: RunClient,
  input: ReconcileInput,
  report: (state: 'away' | 'back') => void,
): Promise<RunId> {
  const workflowId = reconcileWorkflowId(input.dataset);
  let wasAway = false;
  try {
    const handle = await retryWhileAway(
      () =>
        workflows.start('reconcile', {
          workflowId,
          taskQueue,
          args: [input],
          workflowIdConflictPolicy: 'FAIL',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          staticSummary: `Run of ${input.dataset}, started by hand`,
          typedSearchAttributes: startAttributes(input.dataset),
        }),
      {
        report: (state) => {
          wasAway = true;
          report(state);
        },
        patienceMs: 60_000,
      },
    );
    return { dataset: input.dataset, workflowId, runId: handle.firstExecutionRunId };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    if (wasAway) {
      // The start whose answer was lost may have been ours: the run that is there serves as well.
      const { runId } = await workflows.getHandle(workflowId).describe();
      return { dataset: input.dataset, workflowId, runId };
    }
    throw new ConcordatError(
      'runInProgress',
      `a run of ${input.dataset} is under way; follow it with \`concordat run ${input.dataset} --attach\` or look at it with \`concordat show ${input.dataset}\``,
      { cause: error },
    );
  }
}

/** The run of a dataset that is under way, else its last one; undefined where there was none. */
export async function latestRun({ workflows }: RunClient, dataset: string): Promise<ListedRun | undefined> {
  return describeRun(workflows, reconcileWorkflowId(dataset));
}

export async function runByIds(
  { workflows }: RunClient,
  dataset: string,
  runId: string,
): Promise<ListedRun | undefined> {
  return describeRun(workflows, reconcileWorkflowId(dataset), runId);
}

async function describeRun(
  workflows: WorkflowClient,
  workflowId: string,
  runId?: string,
): Promise<ListedRun | undefined> {
  try {
    return listed(
      await retryWhileAway(() => workflows.getHandle(workflowId, runId).describe(), { patienceMs: 30_000 }),
    );
  } catch (error) {
    if (error instanceof WorkflowNotFoundError || grpcCodeOf(error) === grpcStatus.invalidArgument) return undefined;
    throw error;
  }
}

/** Those under way first, then by their end. The list lags a moment behind what has just happened. */
export async function* listRuns({ workflows }: RunClient, dataset: string | undefined): AsyncGenerator<ListedRun> {
  const own = dataset === undefined ? '' : ` AND WorkflowId = '${reconcileWorkflowId(dataset)}'`;
  for await (const info of workflows.list({ query: `WorkflowType = 'reconcile'${own}`, pageSize: 50 })) {
    const run = listed(info);
    if (run) yield run;
  }
}

function listed(info: Omit<WorkflowExecutionInfo, 'raw'>): ListedRun | undefined {
  const dataset = datasetOfReconcileId(info.workflowId);
  if (dataset === undefined) return undefined;
  return {
    dataset,
    workflowId: info.workflowId,
    runId: info.runId,
    status: statusOf(info),
    startedAt: info.startTime,
    closedAt: info.closeTime ?? null,
    events: info.historyLength > 0 ? info.historyLength : null,
    ...readAttributes(info.typedSearchAttributes),
  };
}

function statusOf({ status }: Pick<WorkflowExecutionInfo, 'status'>): RunStatus {
  switch (status.name) {
    case 'RUNNING':
    case 'PAUSED':
    case 'UNSPECIFIED':
    case 'UNKNOWN':
      return 'running';
    case 'COMPLETED':
      return 'finished';
    case 'CONTINUED_AS_NEW':
      return 'continued';
    default:
      return 'failed';
  }
}

/** What a run came to, or how far it is. Never throws for what happened to the run itself. */
export async function viewRun(client: RunClient, run: ListedRun): Promise<RunView> {
  const { dataset, workflowId, runId, status, startedAt, closedAt } = run;
  const view = { dataset, workflowId, runId, status, startedAt, closedAt };
  const nothing = { result: null, progress: null, failure: null, continuedAs: null };
  if (status === 'running') return { ...view, ...nothing, progress: await progressOf(client, workflowId, runId) };
  try {
    const result = await retryWhileAway(
      () => client.workflows.result<typeof reconcile>(workflowId, runId, { followRuns: false }),
      { patienceMs: 30_000 },
    );
    return { ...view, ...nothing, result };
  } catch (error) {
    if (error instanceof WorkflowContinuedAsNewError)
      return { ...view, ...nothing, continuedAs: error.newExecutionRunId };
    const failure = failureBehind(error);
    if (!failure) throw error;
    return { ...view, ...nothing, failure, progress: await progressOf(client, workflowId, runId) };
  }
}

/** null where no worker of the federation answers. */
export async function progressOf(client: RunClient, workflowId: string, runId?: string): Promise<RunProgress | null> {
  try {
    return await client.connection.withDeadline(Date.now() + queryWithinMs, () =>
      client.workflows.getHandle(workflowId, runId).query(progressQuery),
    );
  } catch (error) {
    if (isUnanswered(error)) return null;
    throw error;
  }
}

/** Whether a query failed for want of a worker, or before the first task of its workflow. */
export function isUnanswered(error: unknown): boolean {
  const code = grpcCodeOf(error);
  return (
    code === grpcStatus.deadlineExceeded ||
    code === grpcStatus.unavailable ||
    code === grpcStatus.failedPrecondition ||
    code === grpcStatus.cancelled ||
    (error instanceof Error && error.name === 'QueryNotRegisteredError')
  );
}
