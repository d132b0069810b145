/** The compare of a run and nothing else of it, by the coordinator's own workers. Runs in a worker of the bench. */
import { proxyActivities } from '@temporalio/workflow';
import type { RunInputs } from '../../core/messages.js';
import { taskQueue } from '../../core/names.js';
import type { FederationActivities } from '../../workflows/activity-types.js';
import { compareInGroups } from '../../workflows/comparing.js';
import type { PlanSummary } from '../../workflows/messages.js';

const { compareAndPlan } = proxyActivities<Pick<FederationActivities, 'compareAndPlan'>>({
  taskQueue,
  startToCloseTimeout: '1h',
  heartbeatTimeout: '60s',
  retry: { maximumAttempts: 1 },
});

export interface CompareTask {
  readonly inputs: RunInputs;
  readonly records: number;
  readonly recordsPerGroup: number;
}

export interface CompareTimes {
  /** By the clock of the workflow: until all groups were done, and from there to the plan. */
  readonly groupsMs: number;
  readonly planMs: number;
  readonly groups: number;
  readonly plan: PlanSummary;
}

export async function compareOnly({ inputs, records, recordsPerGroup }: CompareTask): Promise<CompareTimes> {
  const beganMs = Date.now();
  let groups = 1;
  const compared = await compareInGroups(inputs, records, recordsPerGroup, (told) => void (groups = told.of));
  const groupsMs = Date.now() - beganMs;
  const plan = await compareAndPlan(inputs, compared);
  return { groupsMs, planMs: Date.now() - beganMs - groupsMs, groups, plan };
}
