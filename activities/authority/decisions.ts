/**
 * Decisions as this authority keeps them: verified once when they arrive and again in the gate, each counted for exactly
 * the operations it names, once, until it expires. They outlive the review that took them.
 */
import { z } from 'zod';
import { covers, type Delegation } from '../../core/approval/delegation.js';
import { Decision, decisionType, opened, type OpenedDecision } from '../../core/decision.js';
import { greatestHlc, type Hlc } from '../../core/clock/hlc.js';
import { amongIds, GatheredIds, keptIds } from '../../core/digest-list.js';
import { Digest, digestOf } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { byCodeUnit } from '../../core/json.js';
import type { LongList } from '../../core/long-list.js';
import { carriedVersions } from '../../core/new-versions.js';
import type { Operation } from '../../core/operation.js';
import type { ReviewScope, Vote } from '../../core/review.js';
import { verifyCompact, type ReadMessage } from '../keys/verify.js';
import { isSliceOver, letOthersRun } from '../event-loop.js';
import { authorityOf, type AuthorityContext } from './context.js';
import { readKept, writtenDecision, type KeptDecision } from './kept-decision.js';
import { holdingDelegation, type SignedDelegation } from './delegations.js';

export interface CountedDecision extends Vote {
  readonly jws: string;
  /** The delegation that it names, as compact JWS. */
  readonly delegation: string | null;
  /** Where it names ranges of an earlier plan: the operations there, for who counts it again. */
  readonly named?: Named;
}

/** The operations that a decision of this id (of the message, not its own) names in ranges of an earlier plan. */
interface Named {
  readonly id: Digest;
  readonly operations: LongList<Digest>;
}

interface VerifiedDecision {
  /** The message. */
  readonly id: Digest;
  readonly decision: Decision;
  readonly delegation: SignedDelegation | null;
}

/** Throws with the code of the first thing that is wrong: shape, signature, approver, authority, plan, time. */
export async function verifyDecision(
  context: AuthorityContext,
  dataset: string,
  jws: string,
): Promise<VerifiedDecision> {
  const authority = authorityOf(context);
  let message: ReadMessage;
  const keys = authority.approvers.flatMap(({ key }) => (key ? [key] : []));
  try {
    message = await verifyCompact(jws, { typ: decisionType, keys });
  } catch (error) {
    if (error instanceof ConcordatError)
      throw new ConcordatError(
        'decisionSignature',
        `no approver of ${context.id} signed this decision: ${error.message}`,
        { cause: error },
      );
    throw error;
  }
  const parsed = Decision.safeParse(message.payload);
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
  const delegation =
    decision.delegation === null
      ? null
      : await holdingDelegation(context, decision.delegation, { dataset, by: decision.approver });
  return { id: message.id, decision, delegation };
}

function prefixOf(dataset: string): string {
  return `decisions/${dataset}/`;
}

/**
 * Returns false where the same decision is kept already. Throws decisionRepeated for another one under its one-time id.
 * `named` are the operations that it names in ranges, in order.
 */
export async function keepDecision(
  context: AuthorityContext,
  dataset: string,
  jws: string,
  decision: Decision,
  scope: ReviewScope,
  named?: LongList<Digest>,
): Promise<boolean> {
  const operationsOf = operationsOfChoice(scope);
  const deletions: Record<Digest, string[]> = {};
  for (const { id, kind, because } of scope.operations) {
    if (isSliceOver()) await letOthersRun();
    if (kind === 'delete') deletions[id] = [...because];
  }
  const seen: Omit<KeptDecision, 'jws' | 'hlc' | 'named'> = {
    deletions,
    chosen: Object.fromEntries(
      Object.entries(decision.choices).map(([conflict, candidate]) => [
        conflict,
        operationsOf(conflict, candidate).map(({ id }) => id),
      ]),
    ),
  };
  const name = `${prefixOf(dataset)}${decision.id}`;
  const bytes = writtenDecision({ jws, hlc: await context.clock.stamp(), ...seen }, named);
  if (await context.privateStore.putIfAbsent(name, bytes)) return true;
  const kept = await context.privateStore.get(name);
  const there = kept && readKept(kept);
  // The signature part is malleable; what was signed is not.
  if (there && signedPart(there.jws) !== signedPart(jws))
    throw new ConcordatError('decisionRepeated', 'another decision was counted under the one-time id of this one');
  return false;
}

function signedPart(jws: string): string {
  return jws.slice(0, jws.lastIndexOf('.'));
}

function idsWhere(operations: LongList<Operation>, is: (operation: Operation) => boolean): LongList<Digest> {
  const ids = new GatheredIds();
  for (const operation of operations) if (is(operation)) ids.put(operation.id);
  return ids.finish();
}

/** All that a candidate would write, in any mesh; empty where this plan does not have it. */
function operationsOfChoice({ conflicts }: ReviewScope): (conflict: Digest, candidate: Digest) => readonly Operation[] {
  const known = new Map(conflicts.map(({ id, candidates }) => [id, candidates]));
  return (conflict, candidate) => known.get(conflict)?.find(({ digest }) => digest === candidate)?.operations ?? [];
}

/**
 * The decisions that count for this plan: those that name it, and, unless a brake tripped, those that hold for identical
 * operations of later plans. A deletion stands only with the same cause and where this plan deletes nothing that its
 * signer had not seen. Of a delegate's word only what their delegation covers counts.
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
  const turnedDown = scope.newVersions ? await versionsTurnedDown(context, dataset) : new Map<Digest, Hlc>();
  const counted: CountedDecision[] = [];
  for await (const { kept, verified } of decisionsNow(context, dataset)) {
    const { delegation } = verified;
    // HAZARD: what it names is held to its root again. Operations that were not signed for count for nothing.
    const whole = opened(verified.decision, kept.named ?? null);
    const holds = whole && bindingHere(whole, kept, { plan, scope, braked, turnedDown });
    if (!holds) continue;
    const decision = await withoutSpent(context, dataset, withinDelegation(holds, delegation, scope), permit);
    if (decision.plan !== plan && isEmpty(decision)) continue;
    counted.push({
      jws: kept.jws,
      decision,
      voice: delegation?.delegation.from ?? decision.approver,
      delegation: delegation?.jws ?? null,
      ...(kept.named && decision.plan !== plan ? { named: { id: verified.id, operations: kept.named } } : {}),
    });
  }
  return counted.sort((a, b) => byCodeUnit(a.decision.id, b.decision.id));
}

function isEmpty({ operations, conflicts, choices, newVersions = [] }: OpenedDecision): boolean {
  return operations.length + conflicts.length + Object.keys(choices).length + newVersions.length === 0;
}

/** One after the other: a decision may name very many operations. */
async function* decisionsNow(
  context: AuthorityContext,
  dataset: string,
): AsyncGenerator<{ readonly kept: KeptDecision; readonly verified: VerifiedDecision }> {
  for (const name of await context.privateStore.list(prefixOf(dataset))) {
    const bytes = await context.privateStore.get(name);
    if (!bytes) continue;
    const kept = readKept(bytes);
    let verified: VerifiedDecision;
    try {
      verified = await verifyDecision(context, dataset, kept.jws);
    } catch (error) {
      // An expired or meanwhile revoked one counts no more; it stays on record.
      if (error instanceof ConcordatError) continue;
      throw error;
    }
    yield { kept, verified };
  }
}

/** By new version, when people here last said no to it. */
async function versionsTurnedDown(context: AuthorityContext, dataset: string): Promise<ReadonlyMap<Digest, Hlc>> {
  const last = new Map<Digest, Hlc>();
  for await (const { kept, verified } of decisionsNow(context, dataset)) {
    if (verified.decision.kind !== 'reject') continue;
    for (const id of verified.decision.newVersions ?? []) {
      const known = last.get(id);
      last.set(id, known === undefined ? kept.hlc : greatestHlc([known, kept.hlc]));
    }
  }
  return last;
}

/** What a decision says about this plan; null where it says nothing. */
function bindingHere(
  decision: OpenedDecision,
  kept: KeptDecision,
  here: {
    readonly plan: Digest;
    readonly scope: ReviewScope;
    readonly braked: boolean;
    readonly turnedDown: ReadonlyMap<Digest, Hlc>;
  },
): OpenedDecision | null {
  const { plan, scope, braked, turnedDown } = here;
  if (decision.plan === plan) return decision;
  // Beyond a brake people decide anew, and some bind themselves to one plan only.
  if (braked || decision.binds === 'thisPlan') return null;
  return carried(decision, kept, scope, turnedDown);
}

function carried(
  decision: OpenedDecision,
  { deletions, chosen, hlc }: KeptDecision,
  scope: ReviewScope,
  turnedDown: ReadonlyMap<Digest, Hlc>,
): OpenedDecision {
  const named = amongIds(decision.operations);
  const unseenDeletion = scope.operations.some(({ id, kind }) => kind === 'delete' && deletions[id] === undefined);
  const stands = ({ id, kind, because }: Operation): boolean =>
    kind !== 'delete' || (!unseenDeletion && JSON.stringify(deletions[id]) === JSON.stringify(because));
  const conflicts = new Set(scope.conflicts.map(({ id }) => id));
  const { newVersions: _ofEarlier, ...others } = decision;
  const operationsOf = operationsOfChoice(scope);
  // HAZARD: a conflict is known by its values. A candidate may have gained operations since, such as one more team that
  // a record comes back into; a choice stands for exactly what it was made for.
  const choiceStands = ([conflict, candidate]: readonly [Digest, Digest]): boolean => {
    const operations = operationsOf(conflict, candidate);
    return (
      JSON.stringify(operations.map(({ id }) => id)) === JSON.stringify(chosen[conflict]) &&
      !(unseenDeletion && operations.some(({ kind }) => kind === 'delete'))
    );
  };
  return {
    ...others,
    ...carriedVersions(decision, scope, (id) => {
      const no = turnedDown.get(id);
      return no === undefined || (no !== hlc && greatestHlc([no, hlc]) === hlc);
    }),
    operations: idsWhere(scope.operations, (operation) => named.has(operation.id) && stands(operation)),
    conflicts: decision.conflicts.filter((id) => conflicts.has(id)),
    choices: Object.fromEntries(
      Object.entries(decision.choices).filter((choice) => conflicts.has(choice[0]) && choiceStands(choice)),
    ),
    partial: true,
  };
}

/** A delegate's word about what the delegation does not cover says nothing, so it is never the last word on a plan. */
function withinDelegation(
  decision: OpenedDecision,
  signed: SignedDelegation | null,
  scope: ReviewScope,
): OpenedDecision {
  if (!signed || signed.delegation.kinds === null) return decision;
  const outside = new Set(outsideDelegation(decision, signed.delegation, scope));
  const { newVersions: _neverLent, ...others } = decision;
  return {
    ...others,
    operations: keptIds(decision.operations, (id) => !outside.has(id)),
    conflicts: decision.conflicts.filter((id) => !outside.has(id)),
    choices: Object.fromEntries(Object.entries(decision.choices).filter(([conflict]) => !outside.has(conflict))),
    partial: true,
  };
}

/**
 * What a decision names and its delegation does not cover: operations, conflicts and new versions, by their ids. Any kind of
 * operation may follow from a new version, so who was lent some kinds speaks for none.
 */
export function outsideDelegation(
  decision: OpenedDecision,
  delegation: Delegation,
  scope: ReviewScope,
): readonly Digest[] {
  const named = amongIds(decision.operations);
  const candidatesOf = new Map(scope.conflicts.map(({ id, candidates }) => [id, candidates]));
  const ofConflict = (id: Digest): readonly Operation[] =>
    (candidatesOf.get(id) ?? []).flatMap(({ operations }) => operations);
  const ofChoice = operationsOfChoice(scope);
  return [
    ...(delegation.kinds === null
      ? []
      : idsWhere(scope.operations, (operation) => named.has(operation.id) && !covers(delegation, [operation]))),
    ...decision.conflicts.filter((id) => !covers(delegation, ofConflict(id))),
    ...Object.entries(decision.choices)
      .filter(([conflict, candidate]) => !covers(delegation, ofChoice(conflict, candidate)))
      .map(([conflict]) => conflict),
    ...(delegation.kinds === null ? [] : (decision.newVersions ?? [])),
  ];
}

/** A decision counts once for an operation: not again, under another permit, after the operation had its effect. */
async function withoutSpent(
  context: AuthorityContext,
  dataset: string,
  decision: OpenedDecision,
  permit: Digest | null,
): Promise<OpenedDecision> {
  const used = new GatheredIds();
  for (const name of await context.privateStore.list(`spent/${dataset}/${decision.id}/`)) {
    const under = await context.privateStore.get(name);
    if (under !== null && name.includes('/groups/')) {
      const group = SpentTogether.parse(JSON.parse(new TextDecoder().decode(under)));
      if (group.permit !== permit) for (const subject of group.subjects) used.put(subject);
      continue;
    }
    if (permit === null || under === null || new TextDecoder().decode(under) !== permit)
      used.put(name.slice(name.lastIndexOf('/') + 1));
  }
  const ids = used.finish();
  const spent = amongIds(ids);
  return ids.length === 0
    ? decision
    : {
        ...decision,
        operations: keptIds(decision.operations, (id) => !spent.has(id)),
        choices: Object.fromEntries(Object.entries(decision.choices).filter(([conflict]) => !spent.has(conflict))),
      };
}

const SpentTogether = z.strictObject({ permit: Digest, subjects: z.array(Digest) });

/** As spendDecision, of operations that were written together: decision → what it said yes to. */
export async function spendTogether(
  context: AuthorityContext,
  dataset: string,
  spent: ReadonlyMap<string, readonly Digest[]>,
  permit: Digest,
): Promise<void> {
  for (const [decisionId, subjects] of spent)
    await context.privateStore.putIfAbsent(
      `spent/${dataset}/${decisionId}/groups/${permit}-${digestOf(subjects)}`,
      new TextEncoder().encode(JSON.stringify({ permit, subjects })),
    );
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
