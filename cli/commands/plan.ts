/** `concordat plan`: what a run would change where, and why, record by record. */
import type { Command } from 'commander';
import { isAccepted } from '../../core/acceptance.js';
import type { Plan } from '../../core/plan.js';
import { ConcordatError } from '../../core/errors.js';
import { action, defineCommand } from '../invocation.js';
import { elementTypesOf, withFederation } from '../reading/federation-session.js';
import { openPlan } from '../reading/open-plan.js';
import { filtered, type PlanFilter, type PlannedOperation, type PlanView } from '../reading/plan-view.js';
import { planLines } from '../showing/plan-text.js';
import { commitText } from '../showing/run-text.js';
import { counted, outcomeWords, shortDigest, shortRun } from '../showing/words.js';
import type { RunView } from '../temporal/runs.js';

interface Options extends PlanFilter {
  readonly all?: true;
}

const operationsShown = 100;

export function registerPlan(program: Command): void {
  defineCommand(program, {
    name: 'plan [plan]',
    description:
      'Show a plan: what would be created (+), updated (~) and deleted (-) in which mesh, before and after, and why. Name it by the beginning of its digest, by a run, by a dataset, or as `latest`.',
    examples: [
      ['concordat plan', 'the newest'],
      ['concordat plan 3f2a91c0', 'by the beginning of its digest'],
      ['concordat plan latest --authority aws --type person', 'a part of it'],
      ['concordat plan latest --key "Ana"', 'records whose name holds it, or whose key begins with it'],
    ],
  })
    .option('--authority <id>', 'only what concerns this authority')
    .option('--type <type>', 'only records of this type')
    .option('--key <text>', 'only records whose key begins with it or whose name holds it')
    .option('--all', `show all operations, not the first ${operationsShown} of each authority`)
    .action(
      action<Options, [plan: string | undefined]>(async (invocation, options, selector) => {
        const { output } = invocation;
        return withFederation(invocation, { withinMs: 120_000 }, async (session) => {
          const { federation } = session;
          checkFilter(options, Object.keys(federation.authorities), Object.keys(federation.taxonomy));
          const { found, plan, view } = await openPlan(session, selector ?? 'latest');
          const shown = filtered(view, options);
          const head = `${output.paint.bold(`Plan ${shortDigest(found.digest)}`)} of ${found.dataset}, ${plan.base === null ? 'first contact: there is no agreement yet' : 'against the last agreement'}${found.run ? `, run ${shortRun(found.run.runId)}` : ''}`;
          output.result(planDocument(found.dataset, found.run?.runId ?? null, shown), [
            head,
            ...aftermath(found.run),
            '',
            ...planLines(shown, {
              paint: output.paint,
              elementTypes: elementTypesOf(federation),
              operationsMax: options.all ? Number.POSITIVE_INFINITY : operationsShown,
            }),
          ]);
          return isSettled(plan) ? 0 : 2;
        });
      }),
    );
}

/** A plan is shown as it was made, so say what became of it. */
function aftermath(run: RunView | null): readonly string[] {
  if (!run?.result || run.result.outcome === 'planned') return [];
  const { outcome, left, commits } = run.result;
  const written = commits.length > 0 ? `${commits.map(commitText).join('; ')}; ` : '';
  return [`its run has ended: ${written}${outcomeWords[outcome]}, ${counted(left, 'divergence')} left`];
}

function isSettled({ divergences, cases }: Plan): boolean {
  return cases.length === 0 && divergences.every(isAccepted);
}

function checkFilter({ authority, type }: Options, authorities: readonly string[], types: readonly string[]): void {
  if (authority !== undefined && !authorities.includes(authority))
    throw new ConcordatError(
      'usage',
      `there is no authority ${authority}; the federation has ${authorities.join(', ')}`,
    );
  if (type !== undefined && !types.includes(type))
    throw new ConcordatError('usage', `there is no type ${type}; the taxonomy has ${types.join(', ')}`);
}

/** What `--json` prints. */
export function planDocument(dataset: string, run: string | null, view: PlanView): object {
  const operation = ({ number, operation: own, name, calls, consequences, refused }: PlannedOperation) => ({
    ...(number === null ? {} : { number }),
    ...own,
    name,
    calls,
    consequences,
    refused,
  });
  return {
    plan: view.digest,
    dataset,
    run,
    base: view.plan.base,
    operations: view.operations.map(operation),
    conflicts: view.conflicts.map(({ number, conflict, name, candidates }) => ({
      number,
      id: conflict.id,
      type: conflict.type,
      key: conflict.key,
      name,
      field: conflict.field,
      candidates: candidates.map((entry) => ({
        number: entry.number,
        digest: entry.candidate.digest,
        kind: entry.candidate.kind,
        value: entry.candidate.value ?? null,
        heldBy: entry.candidate.heldBy,
        operations: entry.operations.map(operation),
      })),
    })),
    cases: view.plan.cases,
    divergences: view.plan.divergences,
    accepted: view.plan.divergences.filter(({ accepted }) => accepted.length > 0),
    ignored: view.plan.ignored ?? [],
    incomplete: view.plan.incomplete,
    callsKnown: view.callsOf,
  };
}
