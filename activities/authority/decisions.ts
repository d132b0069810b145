/**
 * Decisions as this authority keeps them: verified once when they arrive and again in the gate, each counted for exactly
 * the operations it names, once, until it expires. They outlive the review that took them.
 */
import { z } from 'zod';
import { Decision, decisionType } from '../../core/decision.js';
import { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { byCodeUnit } from '../../core/json.js';
import type { Operation } from '../../core/operation.js';
import { tally, type ReviewScope, type ReviewTally } from '../../core/review.js';
import { verifyCompact } from '../keys/verify.js';
import { authorityOf, type AuthorityContext } from './context.js';

const KeptDecision = z.strictObject({
  jws: z.string(),
  /** What each deletion that it names was caused by, as its signer saw it. */
  deletions: z.record(Digest, z.array(z.string())),
});

export interface CountedDecision {
  readonly jws: string;
  readonly decision: Decision;
}

/** Throws with the code of the first thing that is wrong: shape, signature, approver, authority, plan, time. */
export async function verifyDecision(context: AuthorityContext, dataset: string, jws: string): Promise<Decision> {
  const authority = authorityOf(context);
  let payload: unknown;
  const keys = authority.approvers.flatMap(({ key }) => (key ? [key] : []));
  try {
    payload = (await verifyCompact(jws, { typ: decisionType, keys })).payload;
  } catch (error) {
    if (error instanceof ConcordatError)
      throw new ConcordatError(
        'decisionSignature',
        `no approver of ${context.id} signed this decision: ${error.message}`,
        { cause: error },
      );
    throw error;
  }
  const parsed = Decision.safeParse(payload);
  if (!parsed.success)
    throw new ConcordatError('decisionMalformed', 'the signed decision does not have the shape of this version');
  const decision = parsed.data;
  const approver = authority.approvers.find(({ id }) => id === decision.approver);
  if (!approver?.key)
    throw new ConcordatError('notAnApprover', `${context.id} lists no approver of that name with a key`);
  try {
    await verifyCompact(jws, { typ: decisionType, keys: [approver.key] });
  } catch (error) {
    throw new ConcordatError(
      'decisionSignature',
      'the decision was signed with the key of another approver than it names',
      { cause: error },
    );
  }
  if (
    decision.authority !== context.id ||
    decision.dataset !== dataset ||
    decision.federation !== context.federation.file.federation
  ) {
    throw new ConcordatError(
      'decisionForOtherPlan',
      `the decision is for ${decision.authority}, dataset ${decision.dataset}`,
    );
  }
  if (decision.expiresAtMs <= context.now()) throw new ConcordatError('decisionExpired', 'the decision has expired');
  return decision;
}

function prefixOf(dataset: string): string {
  return `decisions/${dataset}/`;
}

/** Returns false where the same decision is kept already. Throws decisionRepeated for another one under its one-time id. */
export async function keepDecision(
  context: AuthorityContext,
  dataset: string,
  jws: string,
  decision: Decision,
  scope: ReviewScope,
): Promise<boolean> {
  const deletions: Record<Digest, string[]> = {};
  for (const operation of scope.operations)
    if (operation.kind === 'delete' && decision.operations.includes(operation.id))
      deletions[operation.id] = [...operation.because];
  const name = `${prefixOf(dataset)}${decision.id}`;
  const bytes = new TextEncoder().encode(JSON.stringify({ jws, deletions }));
  if (await context.privateStore.putIfAbsent(name, bytes)) return true;
  const kept = await context.privateStore.get(name);
  const there = kept && KeptDecision.parse(JSON.parse(new TextDecoder().decode(kept)));
  // The signature part is malleable; what was signed is not.
  if (there && signedPart(there.jws) !== signedPart(jws))
    throw new ConcordatError('decisionRepeated', 'another decision was counted under the one-time id of this one');
  return false;
}

function signedPart(jws: string): string {
  return jws.slice(0, jws.lastIndexOf('.'));
}

/**
 * The decisions that count for this plan: those that name it, and, unless a brake tripped, those on identical operations
 * of earlier plans. A deletion stands only with the same cause and where this plan deletes nothing its signer had not seen.
 */
export async function countingDecisions(
  context: AuthorityContext,
  dataset: string,
  plan: Digest,
  scope: ReviewScope,
  braked: boolean,
  /** What was spent under this permit still counts: a commit that goes on after a crash is the same commit. */
  permit: Digest | null = null,
): Promise<readonly CountedDecision[]> {
  const counted: CountedDecision[] = [];
  for (const name of await context.privateStore.list(prefixOf(dataset))) {
    const bytes = await context.privateStore.get(name);
    if (!bytes) continue;
    const kept = KeptDecision.parse(JSON.parse(new TextDecoder().decode(bytes)));
    let decision: Decision;
    try {
      decision = await verifyDecision(context, dataset, kept.jws);
    } catch (error) {
      // An expired or meanwhile revoked one counts no more; it stays on record.
      if (error instanceof ConcordatError) continue;
      throw error;
    }
    if (decision.plan === plan)
      counted.push({ jws: kept.jws, decision: await withoutSpent(context, dataset, decision, permit) });
    else if (!braked)
      counted.push({
        jws: kept.jws,
        decision: await withoutSpent(context, dataset, carried(decision, kept.deletions, scope), permit),
      });
  }
  return counted
    .filter(
      ({ decision }) =>
        decision.operations.length > 0 || Object.keys(decision.choices).length > 0 || decision.plan === plan,
    )
    .sort((a, b) => byCodeUnit(a.decision.id, b.decision.id));
}

function carried(
  decision: Decision,
  deletionCauses: Readonly<Record<Digest, readonly string[]>>,
  scope: ReviewScope,
): Decision {
  const named = new Set(decision.operations);
  const here = scope.operations.filter(({ id }) => named.has(id));
  const unseenDeletion = scope.operations.some(({ id, kind }) => kind === 'delete' && !named.has(id));
  const stands = (operation: Operation): boolean =>
    operation.kind !== 'delete' ||
    (!unseenDeletion && JSON.stringify(deletionCauses[operation.id]) === JSON.stringify(operation.because));
  const conflicts = new Set(scope.conflicts.map(({ id }) => id));
  return {
    ...decision,
    operations: here.filter(stands).map(({ id }) => id),
    choices: Object.fromEntries(Object.entries(decision.choices).filter(([conflict]) => conflicts.has(conflict))),
    partial: true,
  };
}

/** A decision counts once for an operation: not again, under another permit, after the operation had its effect. */
async function withoutSpent(
  context: AuthorityContext,
  dataset: string,
  decision: Decision,
  permit: Digest | null,
): Promise<Decision> {
  const spent = new Set<string>();
  for (const name of await context.privateStore.list(`spent/${dataset}/${decision.id}/`)) {
    const under = await context.privateStore.get(name);
    if (permit === null || under === null || new TextDecoder().decode(under) !== permit)
      spent.add(name.slice(name.lastIndexOf('/') + 1));
  }
  return spent.size === 0
    ? decision
    : {
        ...decision,
        operations: decision.operations.filter((id) => !spent.has(id)),
        choices: Object.fromEntries(Object.entries(decision.choices).filter(([conflict]) => !spent.has(conflict))),
      };
}

export async function spendDecision(
  context: AuthorityContext,
  dataset: string,
  decisionId: string,
  subject: Digest,
  permit: Digest,
): Promise<void> {
  await context.privateStore.putIfAbsent(`spent/${dataset}/${decisionId}/${subject}`, new TextEncoder().encode(permit));
}

export function tallyOf(scope: ReviewScope, counted: readonly CountedDecision[], quorum: number): ReviewTally {
  return tally(
    scope,
    counted.map(({ decision }) => decision),
    quorum,
  );
}
