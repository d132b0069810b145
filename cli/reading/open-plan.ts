/** A plan found, read, numbered and named, with the sheets of the authorities whose private store is here. */
import type { Plan } from '../../core/plan.js';
import { affectedAuthorities } from '../../core/plan.js';
import type { AuthorityId } from '../../core/record.js';
import { readPlan } from './documents.js';
import { elementTypesOf, recordsOf, type FederationSession } from './federation-session.js';
import { findPlan, type FoundPlan } from './find-run.js';
import { planView, type PlanView } from './plan-view.js';
import type { Records } from './records.js';
import { sheetOf, type SheetView } from './stores.js';

export interface OpenPlan {
  readonly found: FoundPlan;
  readonly plan: Plan;
  readonly view: PlanView;
  readonly records: Records;
  readonly sheets: Readonly<Record<AuthorityId, SheetView>>;
}

export async function openPlan(session: FederationSession, selector: string): Promise<OpenPlan> {
  const { federation, exchange, runs } = session;
  return openFoundPlan(session, await findPlan(runs, federation, exchange, selector));
}

export async function openFoundPlan(session: FederationSession, found: FoundPlan): Promise<OpenPlan> {
  const { federation, exchange, layout } = session;
  const plan = await readPlan(exchange, found.digest);
  const sheets: Record<AuthorityId, SheetView> = {};
  for (const authority of affectedAuthorities(plan))
    sheets[authority] = await sheetOf(layout, authority, found.dataset, found.digest);
  const records = await recordsOf(session, found);
  const view = await planView({
    plan,
    digest: found.digest,
    records,
    sheets,
    elementTypes: elementTypesOf(federation),
  });
  return { found, plan, view, records, sheets };
}
