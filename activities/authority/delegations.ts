/**
 * Voices that approvers of this authority lent each other: verified when they arrive and at every use, with the keys that
 * the authority file lists now. They lie in its private store; a decision that uses one carries it to the peers.
 */
import { Delegation, DelegationEnd, delegationEndType, delegationType } from '../../core/approval/delegation.js';
import { durationMs } from '../../core/duration.js';
import { ConcordatError } from '../../core/errors.js';
import { byCodeUnit } from '../../core/json.js';
import type { DelegationView } from '../../workflows/activity-types.js';
import { verifyCompact } from '../keys/verify.js';
import { authorityOf, type AuthorityContext } from './context.js';

export interface SignedDelegation {
  readonly jws: string;
  readonly delegation: Delegation;
}

const prefix = 'delegations/';
const endPrefix = 'delegation-ends/';
const clockToleranceMs = 60_000;

/** Throws delegationInvalid with what is wrong; decisionSignature where the lender did not sign. */
async function verified(context: AuthorityContext, jws: string): Promise<SignedDelegation> {
  const authority = authorityOf(context);
  const keys = authority.approvers.flatMap(({ key }) => (key ? [key] : []));
  const { payload } = await verifyCompact(jws, { typ: delegationType, keys });
  const parsed = Delegation.safeParse(payload);
  if (!parsed.success)
    throw new ConcordatError('decisionMalformed', 'the signed delegation does not have the shape of this version');
  const delegation = parsed.data;
  const from = authority.approvers.find(({ id }) => id === delegation.from);
  const to = authority.approvers.find(({ id }) => id === delegation.to);
  if (!from?.key || !to?.key)
    throw new ConcordatError('notAnApprover', `${context.id} lists no approver with a key under one of the two names`);
  await verifyCompact(jws, { typ: delegationType, keys: [from.key] });
  if (delegation.authority !== context.id || delegation.federation !== context.federation.file.federation)
    throw new ConcordatError('delegationInvalid', `the delegation is for ${delegation.authority}`);
  if (from.id === to.id || from.key.x === to.key.x)
    throw new ConcordatError('delegationInvalid', 'nobody lends their voice to themselves');
  const { delegationMax } = authority.approval;
  if (delegation.untilMs - delegation.issuedAtMs > durationMs(delegationMax))
    throw new ConcordatError('delegationInvalid', `${context.id} lets a voice be lent for ${delegationMax} at most`);
  // Else a date in the future would stretch the longest time that is allowed.
  if (delegation.issuedAtMs > context.now() + clockToleranceMs)
    throw new ConcordatError('delegationInvalid', 'the delegation is dated in the future');
  if (delegation.dataset !== null && !context.federation.datasets[delegation.dataset])
    throw new ConcordatError('delegationInvalid', `the federation has no dataset ${delegation.dataset}`);
  return { jws, delegation };
}

export async function recordDelegation(
  context: AuthorityContext,
  { jws }: { readonly jws: string },
): Promise<DelegationView> {
  const { delegation } = await verified(context, jws);
  if (delegation.untilMs <= context.now())
    throw new ConcordatError('delegationInvalid', 'the delegation is over already');
  const bytes = new TextEncoder().encode(jws);
  if (!(await context.privateStore.putIfAbsent(`${prefix}${delegation.id}`, bytes))) {
    const kept = await context.privateStore.get(`${prefix}${delegation.id}`);
    // The signature part is malleable; what was signed is not.
    if (!kept || signedPart(new TextDecoder().decode(kept)) !== signedPart(jws))
      throw new ConcordatError('delegationInvalid', 'another delegation was given under the one-time id of this one');
  }
  return viewOf(context, delegation, await isEnded(context, delegation.id));
}

function signedPart(jws: string): string {
  return jws.slice(0, jws.lastIndexOf('.'));
}

export async function endDelegation(
  context: AuthorityContext,
  { jws }: { readonly jws: string },
): Promise<DelegationView> {
  const authority = authorityOf(context);
  const keys = authority.approvers.flatMap(({ key }) => (key ? [key] : []));
  const { payload } = await verifyCompact(jws, { typ: delegationEndType, keys });
  const parsed = DelegationEnd.safeParse(payload);
  if (!parsed.success)
    throw new ConcordatError(
      'decisionMalformed',
      'the signed end of a delegation does not have the shape of this version',
    );
  const end = parsed.data;
  const key = authority.approvers.find(({ id }) => id === end.approver)?.key;
  if (!key) throw new ConcordatError('notAnApprover', `${context.id} lists no approver of that name with a key`);
  await verifyCompact(jws, { typ: delegationEndType, keys: [key] });
  const kept = await context.privateStore.get(`${prefix}${end.delegation}`);
  if (!kept || end.authority !== context.id || end.federation !== context.federation.file.federation)
    throw new ConcordatError('notFound', `${context.id} knows no delegation ${end.delegation}`);
  const { delegation } = await verified(context, new TextDecoder().decode(kept));
  if (end.approver !== delegation.from && end.approver !== delegation.to)
    throw new ConcordatError('delegationInvalid', `only ${delegation.from} and ${delegation.to} may end it`);
  await context.privateStore.putIfAbsent(`${endPrefix}${end.delegation}`, new TextEncoder().encode(jws));
  return viewOf(context, delegation, true);
}

async function isEnded(context: AuthorityContext, id: string): Promise<boolean> {
  return (await context.privateStore.get(`${endPrefix}${id}`)) !== null;
}

/** The delegation as it holds now for this person and dataset. Throws delegationInvalid where it does not. */
export async function holdingDelegation(
  context: AuthorityContext,
  id: string,
  use: { readonly dataset: string; readonly by: string },
): Promise<SignedDelegation> {
  const kept = await context.privateStore.get(`${prefix}${id}`);
  if (!kept) throw new ConcordatError('delegationInvalid', `${context.id} knows no delegation ${id}`);
  const signed = await verified(context, new TextDecoder().decode(kept));
  const { delegation } = signed;
  if (delegation.to !== use.by)
    throw new ConcordatError('delegationInvalid', `the delegation is for ${delegation.to}, not for ${use.by}`);
  if (delegation.dataset !== null && delegation.dataset !== use.dataset)
    throw new ConcordatError('delegationInvalid', `the delegation is for dataset ${delegation.dataset} only`);
  if (delegation.untilMs <= context.now()) throw new ConcordatError('delegationInvalid', 'the delegation is over');
  if (await isEnded(context, id)) throw new ConcordatError('delegationInvalid', 'the delegation was ended');
  return signed;
}

/** All that were ever given, the newest first; those that hold no more say so. */
export async function listDelegations(context: AuthorityContext): Promise<readonly DelegationView[]> {
  const found: DelegationView[] = [];
  for (const name of await context.privateStore.list(prefix)) {
    const kept = await context.privateStore.get(name);
    if (!kept) continue;
    try {
      const { delegation } = await verified(context, new TextDecoder().decode(kept));
      found.push(viewOf(context, delegation, await isEnded(context, delegation.id)));
    } catch (error) {
      // Given by, or to, somebody who is no approver any more: it holds for nobody.
      if (!(error instanceof ConcordatError)) throw error;
    }
  }
  return found.sort((a, b) => b.issuedAtMs - a.issuedAtMs || byCodeUnit(a.id, b.id));
}

function viewOf(context: AuthorityContext, delegation: Delegation, ended: boolean): DelegationView {
  const state = ended ? 'ended' : delegation.untilMs <= context.now() ? 'over' : 'holds';
  const { id, authority, dataset, kinds, from, to, issuedAtMs, untilMs } = delegation;
  return { id, authority, dataset, kinds, from, to, issuedAtMs, untilMs, state };
}
