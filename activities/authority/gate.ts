/**
 * The gate: what must hold before this authority writes anything. It runs in the authority's worker, inside the activity
 * that writes, and trusts signatures only: whoever operates Temporal can forge workflow arguments and results.
 *
 * `gateLines` is its specification, `passGate` its lines in the same order. The test has a lie for every line and code.
 */
import { requirementWords } from '../../core/approval/requirement.js';
import { countBraking, trippedBy } from '../../core/brakes.js';
import { amongIds } from '../../core/digest-list.js';
import type { Digest } from '../../core/digest.js';
import { durationMs } from '../../core/duration.js';
import { ConcordatError, type ErrorCode } from '../../core/errors.js';
import type { LongList } from '../../core/long-list.js';
import type { NewVersion } from '../../core/new-versions.js';
import { applyChanges, type Operation } from '../../core/operation.js';
import type { Permit } from '../../core/permit.js';
import { reviewScope, tallySteps, type ReviewScope, type ReviewTally, type TallyTerms } from '../../core/review.js';
import type { CommitInput } from '../../workflows/contract.js';
import { readDisclosures, runDigests, type DisclosedValues } from './disclosure.js';
import { protectionOfSealed, type FieldDigests } from '../surface/field-digests.js';
import { digestInPieces } from '../documents/put-in-pieces.js';
import { inSlices, letOthersRun } from '../event-loop.js';
import { recomputePlan, requireSamePlan, type Recomputed } from '../recompute.js';
import { recomputePermit, type ReadReview } from '../reviews.js';
import { readAgreement } from './agreements.js';
import { askedOfPlan } from './asked-records.js';
import { constraintRefusals, openFreeze } from './constraints.js';
import { authorityOf, watchedBy, type AuthorityContext } from './context.js';
import { countingDecisions, type CountedDecision } from './decisions.js';
import { heldCounts } from './prepare-review.js';
import { requireLive, reserveBase } from './live-run.js';
import { OwnRecords } from './own-records.js';
import { inWriteOrder, releasedTo } from './released.js';
import { noticeInputs } from './peer-clocks.js';
import { askedSince, readReviewState } from './review-state.js';
import { authorsOfScope, termsOf, type ReviewTerms } from './terms.js';

interface GateLine {
  readonly says: string;
  /** What it refuses with. */
  readonly codes: readonly ErrorCode[];
}

/** In the order in which they are checked. */
export const gateLines = {
  run: { says: 'the run is the one that this authority opened last', codes: ['wrongRun'] },
  inputs: {
    says: 'every input is signed by whom it speaks for, belongs to this run, and stands on one configuration and one base',
    codes: ['inputNotAuthentic', 'wrongRun', 'configurationDiffers', 'staleBase'],
  },
  clocks: {
    says: 'no statement is stamped further ahead of its own clock than declared',
    codes: ['clockUntrusted'],
  },
  plan: { says: 'the plan is the one that this authority makes from the inputs itself', codes: ['planNotReproduced'] },
  base: { says: 'the base is the last one that this authority holds as sealed', codes: ['staleBase'] },
  reviews: {
    says: 'the reviews are signed by their authorities, one each, about this plan',
    codes: ['inputNotAuthentic', 'decisionForOtherPlan'],
  },
  permit: { says: 'the permit is what the reviews give, and releases nothing else', codes: ['planNotReproduced'] },
  ownReview: { says: 'what it releases here, this authority itself has reviewed', codes: ['quorumMissing'] },
  quorum: {
    says: 'its people approved each operation: listed, with the roles declared, each counted once, in time, for this plan or the identical operation, not used up',
    codes: ['quorumMissing'],
  },
  brake: {
    says: 'where a brake trips, the larger quorum approved it anew, for this very plan',
    codes: ['brakeTripped'],
  },
  duties: { says: 'nobody alone approved what follows from their own word', codes: ['separationOfDuties'] },
  surface: { says: 'no field is touched that this authority does not expose', codes: ['outsideSurface'] },
  protected: { says: 'no record is touched that this authority protects', codes: ['protectedRecord'] },
  records: {
    says: 'the native objects behind the records are those that this authority linked itself',
    codes: ['planNotReproduced'],
  },
  opaque: {
    says: 'no object is touched that this mesh cannot fully represent; each is read again right before its write',
    codes: ['opaqueRecord'],
  },
  disclosed: {
    says: 'what members disclosed is signed by them, for this plan',
    codes: ['inputNotAuthentic', 'wrongRun'],
  },
  constraints: {
    says: 'no operation is outside what may be written here, above a ceiling, or out of the regions that a holder declared, and every rule allows it',
    codes: ['notWritable', 'aboveCeiling', 'residencyRefused', 'ruleRefused'],
  },
  time: {
    says: 'no freeze window is open, and the run is as fresh as declared, on its own clock',
    codes: ['frozen', 'staleSnapshot'],
  },
  reserved: { says: 'no other plan is being written', codes: ['baseReserved'] },
} as const satisfies Readonly<Record<string, GateLine>>;

export type GateLineName = keyof typeof gateLines;

export interface GatePass {
  readonly recomputed: Recomputed;
  readonly permitDigest: Digest;
  /** In the order in which they are to be written. */
  readonly operations: LongList<Operation>;
  /** The same as the plan has them, by their records. */
  readonly byRecord: LongList<Operation>;
  readonly decisions: readonly CountedDecision[];
  /** Operations that a person's choice released, with the conflict that it settled. */
  readonly conflictOf: ReadonlyMap<Digest, Digest>;
  readonly own: OwnRecords;
  readonly disclosed: DisclosedValues;
  readonly openedAtMs: number;
}

/** Throws the code of the first line that does not hold, with its name; the base is reserved for the plan when it returns. */
export async function passGate(context: AuthorityContext, input: CommitInput): Promise<GatePass> {
  const { inputs, plan } = input;
  const { dataset } = inputs;

  const { openedAtMs } = await line('run', () => requireLive(context, inputs));
  const recomputed = await line('inputs', () =>
    recomputePlan(context.federation, context.exchange, inputs, 'own', watchedBy(context)),
  );
  await line('clocks', () => noticeInputs(context, recomputed));
  await line('plan', () => requireSamePlan(context.exchange, recomputed, plan));
  await line('base', () => requireOwnBase(context, dataset, recomputed));

  const { permit, reviews } = await line('reviews', () =>
    recomputePermit(context.federation, context.exchange, input.reviews, recomputed),
  );
  await line('clocks', () => context.clock.receive(reviews.map(({ review }) => review)));
  const permitDigest = await digestInPieces(permit);
  await line('permit', () => requireSamePermit(permitDigest, input.permit.sha256));
  const operations = await releasedTo(context.id, recomputed, permit);
  await line('ownReview', () => requireOwnReview(context, reviews, operations));

  const asked = await askedHere(context, input, recomputed, operations, { permit, permitDigest });
  await line('quorum', () => requireApproved('quorumMissing', context, asked, { braked: false, authors: {} }));
  await line('brake', () => requireApproved('brakeTripped', context, asked, { braked: asked.braked, authors: {} }));
  const { decisions, conflictOf } = await line('duties', () =>
    requireApproved('separationOfDuties', context, asked, { braked: asked.braked, authors: asked.authors }),
  );

  await line('surface', () => eachPart(operations, (part) => requireExposed(context, recomputed, part)));
  const digests = await runDigests(context, recomputed);
  await line('protected', () => eachPart(operations, (part) => requireUnprotected(context, recomputed, part, digests)));
  const own = await line('records', () => OwnRecords.load(context, inputs, digests, askedOfPlan(recomputed)));
  await line('opaque', () => eachPart(operations, (part) => requireClear(part, own)));
  const disclosed = await line('disclosed', () =>
    readDisclosures(context, input.disclosures ?? [], recomputed, digests),
  );
  await line('constraints', () => requireUnconstrained(context, recomputed, operations, disclosed));
  await line('time', () => requireTimely(context, openedAtMs));
  const { freshness } = authorityOf(context).constraints;
  await line('reserved', () => reserveBase(context, dataset, recomputed.planDigest, durationMs(freshness)));

  const inOrder = await inWriteOrder(operations, recomputed);
  return {
    recomputed,
    permitDigest,
    operations: inOrder,
    byRecord: operations,
    decisions,
    conflictOf,
    own,
    disclosed,
    openedAtMs,
  };
}

async function line<Value>(name: GateLineName, check: () => Promise<Value> | Value): Promise<Value> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof ConcordatError) || error.code === 'storeFault') throw error;
    throw new ConcordatError(error.code, `${error.message} (gate: ${name})`, { cause: error });
  }
}

const partOperations = 500;

/** Some at a time, so that others run between them. */
async function eachPart(operations: LongList<Operation>, check: (part: readonly Operation[]) => void): Promise<void> {
  let part: Operation[] = [];
  for (const operation of operations) {
    part.push(operation);
    if (part.length < partOperations) continue;
    check(part);
    part = [];
    await letOthersRun();
  }
  check(part);
}

function refuse(code: ErrorCode, message: string): never {
  throw new ConcordatError(code, message);
}

async function requireOwnBase(context: AuthorityContext, dataset: string, { messages }: Recomputed): Promise<void> {
  const { agreement } = await readAgreement(context, dataset);
  if ((agreement?.digest ?? null) !== messages.baseDigest)
    refuse('staleBase', 'the plan starts from another base than the last one that this authority holds');
}

function requireSamePermit(made: Digest, named: Digest): void {
  if (made !== named) refuse('planNotReproduced', 'the reviews permit something else than the permit says');
}

/** HAZARD: a permit that was made again releases nothing without a review; looked at again all the same. */
export function requireOwnReview(
  { id }: AuthorityContext,
  reviews: readonly ReadReview[],
  operations: Pick<LongList<Operation>, 'length'>,
): void {
  if (operations.length > 0 && !reviews.some(({ review }) => review.authority === id))
    refuse('quorumMissing', 'this authority has signed no review of the plan');
}

/** What people had to decide, and who stands behind it. */
interface Asked extends ReviewTerms {
  readonly dataset: string;
  readonly plan: Digest;
  readonly permitDigest: Digest;
  readonly settled: Permit['settled'];
  readonly scope: ReviewScope;
  readonly operations: LongList<Operation>;
}

async function askedHere(
  context: AuthorityContext,
  { inputs }: CommitInput,
  recomputed: Recomputed,
  operations: LongList<Operation>,
  { permit, permitDigest }: { readonly permit: Permit; readonly permitDigest: Digest },
): Promise<Asked> {
  const { plan, planDigest } = recomputed;
  const scope = reviewScope(plan, context.id);
  const state = await readReviewState(context, inputs.dataset);
  const counts: Record<string, { all: number; deletions: number }> = {};
  await eachPart(operations, (part) => {
    for (const operation of part) countBraking(counts, operation);
  });
  return {
    dataset: inputs.dataset,
    plan: planDigest,
    permitDigest,
    settled: permit.settled,
    scope,
    operations,
    braked: trippedBy(authorityOf(context), counts, heldCounts(recomputed, context.id)).length > 0,
    authors: (await authorsOfScope(context, inputs, recomputed, scope)).authors,
    // What an escalation allows counts from when its own people were asked about this very plan.
    askedSinceMs: state?.plan === planDigest ? askedSince(state) : () => undefined,
  };
}

/** Counts the signed decisions once more, under these terms. */
async function requireApproved(
  code: ErrorCode,
  context: AuthorityContext,
  asked: Asked,
  { braked, authors }: Pick<ReviewTerms, 'braked' | 'authors'>,
): Promise<Pick<GatePass, 'decisions' | 'conflictOf'>> {
  const { dataset, plan, scope, permitDigest, operations, settled, askedSinceMs } = asked;
  const decisions = await countingDecisions(context, dataset, plan, scope, braked, permitDigest);
  const terms = termsOf(context, { braked, authors, askedSinceMs });
  const counted = await inSlices(tallySteps(scope, decisions, terms));
  const conflictOf = conflictsSettled(scope, counted, settled);
  const approved = amongIds(counted.approved);
  const open = unapprovedVersions(scope, counted);
  if (open.length > 0) refuse(code, openVersionsWords(open, terms));
  let undecided = 0;
  const firstOf: Operation[] = [];
  await eachPart(operations, (part) => {
    for (const operation of part) {
      if (approved.has(operation.id) || conflictOf.has(operation.id)) continue;
      if (undecided === 0) firstOf.push(operation);
      undecided += 1;
    }
  });
  const [first] = firstOf;
  if (first)
    refuse(
      code,
      `${undecided} operations lack their approval: ${requirementWords(terms.demandOf(first.id, [first]).requirement)}`,
    );
  return { decisions, conflictOf };
}

/** HAZARD: a permit under a new version releases nothing before its review approved it; counted again all the same. */
export function unapprovedVersions(
  { newVersions = [] }: ReviewScope,
  { approvedVersions }: ReviewTally,
): readonly NewVersion[] {
  return newVersions.filter(({ id }) => !approvedVersions.includes(id));
}

export function openVersionsWords(open: readonly NewVersion[], terms: TallyTerms): string {
  const [first] = open;
  const takes = first ? requirementWords(terms.demandOfVersion(first).requirement) : '';
  return `${open.length} new versions of types or maps lack their approval: ${takes}`;
}

/** The operations that a choice of own people released, where the permit settled the conflict alike. */
function conflictsSettled(
  { conflicts }: ReviewScope,
  { choices }: ReviewTally,
  settled: Permit['settled'],
): ReadonlyMap<Digest, Digest> {
  const conflictOf = new Map<Digest, Digest>();
  const candidateOf = new Map(settled.map(({ conflict, candidate }) => [conflict, candidate]));
  for (const { id, candidates } of conflicts) {
    const choice = choices[id];
    if (choice === undefined || candidateOf.get(id) !== choice) continue;
    const chosen = candidates.find(({ digest }) => digest === choice);
    for (const operation of chosen?.operations ?? []) conflictOf.set(operation.id, id);
  }
  return conflictOf;
}

/** HAZARD: a plan that was recomputed holds none of these; it is looked at again because this is the last place to look. */
export function requireExposed(
  { id }: AuthorityContext,
  { typeOf }: Pick<Recomputed, 'typeOf'>,
  operations: readonly Operation[],
): void {
  for (const { type, changes } of operations) {
    const held = typeOf(type)?.held[id] ?? [];
    if (changes.some(({ field }) => !held.includes(field)))
      refuse('outsideSurface', `an operation touches a field of ${type} that is not exposed`);
  }
}

function requireUnprotected(
  context: AuthorityContext,
  { viewOf, typeOf }: Pick<Recomputed, 'viewOf' | 'typeOf'>,
  operations: readonly Operation[],
  digests: FieldDigests | null,
): void {
  for (const { type, key, changes } of operations) {
    const shape = typeOf(type);
    if (!shape) refuse('outsideSurface', `the dataset holds no ${type}`);
    const fields = viewOf(type, key)?.members[context.id] ?? applyChanges(changes, null);
    if (protectionOfSealed(authorityOf(context), digests, shape, key, fields) !== null)
      refuse('protectedRecord', `an operation touches a protected ${type}`);
  }
}

async function requireUnconstrained(
  context: AuthorityContext,
  recomputed: Recomputed,
  operations: LongList<Operation>,
  disclosed: DisclosedValues,
): Promise<void> {
  const [refused] = (await constraintRefusals(context, recomputed, operations, disclosed)).values();
  if (refused) refuse(refused.code, refused.message);
}

/** HAZARD: a plan that was recomputed holds none of these; looked at again in the pages that this authority read itself. */
export function requireClear(operations: readonly Operation[], own: Pick<OwnRecords, 'isOpaque'>): void {
  for (const { type, key } of operations)
    if (own.isOpaque(type, key)) refuse('opaqueRecord', `an operation touches a ${type} that is opaque here`);
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
