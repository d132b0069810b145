/** `concordat show`: one run in counts, per authority, with nothing skipped silently. */
import path from 'node:path';
import type { Command } from 'commander';
import { ConcordatError } from '../../core/errors.js';
import { hlcParts } from '../../core/clock/hlc.js';
import { failureOf } from '../output/failure.js';
import { action, defineCommand, type ExitCode, type Invocation } from '../invocation.js';
import { writeReport } from '../output/report-file.js';
import { withFederation, type FederationSession } from '../reading/federation-session.js';
import { findRun } from '../reading/find-run.js';
import { kindCounts } from '../../core/report/plan-census.js';
import { heldBy, limitsOf } from '../reading/large-plan.js';
import { openRecords } from '../reading/records.js';
import { reportRun, unsettledIn, type RunReport } from '../reading/run-report.js';
import { runPage } from '../showing/html/run-page.js';
import { stepDocument } from '../reading/steps.js';
import { reportLines } from '../showing/report-text.js';
import { viewRun, type RunView } from '../temporal/runs.js';

interface Options {
  readonly html?: string;
  readonly values?: true;
}

export function registerShow(program: Command): void {
  defineCommand(program, {
    name: 'show [run]',
    description:
      'Show a run: what was read and set aside, who was asked, what was written and what is left. Name it by the beginning of its id, by a dataset, or as `latest`.',
    examples: [
      ['concordat show', 'the newest run'],
      ['concordat show workforce', 'the newest of one dataset'],
      ['concordat show 0197c2a4', 'by the beginning of its id'],
      ['concordat show latest --html run.html', 'and as a page with charts, without any value of a record'],
    ],
  })
    .option('--html <file>', 'also write it as one page with charts, which needs no server and loads nothing')
    .option(
      '--values',
      'with --html: values and names of the sampled records too, which are personal data where the dataset is',
    )
    .action(
      action<Options, [run: string | undefined]>(async (invocation, options, selector) =>
        withFederation(invocation, { withinMs: 120_000 }, async (session) => {
          const run = await viewRun(
            session.runs,
            await findRun(session.runs, session.federation, selector ?? 'latest'),
          );
          const report = await reportRun(session, run);
          if (options.html !== undefined)
            await writePage(invocation, session, report, options.html, options.values === true);
          else if (options.values)
            throw new ConcordatError('usage', '--values says what goes into a page: give --html FILE too');
          invocation.output.result(document(report), reportLines(report, invocation.output.paint, new Date()));
          return exitCode(run);
        }),
      ),
    );
}

async function writePage(
  { output, workingFolder }: Invocation,
  session: FederationSession,
  report: RunReport,
  file: string,
  withValues: boolean,
): Promise<void> {
  const { federation, exchange, name } = session;
  const { plan, run, snapshots } = report;
  const held = heldBy(snapshots);
  const names = new Map<string, string>();
  if (withValues && plan) {
    const records = openRecords(
      federation,
      exchange,
      run.dataset,
      Object.fromEntries(snapshots.map((snapshot) => [snapshot.authority, snapshot])),
    );
    for (const { type, key } of [...plan.samples.operations, ...plan.samples.divergences]) {
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
  if (result) return result.outcome === 'agreed' || (result.outcome === 'planned' && result.left === 0) ? 0 : 2;
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
