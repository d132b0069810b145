/**
 * How far the long steps of authorities are, as their workers tell it with the heartbeats of their activities. It lies in the
 * namespace of each authority: who may not look into one sees nothing of it, and nothing fails for want of it.
 */
import { WorkflowClient, type Connection, type WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { grpcCodeOf, grpcStatus } from '../../activities/temporal-setup/temporal-services.js';
import { authorityNamespace } from '../../core/names.js';
import type { AuthorityId } from '../../core/record.js';
import { StepProgress, timeLeftMs } from '../../core/step-progress.js';

export interface StepUnderWay {
  readonly authority: AuthorityId;
  readonly progress: StepProgress;
  /** At the pace so far; null where there is none yet. */
  readonly leftMs: number | null;
}

export interface WatchSteps {
  readonly connection: Connection;
  readonly federation: string;
  readonly dataset: string;
  readonly authorities: readonly AuthorityId[];
  /** For tests. */
  readonly clientFor?: (namespace: string) => Pick<WorkflowClient, 'list' | 'getHandle'>;
}

const withinMs = 3_000;
/** Refusals that do not pass while a command runs. */
const refusals: ReadonlySet<number> = new Set([
  grpcStatus.permissionDenied,
  grpcStatus.unauthenticated,
  grpcStatus.notFound,
]);

/** Each call looks once, and never throws. An authority that refuses is not asked again. */
export function watchSteps(watched: WatchSteps): () => Promise<readonly StepUnderWay[]> {
  const { connection, federation, dataset, authorities } = watched;
  const clientFor = watched.clientFor ?? ((namespace: string) => new WorkflowClient({ connection, namespace }));
  const clients = new Map(authorities.map((id) => [id, clientFor(authorityNamespace(federation, id))]));
  const look = async (authority: AuthorityId, client: Pick<WorkflowClient, 'list' | 'getHandle'>) => {
    const found: StepUnderWay[] = [];
    const query = `WorkflowType IN ('snapshot', 'translate', 'commit') AND ExecutionStatus = 'Running' AND ConcordatDataset = '${dataset}'`;
    for await (const { workflowId, runId } of client.list({ query, pageSize: 5 })) {
      const progress = progressIn(await client.getHandle(workflowId, runId).describe());
      if (progress) found.push({ authority, progress, leftMs: leftOf(progress) });
    }
    return found;
  };
  return async () => {
    const seen = await Promise.all(
      [...clients].map(async ([authority, client]) => {
        try {
          return await connection.withDeadline(Date.now() + withinMs, () => look(authority, client));
        } catch (error) {
          const code = grpcCodeOf(error);
          if (code !== undefined && refusals.has(code)) clients.delete(authority);
          return [];
        }
      }),
    );
    return seen.flat();
  };
}

function leftOf(progress: StepProgress): number | null {
  return progress.kind === 'writing' ? timeLeftMs(progress) : null;
}

/** Of the one activity that a step has at a time; undefined where it told nothing yet, or what another version tells. */
function progressIn({ raw }: WorkflowExecutionDescription): StepProgress | undefined {
  for (const { heartbeatDetails } of raw.pendingActivities ?? []) {
    const [payload] = heartbeatDetails?.payloads ?? [];
    if (!payload) continue;
    const told = StepProgress.safeParse(defaultPayloadConverter.fromPayload(payload));
    if (told.success) return told.data;
  }
  return undefined;
}
