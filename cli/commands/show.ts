/** `concordat show`: one run in counts, per authority, with nothing skipped silently. */
import path from 'node:path';
import type { Command } from 'commander';
import { ConcordatError } from '../../core/errors.js';
import { hlcParts } from '../../core/clock/hlc.js';
import { failureOf } from '../output/failure.js';
import { action, defineCommand, type ExitCode, type Invocation } from '../invocation.js';
import { writeReport } from '../output/report-file.js';
import { checkPlanFilter, filterWords, withPlanFilter } from '../plan-filter.js';
import { elementTypesOf, withFederation, type FederationSession } from '../reading/federation-session.js';
import { openAnyPlan, samplesOfLarge, type FilteredPlan, type OpenedPlan } from '../reading/filtered-plan.js';
import { findRun, planOf } from '../reading/find-run.js';
import { kindCounts } from '../../core/report/plan-census.js';
import { heldBy, limitsOf } from '../reading/large-plan.js';
import type { PlanFilter } from '../reading/plan-view.js';
import { openRecords } from '../reading/records.js';
import { reportRun, unsettledIn, type RunReport } from '../reading/run-report.js';
import { runPage } from '../showing/html/run-page.js';
import { stepDocument } from '../reading/steps.js';
import { planLines } from '../showing/plan-text.js';
import { reportLines } from '../showing/report-text.js';
import { shortDigest } from '../showing/words.js';
import { viewRun, type RunView } from '../temporal/runs.js';

interface Options extends PlanFilter {
  readonly html?: string;
  readonly values?: true;
}

export function registerShow(program: Command): void {
  const command = defineCommand(program, {
    name: 'show [run]',
    description:
      'Show a run: what was read and set aside, who was asked, what was written and what is left. Name it by the beginning of its id, by a dataset, or as `latest`.',
    examples: [
      ['concordat show', 'the newest run'],
      ['concordat show workforce', 'the newest of one dataset'],
      ['concordat show 0197c2a4', 'by the beginning of its id'],
      ['concordat show latest --field weight --kind changed', 'and what its plan has of one field, of one kind'],
      ['concordat show latest --html run.html', 'and as a page with charts, without any value of a record'],
    ],
  });
  withPlanFilter(command)
    .option('--html <file>', 'also write it as one page with charts, which needs no server and loads nothing')
    .option(
      '--values',
      'with --html: values and names of the sampled records too, which are personal data where the dataset is',
    )
    .action(
      action<Options, [run: string | undefined]>(async (invocation, options, selector) =>
        withFederation(invocation, { withinMs: 120_000 }, async (session) => {
          const { output } = invocation;
          checkPlanFilter(options, session.federation);
          const run = await viewRun(
            session.runs,
            await findRun(session.runs, session.federation, selector ?? 'latest'),
          );
          if (options.values && options.html === undefined)
            throw new ConcordatError('usage', '--values says what goes into a page: give --html FILE too');
          const report = await reportRun(session, run);
          const asked = filterWords(options);
          const plan = asked === undefined ? null : await openAsked(invocation, session, report);
          const part = plan && (!output.isJson || options.html !== undefined) ? await plan.filtered(options) : null;
          if (options.html !== undefined)
            await writePage(invocation, session, {
              report,
              part: part && { ...part, asked: filterWords(options, { withKey: options.values === true }) ?? '' },
              file: options.html,
              withValues: options.values === true,
            });
          if (plan && output.isJson) await output.stream(withPart(document(report), plan.document(options)));
          else
            output.result(document(report), [
              ...reportLines(report, output.paint, new Date()),
              ...(part
                ? ['', output.paint.bold(`Of its plan: ${asked}`), ...partLines(part, invocation, session)]
                : []),
            ]);
          return exitCode(run);
        }),
      ),
    );
}

/** Throws notFound where the run has no plan yet. */
async function openAsked(
  { output }: Invocation,
  session: FederationSession,
  { run, plan }: RunReport,
): Promise<OpenedPlan> {
  const planned = planOf(run);
  if (!planned) throw new ConcordatError('notFound', `run ${run.runId} has no plan that could be narrowed`);
  const { summary, snapshots } = planned;
  const found = { dataset: run.dataset, digest: summary.planDigest, run, snapshots };
  return openAnyPlan(session, found, { read: plan, progress: (text) => output.progress(text) });
}

function partLines(
  { view, large }: FilteredPlan,
  { output }: Invocation,
  { federation }: FederationSession,
): readonly string[] {
  return planLines(view, {
    paint: output.paint,
    elementTypes: elementTypesOf(federation),
    operationsMax: samplesOfLarge,
    allWith: `concordat plan ${shortDigest(view.digest)}`,
    ...(large ? { large } : {}),
  });
}

/** The report, and under `part` what `concordat plan` says under the same filter, as fast as it is read. */
async function* withPart(report: object, part: AsyncIterable<string>): AsyncGenerator<string> {
  yield `${JSON.stringify(report, null, 2).slice(0, -2)},\n  "part": `;
  yield* part;
  yield '\n}';
}

interface WrittenPage {
  readonly report: RunReport;
  /** What of the plan was asked for, in words, and what there is of it; null for all. */
  readonly part: (FilteredPlan & { readonly asked: string }) | null;
  readonly file: string;
  readonly withValues: boolean;
}

async function writePage(
  { output, workingFolder }: Invocation,
  session: FederationSession,
  { report, part, file, withValues }: WrittenPage,
): Promise<void> {
  const { federation, exchange, name } = session;
  const { plan, run, snapshots } = report;
  const held = heldBy(snapshots);
  const names = new Map<string, string>();
  const samples = part?.samples ?? plan?.samples;
  if (withValues && samples) {
    const records = openRecords(
      federation,
      exchange,
      run.dataset,
      Object.fromEntries(snapshots.map((snapshot) => [snapshot.authority, snapshot])),
    );
    for (const { type, key } of [...samples.operations, ...samples.divergences]) {
      const found = await records.name(type, key);
      if (found !== null) names.set(`${type} ${key}`, found);
    }
  }
  const target = path.resolve(workingFolder, file);
  await writeReport(
    target,
    runPage({
      federation: name,
      report,
      part,
      brakes: Object.entries(plan ? limitsOf(federation, plan.census, held) : {}).flatMap(([authority, { braked }]) =>
        braked.map((brake) => ({ authority, ...brake })),
      ),
      madeAt: new Date(),
      values: withValues ? names : null,
    }),
  );
  output.note(`wrote ${target}`);
}

function exitCode({ status, result, progress }: RunView): ExitCode {
  if (status === 'failed') return 1;
  if (result)
    return result.outcome === 'agreed' ||
      (result.outcome === 'planned' && result.left === 0 && result.plan.newVersions === undefined)
      ? 0
      : 2;
  return progress?.stage === 'approve' ? 2 : 0;
}

function document({
  run,
  steps,
  summary,
  plan,
  snapshots,
  reviews,
  consequences,
  unapplied,
  hidden,
}: RunReport): object {
  return {
    ...run,
    failure: run.failure ? failureOf(run.failure) : null,
    steps: steps.map(stepDocument),
    plan: summary,
    divergencesByKind: plan ? kindCounts(plan.census) : null,
    counts: plan?.census ?? null,
    accepted: plan?.accepted ?? [],
    ignored: plan?.ignored ?? [],
    ...(plan && plan.newVersions.length > 0 ? { newVersions: plan.newVersions } : {}),
    cases: plan?.cases ?? [],
    unsettled: unsettledIn({ snapshots, unapplied }),
    settledByRead: snapshots.flatMap(({ authority, unsettled = [] }) =>
      unsettled.filter(({ settled }) => settled !== null).map((write) => ({ authority, ...write })),
    ),
    snapshots: snapshots.map(
      ({ authority, types, scopes, untranslatable, unmapped, lossy, drifts = [], reads = [], hlc }) => ({
        authority,
        records: Object.fromEntries(types.map(({ type, count }) => [type, count])),
        incomplete: scopes.filter(({ complete }) => !complete),
        untranslatable,
        unmapped,
        lossy,
        drifts,
        reads,
        hlc,
        at: new Date(hlcParts(hlc).ms).toISOString(),
      }),
    ),
    reviews: reviews.map(({ authority, review }) => ({
      authority,
      ...review,
      ...(review.kind === 'failed' ? { failure: failureOf(review.failure) } : {}),
    })),
    consequences,
    unapplied: unapplied.map(({ operation, ...receipt }) => ({
      ...receipt,
      type: operation?.type ?? null,
      key: operation?.key ?? null,
      kind: operation?.kind ?? null,
    })),
    hidden,
  };
}
