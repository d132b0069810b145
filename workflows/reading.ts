/** The opens of a run and the first snapshots over them; who cannot believe the clocks of the others sits the run out. */
import { isMajority } from '../core/rounds.js';
import type { LeftOut, RunSetup } from './activity-types.js';
import type { SnapshotResult } from './contract.js';
import { codeOf, messageOf } from './failure.js';
import { allAnswered, askAll, type Member, type Timeouts } from './members.js';
import { openRun, type OpenedRun } from './opening.js';

export interface ReadRun extends OpenedRun {
  readonly snapshots: readonly SnapshotResult[];
}

/**
 * A member that refuses the stamps of most others is itself the one whose clock is wrong: the others open again without
 * it. Where most refuse, nobody can be told apart, and the run ends with clockUntrusted and all that they say.
 */
export async function openAndRead(
  everyone: readonly Member[],
  dataset: string,
  setup: RunSetup,
  timeouts: Timeouts,
  opened: (run: OpenedRun) => void,
): Promise<ReadRun> {
  let without: readonly LeftOut[] = [];
  for (;;) {
    const run = await openRun(everyone, dataset, setup, timeouts, without);
    opened(run);
    const answers = await askAll(run.members, ({ authority, client }) =>
      client.executeOperation('snapshot', run.inputs, {
        ...timeouts.step,
        summary: `${authority}: read, translate and seal`,
      }),
    );
    const failed = answers.flatMap((answer): readonly LeftOut[] =>
      answer.kind === 'failed'
        ? [{ authority: answer.member.authority, code: codeOf(answer.reason), message: messageOf(answer.reason) }]
        : [],
    );
    const mayGoOn =
      failed.length > 0 &&
      failed.every(({ code }) => code === 'clockUntrusted') &&
      isMajority(run.members.length - failed.length, everyone.length);
    if (!mayGoOn) return { ...run, snapshots: allAnswered('snapshot', answers) };
    without = [...run.absent, ...failed];
  }
}
