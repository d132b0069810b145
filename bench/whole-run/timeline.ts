/** Where the time of runs went: the activities of all namespaces of a federation, out of their histories. */
import { Connection, type WorkflowClient, Client } from '@temporalio/client';
import { authorityNamespace, federationNamespace } from '../../core/names.js';

export interface ActivitySpan {
  /** `federation`, or the authority. */
  readonly where: string;
  readonly activity: string;
  readonly attempt: number;
  /** Since the epoch: when it was scheduled, when the attempt that ended it began, and when it ended. */
  readonly scheduledMs: number;
  readonly startedMs: number;
  readonly endedMs: number;
}

const timeOf = (time: { readonly seconds?: unknown; readonly nanos?: number | null } | null | undefined): number =>
  Number(time?.seconds ?? 0) * 1000 + (time?.nanos ?? 0) / 1e6;

/** Of workflows that began at this time or later; those of local activities are left out. In the order of their beginning. */
export async function activitySpans(
  address: string,
  federation: string,
  authorities: readonly string[],
  sinceMs: number,
): Promise<readonly ActivitySpan[]> {
  const connection = await Connection.connect({ address });
  try {
    const places = [
      { where: 'federation', namespace: federationNamespace(federation) },
      ...authorities.map((id) => ({ where: id, namespace: authorityNamespace(federation, id) })),
    ];
    const spans: ActivitySpan[] = [];
    for (const { where, namespace } of places) {
      const { workflow } = new Client({ connection, namespace });
      for await (const { workflowId, runId, startTime } of workflow.list())
        if (startTime.getTime() >= sinceMs) spans.push(...(await spansOf(workflow, where, workflowId, runId)));
    }
    return spans.sort((left, right) => left.startedMs - right.startedMs);
  } finally {
    await connection.close();
  }
}

async function spansOf(
  client: WorkflowClient,
  where: string,
  workflowId: string,
  runId: string,
): Promise<readonly ActivitySpan[]> {
  const history = await client.getHandle(workflowId, runId).fetchHistory();
  const scheduled = new Map<string, { readonly activity: string; readonly atMs: number }>();
  const started = new Map<string, { readonly attempt: number; readonly atMs: number }>();
  const spans: ActivitySpan[] = [];
  for (const event of history.events ?? []) {
    const atMs = timeOf(event.eventTime as Parameters<typeof timeOf>[0]);
    const begins = event.activityTaskScheduledEventAttributes;
    if (begins) scheduled.set(String(event.eventId), { activity: begins.activityType?.name ?? '', atMs });
    const starts = event.activityTaskStartedEventAttributes;
    if (starts) started.set(String(starts.scheduledEventId), { attempt: starts.attempt ?? 1, atMs });
    const ends =
      event.activityTaskCompletedEventAttributes ??
      event.activityTaskFailedEventAttributes ??
      event.activityTaskTimedOutEventAttributes;
    const id = String(ends?.scheduledEventId ?? '');
    const [first, last] = [scheduled.get(id), started.get(id)];
    if (ends && first)
      spans.push({
        where,
        activity: first.activity,
        attempt: last?.attempt ?? 1,
        scheduledMs: first.atMs,
        startedMs: last?.atMs ?? first.atMs,
        endedMs: atMs,
      });
  }
  return spans;
}

export function printSpans(spans: readonly ActivitySpan[]): void {
  const [first] = spans;
  for (const { where, activity, attempt, startedMs, endedMs } of spans)
    console.log(
      `  ${((startedMs - (first?.startedMs ?? 0)) / 1000).toFixed(1).padStart(8)} s  ${((endedMs - startedMs) / 1000).toFixed(1).padStart(7)} s  ${where.padEnd(11)} ${activity}${attempt > 1 ? ` (attempt ${attempt})` : ''}`,
    );
}
