/** Groups of buckets, compared side by side by whatever workers the coordinator has. */
import { CancellationScope, proxyActivities } from '@temporalio/workflow';
import { compareGroupCount } from '../core/compare-groups.js';
import type { Ref, RunInputs } from '../core/messages.js';
import { compareQueue } from '../core/names.js';
import type { FederationActivities } from './activity-types.js';

const { compareGroup } = proxyActivities<Pick<FederationActivities, 'compareGroup'>>({
  taskQueue: compareQueue,
  startToCloseTimeout: '1h',
  heartbeatTimeout: '30s',
  retry: { maximumAttempts: 5, initialInterval: '1s', maximumInterval: '30s' },
});

export interface GroupsDone {
  readonly done: number;
  readonly of: number;
}

/**
 * What each group left, in order; undefined where there are too few records for groups, or the run began before there were
 * any (`recordsPerGroup` is absent): then whoever plans compares. Where one fails, the others are cancelled.
 */
export async function compareInGroups(
  inputs: RunInputs,
  records: number,
  recordsPerGroup: number | undefined,
  onDone: (groups: GroupsDone) => void,
): Promise<readonly Ref[] | undefined> {
  const groups = recordsPerGroup === undefined ? 1 : compareGroupCount(records, recordsPerGroup);
  if (groups === 1) return undefined;
  let done = 0;
  onDone({ done, of: groups });
  return await CancellationScope.cancellable(async () => {
    const compare = async (group: number): Promise<Ref> => {
      const { compared } = await compareGroup.executeWithOptions({ summary: `group ${group + 1} of ${groups}` }, [
        { inputs, group, groups },
      ]);
      done += 1;
      onDone({ done, of: groups });
      return compared;
    };
    try {
      return await Promise.all(Array.from({ length: groups }, (_, group) => compare(group)));
    } catch (error) {
      CancellationScope.current().cancel();
      throw error;
    }
  });
}
