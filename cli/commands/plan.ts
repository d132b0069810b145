/** `concordat plan`: what a run would change where, and why, record by record. */
import type { Command } from 'commander';
import { action, defineCommand } from '../invocation.js';
import type { Paint } from '../output/output.js';
import { checkPlanFilter, withPlanFilter } from '../plan-filter.js';
import { elementTypesOf, withFederation } from '../reading/federation-session.js';
import { openAnyPlan, samplesOfLarge } from '../reading/filtered-plan.js';
import { findPlan, type FoundPlan } from '../reading/find-run.js';
import type { PlanFilter } from '../reading/plan-view.js';
import { planLines } from '../showing/plan-text.js';
import { commitText } from '../showing/run-text.js';
import { counted, outcomeWords, shortDigest, shortRun } from '../showing/words.js';
import type { RunView } from '../temporal/runs.js';

interface Options extends PlanFilter {
  readonly all?: true;
}

const operationsShown = 100;

export function registerPlan(program: Command): void {
  const command = defineCommand(program, {
    name: 'plan [plan]',
    description:
      'Show a plan: what would be created (+), updated (~) and deleted (-) in which mesh, before and after, and why. Name it by the beginning of its digest, by a run, by a dataset, or as `latest`.',
    examples: [
      ['concordat plan', 'the newest'],
      ['concordat plan 3f2a91c0', 'by the beginning of its digest'],
      ['concordat plan latest --authority aws --type person', 'a part of it'],
      ['concordat plan latest --key "Ana"', 'records whose name holds it, or whose key begins with it'],
      ['concordat plan latest --field weight --kind changed', 'one field, and one kind of divergence'],
      ['concordat plan latest --json > plan.json', 'all of it, whatever its size'],
    ],
  });
  withPlanFilter(command)
    .option('--all', `show all operations, not the first ${operationsShown} of each authority`)
    .action(
      action<Options, [plan: string | undefined]>(async (invocation, options, selector) => {
        const { output } = invocation;
        return withFederation(invocation, { withinMs: 120_000 }, async (session) => {
          const { federation } = session;
          checkPlanFilter(options, federation);
          const found = await findPlan(session.runs, federation, session.exchange, selector ?? 'latest');
          const plan = await openAnyPlan(session, found, { progress: (text) => output.progress(text) });
          if (output.isJson) await output.stream(plan.document(options));
          else {
            const { view, large } = await plan.filtered(options);
            const operationsMax = large ? samplesOfLarge : options.all ? Number.POSITIVE_INFINITY : operationsShown;
            output.result({}, [
              headLine(found, plan.base, output.paint),
              ...aftermath(found.run),
              '',
              ...planLines(view, {
                paint: output.paint,
                elementTypes: elementTypesOf(federation),
                operationsMax,
                ...(large ? { large } : {}),
              }),
            ]);
          }
          return plan.isSettled ? 0 : 2;
        });
      }),
    );
}

function headLine({ digest, dataset, run }: FoundPlan, base: string | null, paint: Paint): string {
  return `${paint.bold(`Plan ${shortDigest(digest)}`)} of ${dataset}, ${base === null ? 'first contact: there is no agreement yet' : 'against the last agreement'}${run ? `, run ${shortRun(run.runId)}` : ''}`;
}

/** A plan is shown as it was made, so say what became of it. */
function aftermath(run: RunView | null): readonly string[] {
  if (!run?.result || run.result.outcome === 'planned') return [];
  const { outcome, left, commits } = run.result;
  const written = commits.length > 0 ? `${commits.map(commitText).join('; ')}; ` : '';
  return [`its run has ended: ${written}${outcomeWords[outcome]}, ${counted(left, 'divergence')} left`];
}
