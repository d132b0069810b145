/** `concordat show`: one run in counts, per authority, with nothing skipped silently. */
import type { Command } from 'commander';
import { hlcParts } from '../../core/clock/hlc.js';
import { failureOf } from '../output/failure.js';
import { action, defineCommand, type ExitCode } from '../invocation.js';
import { withFederation } from '../reading/federation-session.js';
import { findRun } from '../reading/find-run.js';
import { divergencesByKind } from '../reading/plan-view.js';
import { reportRun, unsettledIn, type RunReport } from '../reading/run-report.js';
import { reportLines } from '../showing/report-text.js';
import { viewRun, type RunView } from '../temporal/runs.js';

export function registerShow(program: Command): void {
  defineCommand(program, {
    name: 'show [run]',
    description:
      'Show a run: what was read and set aside, who was asked, what was written and what is left. Name it by the beginning of its id, by a dataset, or as `latest`.',
    examples: [
      ['concordat show', 'the newest run'],
      ['concordat show workforce', 'the newest of one dataset'],
      ['concordat show 0197c2a4', 'by the beginning of its id'],
    ],
  }).action(
    action<object, [run: string | undefined]>(async (invocation, _, selector) =>
      withFederation(invocation, { withinMs: 120_000 }, async (session) => {
        const run = await viewRun(session.runs, await findRun(session.runs, session.federation, selector ?? 'latest'));
        const report = await reportRun(session, run);
        invocation.output.result(document(report), reportLines(report, invocation.output.paint, new Date()));
        return exitCode(run);
      }),
    ),
  );
}

function exitCode({ status, result, progress }: RunView): ExitCode {
  if (status === 'failed') return 1;
  if (result) return result.outcome === 'agreed' || (result.outcome === 'planned' && result.left === 0) ? 0 : 2;
  return progress?.stage === 'approve' ? 2 : 0;
}

function document({ run, summary, plan, snapshots, reviews, consequences, unapplied, hidden }: RunReport): object {
  return {
    ...run,
    failure: run.failure ? failureOf(run.failure) : null,
    plan: summary,
    divergencesByKind: plan ? divergencesByKind(plan) : null,
    accepted: (plan?.divergences ?? []).filter(({ accepted }) => accepted.length > 0),
    ignored: plan?.ignored ?? [],
    cases: plan?.cases ?? [],
    unsettled: unsettledIn({ snapshots, unapplied }),
    settledByRead: snapshots.flatMap(({ authority, unsettled = [] }) =>
      unsettled.filter(({ settled }) => settled !== null).map((write) => ({ authority, ...write })),
    ),
    snapshots: snapshots.map(({ authority, types, scopes, untranslatable, unmapped, lossy, drifts = [], hlc }) => ({
      authority,
      records: Object.fromEntries(types.map(({ type, count }) => [type, count])),
      incomplete: scopes.filter(({ complete }) => !complete),
      untranslatable,
      unmapped,
      lossy,
      drifts,
      hlc,
      at: new Date(hlcParts(hlc).ms).toISOString(),
    })),
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
