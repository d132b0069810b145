/** A plan found, read, numbered and named, with the sheets of the authorities whose private store is here. */
import type { LongList } from '../../core/long-list.js';
import type { Operation } from '../../core/operation.js';
import type { Plan } from '../../core/plan.js';
import { affectedAuthorities } from '../../core/affected-authorities.js';
import type { AuthorityId } from '../../core/record.js';
import { readPlan, readPlanToDecide } from './documents.js';
import { elementTypesOf, recordsOf, type FederationSession } from './federation-session.js';
import { findPlan, type FoundPlan } from './find-run.js';
import { planView, type PlanView, type ShownPlan } from './plan-view.js';
import type { Records } from './records.js';
import { sheetOf, type SheetView } from './stores.js';

/** A plan with its operations in a file where they are many. */
export type HeldPlan = Omit<Plan, 'operations' | 'divergences'> & { readonly operations: LongList<Operation> };

export interface OpenPlan<Held extends HeldPlan = HeldPlan> {
  readonly found: FoundPlan;
  readonly plan: Held;
  readonly view: PlanView;
  readonly records: Records;
  readonly sheets: Readonly<Record<AuthorityId, SheetView>>;
}

/** Each name is a read: who decides on more operations sees the names of those that are shown (withNamesOf). */
const namedToDecide = 5_000;

/** For a decision, which is about operations and conflicts: of a large plan the view shows no operation, and nothing holds them. */
export async function openPlan(session: FederationSession, selector: string): Promise<OpenPlan> {
  const { federation, exchange, runs } = session;
  const found = await findPlan(runs, federation, exchange, selector);
  const plan = await readPlanToDecide(exchange, found.digest);
  const { operations } = plan;
  if (!Array.isArray(operations)) return opened(session, found, plan, { ...plan, operations: [], divergences: [] }, 0);
  return opened(session, found, plan, { ...plan, operations, divergences: [] }, namedToDecide);
}

/** All of it. */
export async function openFoundPlan(session: FederationSession, found: FoundPlan): Promise<OpenPlan<Plan>> {
  const plan = await readPlan(session.exchange, found.digest);
  return opened(session, found, plan, plan, Number.POSITIVE_INFINITY);
}

/** Names records where at most `namedMax` operations are shown. */
async function opened<Held extends HeldPlan>(
  session: FederationSession,
  found: FoundPlan,
  plan: Held,
  shown: ShownPlan,
  namedMax: number,
): Promise<OpenPlan<Held>> {
  const { federation, layout } = session;
  const sheets: Record<AuthorityId, SheetView> = {};
  for (const authority of affectedAuthorities(plan))
    sheets[authority] = await sheetOf(layout, authority, found.dataset, found.digest);
  const records = await recordsOf(session, found);
  const view = await planView({
    plan: shown,
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
