/**
 * What a filter leaves of a plan of any size: to be shown, or as one JSON document. A plan that can be held whole has names and
 * native calls; a larger one is counted and sampled as it passes by.
 */
import { isAccepted } from '../../core/acceptance.js';
import { censusOf, type Census } from '../../core/report/plan-census.js';
import type { ReviewSheet } from '../../activities/authority/review-sheet.js';
import type { Digest } from '../../core/digest.js';
import type { AuthorityId } from '../../core/record.js';
import { planRef, readSnapshots } from './documents.js';
import { elementTypesOf, type FederationSession } from './federation-session.js';
import type { FoundPlan } from './find-run.js';
import { heldBy, limitsOf, partOf, planPieces, shownPlan, wholePlanBytesMax } from './large-plan.js';
import { openFoundPlan } from './open-plan.js';
import { planDocument } from './plan-document.js';
import { readPlanReport, Samples, type PlanReport, type PlanSamples } from './plan-report.js';
import { filtered, planView, type PlanFilter, type PlanView } from './plan-view.js';
import { openRecords } from './records.js';

/** Of a plan that is counted first: enough to see what the counts are about. */
export const samplesOfLarge = 10;

export interface FilteredPlan {
  /** Of a large plan, the beginning of its lists. */
  readonly view: PlanView;
  /** Of all that the filter lets through, as the samples. */
  readonly census: Census;
  readonly samples: PlanSamples;
  /** Present where the view holds a beginning only. */
  readonly large?: {
    readonly census: Census;
    readonly unsettled: number;
    readonly limits: Readonly<Record<AuthorityId, Pick<ReviewSheet, 'braked' | 'quorum'>>>;
  };
}

export interface OpenedPlan {
  readonly base: Digest | null;
  /** Nothing of it waits for anybody. */
  readonly isSettled: boolean;
  filtered(filter: PlanFilter): Promise<FilteredPlan>;
  /** One document, in pieces where it is large. */
  document(filter: PlanFilter): AsyncIterable<string>;
}

export interface OpenAnyPlan {
  /** What a reader of the whole plan found already. */
  readonly read?: PlanReport | null;
  /** Told what goes on where that takes a while. */
  readonly progress: (text: string) => void;
}

/** Throws as readPlan does. */
export async function openAnyPlan(
  session: FederationSession,
  found: FoundPlan,
  { read, progress }: OpenAnyPlan,
): Promise<OpenedPlan> {
  const { bytes } = await planRef(session.exchange, found.digest);
  if (bytes > wholePlanBytesMax) {
    if (!read) progress('reading the plan');
    return largePlan(session, found, read ?? (await readPlanReport(session.exchange, found.digest)), progress);
  }
  const { plan, view: whole } = await openFoundPlan(session, found);
  return {
    base: plan.base,
    isSettled: plan.cases.length === 0 && !plan.newVersions && plan.divergences.every(isAccepted),
    filtered(filter) {
      const view = filtered(whole, filter);
      const operations = view.operations.map(({ operation }) => operation);
      const { divergences } = view.plan;
      const samples = new Samples();
      for (const operation of operations) samples.addOperation(operation);
      for (const divergence of divergences) samples.addDivergence(divergence);
      const census = censusOf({ operations, divergences, conflicts: view.conflicts });
      return Promise.resolve({ view, census, samples: samples.all() });
    },
    async *document(filter) {
      yield JSON.stringify(planDocument(found.dataset, found.run?.runId ?? null, filtered(whole, filter)), null, 2);
    },
  };
}

function largePlan(
  session: FederationSession,
  found: FoundPlan,
  report: PlanReport,
  progress: OpenAnyPlan['progress'],
): OpenedPlan {
  const { federation, exchange } = session;
  const { census, base } = report;
  const authorities = Object.keys(census.operationsBy);
  const callsKnown = Object.fromEntries(authorities.map((authority) => [authority, 'large']));
  return {
    base,
    isSettled: report.cases.length + report.newVersions.length === 0 && census.divergences === census.accepted,
    async filtered(filter) {
      progress('counting');
      const snapshots = await readSnapshots(federation, exchange, found.snapshots);
      const part = await partOf(exchange, federation, report, filter, samplesOfLarge);
      const view = await planView({
        plan: shownPlan(report, part, filter),
        digest: found.digest,
        records: openRecords(federation, exchange, found.dataset, snapshots),
        sheets: Object.fromEntries(authorities.map((authority) => [authority, { kind: 'large' }])),
        elementTypes: elementTypesOf(federation),
        numbers: part.numbers,
      });
      const limits = limitsOf(federation, census, heldBy(Object.values(snapshots)));
      return {
        view,
        census: part.census,
        samples: part.samples,
        large: { census: part.census, unsettled: part.unsettled, limits },
      };
    },
    document: (filter) =>
      planPieces(exchange, federation, report, filter, {
        plan: found.digest,
        dataset: found.dataset,
        run: found.run?.runId ?? null,
        callsKnown,
      }),
  };
}
