/** One signed decision for one authority: what the person named, for a time, counted once. */
import { randomBytes } from 'node:crypto';
import { signCompact } from '../../activities/keys/sign.js';
import type { PrivateKey } from '../../activities/keys/private-key.js';
import { decisionType, type Decision } from '../../core/decision.js';
import type { Digest } from '../../core/digest.js';
import { byCodeUnit } from '../../core/json.js';
import type { Question } from './open-questions.js';

/** How far a decision reaches, and with whose voice. */
export interface Reach {
  readonly onlyThisPlan: boolean;
  readonly delegation: string | null;
}

export type Verdict =
  { readonly kind: 'approve' } | { readonly kind: 'reject'; readonly reason: string; readonly untilMs: number | null };

/** After this a decision counts no more, wherever it lies. */
const countsForMs = 7 * 24 * 3_600_000;

export async function signDecision(
  question: Question,
  verdict: Verdict,
  context: { readonly federation: string; readonly dataset: string; readonly plan: Digest; readonly nowMs: number },
  key: PrivateKey,
  reach: Reach = { onlyThisPlan: false, delegation: null },
): Promise<{ readonly decision: Decision; readonly jws: string }> {
  const { authority, approver, operations, conflicts, choices, partial } = question;
  const { federation, dataset, plan, nowMs } = context;
  const decision: Decision = {
    id: randomBytes(16).toString('base64url'),
    kind: verdict.kind,
    federation,
    authority,
    dataset,
    plan,
    approver,
    operations: operations.map(({ id }) => id).sort(byCodeUnit),
    delegation: reach.delegation,
    binds: reach.onlyThisPlan ? 'thisPlan' : 'identicalOperations',
    choices: verdict.kind === 'approve' ? { ...choices } : {},
    conflicts: verdict.kind === 'reject' ? [...conflicts].sort(byCodeUnit) : [],
    partial,
    reason: verdict.kind === 'reject' ? verdict.reason : null,
    untilMs: verdict.kind === 'reject' ? verdict.untilMs : null,
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + countsForMs,
  };
  return { decision, jws: await signCompact(decision, { typ: decisionType, key }) };
}
