/**
 * Removes what one authority holds of a record's history, and signs that it did.
 *
 * In this order, each step durable before the next and each harmless when it is taken again: enough of its own people
 * asked; the record is gone from the base, and nobody needs what would go; what is to go is written down; it goes; nothing
 * is left that holds the record; the receipt is signed, logged and published. What was written down goes last, because
 * it names the record.
 */
import { z } from 'zod';
import { Hlc } from '../../core/clock/hlc.js';
import { canonicalJson, Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import {
  erasureReceiptType,
  erasureSubject,
  type ErasureReceipt,
  type OutOfReach,
} from '../../core/lineage/erasure.js';
import { PreviousHop } from '../../core/lineage/hop.js';
import { opaqueId, type RecordName } from '../../core/lineage/salted.js';
import { Base, Seal } from '../../core/messages.js';
import { Operation } from '../../core/operation.js';
import { Conflict } from '../../core/plan.js';
import type { EraseInput, EraseResult } from '../../workflows/contract.js';
import { readAgreement } from './agreements.js';
import { authorityOf, type AuthorityContext } from './context.js';
import { logObserver } from './log-observer.js';
import { readRunState, writeRunState } from './live-run.js';
import { forgetObserved, observedTypes } from './observations.js';
import { ReviewSheet } from './review-sheet.js';
import { readReviewState } from './review-state.js';
import { documentParts, parsePart } from '../documents/document-parts.js';
import { getDocument, putDocument } from '../exchange.js';
import { signCompact } from '../keys/sign.js';
import {
  erasureEntry,
  erasuresFolder,
  readErasure,
  verifyErasure,
  type PublishedErasure,
} from '../lineage/erasures.js';
import { lineagePrefix, tableId } from '../lineage/record-table.js';
import { eraseRow, ownTable, sealedName } from '../lineage/run-hops.js';
import { keysOfFederation } from '../lineage/trusted-keys.js';
import { loadLinks } from '../links.js';
import { appendToLog } from '../log/own-log.js';
import { authorityOfRef } from '../run-messages.js';
import type { ObjectStore } from '../store.js';
import { readOne } from '../sealing/read-records.js';
import { createSegmentReader } from '../sealing/segment-reader.js';
import { findObjects } from '../erasure/find-objects.js';
import { MarkFinder } from '../erasure/marks.js';
import { pruneSchemas } from '../erasure/private-schemas.js';
import { findPrivate, pruneHeads, removePrivate, type PrivateKind } from '../erasure/private-state.js';
import { countRequests, erasingFolder, keepRequest } from './erasure-requests.js';
import { tracesOf, type KnownHere, type Traces } from '../erasure/traces.js';

const Step = z.strictObject({ name: z.string(), kind: z.string() });
/** All that an erasure needs to be finished by another worker. HAZARD: names the record, so it must go before all is done. */
const ErasurePlan = z.strictObject({
  provisional: z.array(z.string()),
  /** In hexadecimal. */
  salt: Digest.nullable(),
  end: PreviousHop.nullable(),
  operations: z.array(Digest),
  objects: z.array(Step),
  private: z.array(Step),
  requests: z.array(z.string()),
  outOfReach: z.array(z.custom<OutOfReach>()),
  hlc: Hlc,
});
type ErasurePlan = z.infer<typeof ErasurePlan>;

/** Idempotent: asked again, also after a crash at any step, it ends with the same receipt. */
export async function eraseRecord(context: AuthorityContext, input: EraseInput): Promise<EraseResult> {
  const name: RecordName = { dataset: input.dataset, type: input.type, key: input.key };
  await context.refreshTerms?.();
  requireMember(context, name);
  const folder = erasingFolder(name.dataset, erasureSubject(name));
  const known = await context.privateStore.get(`${folder}/receipt`);
  const planned = await readPlan(context, folder);
  if (known && !planned) return erased(context, new TextDecoder().decode(known));
  if (!planned) {
    await keepRequest(context, name, input.jws);
    const { requests, approvers, missing, required } = await countRequests(context, name);
    if (missing > 0) return { kind: 'waiting', authority: context.id, approvers: [...approvers], missing, required };
    await planErasure(context, name, requests, folder);
  }
  const plan = await readPlan(context, folder);
  if (!plan) throw new ConcordatError('storeFault', 'the private store has lost an erasure that was begun');
  await context.checkpoint?.('erasurePlanned');
  await carryOut(context, name, plan);
  await context.checkpoint?.('erasureCarriedOut');
  const jws = await signReceipt(context, name, plan, folder);
  await publish(context, jws);
  await context.checkpoint?.('erasurePublished');
  await context.privateStore.remove(`${folder}/plan`);
  return erased(context, jws);
}

function requireMember(context: AuthorityContext, { dataset, type }: RecordName): void {
  const known = context.federation.datasets[dataset];
  if (!known?.members.includes(context.id) || !known.types.includes(type))
    throw new ConcordatError('notFound', `${context.id} is no member of a dataset ${dataset} that has ${type} records`);
}

async function readPlan(context: AuthorityContext, folder: string): Promise<ErasurePlan | null> {
  const bytes = await context.privateStore.get(`${folder}/plan`);
  return bytes ? ErasurePlan.parse(JSON.parse(new TextDecoder().decode(bytes))) : null;
}

async function planErasure(
  context: AuthorityContext,
  name: RecordName,
  requests: readonly string[],
  folder: string,
): Promise<void> {
  const base = await requireGone(context, name);
  const { exchange, federation } = context;
  const heartbeat = (): void => context.heartbeat();
  const known = await knownHere(context, name);
  const traces = await tracesOf(exchange, keysOfFederation(federation), context.id, name, known, heartbeat);
  // A run that is under way may have read what goes now: it ends, and the next one begins without the record.
  await endLiveRun(context, name.dataset);
  const finder = new MarkFinder(traces.marks);
  await forgetObserved(context, name.dataset, (value) => finder.isIn(canonicalJson({ value })));
  const row = await (await ownTable(logObserver(context), name.dataset)).rowOf(tableId(name));
  const needed = [...(base?.types ?? []), ...(await observedTypes(context, name.dataset))];
  const plan: ErasurePlan = {
    provisional: [...traces.marks.provisional],
    salt: traces.marks.salt && Buffer.from(traces.marks.salt).toString('hex'),
    end: row?.end ?? null,
    operations: [...traces.operations].sort(),
    objects: [
      ...(await findObjects({
        exchange,
        prefix: context.id,
        marks: traces.marks,
        tableId: tableId(name),
        operations: traces.operations,
        needed: needed.flatMap(({ segments }) => segments),
        heartbeat,
      })),
    ],
    private: [...(await findPrivate(context.privateStore, traces))],
    requests: [...requests],
    outOfReach: [...(await outOfReach(context, name))],
    hlc: await context.clock.stamp(),
  };
  await context.privateStore.putIfAbsent(`${folder}/plan`, new TextEncoder().encode(JSON.stringify(plan)));
}

/** What the private store says of the record: its native object, and what people were asked. */
async function knownHere(context: AuthorityContext, { dataset, type, key }: RecordName): Promise<KnownHere> {
  const { privateStore } = context;
  const links = await loadLinks(privateStore, dataset, context.linkKey);
  await links.narrow(type, new Set(), new Set([key]));
  const nativeId = links.nativeIdOf(type, key);
  const asked: KnownHere['asked'][number][] = [];
  for (const name of await privateStore.list(`reviews/${dataset}/`)) {
    const [, , , folder] = name.split('/');
    if (folder === 'documents') asked.push(await askedElsewhere(privateStore, name));
    if (folder !== 'sheet') continue;
    const bytes = await privateStore.get(name);
    const sheet = bytes && ReviewSheet.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    if (sheet?.success)
      asked.push({
        operations: sheet.data.operations.map(({ operation }) => operation),
        conflicts: sheet.data.conflicts.map(({ conflict }) => conflict),
      });
  }
  const review = await readReviewState(context, dataset);
  if (review) asked.push({ operations: [...review.scope.operations], conflicts: [...review.scope.conflicts] });
  return { provisional: nativeId === null ? [] : [links.provisionalKeyOf(type, nativeId)], asked };
}

/** What a review asked about that was too large for its state (review-state.ts). */
async function askedElsewhere(store: ObjectStore, ref: string): Promise<KnownHere['asked'][number]> {
  const asked = { operations: [] as Operation[], conflicts: [] as Conflict[] };
  try {
    for await (const parts of documentParts(
      store,
      { ref, sha256: ref.slice(ref.lastIndexOf('/') + 1) },
      (member) => member in asked,
    ))
      for (const { member, text, isElement } of parts) {
        if (!isElement) continue;
        if (member === 'operations') asked.operations.push(Operation.parse(parsePart(text)));
        else asked.conflicts.push(Conflict.parse(parsePart(text)));
      }
  } catch (error) {
    // An erasure before this one took pieces of it away: what is left is looked through all the same.
    if (!(error instanceof ConcordatError) || error.code !== 'inputNotAuthentic') throw error;
  }
  return asked;
}

/** The base that this authority holds. Throws where the record is in it, or where somebody still needs what would go. */
async function requireGone(context: AuthorityContext, name: RecordName): Promise<Base | null> {
  const { exchange } = context;
  const { dataset, type, key } = name;
  const { state } = await readRunState(context, dataset);
  if (state.pending)
    throw new ConcordatError('erasureTooEarly', 'a candidate that this authority signed may not be sealed yet');
  if ((state.live?.reservedFor?.untilMs ?? 0) > context.now())
    throw new ConcordatError('erasureTooEarly', 'this authority is writing a plan of the dataset at this moment');
  const { agreement } = await readAgreement(context, dataset);
  if (!agreement) return null;
  const base = await getDocument(exchange, agreement.ref, Base);
  const members = context.federation.file.members.map(({ id }) => id);
  const reader = createSegmentReader({ store: exchange, prefixes: [context.id, ...members] });
  const sealed = base.types.find((one) => one.type === type);
  if (sealed && (await readOne(sealed, key, reader)))
    throw new ConcordatError('recordStillAgreed', `base ${base.sequence} of ${dataset} holds this ${type}`);
  const links = await loadLinks(context.privateStore, dataset, context.linkKey);
  await links.narrow(type, new Set(), new Set([key]));
  if (links.nativeIdOf(type, key) !== null && (await isObserved(context, name)))
    throw new ConcordatError(
      'recordStillAgreed',
      `the mesh of ${context.id} still showed this ${type} in the last run`,
    );
  // Who signed the base and has not taken it up yet makes it again from what would go.
  const seal = await getDocument(exchange, agreement.seal, Seal);
  for (const member of seal.witnesses.map(authorityOfRef))
    if ((await exchange.get(sealedName(lineagePrefix(member, dataset), agreement.sequence))) === null)
      throw new ConcordatError('erasureTooEarly', `${member} has not taken up base ${agreement.sequence} yet`);
  return base;
}

async function isObserved(context: AuthorityContext, { dataset, type, key }: RecordName): Promise<boolean> {
  const [current] = (await observedTypes(context, dataset)).filter((sealed) => sealed.type === type);
  const reader = createSegmentReader({ store: context.exchange, prefixes: [context.id] });
  return current !== undefined && (await readOne(current, key, reader)) !== undefined;
}

async function endLiveRun(context: AuthorityContext, dataset: string): Promise<void> {
  const { state, version } = await readRunState(context, dataset);
  if (!state.live) return;
  if (!(await writeRunState(context, dataset, version, { ...state, live: null })))
    throw new ConcordatError('erasureTooEarly', 'a run of the dataset takes a step at this moment');
}

async function outOfReach(context: AuthorityContext, name: RecordName): Promise<readonly OutOfReach[]> {
  const { mesh, approval } = authorityOf(context);
  const members = context.federation.datasets[name.dataset]?.members ?? [];
  const keys = keysOfFederation(context.federation);
  const open: OutOfReach[] = [];
  for (const who of [...members].sort())
    if (who !== context.id && !(await readErasure(context.exchange, keys, who, name.dataset, erasureSubject(name))))
      open.push({ kind: 'member', who });
  const always = [
    'exports',
    'storeBackups',
    'temporalHistories',
    'logFiles',
    'lineageEvents',
    'cloudAuditLog',
  ] as const;
  return [
    ...always.map((kind) => ({ kind, who: null })),
    ...(approval.webhookFrom === undefined ? [] : [{ kind: 'notices' as const, who: null }]),
    ...(mesh.kind === 'entra' ? [{ kind: 'cloudRecycleBin' as const, who: context.id }] : []),
    { kind: 'coordinator', who: null },
    ...open,
  ];
}

async function carryOut(context: AuthorityContext, name: RecordName, plan: ErasurePlan): Promise<void> {
  const { exchange, privateStore } = context;
  const traces: Traces = {
    marks: { name, provisional: plan.provisional, salt: plan.salt === null ? null : Buffer.from(plan.salt, 'hex') },
    operations: new Set(plan.operations),
  };
  await eraseRow(logObserver(context), name);
  await context.checkpoint?.('erasureSalt');
  for (const object of plan.objects) {
    await exchange.remove(object.name);
    await context.checkpoint?.('erasureObject');
    context.heartbeat();
  }
  for (const { name: object, kind } of plan.private)
    await removePrivate(privateStore, { name: object, kind: kind as PrivateKind }, traces);
  await pruneHeads(privateStore, traces, context.linkKey);
  await pruneSchemas(privateStore, traces.marks.name.dataset, traces.marks.name.type);
  const finder = new MarkFinder(traces.marks);
  const holds = (bytes: Uint8Array): boolean => finder.isIn(bytes);
  await exchange.removeUnfinished(holds);
  await privateStore.removeUnfinished(holds);
  await requireNothingLeft(context, name, finder);
}

/** Reads all of it once more: a receipt says what was looked for and not found, not what a list said. */
async function requireNothingLeft(context: AuthorityContext, name: RecordName, finder: MarkFinder): Promise<void> {
  const plan = `${erasingFolder(name.dataset, erasureSubject(name))}/plan`;
  const proposed = tableId(name);
  for (const { store, prefix } of [
    { store: context.exchange, prefix: `${context.id}/` },
    { store: context.privateStore, prefix: '' },
  ])
    for (const object of await store.list(prefix)) {
      if (object === plan || object.startsWith('secrets/')) continue;
      const bytes = await store.get(object);
      context.heartbeat();
      const isSalt = object.startsWith(`${context.id}/salts/`) && Buffer.from(bytes ?? []).includes(proposed);
      if (!isSalt && !finder.isIn(object) && !(bytes && finder.isIn(bytes))) continue;
      // Its name may hold the record's.
      const [first = '', second = ''] = object.split('/');
      throw new ConcordatError('erasureIncomplete', `an object under ${first}/${second} still holds the record`);
    }
}

/** The first that was signed stands. */
async function signReceipt(
  context: AuthorityContext,
  name: RecordName,
  plan: ErasurePlan,
  folder: string,
): Promise<string> {
  const removed: Record<string, number> = { salt: plan.salt === null ? 0 : 1 };
  for (const { kind } of [...plan.objects, ...plan.private]) removed[kind] = (removed[kind] ?? 0) + 1;
  const objects = await putDocument(context.exchange, context.id, {
    names: plan.objects.map((object) => object.name),
  });
  const receipt: ErasureReceipt = {
    federation: context.federation.file.federation,
    authority: context.id,
    dataset: name.dataset,
    type: name.type,
    subject: erasureSubject(name),
    record: plan.salt === null ? null : opaqueId(Buffer.from(plan.salt, 'hex'), name),
    end: plan.end,
    requests: plan.requests,
    removed,
    objects: objects.sha256,
    outOfReach: plan.outOfReach,
    hlc: plan.hlc,
  };
  const jws = await signCompact(receipt, { typ: erasureReceiptType, key: context.signingKey });
  await context.privateStore.putIfAbsent(`${folder}/receipt`, new TextEncoder().encode(jws));
  const kept = await context.privateStore.get(`${folder}/receipt`);
  return kept ? new TextDecoder().decode(kept) : jws;
}

async function publish(context: AuthorityContext, jws: string): Promise<void> {
  const verified = await verifyErasure(jws, keysOfFederation(context.federation));
  const { receipt } = verified;
  const entry = new TextEncoder().encode(canonicalJson(erasureEntry(verified)));
  const { position } = await appendToLog(logObserver(context), [entry]);
  const published: PublishedErasure = { receipt: jws, position };
  await context.exchange.putIfAbsent(
    `${erasuresFolder(context.id, receipt.dataset)}${receipt.subject}`,
    new TextEncoder().encode(JSON.stringify(published)),
  );
}

async function erased(context: AuthorityContext, jws: string): Promise<EraseResult> {
  const { receipt } = await verifyErasure(jws, keysOfFederation(context.federation));
  return { kind: 'erased', authority: context.id, receipt: jws, removed: receipt.removed };
}
