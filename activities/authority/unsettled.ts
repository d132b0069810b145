/**
 * Writes whose effect nobody knows, until somebody knows: kept before the receipt that says `unknown`, so that no crash
 * loses one. While one is open, nothing is written to its record; a later read that shows its effect settles it, and so
 * does a person of this authority.
 *
 * HAZARD: a read that does not show the effect settles nothing by itself. The call may still be under way in its cloud.
 */
import { z } from 'zod';
import { Digest, digestOf } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { datasetShape } from '../../core/federation/federation.js';
import { Ref, RunInputs } from '../../core/messages.js';
import { touchedState, type Change, type Operation } from '../../core/operation.js';
import { operationsOf } from '../../core/permit.js';
import { Plan } from '../../core/plan.js';
import type { Fields } from '../../core/record.js';
import { UnsettledWrite, type SettleStatement } from '../../core/unsettled.js';
import { getDocument } from '../exchange.js';
import type { AuthorityContext } from './context.js';
import { inspectOperation } from './inspect-operation.js';
import { spendDecision } from './decisions.js';
import { readReceipt } from './journal.js';
import { OwnRecords } from './own-records.js';

/** What is needed to tell an effect, without a value: elements of sets are federated keys. */
const Touched = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('value'), field: z.string() }),
  z.strictObject({ kind: z.literal('set'), field: z.string(), add: z.array(z.string()), remove: z.array(z.string()) }),
]);

const OpenWrite = z.strictObject({
  write: UnsettledWrite,
  touched: z.array(Touched),
  expects: Digest,
  leaves: Digest,
  inputs: RunInputs,
  plan: Ref,
  /** Ids of the decisions that approved it: they are used up once it is known to have had its effect. */
  decisions: z.array(z.string()),
});
type OpenWrite = z.infer<typeof OpenWrite>;
type Settled = NonNullable<UnsettledWrite['settled']>;

export interface Attempt {
  readonly dataset: string;
  readonly permit: Digest;
  readonly inputs: RunInputs;
  readonly plan: Ref;
  readonly decisions: readonly string[];
}

function prefixOf(dataset: string): string {
  return `unsettled/${dataset}/`;
}

function nameOf(dataset: string, permit: Digest, operation: Digest, part: 'write' | 'settled'): string {
  return `${prefixOf(dataset)}${permit}/${operation}/${part}`;
}

/** Durable before it returns; asked for again it changes nothing. */
export async function keepUnsettled(
  context: AuthorityContext,
  attempt: Attempt,
  operation: Operation,
  code: string | null,
): Promise<void> {
  const { dataset, permit, inputs, plan, decisions } = attempt;
  const { id, type, key, kind, changes, expects, leaves } = operation;
  const open: OpenWrite = {
    write: {
      operation: id,
      permit,
      type,
      key,
      kind,
      fields: changes.map(({ field }) => field),
      code,
      atMs: context.now(),
      settled: null,
    },
    touched: changes.map((change) => (change.kind === 'value' ? { kind: 'value', field: change.field } : change)),
    expects,
    leaves,
    inputs,
    plan,
    decisions: [...decisions],
  };
  await put(context, nameOf(dataset, permit, id, 'write'), open);
}

/** All that were ever unsettled and are kept, in the order of their names. */
async function allWrites(context: AuthorityContext, dataset: string): Promise<readonly OpenWrite[]> {
  const names = await context.privateStore.list(prefixOf(dataset));
  const found: OpenWrite[] = [];
  for (const name of names) {
    if (!name.endsWith('/write')) continue;
    const bytes = await context.privateStore.get(name);
    if (!bytes) continue;
    const open = OpenWrite.parse(JSON.parse(new TextDecoder().decode(bytes)));
    const { permit, operation } = open.write;
    const settled = await readSettled(context, nameOf(dataset, permit, operation, 'settled'));
    found.push({ ...open, write: { ...open.write, settled } });
  }
  return found;
}

async function readSettled(context: AuthorityContext, name: string): Promise<Settled | null> {
  const bytes = await context.privateStore.get(name);
  return bytes ? UnsettledWrite.shape.settled.parse(JSON.parse(new TextDecoder().decode(bytes))) : null;
}

/** Those that nobody settled yet. */
async function openWrites(context: AuthorityContext, dataset: string): Promise<readonly OpenWrite[]> {
  const open: OpenWrite[] = [];
  for (const one of await allWrites(context, dataset)) {
    if (one.write.settled !== null) continue;
    const receipt = await readReceipt(context, one.write.permit, one.write.operation);
    // A second attempt of a step that died saw the effect after all.
    if (receipt === null || receipt.outcome === 'unknown') open.push(one);
  }
  return open;
}

/** An open write to this record under another permit than this one: nothing may be written over it. */
export async function unsettledOf(
  context: AuthorityContext,
  dataset: string,
  record: { readonly type: string; readonly key: string },
  permit: Digest | null,
): Promise<UnsettledWrite | null> {
  const open = await openWrites(context, dataset);
  const found = open.find(
    ({ write }) => write.type === record.type && write.key === record.key && write.permit !== permit,
  );
  return found?.write ?? null;
}

export async function listUnsettled(context: AuthorityContext, dataset: string): Promise<readonly UnsettledWrite[]> {
  return (await openWrites(context, dataset)).map(({ write }) => write);
}

/**
 * Looks at what a run has read: where the effect shows, the write was applied. Gives those that are open, and those that
 * the reads of this run settled.
 */
export async function settleByRead(
  context: AuthorityContext,
  { dataset, run }: { readonly dataset: string; readonly run: Digest },
  shown: (type: string, key: string) => Promise<Fields | null | 'unread'>,
): Promise<readonly UnsettledWrite[]> {
  for (const open of await openWrites(context, dataset)) {
    const fields = await shown(open.write.type, open.write.key);
    if (fields !== 'unread' && isTold(open, fields) && stateOf(open, fields) === open.leaves)
      await settle(context, dataset, open, { verdict: 'applied', by: 'read', approver: null, reason: null, run });
  }
  const open = await openWrites(context, dataset);
  const bySelf = (await allWrites(context, dataset)).filter(({ write }) => write.settled?.run === run);
  return [...open, ...bySelf].map(({ write }) => write);
}

/** A field that is not told is not empty. */
function isTold({ touched }: OpenWrite, fields: Fields | null): boolean {
  return fields === null || touched.every(({ field }) => fields[field] !== undefined);
}

function stateOf({ touched }: OpenWrite, fields: Fields | null): Digest {
  const changes = touched.map((one): Change => (one.kind === 'value' ? { ...one, before: null, after: null } : one));
  return digestOf(touchedState(changes, fields));
}

/** Throws notFound where no such write is open here, effectUntold where a look at the object does not tell. */
export async function settleByPerson(
  context: AuthorityContext,
  dataset: string,
  { operation, permit, verdict, reason }: SettleStatement,
  approver: string,
): Promise<UnsettledWrite> {
  const open = (await openWrites(context, dataset)).find(
    ({ write }) => write.operation === operation && write.permit === permit,
  );
  if (!open)
    throw new ConcordatError(
      'notFound',
      `${context.id} has no unsettled write ${operation.slice(0, 12)}: it is settled already, or its effect was never in doubt`,
    );
  const found = verdict === 'look' ? await look(context, dataset, open) : verdict;
  const by = verdict === 'look' ? 'read' : 'person';
  return settle(context, dataset, open, { verdict: found, by, approver, reason, run: null });
}

/** Reads the one object now. */
async function look(context: AuthorityContext, dataset: string, open: OpenWrite): Promise<Settled['verdict']> {
  const { write, inputs } = open;
  const plan = await getDocument(context.exchange, open.plan, Plan);
  const operation = operationsOf(plan).get(write.operation);
  const type = datasetShape(context.federation, dataset).types.find(({ taxonomy }) => taxonomy.type === write.type);
  if (!operation || !type) throw untold(`plan ${open.plan.sha256.slice(0, 12)} is not known here any more`);
  if (operation.changes.some(({ field }) => type.digests.includes(field)))
    throw untold('it writes a field that leaves as a digest only');
  const own = await OwnRecords.load(context, inputs, null);
  const fields = await inspectOperation({ context, own, type }, operation);
  if (fields === 'untranslatable') throw untold('the object cannot be translated as it is now');
  if (!isTold(open, fields)) throw untold('a field that it writes could not be read');
  const state = stateOf(open, fields);
  if (state === open.leaves) return 'applied';
  if (state === open.expects) return 'notApplied';
  throw untold('the object shows neither what it held before nor what it should hold');
}

function untold(why: string): ConcordatError {
  return new ConcordatError('effectUntold', `a look at the object does not tell: ${why}`);
}

/** The first word stands. */
async function settle(
  context: AuthorityContext,
  dataset: string,
  { write, decisions }: OpenWrite,
  settled: Omit<Settled, 'atMs'>,
): Promise<UnsettledWrite> {
  const name = nameOf(dataset, write.permit, write.operation, 'settled');
  // HAZARD: used up before it is settled, so that no crash between the two lets one approval write twice.
  if (settled.verdict === 'applied')
    for (const decision of decisions) await spendDecision(context, dataset, decision, write.operation, write.permit);
  await put(context, name, { ...settled, atMs: context.now() });
  return { ...write, settled: await readSettled(context, name) };
}

async function put(context: AuthorityContext, name: string, value: object): Promise<void> {
  await context.privateStore.putIfAbsent(name, new TextEncoder().encode(JSON.stringify(value)));
}
