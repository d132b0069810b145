/** Scene: each cloud has changed on its own. Causes are found, two conflicts are decided, and the clouds agree again. */
import { ConcordatError } from '../../core/errors.js';
import type { PlannedOperation, PlanView } from '../reading/plan-view.js';
import { counted, shortDigest } from '../showing/words.js';
import { players } from './cast.js';
import type { Choose } from './decide.js';
import { playRun, tellResult, type PlayedRun } from './play-run.js';
import type { Setting } from './setting.js';
import { playStory } from './stand-ins.js';
import { briefConflicts, tellDecisions, tellDivergences, tellExcerpt } from './tell-plan.js';

export async function changeApart({ narrator, sandbox }: Setting): Promise<void> {
  const events = await playStory(sandbox);
  narrator.say('Administrators go on with their work, each in their own console. Nobody tells the others:');
  narrator.rows(
    events.map(({ clouds, words }) => [
      players
        .filter(({ cloud }) => clouds.includes(cloud))
        .map(({ authority }) => authority)
        .join(' + '),
      words,
    ]),
  );
}

export async function agreeAgain(setting: Setting): Promise<PlayedRun> {
  const { narrator } = setting;
  const run = await playRun(setting, {
    tellPlan: (open) => {
      const { view } = open;
      narrator.say(
        `Compared field by field with the last agreement, so that the cause of each of the ${counted(view.plan.divergences.length, 'divergence')} is known:`,
      );
      tellDivergences(setting, open);
      narrator.say(
        `Plan ${shortDigest(view.digest)}, as \`concordat plan\` prints it (a part; ${counted(view.operations.length, 'operation')} in all):`,
      );
      tellExcerpt(setting, view, { operations: sampleOf(view), conflicts: briefConflicts(view.conflicts) });
      narrator.say(
        'Two things no rule may decide: two different new mails, and a record that one side edited while another deleted it. People choose a candidate for their own cloud; it is written only where all who would have to change chose the same.',
      );
    },
    choose: chooseStory,
    tellDecisions: (decisions, open) => tellDecisions(setting, decisions, open),
  });
  tellResult(setting, run);
  return run;
}

/** One part of the story for each cloud: what one gets, another loses and the third changes. */
function sampleOf({ operations }: PlanView): readonly PlannedOperation[] {
  const kinds = ['create', 'delete', 'update'] as const;
  return players.flatMap(({ authority }, at) => {
    const found = operations.find(
      ({ operation }) =>
        operation.authority === authority && operation.type === 'person' && operation.kind === kinds[at],
    );
    return found ? [found] : [];
  });
}

/** The directory of azure is right about the mail; the colleague whom sov deleted stays, and comes back into the teams. */
const chooseStory: Choose = ({ conflict, candidates }) => {
  const chosen = candidates.find(({ candidate }) =>
    conflict.field === null ? candidate.kind === 'kept' : candidate.heldBy.includes('azure'),
  );
  if (!chosen) throw new ConcordatError('storyFailed', 'the plan has a conflict that the story does not know');
  return chosen;
};

/** Scene: nothing has changed since. */
export async function findNothing(setting: Setting): Promise<PlayedRun> {
  const run = await playRun(setting, {
    tellPlan: () => undefined,
    choose: chooseStory,
    tellDecisions: () => undefined,
  });
  const { divergences, operations, conflicts, cases } = run.result.plan;
  if (divergences + operations + conflicts + cases > 0 || run.result.outcome !== 'agreed')
    throw new ConcordatError(
      'storyFailed',
      `right after an agreement there should be nothing to do, but the run found ${counted(divergences, 'divergence')} and ${counted(cases, 'case')}`,
    );
  setting.narrator.say(
    'All three clouds were read again, sealed and compared with the base: no record differs. Nobody was asked, nothing was written.',
  );
  tellResult(setting, run);
  return run;
}
