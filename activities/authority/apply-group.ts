/**
 * Operations of one type and kind, carried out together where the connector takes many objects at once: the same steps in
 * the same order as apply-operation.ts, each of them once for all. Read, compare with what the plan expected, announce,
 * write once, look at what was left, receipts.
 *
 * HAZARD: the order of these lines is the guarantee, as there. Whatever is not plain (two native objects for one record, an
 * attempt that stopped half way, a name that is taken) goes through apply-operation.ts by itself.
 */
import { digestOf, type Digest } from '../../core/digest.js';
import { ConcordatError, type ErrorCode } from '../../core/errors.js';
import { mapOf } from '../../core/federation/federation.js';
import { touchedState, type Operation } from '../../core/operation.js';
import type { Receipt } from '../../core/receipt.js';
import type { NativeObject } from '../../core/record.js';
import type { BatchAnswer, Batches, NativeWrite } from '../connectors/connector.js';
import {
  applyOperation,
  isPlainlyOf,
  readBack,
  translated,
  type Current,
  type OperationContext,
} from './apply-operation.js';
import { letOthersRun } from '../event-loop.js';
import { keepCreatedLinks } from '../links.js';
import { keepOwnWrites } from './increments/own-writes.js';
import { Journal, keepReceipt } from './journal.js';
import { isBringingBack, nativeChange } from './native-writes.js';
import { keepUnsettled, listUnsettled } from './unsettled.js';

/** What becomes of an operation; `undefined`: it is left for another attempt or run. */
type Ending =
  | { readonly kind: 'receipt'; readonly answer: Omit<Receipt, 'hlc'> }
  | { readonly kind: 'kept'; readonly receipt: Receipt };

interface ToWrite {
  readonly operation: Operation;
  readonly announced: boolean;
  readonly write: NativeWrite;
}

/** Stops where the effect of one is unknown, or something is thrown that ends the commit. Receipts stand in the order of the operations. */
export interface GroupResult {
  readonly receipts: readonly Receipt[];
  readonly stoppedBy: unknown;
}

/** Groups of operations that may be written together, in the order in which they are to be written. */
export function* groupsOf(operations: Iterable<Operation>, objectsMax: number): Generator<readonly Operation[]> {
  let group: Operation[] = [];
  for (const operation of operations) {
    const [first] = group;
    if (first && (group.length >= objectsMax || first.type !== operation.type || first.kind !== operation.kind)) {
      yield group;
      group = [];
    }
    group.push(operation);
  }
  if (group.length > 0) yield group;
}

export async function applyGroup(
  scope: OperationContext,
  batches: Batches,
  operations: readonly Operation[],
): Promise<GroupResult> {
  const { journal } = scope;
  const endings = new Map<Digest, Ending>();
  const alone: { readonly operation: Operation; readonly announced: boolean }[] = [];
  let stoppedBy: unknown;
  try {
    for (const operation of operations) {
      const receipt = await journal.readReceiptBefore(operation.id);
      if (receipt) endings.set(operation.id, { kind: 'kept', receipt });
    }
    const open = operations.filter(({ id }) => !endings.has(id));
    if (open.length > 0) await writeTogether(scope, batches, { operations, open, endings, alone });
    for (const { operation, announced } of alone) {
      // What is unknown stops everything after it, as it does where operations go one by one.
      if ([...endings.values()].some(isUnknown)) break;
      endings.set(operation.id, { kind: 'kept', receipt: await applyOperation(scope, operation, announced) });
    }
  } catch (error) {
    stoppedBy = error;
  }
  return { receipts: await keepAll(scope, operations, endings), stoppedBy };
}

function isUnknown(ending: Ending): boolean {
  return (ending.kind === 'kept' ? ending.receipt : ending.answer).outcome === 'unknown';
}

interface CreatedLink {
  readonly type: string;
  readonly nativeId: string;
  readonly key: string;
}

/** From now on these native objects are those records; durable at once, since no list would tell us after a crash. */
async function adoptAll({ context, dataset, own }: OperationContext, links: readonly CreatedLink[]): Promise<void> {
  if (links.length === 0) return;
  await keepCreatedLinks(context.privateStore, dataset, links);
  for (const { type, nativeId, key } of links) {
    own.links.set(type, nativeId, key);
    own.learn(type, nativeId, key);
  }
}

interface Together {
  readonly operations: readonly Operation[];
  readonly open: readonly Operation[];
  readonly endings: Map<Digest, Ending>;
  readonly alone: { readonly operation: Operation; readonly announced: boolean }[];
}

async function writeTogether(scope: OperationContext, batches: Batches, together: Together): Promise<void> {
  const { context, journal } = scope;
  const { endings, alone } = together;
  const toWrite = await decide(scope, batches, together);
  if (toWrite.length === 0) return;

  scope.requireTimely();
  const ids = toWrite.map(({ operation }) => operation.id);
  await journal.keepGroupIntent(Journal.groupOf(together.operations), ids, context.now());
  await context.checkpoint?.('afterIntent');
  const writes = toWrite.map(({ write }) => write);
  await keepOwnWrites(context, scope.dataset, scope.permit, writes);
  const answers = await batches.writeMany(writes, {
    announce: async () => {
      await context.checkpoint?.('beforeCall');
      context.heartbeat();
    },
    mayGoOn: scope.mayGoOn,
  });
  await context.checkpoint?.('afterWrite');
  const written: { readonly one: ToWrite; readonly answer: Extract<BatchAnswer, { readonly kind: 'applied' }> }[] = [];
  for (const [at, one] of toWrite.entries()) {
    const answer = answers[at] ?? { kind: 'notSent' };
    if (answer.kind === 'notSent') continue;
    if (answer.kind === 'applied') written.push({ one, answer });
    // Somebody was faster, or an attempt of ours that died: the row under the name says which.
    else if (answer.kind === 'conflict' && one.operation.kind === 'create') alone.push(one);
    else endings.set(one.operation.id, ended(one.operation, answer.kind, answer.code, null));
  }
  await adoptAll(
    scope,
    written.flatMap(({ one: { operation }, answer }) =>
      operation.kind === 'create' ? [{ type: operation.type, nativeId: answer.id, key: operation.key }] : [],
    ),
  );
  await context.checkpoint?.('afterLink');
  await lookAtWhatWasLeft(scope, batches, written, endings);
  await context.checkpoint?.('beforeReceipt');
}

/** What is to be written of a group; all others get their ending, or are put beside to be applied alone. */
async function decide(scope: OperationContext, batches: Batches, together: Together): Promise<readonly ToWrite[]> {
  const { context, journal, own } = scope;
  const { open, endings, alone } = together;
  const map = mapOf(context.federation, context.id, scope.type.taxonomy.type);
  const unsettled = new Map(
    (await listUnsettled(context, scope.dataset)).map((one) => [`${one.type} ${one.key}`, one]),
  );
  const nativeIds = new Map(open.map(({ id, type, key }) => [id, own.nativeIdsOf(type, key)]));
  const wanted = [...nativeIds.values()].flatMap((ids) => (ids.length === 1 ? ids : []));
  const objects =
    map && wanted.length > 0 ? await batches.readMany(map.native, wanted) : new Map<string, NativeObject>();
  context.heartbeat();

  const toWrite: ToWrite[] = [];
  const targets = new Set<string>();
  for (const operation of open) {
    await letOthersRun();
    const announced = journal.hadIntentBefore(operation.id);
    const [nativeId, second] = nativeIds.get(operation.id) ?? [];
    const object = nativeId === undefined ? null : (objects.get(nativeId) ?? null);
    const isPlain =
      map !== undefined &&
      second === undefined &&
      !isBringingBack(operation) &&
      !unsettled.has(`${operation.type} ${operation.key}`) &&
      (object === null || isPlainlyOf(scope, operation, object));
    const current: Current | null | 'untranslatable' = isPlain && object ? translated(scope, operation, object) : null;
    if (!isPlain || current === 'untranslatable') {
      alone.push({ operation, announced });
      continue;
    }
    const found = digestOf(touchedState(operation.changes, current?.fields ?? null));
    if (found === operation.leaves && operation.kind !== 'create') {
      // What an earlier attempt of this very operation announced is its own work.
      endings.set(operation.id, ended(operation, announced ? 'applied' : 'alreadyApplied', null, found));
      continue;
    }
    if (found !== operation.expects) {
      // What is there already under the name, or half way, is told apart by the steps for one.
      if (announced || operation.kind === 'create') alone.push({ operation, announced });
      else endings.set(operation.id, ended(operation, 'conflict', 'expectationFailed', found));
      continue;
    }
    const opened = scope.disclosed.open(operation, scope.type.digests);
    if (opened.kind === 'refused') {
      endings.set(operation.id, ended(operation, 'refused', opened.code, found));
      continue;
    }
    const change = nativeChange(context, {
      operation: opened.operation,
      resumes: announced,
      type: scope.type,
      native: current ? { id: current.object.id, body: current.object.body, fields: current.fields } : null,
      formerId: null,
      resolve: own.resolve,
      resolveBack: own.resolveBack,
    });
    if (change.kind === 'refused') {
      endings.set(operation.id, ended(operation, 'refused', change.code, found));
      continue;
    }
    // No two writes of a batch may be of one object.
    if (nativeId !== undefined && targets.has(nativeId)) alone.push({ operation, announced });
    else toWrite.push({ operation, announced, write: change.write });
    if (nativeId !== undefined) targets.add(nativeId);
  }
  return toWrite;
}

/** Told by the write itself where the store does, else read again; what does not show yet is waited for one by one. */
async function lookAtWhatWasLeft(
  scope: OperationContext,
  batches: Batches,
  written: readonly {
    readonly one: ToWrite;
    readonly answer: Extract<BatchAnswer, { readonly kind: 'applied' }>;
  }[],
  endings: Map<Digest, Ending>,
): Promise<void> {
  const [first] = written;
  if (!first) return;
  const silent = written.filter(({ answer }) => answer.object === undefined);
  // A deletion shows by what is not there any more, so it is looked at like everything else.
  // HAZARD: the writes had their effect. A store that cannot be read right after them must not cost the receipts.
  const ids = silent.map(({ answer }) => answer.id);
  const shown =
    silent.length === 0
      ? new Map<string, NativeObject>()
      : await batches.readMany(first.one.write.type, ids).catch((error: unknown) => {
          if (error instanceof ConcordatError && error.code !== 'storeFault') return null;
          throw error;
        });
  for (const { one, answer } of written) {
    await letOthersRun();
    const { operation } = one;
    const object = answer.object ?? shown?.get(answer.id) ?? null;
    const isOwn = object === null || isPlainlyOf(scope, operation, object);
    const current = object && isOwn ? translated(scope, operation, object) : null;
    const left =
      current === 'untranslatable' ? null : digestOf(touchedState(operation.changes, current?.fields ?? null));
    const isSeen = object !== null || (operation.kind === 'delete' && shown !== null);
    if (left === operation.leaves && isSeen) endings.set(operation.id, ended(operation, 'applied', null, left));
    else endings.set(operation.id, { kind: 'kept', receipt: await readBack(scope, operation, answer.id) });
  }
}

function ended(operation: Operation, outcome: Receipt['outcome'], code: ErrorCode | null, left: Digest | null): Ending {
  return { kind: 'receipt', answer: { operation: operation.id, outcome, code, left } };
}

/** Together where every operation of the group has its receipt, else each by itself. */
async function keepAll(
  scope: OperationContext,
  operations: readonly Operation[],
  endings: ReadonlyMap<Digest, Ending>,
): Promise<readonly Receipt[]> {
  const { context, permit, journal } = scope;
  for (const operation of operations) {
    const ending = endings.get(operation.id);
    // Before the receipts: a crash between the two leaves a write that is asked about, and never one that is forgotten.
    if (ending?.kind === 'receipt' && ending.answer.outcome === 'unknown')
      await keepUnsettled(context, scope.attempt(operation), operation, ending.answer.code);
  }
  const isWhole = operations.every(({ id }) => endings.has(id));
  const isNew = [...endings.values()].some(({ kind }) => kind === 'receipt');
  if (!isWhole || !isNew) {
    const receipts: Receipt[] = [];
    for (const { id } of operations) {
      const ending = endings.get(id);
      if (ending)
        receipts.push(ending.kind === 'kept' ? ending.receipt : await keepReceipt(context, permit, ending.answer));
    }
    return receipts;
  }
  // One stamp: the answers became known together.
  const hlc = await context.clock.stamp();
  const receipts = operations.flatMap(({ id }): Receipt[] => {
    const ending = endings.get(id);
    return ending ? [ending.kind === 'kept' ? ending.receipt : { ...ending.answer, hlc }] : [];
  });
  return journal.keepGroupReceipts(Journal.groupOf(operations), receipts);
}
