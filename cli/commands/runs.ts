/** `concordat runs`: the runs that the Temporal server remembers, newest first. */
import type { Command } from 'commander';
import { ConcordatError } from '../../core/errors.js';
import { action, defineCommand } from '../invocation.js';
import type { Paint } from '../output/output.js';
import { withFederation } from '../reading/federation-session.js';
import { chooseDataset } from '../reading/find-run.js';
import { stepDocument, stepsOf } from '../reading/steps.js';
import { tableLines } from '../showing/table.js';
import { instantText, lengthWords, shortRun, stepsWords } from '../showing/words.js';
import { latestRun, listRuns, type ListedRun } from '../temporal/runs.js';
import type { StepUnderWay } from '../temporal/steps-under-way.js';

export function registerRuns(program: Command): void {
  defineCommand(program, {
    name: 'runs [dataset]',
    description: 'List runs: those under way first, then the newest.',
    examples: [
      ['concordat runs', 'of all datasets'],
      ['concordat runs workforce --limit 5', 'the last five of one'],
      ['concordat runs --json', 'for scripts'],
    ],
  })
    .option('--limit <count>', 'how many', '20')
    .action(
      action<{ readonly limit: string }, [dataset: string | undefined]>(async (invocation, { limit }, named) => {
        const count = Number(limit);
        if (!Number.isInteger(count) || count < 1)
          throw new ConcordatError('usage', `--limit must be a whole number from 1 on, not ${limit}`);
        const { output } = invocation;
        const runs = await withFederation(invocation, { withinMs: 60_000 }, async (session) => {
          const dataset = named === undefined ? undefined : chooseDataset(session.federation, named);
          const found: ListedRun[] = [];
          for await (const run of listRuns(session.runs, dataset)) {
            found.push(run);
            if (found.length >= count) break;
          }
          // The list lags behind; a run that has just been started is asked for by its id.
          const datasets = dataset === undefined ? Object.keys(session.federation.datasets) : [dataset];
          for (const name of datasets) {
            const latest = await latestRun(session.runs, name);
            const at = found.findIndex((run) => run.runId === latest?.runId);
            if (latest && at >= 0) found[at] = latest;
            else if (latest) found.push(latest);
          }
          const newest = found.sort((a, b) => b.startedAt.getTime() - a.startedAt.getTime()).slice(0, count);
          return Promise.all(
            newest.map(async (run) => ({
              ...run,
              steps: run.status === 'running' ? await stepsOf(session, run.dataset)() : [],
            })),
          );
        });
        output.result(
          { runs: runs.map((run) => ({ ...run, steps: run.steps.map(stepDocument) })) },
          runs.length > 0 ? lines(runs, output.paint) : 'no runs yet; start one with `concordat run`',
        );
        return 0;
      }),
    );
}

type SeenRun = ListedRun & { readonly steps: readonly StepUnderWay[] };

function lines(runs: readonly SeenRun[], paint: Paint): readonly string[] {
  const now = new Date();
  const table = tableLines([
    ['RUN', 'DATASET', 'STATE', 'LEFT', 'OPERATIONS', 'CASES', 'STARTED', 'LENGTH'].map((head) => paint.dim(head)),
    ...runs.map((run) => [
      shortRun(run.runId),
      run.dataset,
      stateText(run, paint),
      numberText(run.divergences),
      numberText(run.operations),
      numberText(run.cases),
      instantText(run.startedAt),
      lengthWords(run.startedAt, run.closedAt ?? now),
    ]),
  ]);
  const steps = runs.flatMap(({ runId, steps: seen }) =>
    seen.length > 0 ? [`${shortRun(runId)}: ${stepsWords(seen)}`] : [],
  );
  return [...table, ...steps];
}

function stateText({ status, stage, outcome }: ListedRun, paint: Paint): string {
  switch (status) {
    case 'running':
      return paint.cyan(stage ?? 'starting');
    case 'finished':
      return outcome === 'agreed' ? paint.green('agreed') : paint.yellow(outcome ?? 'finished');
    case 'continued':
      return paint.dim('continued');
    case 'failed':
      return paint.red('failed');
  }
}

function numberText(value: number | null): string {
  return value === null ? '-' : String(value);
}
