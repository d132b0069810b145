/** Carries out what the permit releases to this authority: the gate and every write in one attempt of one activity. */
import { ConcordatError } from '../../core/errors.js';
import type { DatasetType } from '../../core/federation/federation.js';
import { receiptsType, type Ref, type ReceiptsStatement } from '../../core/messages.js';
import { countReceipts, hadEffect, type Receipt } from '../../core/receipt.js';
import type { CommitInput, CommitResult } from '../../workflows/contract.js';
import { putDocument, putMessage } from '../exchange.js';
import { signCompact } from '../keys/sign.js';
import { keepApplying } from './applied-values.js';
import { applyOperation } from './apply-operation.js';
import type { AuthorityContext } from './context.js';
import { spendDecision } from './decisions.js';
import { passGate, requireTimely, type GatePass } from './gate.js';
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
  await keepApplying(context, pass.recomputed, pass.permitDigest, pass.operations);
  const receipts: Receipt[] = [];
  let stoppedBy: ConcordatError | undefined;
  for (const operation of pass.operations) {
    if (signal?.aborted) break;
    context.heartbeat({ done: receipts.length });
    const type = pass.recomputed.messages.shape.types.find(
      (one) => one.taxonomy.type === operation.type,
    ) as DatasetType;
    try {
      const receipt = await applyOperation(
        {
          context,
          dataset,
          permit: pass.permitDigest,
          own: pass.own,
          type,
          disclosed: pass.disclosed,
          attempt: ({ id }) => ({
            dataset,
            permit: pass.permitDigest,
            inputs: input.inputs,
            plan: input.plan,
            decisions: decisionsOf(pass, id),
          }),
          requireTimely: () => requireTimely(context, pass.openedAtMs),
        },
        operation,
      );
      receipts.push(receipt);
      if (hadEffect(receipt.outcome)) await spend(context, dataset, pass, operation.id);
      // An effect that nobody can tell: stop, ask, and write nothing that might build on it.
      if (receipt.outcome === 'unknown') break;
    } catch (error) {
      // The time for writing is over, or the cloud cannot be read: what is done is reported, the rest waits for the next
      // run. Thrown on, it would keep the base reserved and its receipts from everybody.
      if (!(error instanceof ConcordatError) || error.code === 'storeFault') throw error;
      stoppedBy = error;
      break;
    }
  }
  await releaseBase(context, dataset, pass.recomputed.planDigest);
  const complete = receipts.length === pass.operations.length && receipts.every(({ outcome }) => outcome !== 'unknown');
  const ref = await signReceipts(context, input, pass, receipts, complete);
  if (stoppedBy && receipts.length === 0)
    return { kind: 'refused', authority: context.id, code: stoppedBy.code, message: stoppedBy.message, receipts: ref };
  return {
    kind: 'done',
    authority: context.id,
    receipts: ref,
    complete,
    code: stoppedBy?.code ?? null,
    counts: countReceipts(receipts),
  };
}

/** Those that named it, or made the choice that released it. */
function decisionsOf({ decisions, conflictOf }: GatePass, operation: string): readonly string[] {
  const conflict = conflictOf.get(operation);
  return decisions
    .map(({ decision }) => decision)
    .filter(
      (decision) =>
        decision.operations.includes(operation) || (conflict !== undefined && decision.choices[conflict] !== undefined),
    )
    .map(({ id }) => id);
}

async function spend(context: AuthorityContext, dataset: string, pass: GatePass, operation: string): Promise<void> {
  const conflict = pass.conflictOf.get(operation);
  for (const { decision } of pass.decisions) {
    if (decision.operations.includes(operation))
      await spendDecision(context, dataset, decision.id, operation, pass.permitDigest);
    if (conflict !== undefined && decision.choices[conflict] !== undefined)
      await spendDecision(context, dataset, decision.id, conflict, pass.permitDigest);
  }
}

async function signReceipts(
  context: AuthorityContext,
  input: CommitInput,
  pass: GatePass,
  receipts: readonly Receipt[],
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
