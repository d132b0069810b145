/** `concordat run`: starts a run of a dataset, or joins one that is under way, and follows it to its end. */
import type { Command } from 'commander';
import { ConcordatError } from '../../core/errors.js';
import { kindCounts, type Census } from '../../core/report/plan-census.js';
import type { RunProgress, RunResult } from '../../workflows/messages.js';
import { action, defineCommand, type ExitCode, type Invocation } from '../invocation.js';
import type { Output } from '../output/output.js';
import { readPlanReport } from '../reading/plan-report.js';
import { withFederation, type FederationSession } from '../reading/federation-session.js';
import { chooseDataset } from '../reading/find-run.js';
import { stepsOf } from '../reading/steps.js';
import { nextCommands, resultLines } from '../showing/run-text.js';
import { counted, listWords, progressWords, shortDigest, shortRun, stepsWords } from '../showing/words.js';
import { followRun } from '../temporal/follow-run.js';
import { latestRun, startRun, type RunId } from '../temporal/runs.js';
import type { StepUnderWay } from '../temporal/steps-under-way.js';

interface Options {
  readonly planOnly?: true;
  readonly wait: boolean;
  readonly attach?: true;
  readonly detach?: true;
}

export function registerRun(program: Command): void {
  defineCommand(program, {
    name: 'run [dataset]',
    description:
      'Compare the meshes of a dataset, ask the people of every affected authority, write what they approve and record what all agree on. Ctrl-C stops following the run, not the run.',
    examples: [
      ['concordat run', 'the only dataset of the federation'],
      ['concordat run workforce --plan-only', 'see what differs; nobody is asked, nothing is written'],
      ['concordat run workforce --no-wait', 'ask people and do not wait for them'],
      ['concordat run workforce --attach', 'follow the run that is under way'],
    ],
  })
    .option('--plan-only', 'end after the plan: nobody is asked, nothing is written')
    .option('--no-wait', 'ask people, but end the run without waiting for them; their reviews stay open')
    .option('--attach', 'follow the run that is under way instead of starting one')
    .option('--detach', 'start the run and return at once')
    .action(
      action<Options, [dataset: string | undefined]>(async (invocation, options, named) =>
        withFederation(invocation, {}, async (session) => {
          const dataset = chooseDataset(session.federation, named);
          const run = options.attach
            ? await runUnderWay(session, dataset)
            : await start(invocation, session, dataset, options);
          if (options.detach) {
            invocation.output.result({ ...run, started: true }, [
              `${dataset}: run ${shortRun(run.runId)} is under way; follow it with \`concordat run ${dataset} --attach\``,
            ]);
            return 0;
          }
          return follow(invocation, session, run);
        }),
      ),
    );
}

async function start(
  { output }: Invocation,
  { runs }: FederationSession,
  dataset: string,
  { planOnly, wait }: Options,
): Promise<RunId> {
  const input = { dataset, ...(planOnly ? { planOnly: true } : {}), ...(wait ? {} : { noWait: true }) };
  return startRun(runs, input, (state) => output.progress(serverText(state)));
}

async function runUnderWay({ runs }: FederationSession, dataset: string): Promise<RunId> {
  const run = await latestRun(runs, dataset);
  if (run?.status === 'running') return run;
  throw new ConcordatError(
    'notFound',
    `no run of ${dataset} is under way; start one with \`concordat run ${dataset}\``,
  );
}

async function follow(invocation: Invocation, session: FederationSession, run: RunId): Promise<ExitCode> {
  const { output, signal } = invocation;
  const report = progressReport(output, session, run.dataset);
  output.progress(`${run.dataset}: run ${shortRun(run.runId)} has started`);
  const result = await followRun(session.runs, run, {
    progress: report,
    steps: stepsOf(session, run.dataset),
    server: (state) => output.progress(serverText(state)),
    signal,
  });
  if (!result) {
    output.note(
      `the run goes on without you: follow it with \`concordat run ${run.dataset} --attach\`, look at it with \`concordat show ${run.dataset}\``,
    );
    return 0;
  }
  await showResult(output, session, run, result);
  return isSettled(result) ? 0 : 2;
}

function isSettled({ outcome, plan, left }: RunResult): boolean {
  if (outcome !== 'planned') return outcome === 'agreed';
  return left + plan.cases + plan.incompleteScopes.length + plan.setAside + (plan.newVersions ?? 0) === 0;
}

async function showResult(output: Output, session: FederationSession, run: RunId, result: RunResult): Promise<void> {
  const census = await censusIfHere(session, result);
  const next = nextCommands(result);
  output.result(
    {
      runId: run.runId,
      workflowId: run.workflowId,
      ...result,
      divergencesByKind: census ? kindCounts(census) : null,
      next,
    },
    [
      ...resultLines(result, census, output.paint),
      ...next.map((command, at) => `${at === 0 ? '  next        ' : '              '}${command}`),
    ],
  );
}

/** The counts by kind are in the plan, which an operator without the exchange store does not see. */
async function censusIfHere({ exchange }: FederationSession, result: RunResult): Promise<Census | null> {
  try {
    return (await readPlanReport(exchange, result.plan.planDigest)).census;
  } catch (error) {
    if (error instanceof ConcordatError) return null;
    throw error;
  }
}

function serverText(state: 'away' | 'back'): string {
  return state === 'away'
    ? 'the Temporal server is away; the run goes on where it stopped when it is back'
    : 'the Temporal server is back';
}

/** Says each stage once, and once, in lines that stay, what people can do while the run waits for them. */
function progressReport(
  output: Output,
  { federation }: FederationSession,
  dataset: string,
): (progress: RunProgress | null, steps: readonly StepUnderWay[]) => void {
  let told: string | undefined;
  return (progress, steps) => {
    if (!progress)
      return output.progress(
        `${dataset}: no worker of the federation answers; start it with \`concordat worker --federation\``,
      );
    const { stage, plan } = progress;
    if (stage === 'approve' && plan && told !== plan.planDigest) {
      told = plan.planDigest;
      const short = shortDigest(plan.planDigest);
      const people = [
        ...new Set(plan.affected.flatMap((id) => federation.authorities[id]?.approvers.map((one) => one.id) ?? [])),
      ];
      output.note(
        [
          `plan ${short}: ${counted(plan.divergences, 'divergence')}, ${counted(plan.operations, 'operation')}, ${counted(plan.conflicts, 'conflict')}, ${counted(plan.cases, 'case')}`,
          `  look    concordat plan ${short}`,
          `  decide  concordat approve ${short} --as ${people.length === 1 ? people[0] : `KEY   (${listWords(people)})`}`,
          '  Ctrl-C stops following, not the run',
        ].join('\n'),
      );
    }
    if (stage === 'done') return;
    const detail = steps.length > 0 ? [`${dataset}: ${stepsWords(steps)}`] : [];
    output.progress(`${dataset}: ${progressWords(progress)}`, ...detail);
  };
}
