/** Counting decisions: which operations and choices an authority's people have settled. Pure; signatures were checked before. */
import { z } from 'zod';
import type { Decision } from './decision.js';
import { Digest } from './digest.js';
import { byCodeUnit } from './json.js';
import type { Operation } from './operation.js';
import type { Conflict, Plan } from './plan.js';
import { AuthorityId } from './record.js';

export const reviewType = 'concordat-review+jws';

export const ReviewOutcome = z.enum([
  'approved',
  'partlyApproved',
  'rejected',
  'expired',
  'refused',
  'withdrawn',
  'replaced',
  'notNeeded',
]);
export type ReviewOutcome = z.infer<typeof ReviewOutcome>;

/** What an authority's people settled: a document of its own, because it may name every operation of a plan. */
export const ReviewBody = z.strictObject({
  operations: z.array(Digest),
  rejected: z.array(Digest),
  choices: z.record(Digest, Digest),
  /** The signed decisions behind it, as compact JWS. */
  decisions: z.array(z.string()),
});
export type ReviewBody = z.infer<typeof ReviewBody>;

/** The signed message that binds a body to its authority and plan. */
export const ReviewStatement = z.strictObject({
  authority: AuthorityId,
  dataset: z.string(),
  plan: Digest,
  outcome: ReviewOutcome,
  code: z.string().nullable(),
  body: Digest,
  atMs: z.int(),
});
export type ReviewStatement = z.infer<typeof ReviewStatement>;

/** Both, once the body was checked against the statement: input to the permit. */
export type Review = Omit<ReviewStatement, 'body'> & ReviewBody;

export interface ReviewScope {
  readonly operations: readonly Operation[];
  /** Conflicts of which some candidate would write here. */
  readonly conflicts: readonly Conflict[];
}

export function reviewScope(plan: Plan, authority: AuthorityId): ReviewScope {
  return {
    operations: plan.operations.filter((operation) => operation.authority === authority),
    conflicts: plan.conflicts.filter((conflict) =>
      conflict.candidates.some((candidate) =>
        candidate.operations.some((operation) => operation.authority === authority),
      ),
    ),
  };
}

export interface ReviewTally {
  readonly approved: readonly Digest[];
  readonly rejected: readonly Digest[];
  readonly choices: Readonly<Record<Digest, Digest>>;
  readonly open: readonly Digest[];
  readonly closed: boolean;
  /** Most approvals still missing for any one open operation or conflict, or whole decisions if fewer; 0 once closed. */
  readonly missing: number;
}

/**
 * One rejection settles an operation as rejected; `quorum` different approvers settle it as approved. A choice needs
 * the same quorum for the same candidate. A decision that is not partial settles all it does not name as left alone
 * once the quorum has spoken whole.
 */
export function tally(scope: ReviewScope, decisions: readonly Decision[], quorum: number): ReviewTally {
  const rejected = new Set(decisions.filter(({ kind }) => kind === 'reject').flatMap(({ operations }) => operations));
  const approvers = new Map<string, Set<string>>();
  const count = (subject: string, approver: string): void => {
    approvers.set(subject, (approvers.get(subject) ?? new Set()).add(approver));
  };
  const whole = new Set<string>();
  for (const decision of decisions) {
    if (!decision.partial) whole.add(decision.approver);
    if (decision.kind === 'reject') continue;
    for (const operation of decision.operations) count(operation, decision.approver);
    for (const [conflict, candidate] of Object.entries(decision.choices))
      count(`${conflict} ${candidate}`, decision.approver);
  }
  const enough = (subject: string): boolean => (approvers.get(subject)?.size ?? 0) >= quorum;
  const ids = scope.operations.map(({ id }) => id);
  const approved = ids.filter((id) => !rejected.has(id) && enough(id));
  const isApproved = new Set(approved);
  const choices: Record<Digest, Digest> = {};
  for (const conflict of scope.conflicts) {
    const chosen = conflict.candidates.filter(({ digest }) => enough(`${conflict.id} ${digest}`));
    const [only] = chosen;
    // Two candidates with a quorum each would be people contradicting themselves: nothing is chosen then.
    if (only && chosen.length === 1) choices[conflict.id] = only.digest;
  }
  const wholeRejected = decisions.some(({ kind, partial }) => kind === 'reject' && !partial);
  const settledWhole = whole.size >= quorum || wholeRejected;
  const openOperations = ids.filter((id) => !rejected.has(id) && !isApproved.has(id));
  const openConflicts = scope.conflicts.filter(({ id }) => choices[id] === undefined);
  const open = settledWhole ? [] : [...openOperations, ...openConflicts.map(({ id }) => id)].sort(byCodeUnit);
  // No spread into Math.max: a plan may hold more operations than a call may have arguments.
  let missing = 0;
  const lacks = (subjects: readonly string[]): void => {
    const most = subjects.reduce((size, subject) => Math.max(size, approvers.get(subject)?.size ?? 0), 0);
    missing = Math.max(missing, quorum - most);
  };
  if (!settledWhole) {
    for (const id of openOperations) lacks([id]);
    for (const { id, candidates } of openConflicts) lacks(candidates.map(({ digest }) => `${id} ${digest}`));
    // So many whole decisions would close it all the same, such as over a conflict that nobody chooses for.
    missing = Math.min(missing, quorum - whole.size);
  }
  return {
    approved,
    rejected: ids.filter((id) => rejected.has(id)),
    choices,
    open,
    closed: open.length === 0,
    missing,
  };
}
