/** A plan found, read, numbered and named, with the sheets of the authorities whose private store is here. */
import type { Operation } from '../../core/operation.js';
import type { Plan } from '../../core/plan.js';
import { affectedAuthorities } from '../../core/affected-authorities.js';
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

/** Each name is a read: who decides on more operations sees the names of those that are shown (withNamesOf). */
const namedToDecide = 5_000;

/** For a decision. */
export async function openPlan(session: FederationSession, selector: string): Promise<OpenPlan> {
  const { federation, exchange, runs } = session;
  return openFoundPlan(session, await findPlan(runs, federation, exchange, selector), namedToDecide);
}

/** Names records where the plan has at most `namedMax` operations. */
export async function openFoundPlan(
  session: FederationSession,
  found: FoundPlan,
  namedMax = Number.POSITIVE_INFINITY,
): Promise<OpenPlan> {
  const { federation, exchange, layout } = session;
  const plan = await readPlan(exchange, found.digest);
  const sheets: Record<AuthorityId, SheetView> = {};
  for (const authority of affectedAuthorities(plan))
    sheets[authority] = await sheetOf(layout, authority, found.dataset, found.digest);
  const records = await recordsOf(session, found);
  const view = await planView({
    plan,
    digest: found.digest,
    records: plan.operations.length > namedMax ? { ...records, name: () => Promise.resolve(null) } : records,
    sheets,
    elementTypes: elementTypesOf(federation),
  });
  return { found, plan, view, records, sheets };
}

/** The same, with names for the records of these operations. */
export async function withNamesOf(
  open: OpenPlan,
  operations: readonly Pick<Operation, 'type' | 'key'>[],
): Promise<OpenPlan> {
  const names = new Map(open.view.names);
  for (const { type, key } of operations) {
    const name = await open.records.name(type, key);
    if (name !== null) names.set(`${type} ${key}`, name);
  }
  return { ...open, view: { ...open.view, names } };
}
