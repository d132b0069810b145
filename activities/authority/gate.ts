/**
 * The gate: what must hold before this authority writes anything. It runs in the authority's worker, inside the activity
 * that writes, and trusts signatures only: whoever operates Temporal can forge workflow arguments and results.
 *
 * Reads from top to bottom like its specification; each check has its code in core/errors.ts.
 */
import { requirementWords } from '../../core/approval/requirement.js';
import { protectionOf, trippedBrakes } from '../../core/brakes.js';
import { digestOf, type Digest } from '../../core/digest.js';
import { durationMs } from '../../core/duration.js';
import { ConcordatError, type ErrorCode } from '../../core/errors.js';
import { applyChanges, type Operation } from '../../core/operation.js';
import { operationsOf, type Permit } from '../../core/permit.js';
import { reviewScope, tally, type ReviewScope } from '../../core/review.js';
import type { CommitInput } from '../../workflows/contract.js';
import { recomputePlan, type Recomputed } from '../recompute.js';
import { recomputePermit } from '../reviews.js';
import { readAgreement } from './agreements.js';
import { authorityOf, type AuthorityContext } from './context.js';
import { countingDecisions, type CountedDecision } from './decisions.js';
import { heldCounts, openFreeze } from './prepare-review.js';
import { requireLive } from './live-run.js';
import { noticeInputs } from './peer-clocks.js';
import { readReviewState } from './review-state.js';
import { authorsOfScope, termsOf, type ReviewTerms } from './terms.js';

export interface GatePass {
  readonly recomputed: Recomputed;
  readonly permitDigest: Digest;
  /** In the order in which they are to be written. */
  readonly operations: readonly Operation[];
  readonly decisions: readonly CountedDecision[];
  /** Operations that a person's choice released, with the conflict that it settled. */
  readonly conflictOf: ReadonlyMap<Digest, Digest>;
  readonly openedAtMs: number;
}

export async function passGate(context: AuthorityContext, input: CommitInput): Promise<GatePass> {
  const authority = authorityOf(context);

  // 1. The run is the one this authority opened last: its nonce is in the run id, so nothing old fits.
  const { openedAtMs } = await requireLive(context, input.inputs);

  // 2. Every input is signed by whom it speaks for, over one configuration and one base; the plan is the one that
  //    this authority computes from them.
  const recomputed = await recomputePlan(context.federation, context.exchange, input.inputs);
  await noticeInputs(context, recomputed);
  if (recomputed.planDigest !== input.plan.sha256)
    refuse(
      'planNotReproduced',
      `this authority computes plan ${recomputed.planDigest.slice(0, 12)}, not ${input.plan.sha256.slice(0, 12)}`,
    );

  // 3. The base is the last agreement that this authority itself witnessed.
  const { agreement } = await readAgreement(context, input.inputs.dataset);
  if ((agreement?.digest ?? null) !== recomputed.messages.baseDigest)
    refuse('staleBase', 'the plan starts from another base than this authority witnessed last');

  // 4. The permit is what the signed reviews of all authorities give.
  const { permit, reviews } = await recomputePermit(context.federation, context.exchange, input.reviews, recomputed);
  await context.clock.receive(reviews.map(({ review }) => review));
  const permitDigest = digestOf(permit);
  if (permitDigest !== input.permit.sha256)
    refuse('planNotReproduced', 'the reviews permit something else than the permit says');
  const byId = operationsOf(recomputed.plan);
  const operations = (permit.operations[context.id] ?? []).flatMap((id) => byId.get(id) ?? []);
  if (!reviews.some(({ review }) => review.authority === context.id) && operations.length > 0)
    refuse('quorumMissing', 'this authority has signed no review of the plan');

  // 5. No brake has tripped, or the larger quorum has spoken.
  const tripped = trippedBrakes(authority, operations, heldCounts(recomputed, context.id));

  // 6. Own people decided: signatures, approvers, expiry, each operation by the quorum, each decision once.
  const scope = reviewScope(recomputed.plan, context.id);
  const decisions = await countingDecisions(
    context,
    input.inputs.dataset,
    recomputed.planDigest,
    scope,
    tripped.length > 0,
    permitDigest,
  );
  const authors = await authorsOfScope(context, input.inputs, recomputed, scope);
  const conflictOf = await requireDecided(context, input, {
    scope,
    operations,
    decisions,
    settled: permit.settled,
    braked: tripped.length > 0,
    authors,
  });

  // 7. Nothing that this authority declared untouchable is touched, and nothing outside its surface.
  for (const operation of operations) {
    const type = recomputed.messages.shape.types.find((one) => one.taxonomy.type === operation.type);
    const held = type?.held[context.id] ?? [];
    if (operation.changes.some(({ field }) => !held.includes(field)))
      refuse('outsideSurface', `an operation touches a field of ${operation.type} that is not exposed`);
    const fields =
      recomputed.views[operation.type]?.find(({ key }) => key === operation.key)?.members[context.id] ??
      applyChanges(operation.changes, null);
    if (protectionOf(authority, operation.type, fields) !== null)
      refuse('protectedRecord', `an operation touches a protected ${operation.type}`);
  }

  // 8. Now is a time at which this authority accepts writes from this run.
  requireTimely(context, openedAtMs);

  return {
    recomputed,
    permitDigest,
    operations: inWriteOrder(operations, recomputed),
    decisions,
    conflictOf,
    openedAtMs,
  };
}

/** Freeze windows and freshness, on this authority's own clock: checked again before every single write. */
export function requireTimely(context: AuthorityContext, openedAtMs: number): void {
  const freeze = openFreeze(context);
  if (freeze !== null) refuse('frozen', `a freeze window is open: ${freeze}`);
  const ageMs = context.now() - openedAtMs;
  const { freshness } = authorityOf(context).constraints;
  if (ageMs > durationMs(freshness)) refuse('staleSnapshot', `the run was opened longer ago than ${freshness}`);
  if (ageMs < 0) refuse('staleSnapshot', 'the clock of this authority stands before the opening of the run');
}

async function requireDecided(
  context: AuthorityContext,
  input: CommitInput,
  given: {
    readonly scope: ReviewScope;
    readonly operations: readonly Operation[];
    readonly decisions: readonly CountedDecision[];
    readonly settled: Permit['settled'];
    readonly braked: boolean;
    readonly authors: ReviewTerms['authors'];
  },
): Promise<ReadonlyMap<Digest, Digest>> {
  const { scope, operations, decisions, settled, braked, authors } = given;
  const state = await readReviewState(context, input.inputs.dataset);
  const askedAtMs = state?.plan === input.plan.sha256 ? state.askedAtMs : {};
  const terms = termsOf(context, { braked, authors, askedAtMs });
  const told = tally(scope, decisions, terms);
  const approved = new Set(told.approved);
  const conflictOf = new Map<Digest, Digest>();
  for (const conflict of scope.conflicts) {
    const choice = told.choices[conflict.id];
    if (choice === undefined || !settled.some((one) => one.conflict === conflict.id && one.candidate === choice))
      continue;
    for (const operation of conflict.candidates.find(({ digest }) => digest === choice)?.operations ?? [])
      conflictOf.set(operation.id, conflict.id);
  }
  const undecided = operations.filter(({ id }) => !approved.has(id) && !conflictOf.has(id));
  const [first] = undecided;
  if (first === undefined) return conflictOf;
  // Enough people, if only the one who signed the link behind it were not the only one among them.
  const withoutAuthors = tally(scope, decisions, termsOf(context, { braked, authors: {}, askedAtMs }));
  const byAuthorsOnly = undecided.every(({ id }) => withoutAuthors.approved.includes(id));
  const needed = requirementWords(terms.demandOf(first.id, [first]).requirement);
  refuse(
    byAuthorsOnly ? 'separationOfDuties' : braked ? 'brakeTripped' : 'quorumMissing',
    `${undecided.length} operations lack their approval: ${needed}`,
  );
}

/** Creations and updates with the types they refer to first, then deletions the other way round. */
function inWriteOrder(operations: readonly Operation[], recomputed: Recomputed): readonly Operation[] {
  const order = new Map(recomputed.messages.shape.types.map((type, position) => [type.taxonomy.type, position]));
  const rank = ({ kind, type }: Operation): number => {
    const position = order.get(type) ?? 0;
    return kind === 'delete' ? 1_000 + (1_000 - position) : position * 2 + (kind === 'create' ? 0 : 1);
  };
  return [...operations].sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1));
}

function refuse(code: ErrorCode, message: string): never {
  throw new ConcordatError(code, message);
}
