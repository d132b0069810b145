/**
 * One operation, carried out so that a crash between any two lines leaves at most one effect and at least one receipt:
 * read, compare with what the plan expected, announce, write once, read back, receipt.
 *
 * HAZARD: the order of these lines is the guarantee. Intent is durable before the call leaves; a receipt is durable only
 * after the effect was seen; an answer that cannot be classified is `unknown`, and nothing is repeated blindly.
 */
import { digestOf, type Digest } from '../../core/digest.js';
import { ConcordatError, type ErrorCode } from '../../core/errors.js';
import { mapOf, type DatasetType } from '../../core/federation/federation.js';
import { canonicalJson } from '../../core/digest.js';
import { touchedState, type Operation } from '../../core/operation.js';
import type { Receipt } from '../../core/receipt.js';
import type { Fields, NativeObject } from '../../core/record.js';
import type { NativeWrite, WriteAnswer } from '../connectors/connector.js';
import type { DisclosedValues } from './disclosure.js';
import { formerIdOf, keepCreatedLink } from '../links.js';
import type { AuthorityContext } from './context.js';
import { keepOwnWrites } from './increments/own-writes.js';
import { keepIntent, keepReceipt, type Journal } from './journal.js';
import { isBringingBack, nativeChange } from './native-writes.js';
import type { OwnRecords } from './own-records.js';
import { keepUnsettled, unsettledOf, type Attempt } from './unsettled.js';

export interface OperationContext {
  readonly context: AuthorityContext;
  readonly dataset: string;
  readonly permit: Digest;
  readonly journal: Journal;
  readonly own: OwnRecords;
  readonly type: DatasetType;
  /** Clear values of what the operations write to `digest` fields. */
  readonly disclosed: DisclosedValues;
  /** Of this attempt, for a write whose effect nobody will know. */
  readonly attempt: (operation: Operation) => Attempt;
  /** Throws where this authority accepts no write at this moment. */
  readonly requireTimely: () => void;
  /** Whether it does, and nobody has cancelled it: asked between the calls of a batch. */
  readonly mayGoOn: () => boolean;
}

export interface Current {
  readonly object: NativeObject;
  readonly fields: Fields;
}

/** Clouds show their own writes late; this long they are given to. */
const readBackTries = 8;
const readBackFirstWaitMs = 50;

/** `announcedBefore`: whether an attempt before this one announced it, where the caller knows. */
export async function applyOperation(
  scope: OperationContext,
  operation: Operation,
  announcedBefore?: boolean,
): Promise<Receipt> {
  const { context, permit, journal } = scope;
  const existing = await journal.readReceipt(operation.id);
  if (existing) return existing;
  const announced = announcedBefore ?? (await journal.hadIntent(operation.id));

  const current = await readCurrent(scope, operation);
  if (current === 'untranslatable') return receipt(scope, operation, 'conflict', 'expectationFailed', null);
  // HAZARD: read again right before the write: what became opaque since the snapshot is left alone.
  if (current?.object.opaque !== undefined) return receipt(scope, operation, 'refused', 'opaqueRecord', null);
  const found = digestOf(touchedState(operation.changes, current?.fields ?? null));
  if (found === operation.leaves) {
    if (operation.kind === 'create' && current) await adopt(scope, operation, current.object.id);
    // What an earlier attempt of this very operation announced is its own work.
    return receipt(scope, operation, announced ? 'applied' : 'alreadyApplied', null, found);
  }
  if (found !== operation.expects && !(announced && isBetween(operation, current?.fields ?? null))) {
    return receipt(scope, operation, 'conflict', 'expectationFailed', found);
  }

  // HAZARD: a call of an earlier attempt may still be under way; what it would overtake, or do twice, is not written.
  const unsettled = await unsettledOf(context, scope.dataset, operation);
  if (unsettled?.operation === operation.id && unsettled.permit === permit)
    return receipt(scope, operation, 'unknown', 'effectUnknown', found);
  if (unsettled) return receipt(scope, operation, 'refused', 'unsettledWrite', found);

  const opened = scope.disclosed.open(operation, scope.type.digests);
  if (opened.kind === 'refused') return receipt(scope, operation, 'refused', opened.code, found);
  const change = nativeChange(context, {
    operation: opened.operation,
    resumes: announced,
    type: scope.type,
    native: current ? { id: current.object.id, body: current.object.body, fields: current.fields } : null,
    formerId: isBringingBack(operation)
      ? await formerIdOf(context.privateStore, scope.dataset, operation.type, operation.key)
      : null,
    resolve: scope.own.resolve,
    resolveBack: scope.own.resolveBack,
  });
  if (change.kind === 'refused') return receipt(scope, operation, 'refused', change.code, found);

  if (operation.kind === 'create' && !current) {
    const twin = await context.connector.findTwin(
      change.write.type,
      change.write.kind === 'create' ? change.write.after : {},
    );
    if (twin) return takeTwin(scope, operation, opened.operation, twin, announced);
  }

  scope.requireTimely();
  await keepIntent(context, permit, operation.id);
  await context.checkpoint?.('afterIntent');
  const answer = await send(scope, change.write);
  await context.checkpoint?.('afterWrite');
  if (answer.kind !== 'applied') return receipt(scope, operation, answer.kind, answer.code, null);
  if (operation.kind === 'create') await adopt(scope, operation, answer.id);
  await context.checkpoint?.('afterLink');
  if (operation.kind === 'delete') {
    const left = await deleteDoubles(scope, operation, opened.operation, answer.id);
    if (left) return left;
  }
  return readBack(scope, operation, answer.id);
}

/** The other native objects under the same natural key: the record is gone when all of them are. */
async function deleteDoubles(
  scope: OperationContext,
  operation: Operation,
  opened: Operation,
  deleted: string,
): Promise<Receipt | null> {
  for (const nativeId of scope.own.nativeIdsOf(operation.type, operation.key)) {
    if (nativeId === deleted) continue;
    const current = await readById(scope, operation, nativeId);
    if (current === null) continue;
    if (current === 'untranslatable') return receipt(scope, operation, 'conflict', 'expectationFailed', null);
    if (current.object.opaque !== undefined) return receipt(scope, operation, 'refused', 'opaqueRecord', null);
    const change = nativeChange(scope.context, {
      operation: opened,
      type: scope.type,
      native: { id: nativeId, body: current.object.body, fields: current.fields },
      resolve: scope.own.resolve,
      resolveBack: scope.own.resolveBack,
    });
    if (change.kind === 'refused') return receipt(scope, operation, 'refused', change.code, null);
    scope.requireTimely();
    const answer = await send(scope, change.write);
    if (answer.kind !== 'applied') return receipt(scope, operation, answer.kind, answer.code, null);
    await scope.context.checkpoint?.('afterWrite');
  }
  return null;
}

async function send({ context, dataset, permit }: OperationContext, write: NativeWrite): Promise<WriteAnswer> {
  await keepOwnWrites(context, dataset, permit, [write]);
  return context.connector.write(write, async () => {
    await context.checkpoint?.('beforeCall');
    context.heartbeat();
  });
}

async function readCurrent(scope: OperationContext, operation: Operation): Promise<Current | null | 'untranslatable'> {
  for (const nativeId of scope.own.nativeIdsOf(operation.type, operation.key)) {
    const current = await readById(scope, operation, nativeId);
    if (current !== null) return current;
  }
  return null;
}

async function readById(
  scope: OperationContext,
  operation: Operation,
  nativeId: string,
): Promise<Current | null | 'untranslatable'> {
  const map = mapOf(scope.context.federation, scope.context.id, operation.type);
  if (!map) return null;
  const object = await scope.context.connector.readOne(map.native, nativeId);
  if (object === null) return null;
  return object.opaque !== undefined || isOf(scope, operation, object) ? translated(scope, operation, object) : null;
}

/** Under a natural key an object is this record as long as it says so. */
function isOf(scope: OperationContext, operation: Operation, object: NativeObject): boolean {
  if (scope.type.taxonomy.key === undefined) return true;
  const key = scope.own.keyNow(operation.type, object);
  return key === null || key === operation.key;
}

/** Whether nothing has to be said about an object but what it holds. */
export function isPlainlyOf(scope: OperationContext, operation: Operation, object: NativeObject): boolean {
  return object.opaque === undefined && isOf(scope, operation, object);
}

export function translated(
  scope: OperationContext,
  operation: Operation,
  object: NativeObject,
): Current | 'untranslatable' {
  const translation = scope.own.translate(scope.type, object, operation.key);
  return translation.kind === 'record' ? { object, fields: translation.record.fields } : 'untranslatable';
}

/** An object under the new record's own name: ours from an attempt that died, the very same made by somebody else, or a stranger's. */
async function takeTwin(
  scope: OperationContext,
  operation: Operation,
  opened: Operation,
  twin: NativeObject,
  announced: boolean,
): Promise<Receipt> {
  if (twin.opaque !== undefined) return receipt(scope, operation, 'refused', 'opaqueRecord', null);
  const current = translated(scope, operation, twin);
  const linkedElsewhere = (await scope.own.links.linkedKeyOf(operation.type, twin.id)) !== null;
  if (current === 'untranslatable' || linkedElsewhere) return receipt(scope, operation, 'conflict', 'nameTaken', null);
  const found = digestOf(touchedState(operation.changes, current.fields));
  if (found === operation.leaves) {
    await adopt(scope, operation, twin.id);
    return receipt(scope, operation, announced ? 'applied' : 'alreadyApplied', null, found);
  }
  if (!announced) return receipt(scope, operation, 'conflict', 'nameTaken', found);
  // Our own creation stopped half way: what is missing is completed as an update of what is there.
  const rest = nativeChange(scope.context, {
    operation: { ...opened, kind: 'update' },
    resumes: true,
    type: scope.type,
    native: { id: twin.id, body: twin.body, fields: current.fields },
    resolve: scope.own.resolve,
    resolveBack: scope.own.resolveBack,
  });
  if (rest.kind === 'refused') return receipt(scope, operation, 'refused', rest.code, found);
  scope.requireTimely();
  const answer = await send(scope, rest.write);
  if (answer.kind !== 'applied') return receipt(scope, operation, answer.kind, answer.code, null);
  await adopt(scope, operation, twin.id);
  return readBack(scope, operation, twin.id);
}

export async function readBack(scope: OperationContext, operation: Operation, nativeId: string): Promise<Receipt> {
  let left: Digest | null = null;
  let unreadable = false;
  for (let tries = 0; tries < readBackTries; tries += 1) {
    if (tries > 0) await delay(readBackFirstWaitMs * 2 ** (tries - 1));
    scope.context.heartbeat();
    let current: Current | null | 'untranslatable';
    try {
      current =
        operation.kind === 'delete' ? await readCurrent(scope, operation) : await readById(scope, operation, nativeId);
    } catch (error) {
      // HAZARD: the write had its effect. A cloud that cannot be read right after it must not cost the receipt.
      if (!(error instanceof ConcordatError) || error.code === 'storeFault') throw error;
      unreadable = true;
      continue;
    }
    unreadable = false;
    if (current === 'untranslatable') continue;
    left = digestOf(touchedState(operation.changes, current?.fields ?? null));
    if (left === operation.leaves) {
      await scope.context.checkpoint?.('beforeReceipt');
      return receipt(scope, operation, 'applied', null, left);
    }
  }
  return receipt(scope, operation, 'unknown', unreadable ? 'effectUnknown' : 'readBackDiffers', left);
}

/** From now on this native object is that record; durable at once, since no list would tell us after a crash. */
async function adopt(scope: OperationContext, operation: Operation, nativeId: string): Promise<void> {
  await keepCreatedLink(scope.context.privateStore, scope.dataset, operation.type, nativeId, operation.key);
  scope.own.links.set(operation.type, nativeId, operation.key);
  scope.own.learn(operation.type, nativeId, operation.key);
}

/** Whether every touched field holds what it held before or what it shall hold: the mark of our own attempt that stopped half way. */
function isBetween(operation: Operation, fields: Fields | null): boolean {
  if (fields === null) return operation.kind === 'create';
  return operation.changes.every((change) => {
    if (change.kind === 'set') return true;
    const value = canonicalJson({ value: fields[change.field] ?? null });
    return value === canonicalJson({ value: change.before }) || value === canonicalJson({ value: change.after });
  });
}

async function receipt(
  scope: OperationContext,
  operation: Operation,
  outcome: Receipt['outcome'],
  code: ErrorCode | null,
  left: Digest | null,
): Promise<Receipt> {
  // Before the receipt: a crash between the two leaves a write that is asked about, and never one that is forgotten.
  if (outcome === 'unknown') await keepUnsettled(scope.context, scope.attempt(operation), operation, code);
  return keepReceipt(scope.context, scope.permit, { operation: operation.id, outcome, code, left });
}

function delay(waitMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, waitMs));
}
