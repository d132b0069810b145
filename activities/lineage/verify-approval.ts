/**
 * Counts the people behind a review again, as its authority's gate did: from the signed decisions and delegations, under the
 * terms that every member's open named. What the gate knows and an export cannot show is said in words, never assumed.
 */
import { Delegation, delegationType } from '../../core/approval/delegation.js';
import { hlcParts } from '../../core/clock/hlc.js';
import { Decision, decisionType, namedCount, opened, type OpenedDecision } from '../../core/decision.js';
import type { Digest } from '../../core/digest.js';
import { durationMs } from '../../core/duration.js';
import { ConcordatError } from '../../core/errors.js';
import { carriedVersions } from '../../core/new-versions.js';
import type { Operation } from '../../core/operation.js';
import { atPlaces } from '../../core/operation-ranges.js';
import { reviewScope, type Review, type ReviewScope, type Vote } from '../../core/review.js';
import type { AuthorityId } from '../../core/record.js';
import { readUnverified, verifyCompact } from '../keys/verify.js';
import { requireEnough, type ApprovalEvidence, type Counting, counted, type MemberTerms } from './count-approval.js';
import type { Findings } from './findings.js';
import type { TrustedKeys } from './trusted-keys.js';
import { timeText } from './words.js';

/** Says who approved what in which role, and whether that was enough for what was approved and for what was written. */
export async function verifyApproval(
  review: Review,
  evidence: ApprovalEvidence,
  keys: TrustedKeys,
  findings: Findings,
): Promise<void> {
  const { authority } = review;
  const terms = evidence.configuration.authorities.find((one) => one?.authority === authority);
  if (!terms) {
    findings.add('missing', authority, 'its terms are not in the configuration of the run, so nothing can be counted');
    return;
  }
  const votes: Vote[] = [];
  for (const jws of review.decisions) {
    const vote = await voteOf(jws, review, { ...evidence, terms }, keys, findings);
    if (!vote) continue;
    votes.push(vote);
    findings.add('approved', authority, decisionWords(vote, terms, evidence.recomputed.planDigest));
  }
  if (review.decisions.length === 0)
    findings.add('approved', authority, `its review ended ${review.outcome}, with no decision`);
  requireEnough(review, votes, { ...evidence, terms }, findings);
}

/** What a decision says about this plan, and with whose voice; null, with a finding, where it may not count. */
async function voteOf(
  jws: string,
  review: Review,
  { recomputed, configuration, terms }: Counting,
  keys: TrustedKeys,
  findings: Findings,
): Promise<Vote | null> {
  const { authority } = review;
  const decision = await verifiedDecision(jws, authority, keys, findings);
  if (!decision) return null;
  const wrong = (words: string): null => {
    findings.add('wrong', authority, `the decision of ${decision.approver} ${words}`);
    return null;
  };
  if (decision.federation !== configuration.federation || decision.dataset !== configuration.dataset.dataset)
    return wrong(`is for dataset ${decision.dataset} of federation ${decision.federation}`);
  if (!terms.approvers.some(({ id }) => id === decision.approver))
    return wrong('counts for nothing: by the terms of that run nobody of that name approves');
  // A stamp may be ahead of the machine that gave it by the declared bound.
  const reviewedMs = hlcParts(review.hlc).ms;
  const earliestMs = reviewedMs - durationMs(terms.clock.maxAhead);
  if (decision.expiresAtMs <= earliestMs)
    return wrong(`had expired at ${timeText(decision.expiresAtMs)}, before the review was closed`);
  const scope = reviewScope(recomputed.plan, authority);
  const isOfPlan = decision.plan === recomputed.planDigest;
  // In ranges of an earlier plan it names what the review lists for it: the root that was signed bears that out.
  const named = isOfPlan
    ? atPlaces(
        decision.ranges?.places ?? [],
        scope.operations.map(({ id }) => id),
      )
    : (review.named?.[readUnverified(jws, { typ: decisionType }).id] ?? null);
  const whole = opened(decision, named);
  if (!whole)
    return wrong(
      `names ${counted(namedCount(decision), 'operation')} by ranges and a root, and those that ${isOfPlan ? 'the plan has there' : 'its review gives for it'} are others`,
    );
  const bound = boundHere(whole, recomputed.planDigest, scope);
  if (!bound) return wrong('binds itself to another plan');
  if (decision.delegation === null) return { decision: bound, voice: decision.approver };
  const delegation = await delegationOf(decision.delegation, review, terms, keys);
  if (typeof delegation === 'string') return wrong(`names a delegation that ${delegation}`);
  if (delegation.to !== decision.approver) return wrong(`names a delegation to ${delegation.to}`);
  if (delegation.dataset !== null && delegation.dataset !== decision.dataset)
    return wrong(`names a delegation for dataset ${delegation.dataset}`);
  if (delegation.untilMs <= earliestMs || delegation.untilMs <= decision.issuedAtMs)
    return wrong(`names a delegation of ${delegation.from} that was over at ${timeText(delegation.untilMs)}`);
  return { decision: withinKinds(bound, delegation, scope), voice: delegation.from };
}

function boundHere(decision: OpenedDecision, plan: Digest, scope: ReviewScope): OpenedDecision | null {
  if (decision.plan === plan) return decision;
  if (decision.binds === 'thisPlan') return null;
  const operations = new Set(scope.operations.map(({ id }) => id));
  const conflicts = new Set(scope.conflicts.map(({ id }) => id));
  const { newVersions: _ofEarlier, ...others } = decision;
  return {
    ...others,
    ...carriedVersions(decision, scope),
    operations: decision.operations.filter((id) => operations.has(id)),
    conflicts: decision.conflicts.filter((id) => conflicts.has(id)),
    choices: Object.fromEntries(Object.entries(decision.choices).filter(([conflict]) => conflicts.has(conflict))),
    partial: true,
  };
}

/** Of a delegate's word only what was lent. */
function withinKinds(decision: OpenedDecision, { kinds }: Delegation, scope: ReviewScope): OpenedDecision {
  if (kinds === null) return decision;
  const isLent = ({ kind }: Operation): boolean => kinds.includes(kind);
  const lent = new Set(scope.operations.filter(isLent).map(({ id }) => id));
  const ofConflict = (id: Digest, chosen?: Digest): readonly Operation[] =>
    (scope.conflicts.find((conflict) => conflict.id === id)?.candidates ?? [])
      .filter(({ digest }) => chosen === undefined || digest === chosen)
      .flatMap(({ operations }) => operations);
  const { newVersions: _neverLent, ...others } = decision;
  return {
    ...others,
    operations: decision.operations.filter((id) => lent.has(id)),
    conflicts: decision.conflicts.filter((id) => ofConflict(id).every(isLent)),
    choices: Object.fromEntries(
      Object.entries(decision.choices).filter(([conflict, chosen]) => ofConflict(conflict, chosen).every(isLent)),
    ),
    partial: true,
  };
}

/** The delegation under this id, or what is wrong with it. */
async function delegationOf(
  id: string,
  { authority, delegations }: Review,
  { approvers, approval }: MemberTerms,
  keys: TrustedKeys,
): Promise<Delegation | string> {
  let why = 'is not in the review';
  for (const jws of delegations) {
    try {
      const claimed = Delegation.safeParse(
        (await verifyCompact(jws, { typ: delegationType, keys: keys.ofApprovers(authority) })).payload,
      );
      if (!claimed.success || claimed.data.id !== id) continue;
      const delegation = claimed.data;
      await verifyCompact(jws, { typ: delegationType, keys: keys.ofApprover(authority, delegation.from) });
      const isListed = [delegation.from, delegation.to].every((name) => approvers.some((one) => one.id === name));
      if (delegation.authority !== authority || delegation.federation !== keys.federation)
        why = `is for ${delegation.authority}`;
      else if (delegation.from === delegation.to || !isListed) why = 'is between people who may not lend or borrow';
      else if (delegation.untilMs - delegation.issuedAtMs > durationMs(approval.delegationMax))
        why = `lasts longer than the ${approval.delegationMax} that ${authority} allows`;
      else return delegation;
    } catch (error) {
      if (!(error instanceof ConcordatError)) throw error;
      why = 'the lender did not sign';
    }
  }
  return why;
}

function decisionWords({ decision, voice }: Vote, { approvers }: MemberTerms, plan: Digest): string {
  const { kind, approver, operations, choices, conflicts, newVersions = [], issuedAtMs } = decision;
  const roles = approvers.find(({ id }) => id === voice)?.roles ?? [];
  const parts = [
    ...(operations.length > 0 ? [counted(operations.length, 'operation')] : []),
    ...(Object.keys(choices).length > 0 ? [`a value for ${counted(Object.keys(choices).length, 'conflict')}`] : []),
    ...(conflicts.length > 0 ? [`${counted(conflicts.length, 'conflict')} as they are`] : []),
    ...(newVersions.length > 0 ? [counted(newVersions.length, 'new version')] : []),
  ];
  const who = `${approver}${voice === approver ? '' : ` for ${voice}`}${roles.length > 0 ? ` (${roles.join(', ')})` : ''}`;
  const earlier =
    decision.plan === plan
      ? ''
      : ', in an earlier plan; what its signer was shown of deletions there is the word of the authority';
  return `${who} ${kind === 'approve' ? 'approved' : 'rejected'} ${parts.join(' and ') || 'nothing by name'} at ${timeText(issuedAtMs)}${earlier}`;
}

/** Null, with a finding, where no trusted key of that approver signed it. */
export async function verifiedDecision(
  jws: string,
  authority: AuthorityId,
  keys: TrustedKeys,
  findings: Findings,
): Promise<Decision | null> {
  try {
    const claimed = Decision.safeParse(
      (await verifyCompact(jws, { typ: decisionType, keys: keys.ofApprovers(authority) })).payload,
    );
    if (!claimed.success || claimed.data.authority !== authority) {
      findings.add('wrong', authority, 'a decision has another shape, or is for another authority');
      return null;
    }
    await verifyCompact(jws, { typ: decisionType, keys: keys.ofApprover(authority, claimed.data.approver) });
    return claimed.data;
  } catch (error) {
    if (!(error instanceof ConcordatError)) throw error;
    findings.add('wrong', authority, `a decision does not verify with the keys of its approvers: ${error.message}`);
    return null;
  }
}
