/** The scenes in their order, and what a script wants to know of them. */
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { meet, settleCase } from './first-contact.js';
import type { PlayedRun } from './play-run.js';
import { prove, type Proof } from './proof/prove.js';
import { agreeAgain, changeApart, findNothing } from './second-run.js';
import type { Setting } from './setting.js';

export interface RunSummary {
  readonly scene: string;
  readonly run: Digest;
  readonly workflowRun: string;
  readonly plan: Digest;
  readonly outcome: string;
  readonly records: Readonly<Record<string, number>>;
  readonly newLinks: number;
  readonly divergences: number;
  readonly operationsBy: Readonly<Record<string, number>>;
  readonly conflicts: number;
  readonly cases: number;
  readonly applied: Readonly<Record<string, number>>;
  readonly agreement: { readonly sequence: number; readonly base: Digest } | null;
  readonly left: number;
  readonly events: number;
  readonly durationMs: number;
}

export interface Played {
  readonly runs: readonly RunSummary[];
  readonly proof: Proof;
  readonly proofMs: number;
}

/** Throws where a run ends otherwise than the story has it, or the proof fails. */
export async function playScenes(setting: Setting): Promise<Played> {
  const { narrator } = setting;
  narrator.heading('First run: the clouds meet');
  const { run: first, doubt } = await meet(setting);
  narrator.heading('A person settles the case');
  const settled = await settleCase(setting, doubt);
  expectAgreed(settled);
  narrator.heading('Each cloud changes on its own');
  await changeApart(setting);
  narrator.heading('Second run: they agree again');
  const second = await agreeAgain(setting);
  expectAgreed(second);
  narrator.heading('Third run: nothing to do');
  const third = await findNothing(setting);
  narrator.heading('Proof');
  const startedAt = performance.now();
  const { agreement } = second.result;
  if (!agreement) throw new ConcordatError('storyFailed', 'the second run recorded no agreement');
  const proof = await prove(setting, agreement);
  return {
    runs: [
      summaryOf('firstContact', first),
      summaryOf('caseSettled', settled),
      summaryOf('changedApart', second),
      summaryOf('nothingToDo', third),
    ],
    proof,
    proofMs: Math.round(performance.now() - startedAt),
  };
}

function expectAgreed({ result }: PlayedRun): void {
  if (result.outcome !== 'agreed')
    throw new ConcordatError(
      'storyFailed',
      `the run ended ${result.outcome} with ${result.left} divergences left, where the story has agreement`,
    );
}

function summaryOf(scene: string, { result, runId, events, durationMs }: PlayedRun): RunSummary {
  const { plan } = result;
  return {
    scene,
    run: result.run,
    workflowRun: runId,
    plan: plan.planDigest,
    outcome: result.outcome,
    records: result.records,
    newLinks: result.newLinks,
    divergences: plan.divergences,
    operationsBy: plan.operationsBy,
    conflicts: plan.conflicts,
    cases: plan.cases,
    applied: Object.fromEntries(result.commits.map(({ authority, counts }) => [authority, counts?.applied ?? 0])),
    agreement: result.agreement,
    left: result.left,
    events,
    durationMs: Math.round(durationMs),
  };
}
