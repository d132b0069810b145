/** Signs what the person named, for one authority and a time; each decision counts once. */
import { randomBytes } from 'node:crypto';
import { signCompact } from '../../activities/keys/sign.js';
import type { PrivateKey } from '../../activities/keys/private-key.js';
import { decisionBytesMax, decisionType, type Decision } from '../../core/decision.js';
import { canonicalJson, type Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import type { Question } from './open-questions.js';
import type { Piece } from './pieces.js';

/** How far a decision reaches, and with whose voice. */
export interface Reach {
  readonly onlyThisPlan: boolean;
  readonly delegation: string | null;
}

export type Verdict =
  { readonly kind: 'approve' } | { readonly kind: 'reject'; readonly reason: string; readonly untilMs: number | null };

/** After this a decision counts no more, wherever it lies. */
const countsForMs = 7 * 24 * 3_600_000;

/** Throws usage where it is larger than a review takes. */
export async function signDecision(
  { authority, approver }: Pick<Question, 'authority' | 'approver'>,
  { operations, ranges, choices, conflicts, newVersions, partial }: Piece,
  verdict: Verdict,
  context: { readonly federation: string; readonly dataset: string; readonly plan: Digest; readonly nowMs: number },
  key: PrivateKey,
  reach: Reach = { onlyThisPlan: false, delegation: null },
): Promise<{ readonly decision: Decision; readonly jws: string }> {
  const { federation, dataset, plan, nowMs } = context;
  const decision: Decision = {
    id: randomBytes(16).toString('base64url'),
    kind: verdict.kind,
    federation,
    authority,
    dataset,
    plan,
    approver,
    operations: [...operations],
    ...(ranges ? { ranges } : {}),
    delegation: reach.delegation,
    binds: reach.onlyThisPlan ? 'thisPlan' : 'identicalOperations',
    choices: verdict.kind === 'approve' ? { ...choices } : {},
    conflicts: verdict.kind === 'reject' ? [...conflicts] : [],
    ...(newVersions.length > 0 ? { newVersions: [...newVersions] } : {}),
    partial,
    reason: verdict.kind === 'reject' ? verdict.reason : null,
    untilMs: verdict.kind === 'reject' ? verdict.untilMs : null,
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + countsForMs,
  };
  // In base64url, with room for header and signature. Before the key is asked, which may be a service.
  if ((canonicalJson(decision).length * 4) / 3 + 1_000 > decisionBytesMax)
    throw new ConcordatError(
      'usage',
      `a decision for ${authority} on ${operations.length} operations, ${Object.keys(choices).length} choices and ${conflicts.length} conflicts is larger than the ${decisionBytesMax} bytes that a review takes at once: name fewer with --only, --choose or --conflict, one command after the other`,
    );
  return { decision, jws: await signCompact(decision, { typ: decisionType, key }) };
}
