/** One record of one run, planned again from the sealed inputs of that run, so that nothing shown is taken on trust. */
import { recomputePlan, type Recomputed } from '../../activities/recompute.js';
import { ConcordatError } from '../../core/errors.js';
import type { Federation } from '../../core/federation/federation.js';
import { suggestion } from '../../core/federation/nearest.js';
import type { Digest } from '../../core/digest.js';
import type { PlanInput } from '../../core/plan.js';
import { explainRecord, type Explanation } from '../../core/resolution/explain.js';
import { recordsOf, type FederationSession } from './federation-session.js';
import { findPlan, type FoundPlan } from './find-run.js';

export interface ExplainedRecord {
  readonly dataset: string;
  readonly run: string;
  readonly plan: Digest;
  readonly name: string | null;
  readonly explanation: Explanation;
}

/** A plan made again from the sealed inputs of its run. Throws notFound where they are not known any more. */
export interface PlannedAgain extends Recomputed {
  readonly found: FoundPlan;
  readonly runId: string;
  readonly nameOf: (type: string, key: string) => Promise<string | null>;
}

export async function planAgain(session: FederationSession, selector: string): Promise<PlannedAgain> {
  const { federation, exchange, runs } = session;
  const found = await findPlan(runs, federation, exchange, selector);
  const inputs = found.run?.result?.inputs ?? found.run?.progress?.inputs;
  if (!found.run || !inputs)
    throw new ConcordatError(
      'notFound',
      'the inputs of that run are not known any more; start a run with `concordat run` and name that one',
    );
  const recomputed = await recomputePlan(federation, exchange, inputs, 'opened');
  if (recomputed.planDigest !== found.digest)
    throw new ConcordatError('planNotReproduced', 'the plan of this run cannot be made again from its inputs');
  const records = await recordsOf(session, found);
  return { ...recomputed, found, runId: found.run.runId, nameOf: (type, key) => records.name(type, key) };
}

/** Throws notFound where the record differs nowhere or is not known, usage where several are meant. */
export async function explained(
  session: FederationSession,
  selector: string,
  word: string,
  field: string | undefined,
): Promise<ExplainedRecord> {
  const again = await planAgain(session, selector);
  const { planInput, planDigest, found, nameOf } = again;
  const { type, key } = await meant(planInput, word, nameOf);
  if (field !== undefined) requireField(session.federation, type, field);
  const explanation = explainRecord(planInput, { type, key }, field);
  if (!explanation) throw new ConcordatError('notFound', `${type} ${key} differs nowhere`);
  return { dataset: found.dataset, run: again.runId, plan: planDigest, name: await nameOf(type, key), explanation };
}

/** Throws usage where the type has no such field. */
export function requireField(federation: Federation, type: string, field: string): void {
  const fields = Object.keys(federation.taxonomy[type]?.fields ?? {});
  if (!fields.includes(field))
    throw new ConcordatError('usage', `${type} has no field ${field}; ${suggestion(field, fields)}`);
}

/** The beginning of a key, or a whole name. Only what differs: of the rest there is nothing to explain. */
export async function meant(
  { views }: Pick<PlanInput, 'views'>,
  word: string,
  nameOf: (type: string, key: string) => Promise<string | null>,
): Promise<{ readonly type: string; readonly key: string }> {
  const all = Object.entries(views).flatMap(([type, ofType]) => ofType.map(({ key }) => ({ type, key })));
  // A provisional key begins with a tilde, which a shell may take for a home folder.
  const byKey = all.filter(({ key }) => key.startsWith(word) || key.startsWith(`~${word}`));
  const found = [...byKey];
  if (byKey.length === 0) for (const one of all) if ((await nameOf(one.type, one.key)) === word) found.push(one);
  const [only, ...more] = found;
  if (only && more.length === 0) return only;
  if (only)
    throw new ConcordatError(
      'usage',
      `several records are meant by ${word}: ${found
        .slice(0, 5)
        .map(({ type, key }) => `${type} ${key.slice(0, 12)}`)
        .join(', ')}`,
    );
  throw new ConcordatError(
    'notFound',
    `no record that differs in this run is called ${word}; give the beginning of its key as \`concordat plan\` shows it, or its whole name`,
  );
}
