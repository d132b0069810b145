/** One record of one run, planned again from the sealed inputs of that run, so that nothing shown is taken on trust. */
import { recomputePlan, type Recomputed } from '../../activities/recompute.js';
import { ConcordatError } from '../../core/errors.js';
import type { Federation } from '../../core/federation/federation.js';
import { suggestion } from '../../core/federation/nearest.js';
import type { Digest } from '../../core/digest.js';
import type { Json } from '../../core/json.js';
import { referenceOf } from '../../core/lens/reference.js';
import type { NewVersion } from '../../core/new-versions.js';
import { operationsOf } from '../../core/permit.js';
import type { Divergence, PlanInput } from '../../core/plan.js';
import { hadEffect, type Outcome } from '../../core/receipt.js';
import type { AuthorityId } from '../../core/record.js';
import { explainRecord, type Explanation } from '../../core/resolution/explain.js';
import type { UnsettledWrite } from '../../core/unsettled.js';
import { alikeWords } from './alike.js';
import { readReceipts } from './documents.js';
import { elementTypesOf, recordsOf, type FederationSession } from './federation-session.js';
import { findPlan, type FoundPlan } from './find-run.js';

export interface ExplainedRecord {
  readonly dataset: string;
  readonly run: string;
  readonly plan: Digest;
  readonly name: string | null;
  readonly explanation: Explanation;
  /** Writes to it of earlier runs whose effect was not known when this run read, or became known by its read. */
  readonly doubtful: readonly (UnsettledWrite & { readonly authority: AuthorityId })[];
  /** What this run was to write to it and did not, or nobody knows whether it did. */
  readonly unwritten: readonly UnwrittenOperation[];
  /** By type and key, joined by a space: records that its values refer to. */
  readonly names: Readonly<Record<string, string>>;
  /** Its type, or maps of it, where they are new: through these its values were read. Absent where nothing is new. */
  readonly newVersions?: readonly NewVersion[];
}

export interface UnwrittenOperation {
  readonly authority: AuthorityId;
  readonly operation: Digest;
  readonly kind: 'create' | 'update' | 'delete';
  readonly outcome: Outcome;
  readonly code: string | null;
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
  const { planInput, planDigest, plan, snapshots, found, nameOf } = again;
  const { type, key } = await meant({ ...planInput, divergences: plan.divergences }, word, nameOf).catch(
    async (error: unknown) => {
      if (!(error instanceof ConcordatError) || error.code !== 'notFound') throw error;
      throw new ConcordatError('notFound', (await alikeIn(session, again, word)) ?? error.message);
    },
  );
  if (field !== undefined) requireField(session.federation, type, field);
  const explanation = explainRecord(planInput, { type, key }, field);
  if (!explanation)
    throw new ConcordatError('notFound', (await alikeIn(session, again, key)) ?? `${type} ${key} differs nowhere`);
  const newVersions = plan.newVersions?.filter((version) => version.type === type) ?? [];
  return {
    dataset: found.dataset,
    run: again.runId,
    plan: planDigest,
    name: await nameOf(type, key),
    explanation,
    doubtful: Object.values(snapshots).flatMap(({ authority, unsettled = [] }) =>
      unsettled.filter((one) => one.type === type && one.key === key).map((one) => ({ authority, ...one })),
    ),
    unwritten: await unwrittenOf(session, again, { type, key }),
    names: await namesIn(explanation, elementTypesOf(session.federation), nameOf),
    ...(newVersions.length > 0 ? { newVersions } : {}),
  };
}

/** Of a record that is in no view, because all show it alike. */
async function alikeIn(
  { federation, exchange }: FederationSession,
  { messages, snapshots }: PlannedAgain,
  word: string,
): Promise<string | null> {
  const members = Object.fromEntries(Object.entries(snapshots).map(([id, { types }]) => [id, types]));
  const { taxonomy } = federation;
  return alikeWords({ exchange, taxonomy, members, base: messages.base }, word);
}

async function unwrittenOf(
  { federation, exchange }: FederationSession,
  { found, plan }: PlannedAgain,
  { type, key }: { readonly type: string; readonly key: string },
): Promise<readonly UnwrittenOperation[]> {
  const operations = operationsOf(plan);
  const all = await readReceipts(federation, exchange, found.run?.result?.receipts ?? []);
  return all.flatMap(({ authority, receipts }) =>
    receipts.flatMap(({ operation: id, outcome, code }) => {
      const operation = operations.get(id);
      if (!operation || operation.type !== type || operation.key !== key || hadEffect(outcome)) return [];
      return [{ authority, operation: id, kind: operation.kind, outcome, code }];
    }),
  );
}

/** Of a set of thousands only some are named. */
const namesMax = 200;

async function namesIn(
  { type, fields }: Explanation,
  elementTypes: (type: string, field: string) => string | undefined,
  nameOf: PlannedAgain['nameOf'],
): Promise<Readonly<Record<string, string>>> {
  const mentioned = new Map<string, readonly [type: string, key: string]>();
  for (const { field, base, members } of fields) {
    const of = elementTypes(type, field);
    const shown = [...(base ? [base.value] : []), ...members.map(({ value }) => value)];
    for (const value of shown) {
      const named = of === undefined ? referenceOf(value) : null;
      if (named) mentioned.set(`${named.type} ${named.key}`, [named.type, named.key]);
    }
    if (of === undefined) continue;
    // Those on which somebody differs first.
    const counts = new Map<string, number>();
    for (const element of shown.flatMap(elementsOf)) counts.set(element, (counts.get(element) ?? 0) + 1);
    const sorted = [...counts].sort(([, a], [, b]) => a - b).map(([element]) => element);
    for (const element of sorted) mentioned.set(`${of} ${element}`, [of, element]);
  }
  const names: Record<string, string> = {};
  for (const [id, [of, key]] of [...mentioned].slice(0, namesMax)) {
    const name = await nameOf(of, key);
    if (name !== null) names[id] = name;
  }
  return names;
}

function elementsOf(value: Json): readonly string[] {
  return Array.isArray(value) ? value.filter((element) => typeof element === 'string') : [];
}

/** Throws usage where the type has no such field. */
export function requireField(federation: Federation, type: string, field: string): void {
  const fields = Object.keys(federation.taxonomy[type]?.fields ?? {});
  if (!fields.includes(field))
    throw new ConcordatError('usage', `${type} has no field ${field}; ${suggestion(field, fields)}`);
}

/** The beginning of a key, or a whole name. Only what differs: of the rest there is nothing to explain. */
export async function meant(
  { views, divergences = [] }: Pick<PlanInput, 'views'> & { readonly divergences?: Iterable<Divergence> },
  word: string,
  nameOf: (type: string, key: string) => Promise<string | null>,
): Promise<{ readonly type: string; readonly key: string }> {
  const inViews = Object.entries(views).flatMap(([type, ofType]) => ofType.map(({ key }) => ({ type, key })));
  const byName = new Map(
    [...inViews, ...divergences].map(({ type, key }) => [`${type} ${key}`, { type, key }] as const),
  );
  const all = [...byName.values()];
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
