/** Everything that can be known about one run from here: its snapshots, reviews, receipts and plan, each where it may be read. */
import type { ReviewSheet } from '../../activities/authority/review-sheet.js';
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { byCodeUnit } from '../../core/json.js';
import type { SnapshotStatement } from '../../core/messages.js';
import type { Operation } from '../../core/operation.js';
import { hadEffect, type Outcome } from '../../core/receipt.js';
import type { AuthorityId } from '../../core/record.js';
import type { PlanSummary } from '../../workflows/messages.js';
import { viewReview, type ReviewView } from '../temporal/reviews.js';
import type { RunView } from '../temporal/runs.js';
import type { StepUnderWay } from '../temporal/steps-under-way.js';
import { readReceipts, readSnapshots, type Snapshots } from './documents.js';
import type { FederationSession } from './federation-session.js';
import { planOf } from './find-run.js';
import { readPlanReport, type PlanReport } from './plan-report.js';
import { openRecords } from './records.js';
import { stepsOf } from './steps.js';
import { sheetOf } from './stores.js';

export interface UnappliedReceipt {
  readonly authority: AuthorityId;
  readonly operation: Operation | null;
  readonly operationId: string;
  readonly name: string | null;
  readonly outcome: Outcome;
  readonly code: string | null;
  readonly permit: Digest;
}

/** A write whose effect nobody knows: of this run, or of an earlier one that its authority still has open. */
export interface OpenWrite {
  readonly authority: AuthorityId;
  readonly operation: Digest;
  readonly permit: Digest;
}

export function unsettledIn({
  snapshots,
  unapplied,
}: Pick<RunReport, 'snapshots' | 'unapplied'>): readonly OpenWrite[] {
  const earlier = snapshots.flatMap(({ authority, unsettled = [] }) =>
    unsettled
      .filter(({ settled }) => settled === null)
      .map(({ operation, permit }): OpenWrite => ({ authority, operation, permit })),
  );
  const own = unapplied
    .filter(({ outcome }) => outcome === 'unknown')
    .map(({ authority, operationId, permit }): OpenWrite => ({ authority, operation: operationId, permit }));
  return [...earlier, ...own];
}

/** What the cloud of an authority does beyond the writes that its people are asked about. */
export interface ToldConsequence {
  readonly authority: AuthorityId;
  readonly consequence: string;
  /** Of how many operations it is told. */
  readonly operations: number;
}

export interface RunReport {
  readonly run: RunView;
  /** Of a run that is under way, what can be seen from here. */
  readonly steps: readonly StepUnderWay[];
  readonly summary: PlanSummary | null;
  readonly plan: PlanReport | null;
  readonly snapshots: readonly SnapshotStatement[];
  readonly reviews: readonly { readonly authority: AuthorityId; readonly review: ReviewView }[];
  /** Of the authorities whose private store is here, as their own workers worked them out. */
  readonly consequences: readonly ToldConsequence[];
  readonly unapplied: readonly UnappliedReceipt[];
  /** What could not be read here, in words. */
  readonly hidden: readonly string[];
}

export async function reportRun(session: FederationSession, run: RunView): Promise<RunReport> {
  const { federation, exchange, connection, name, layout } = session;
  const found = planOf(run);
  const hidden: string[] = [];
  const readable = async <Value>(what: string, read: () => Promise<Value>, otherwise: Value): Promise<Value> => {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof ConcordatError)) throw error;
      hidden.push(`${what}: ${error.message}`);
      return otherwise;
    }
  };
  const refs = found?.snapshots ?? run.progress?.snapshots ?? [];
  const snapshots = await readable<Snapshots>('snapshots', () => readSnapshots(federation, exchange, refs), {});
  const reviews = await Promise.all(
    (found?.summary.affected ?? []).map(async (authority) => ({
      authority,
      review: await viewReview(connection, {
        federation: name,
        authority,
        dataset: run.dataset,
        plan: found?.summary.planDigest ?? '',
      }),
    })),
  );
  const consequences = await Promise.all(
    (found?.summary.affected ?? []).map(async (authority): Promise<readonly ToldConsequence[]> => {
      const view = await sheetOf(layout, authority, run.dataset, found?.summary.planDigest ?? '');
      return view.kind === 'sheet' ? consequencesOnSheet(view.sheet) : [];
    }),
  );
  const receipts = await readable('receipts', () => readReceipts(federation, exchange, run.result?.receipts ?? []), []);
  // HAZARD: calls to Temporal have one deadline, and a large plan is read for longer than that.
  const steps = run.status === 'running' ? await stepsOf(session, run.dataset)() : [];
  const unsettled = receipts.flatMap(({ receipts: own }) =>
    own.filter(({ outcome }) => !hadEffect(outcome)).map(({ operation }) => operation),
  );
  const plan = found
    ? await readable<PlanReport | null>(
        'plan',
        () => readPlanReport(exchange, found.summary.planDigest, new Set(unsettled)),
        null,
      )
    : null;
  const records = openRecords(federation, exchange, run.dataset, snapshots);
  const unapplied = await Promise.all(
    receipts.flatMap(({ authority, permit, receipts: own }) =>
      own
        .filter(({ outcome }) => !hadEffect(outcome))
        .map(async (receipt): Promise<UnappliedReceipt> => {
          const operation = plan?.operations.get(receipt.operation) ?? null;
          return {
            authority,
            operation,
            operationId: receipt.operation,
            name: operation ? await records.name(operation.type, operation.key) : null,
            outcome: receipt.outcome,
            code: receipt.code,
            permit,
          };
        }),
    ),
  );
  return {
    run,
    steps,
    summary: found?.summary ?? null,
    plan,
    snapshots: Object.values(snapshots),
    reviews,
    consequences: consequences.flat(),
    unapplied,
    hidden,
  };
}

/** Each once, those of most operations first. */
export function consequencesOnSheet({
  authority,
  operations,
  large,
}: Pick<ReviewSheet, 'authority' | 'operations' | 'large'>): readonly ToldConsequence[] {
  const counts = new Map<string, number>(Object.entries(large?.consequences ?? {}));
  for (const { consequences } of large ? [] : operations)
    for (const words of consequences) counts.set(words, (counts.get(words) ?? 0) + 1);
  return [...counts]
    .sort((a, b) => b[1] - a[1] || byCodeUnit(a[0], b[0]))
    .map(([consequence, count]) => ({ authority, consequence, operations: count }));
}
