/**
 * Writes whose effect nobody knows, until somebody knows: kept before the receipt that says `unknown`, so that no crash
 * loses one. While one is open, nothing is written to its record; a later read that shows its effect settles it, and so
 * does a person of this authority.
 *
 * HAZARD: a read that does not show the effect settles nothing by itself. The call may still be under way in its cloud.
 */
import { z } from 'zod';
import { Digest, digestOf } from '../../core/digest.js';
import { Ref, RunInputs } from '../../core/messages.js';
import { touchedState, type Change, type Operation } from '../../core/operation.js';
import type { Fields } from '../../core/record.js';
import { UnsettledWrite } from '../../core/unsettled.js';
import type { AuthorityContext } from './context.js';
import { spendDecision } from './decisions.js';
import { Journal } from './journal.js';

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
export type OpenWrite = z.infer<typeof OpenWrite>;
export type Settled = NonNullable<UnsettledWrite['settled']>;

/** Looking needs no more than the store. */
type Reader = Pick<AuthorityContext, 'privateStore'>;

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
async function allWrites(context: Reader, dataset: string): Promise<readonly OpenWrite[]> {
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

async function readSettled(context: Reader, name: string): Promise<Settled | null> {
  const bytes = await context.privateStore.get(name);
  return bytes ? UnsettledWrite.shape.settled.parse(JSON.parse(new TextDecoder().decode(bytes))) : null;
}

/** Those that nobody settled yet. */
export async function openWrites(context: Reader, dataset: string): Promise<readonly OpenWrite[]> {
  const open: OpenWrite[] = [];
  const journals = new Map<Digest, Journal>();
  for (const one of await allWrites(context, dataset)) {
    if (one.write.settled !== null) continue;
    const { permit } = one.write;
    const journal = journals.get(permit) ?? (await Journal.open(context, permit));
    journals.set(permit, journal);
    const receipt = await journal.readReceipt(one.write.operation);
    // A second attempt of a step that died saw the effect after all.
    if (receipt === null || receipt.outcome === 'unknown') open.push(one);
  }
  return open;
}

/** An open write to this record: while there is one, nothing is written to it. */
export async function unsettledOf(
  context: AuthorityContext,
  dataset: string,
  record: { readonly type: string; readonly key: string },
): Promise<UnsettledWrite | null> {
  const open = await listUnsettled(context, dataset);
  return open.find(({ type, key }) => type === record.type && key === record.key) ?? null;
}

export async function listUnsettled(context: Reader, dataset: string): Promise<readonly UnsettledWrite[]> {
  return (await openWrites(context, dataset)).map(({ write }) => write);
}

/** What a run has read of this mesh. */
export interface WhatIsShown {
  /** `unread`: nobody can tell, as the type was not read whole. */
  one(type: string, key: string): Promise<Fields | null | 'unread'>;
  all(type: string): AsyncIterable<{ readonly fields: Fields }>;
}

async function doesShow(open: OpenWrite, shown: WhatIsShown): Promise<boolean> {
  const fields = await shown.one(open.write.type, open.write.key);
  if (fields !== 'unread' && isTold(open, fields) && stateOf(open, fields) === open.leaves) return true;
  if (open.write.kind !== 'create' || (fields !== null && fields !== 'unread')) return false;
  // Without a receipt there is no link, so what was made has another key by now. It is the one that holds all it was given:
  // there was none of the kind when it was planned, and a record that is made twice would be a case.
  for await (const { fields: held } of shown.all(open.write.type))
    if (isTold(open, held) && stateOf(open, held) === open.leaves) return true;
  return false;
}

/**
 * Looks at what a run has read: where the effect shows, the write was applied. Gives those that are open, and those that
 * the reads of this run settled.
 */
export async function settleByRead(
  context: AuthorityContext,
  { dataset, run }: { readonly dataset: string; readonly run: Digest },
  shown: WhatIsShown,
): Promise<readonly UnsettledWrite[]> {
  for (const open of await openWrites(context, dataset))
    if (await doesShow(open, shown))
      await settle(context, dataset, open, { verdict: 'applied', by: 'read', approver: null, reason: null, run });
  const open = await openWrites(context, dataset);
  const bySelf = (await allWrites(context, dataset)).filter(({ write }) => write.settled?.run === run);
  return [...open, ...bySelf].map(({ write }) => write);
}

/** A field that is not told is not empty. */
export function isTold({ touched }: OpenWrite, fields: Fields | null): boolean {
  return fields === null || touched.every(({ field }) => fields[field] !== undefined);
}

export function stateOf({ touched }: OpenWrite, fields: Fields | null): Digest {
  const changes = touched.map((one): Change => (one.kind === 'value' ? { ...one, before: null, after: null } : one));
  return digestOf(touchedState(changes, fields));
}

/** The first word stands. */
export async function settle(
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
