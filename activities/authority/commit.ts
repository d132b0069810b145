/** Carries out what the permit releases to this authority: the gate and every write in one attempt of one activity. */
import { amongIds } from '../../core/digest-list.js';
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import type { DatasetType } from '../../core/federation/federation.js';
import type { LongList } from '../../core/long-list.js';
import { receiptsType, type Ref, type ReceiptsStatement } from '../../core/messages.js';
import { countReceipts, hadEffect, type Outcome, type Receipt } from '../../core/receipt.js';
import type { StepProgress } from '../../core/step-progress.js';
import type { CommitInput, CommitResult } from '../../workflows/contract.js';
import { isSliceOver, letOthersRun } from '../event-loop.js';
import { putDocument, putMessage } from '../exchange.js';
import { signCompact } from '../keys/sign.js';
import { GatheredList } from '../spilling/gathered-list.js';
import { keepApplying } from './applied-values.js';
import { applyGroup, groupsOf } from './apply-group.js';
import { applyOperation, type OperationContext } from './apply-operation.js';
import type { AuthorityContext } from './context.js';
import { spendDecision, spendTogether } from './decisions.js';
import { passGate, requireTimely, type GatePass } from './gate.js';
import { Journal } from './journal.js';
import { releaseBase } from './live-run.js';

export async function applyPermit(
  context: AuthorityContext,
  input: CommitInput,
  signal?: AbortSignal,
): Promise<CommitResult> {
  const { dataset } = input.inputs;
  let pass: GatePass;
  try {
    // A key that was revoked since the run began counts for nothing that is written now.
    await context.refreshTerms?.();
    pass = await passGate(context, input);
  } catch (error) {
    if (!(error instanceof ConcordatError) || error.code === 'storeFault') throw error;
    return { kind: 'refused', authority: context.id, code: error.code, message: error.message, receipts: null };
  }
  await keepApplying(context, pass.recomputed, pass.permitDigest, pass);
  const approvals = approvalsOf(pass);
  const journal = await Journal.open(context, pass.permitDigest);
  const scopeOf = (type: DatasetType): OperationContext => ({
    context,
    dataset,
    permit: pass.permitDigest,
    journal,
    own: pass.own,
    type,
    disclosed: pass.disclosed,
    attempt: ({ id }) => ({
      dataset,
      permit: pass.permitDigest,
      inputs: input.inputs,
      plan: input.plan,
      decisions: [...new Set(approvals(id).map(({ decision }) => decision))],
    }),
    requireTimely: () => requireTimely(context, pass.openedAtMs),
    mayGoOn: () => signal?.aborted !== true && isTimely(context, pass.openedAtMs),
  });
  const receipts = new GatheredList<Receipt>();
  const counts: Record<Outcome, number> = { ...countReceipts([]) };
  let lastOutcome: Outcome | undefined;
  const keep = (receipt: Receipt): void => {
    receipts.put(receipt);
    counts[receipt.outcome] += 1;
    lastOutcome = receipt.outcome;
  };
  const begunMs = context.now();
  const of = pass.operations.length;
  let before = 0;
  for (const { id } of pass.operations) {
    if (isSliceOver()) await letOthersRun();
    if (journal.hadReceiptBefore(id)) before += 1;
  }
  let stoppedBy: ConcordatError | undefined;
  const { batches } = context.connector;
  for (const group of groupsOf(pass.operations, batches?.objectsMax ?? 1)) {
    if (signal?.aborted) break;
    // What earlier attempts did stands mostly first, and is gone over without being done again.
    const done = Math.max(before, receipts.length);
    context.heartbeat({ kind: 'writing', done, of, before, begunMs, atMs: context.now() } satisfies StepProgress);
    const [first] = group;
    const scope = scopeOf(pass.recomputed.typeOf(first?.type ?? '') as DatasetType);
    try {
      if (batches && group.length > 1) {
        const result = await applyGroup(scope, batches, group);
        for (const receipt of result.receipts) keep(receipt);
        await spend(context, input, pass, approvals, result.receipts);
        if (result.stoppedBy !== undefined) throw result.stoppedBy;
        if (result.receipts.length < group.length) {
          scope.requireTimely();
          break;
        }
        if (result.receipts.some(({ outcome }) => outcome === 'unknown')) break;
      } else
        for (const operation of group) {
          const receipt = await applyOperation(scope, operation);
          keep(receipt);
          await spend(context, input, pass, approvals, [receipt]);
        }
      // An effect that nobody can tell: stop, ask, and write nothing that might build on it.
      if (lastOutcome === 'unknown') break;
    } catch (error) {
      // The time for writing is over, or the cloud cannot be read: what is done is reported, the rest waits for the next
      // run. Thrown on, it would keep the base reserved and its receipts from everybody.
      if (!(error instanceof ConcordatError) || error.code === 'storeFault') throw error;
      stoppedBy = error;
      break;
    }
  }
  await releaseBase(context, dataset, pass.recomputed.planDigest);
  const complete = receipts.length === pass.operations.length && counts.unknown === 0;
  const ref = await signReceipts(context, input, pass, await receipts.finish(), complete);
  if (stoppedBy && receipts.length === 0)
    return { kind: 'refused', authority: context.id, code: stoppedBy.code, message: stoppedBy.message, receipts: ref };
  return {
    kind: 'done',
    authority: context.id,
    receipts: ref,
    complete,
    code: stoppedBy?.code ?? null,
    counts,
  };
}

function isTimely(context: AuthorityContext, openedAtMs: number): boolean {
  try {
    requireTimely(context, openedAtMs);
    return true;
  } catch (error) {
    if (error instanceof ConcordatError) return false;
    throw error;
  }
}

/** Uses up the decisions behind what had an effect. */
async function spend(
  context: AuthorityContext,
  { inputs: { dataset } }: CommitInput,
  { permitDigest }: GatePass,
  approvals: (operation: Digest) => readonly Approval[],
  receipts: readonly Receipt[],
): Promise<void> {
  const spent = receipts.flatMap(({ operation, outcome }) => (hadEffect(outcome) ? approvals(operation) : []));
  if (receipts.length === 1) {
    for (const { decision, subject } of spent) await spendDecision(context, dataset, decision, subject, permitDigest);
    return;
  }
  const byDecision = new Map<string, Digest[]>();
  for (const { decision, subject } of spent) {
    const subjects = byDecision.get(decision) ?? [];
    subjects.push(subject);
    byDecision.set(decision, subjects);
  }
  await spendTogether(context, dataset, byDecision, permitDigest);
}

export interface Approval {
  /** The id of the decision. */
  readonly decision: string;
  /** What it named: the operation itself, or the conflict whose choice released it. */
  readonly subject: Digest;
}

/** By operation, the decisions that named it and those that made the choice that released it. */
export function approvalsOf({
  decisions,
  conflictOf,
}: Pick<GatePass, 'decisions' | 'conflictOf'>): (operation: Digest) => readonly Approval[] {
  const saying = decisions.map(({ decision: { id, operations, choices } }) => ({
    id,
    named: amongIds(operations),
    choices,
  }));
  return (operation) => {
    const conflict = conflictOf.get(operation);
    return [
      ...saying.flatMap(({ id, named }) => (named.has(operation) ? [{ decision: id, subject: operation }] : [])),
      ...(conflict === undefined
        ? []
        : saying.flatMap(({ id, choices }) =>
            Object.hasOwn(choices, conflict) ? [{ decision: id, subject: conflict }] : [],
          )),
    ];
  };
}

async function signReceipts(
  context: AuthorityContext,
  input: CommitInput,
  pass: GatePass,
  receipts: LongList<Receipt>,
  complete: boolean,
): Promise<Ref> {
  const body = await putDocument(context.exchange, context.id, { receipts });
  const statement: ReceiptsStatement = {
    authority: context.id,
    dataset: input.inputs.dataset,
    run: input.inputs.run,
    plan: pass.recomputed.planDigest,
    permit: pass.permitDigest,
    complete,
    body: body.sha256,
    hlc: await context.clock.stamp(),
  };
  return putMessage(
    context.exchange,
    context.id,
    await signCompact(statement, { typ: receiptsType, key: context.signingKey }),
  );
}
