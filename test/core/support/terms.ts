/** Terms of approval for tests of pure functions: a plain quorum of people without roles, each with their own voice. */
import type { Rejection } from '../../../core/acceptance.js';
import type { Electorate } from '../../../core/approval/electorate.js';
import type { OpenedDecision } from '../../../core/decision.js';
import { piecesOf, type Operation } from '../../../core/operation.js';
import type { Demand, TallyTerms, Vote } from '../../../core/review.js';

export const people = ['ada', 'bo', 'cy'];

export const electorate: Electorate = {
  rolesOf: Object.fromEntries(people.map((id) => [id, []])),
  reserve: new Set(),
  standIns: new Set(),
};

export function plainTerms(quorum: number, authority = 'aa'): TallyTerms {
  const demand: Demand = { requirement: { roles: {}, people: quorum, authors: [] }, electorate };
  return { authority, demandOf: () => demand, demandOfVersion: () => demand };
}

export function ownVotes(decisions: readonly OpenedDecision[]): readonly Vote[] {
  return decisions.map((decision) => ({ decision, voice: decision.approver }));
}

/** What stands once an authority's people turned an operation down. */
export function rejectionsOf(operation: Operation, why: Partial<Rejection> = {}): Rejection[] {
  return piecesOf(operation).map(({ digest }) => ({
    subject: digest,
    reason: 'not here',
    untilMs: 1,
    approver: 'ada',
    ...why,
  }));
}
