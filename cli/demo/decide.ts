/** One approver of one authority answers what their own authority asks, with a signed decision. */
import type { PrivateKey } from '../../activities/keys/private-key.js';
import { publicKeyOf } from '../../activities/keys/private-key.js';
import { thumbprintOf } from '../../activities/keys/thumbprint.js';
import type { Decision } from '../../core/decision.js';
import { reviewScope } from '../../core/review.js';
import type { AuthorityId } from '../../core/record.js';
import type { DecisionAnswer } from '../../workflows/messages.js';
import { findApprover } from '../deciding/approver.js';
import { questionsOf } from '../deciding/open-questions.js';
import { piecesOf, type Piece } from '../deciding/pieces.js';
import { signDecision } from '../deciding/sign-decision.js';
import type { OpenPlan } from '../reading/open-plan.js';
import type { PlannedCandidate, PlannedConflict } from '../reading/plan-view.js';
import { sendDecision, type ReviewView } from '../temporal/reviews.js';
import { playerOf } from './cast.js';
import type { Setting } from './setting.js';

/** Which candidate of a conflict people take; here they agree, each for their own cloud. */
export type Choose = (conflict: PlannedConflict) => PlannedCandidate;

export interface Decided {
  readonly authority: AuthorityId;
  readonly approver: string;
  readonly decision: Decision;
  readonly jws: string;
  /** RFC 7638 thumbprint of the key that signed. */
  readonly key: string;
  readonly answer: DecisionAnswer;
}

/** The key of the one who approves for this authority in the demo. */
export async function approverKey({ session }: Setting, authority: AuthorityId): Promise<PrivateKey> {
  const { federation, layout } = session;
  const { approver } = playerOf(authority);
  return (await findApprover(federation, layout, layout.federationFolder, approver, authority)).key;
}

export async function decideFor(
  setting: Setting,
  authority: AuthorityId,
  open: OpenPlan,
  review: ReviewView,
  choose: Choose,
): Promise<readonly Decided[]> {
  const { session, dataset } = setting;
  const { approver } = playerOf(authority);
  const key = await approverKey(setting, authority);
  const own = new Set(reviewScope(open.plan, authority).conflicts.map(({ id }) => id));
  const chosen = open.view.conflicts
    .filter(({ conflict }) => own.has(conflict.id))
    .map((conflict) => `${conflict.number}=${choose(conflict).number}`);
  const plan = open.found.digest;
  const context = { federation: session.name, dataset, plan, nowMs: Date.now() };
  return Promise.all(
    questionsOf(open, [{ authority, approver, review }], { only: [], choose: chosen }).map(async (question) => {
      // The demo asks about a few people, which is one decision.
      const [piece] = piecesOf(question) as [Piece];
      const { decision, jws } = await signDecision(question, piece, { kind: 'approve' }, context, key);
      const id = { federation: session.name, authority, dataset, plan };
      const answer = await sendDecision(session.connection, id, { plan, jws }, decision.id);
      return { authority, approver, decision, jws, key: await thumbprintOf(publicKeyOf(key)), answer };
    }),
  );
}
