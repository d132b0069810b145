/** `concordat plan`: what a run would change where, and why, record by record. */
import { Option, type Command } from 'commander';
import { isAccepted } from '../../core/acceptance.js';
import { DivergenceKind } from '../../core/divergence-kind.js';
import { censusOf } from '../../core/report/plan-census.js';
import type { Plan } from '../../core/plan.js';
import { ConcordatError } from '../../core/errors.js';
import { action, defineCommand, type ExitCode, type Invocation } from '../invocation.js';
import type { Paint } from '../output/output.js';
import { planRef, readSnapshots } from '../reading/documents.js';
import { elementTypesOf, withFederation, type FederationSession } from '../reading/federation-session.js';
import { findPlan, type FoundPlan } from '../reading/find-run.js';
import { heldBy, limitsOf, partOf, planPieces, shownPlan, wholePlanBytesMax } from '../reading/large-plan.js';
import { openFoundPlan } from '../reading/open-plan.js';
import { readPlanReport } from '../reading/plan-report.js';
import {
  filtered,
  operationKinds,
  planView,
  type PlanFilter,
  type PlannedOperation,
  type PlanView,
} from '../reading/plan-view.js';
import { openRecords } from '../reading/records.js';
import { planLines } from '../showing/plan-text.js';
import { commitText } from '../showing/run-text.js';
import { counted, outcomeWords, shortDigest, shortRun } from '../showing/words.js';
import type { RunView } from '../temporal/runs.js';

interface Options extends PlanFilter {
  readonly all?: true;
}

const operationsShown = 100;
/** Of a plan that is counted first: enough to see what the counts are about. */
const samplesOfLarge = 10;

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
      ['concordat plan latest --field weight --kind changed', 'one field, and one kind of divergence'],
      ['concordat plan latest --json > plan.json', 'all of it, whatever its size'],
    ],
  })
    .option('--authority <id>', 'only what concerns this authority')
    .option('--type <type>', 'only records of this type')
    .option(
      '--key <text>',
      'only records whose key begins with it or whose name holds it; in a plan of more than some fifty thousand operations: whose key begins with it, or whose natural key it is',
    )
    .option('--field <field>', 'only what concerns this field')
    .addOption(
      new Option(
        '--kind <kind>',
        'only operations of this kind, or only divergences of this kind and what would settle them',
      ).choices([...operationKinds, ...DivergenceKind.options]),
    )
    .option('--all', `show all operations, not the first ${operationsShown} of each authority`)
    .action(
      action<Options, [plan: string | undefined]>(async (invocation, options, selector) => {
        const { output } = invocation;
        return withFederation(invocation, { withinMs: 120_000 }, async (session) => {
          const { federation } = session;
          checkFilter(options, Object.keys(federation.authorities), Object.keys(federation.taxonomy));
          const found = await findPlan(session.runs, federation, session.exchange, selector ?? 'latest');
          const { bytes } = await planRef(session.exchange, found.digest);
          if (bytes > wholePlanBytesMax) return showLarge(invocation, session, found, options);
          const { plan, view } = await openFoundPlan(session, found);
          const shown = filtered(view, options);
          output.result(planDocument(found.dataset, found.run?.runId ?? null, shown), [
            headLine(found, plan.base, output.paint),
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

function headLine({ digest, dataset, run }: FoundPlan, base: string | null, paint: Paint): string {
  return `${paint.bold(`Plan ${shortDigest(digest)}`)} of ${dataset}, ${base === null ? 'first contact: there is no agreement yet' : 'against the last agreement'}${run ? `, run ${shortRun(run.runId)}` : ''}`;
}

/** Counts first, then the beginning of what they count: nothing is held whole. */
async function showLarge(
  { output }: Invocation,
  session: FederationSession,
  found: FoundPlan,
  options: Options,
): Promise<ExitCode> {
  const { federation, exchange } = session;
  output.progress('reading the plan');
  const report = await readPlanReport(exchange, found.digest);
  const { census } = report;
  const code = report.cases.length === 0 && census.divergences === census.accepted ? 0 : 2;
  if (output.isJson) {
    const head = {
      plan: found.digest,
      dataset: found.dataset,
      run: found.run?.runId ?? null,
      callsKnown: Object.fromEntries(Object.keys(census.operationsBy).map((authority) => [authority, 'large'])),
    };
    await output.stream(planPieces(exchange, federation, report, options, head));
    return code;
  }
  output.progress('counting');
  const snapshots = await readSnapshots(federation, exchange, found.snapshots);
  const part = await partOf(exchange, federation, report, options, samplesOfLarge);
  const held = heldBy(Object.values(snapshots));
  const view = await planView({
    plan: shownPlan(report, part, options),
    digest: found.digest,
    records: openRecords(federation, exchange, found.dataset, snapshots),
    sheets: Object.fromEntries(Object.keys(census.operationsBy).map((authority) => [authority, { kind: 'large' }])),
    elementTypes: elementTypesOf(federation),
    numbers: part.numbers,
  });
  output.result({}, [
    headLine(found, report.base, output.paint),
    ...aftermath(found.run),
    '',
    ...planLines(view, {
      paint: output.paint,
      elementTypes: elementTypesOf(federation),
      operationsMax: samplesOfLarge,
      large: {
        census: part.census,
        unsettled: part.unsettled,
        limits: limitsOf(federation, census, held),
      },
    }),
  ]);
  return code;
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
    counts: censusOf({
      ...view.plan,
      operations: view.operations.map((one) => one.operation),
      conflicts: view.conflicts,
    }),
    callsKnown: view.callsOf,
  };
}
