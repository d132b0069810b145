/**
 * Base agreement: which run may move the base of a dataset, and what it must finish first. Pure; the same functions judge
 * in an authority's activities and in the simulation (test/core/rounds-simulation.test.ts).
 *
 * The shape is Paxos with the run as ballot (Lamport, "The Part-Time Parliament", 1998; "Paxos Made Simple", 2001): an
 * open is a promise for a round and tells what its authority has signed and not yet seen sealed; a run needs opens of more
 * than half of the members and is bound to exactly those; a candidate is sealed when every one of them signed it. Two
 * majorities share an authority, and an authority opens once in a round, so a round has one run at most and a sealed
 * candidate shows in every later run.
 *
 * Why not less: signing whatever fits forks; one signature for each sequence number deadlocks.
 */
import { z } from 'zod';
import { Digest } from './digest.js';
import { byCodeUnit } from './json.js';
import type { AuthorityId } from './record.js';

/** How far a coordinator may move the round at once, so that none can use up all numbers. */
export const roundStepMax = 1_000_000;

/** What an authority has signed and not yet seen sealed. */
export const Pending = z.strictObject({
  round: z.int().positive(),
  sequence: z.int().positive(),
  candidate: Digest,
});
export type Pending = z.infer<typeof Pending>;

/** The last sealed base that an authority holds. */
export interface Sealed {
  readonly sequence: number;
  readonly digest: Digest;
}

export interface OpenedRun {
  readonly round: number;
  /** Exactly those taking part. */
  readonly members: readonly AuthorityId[];
}

/** What one authority keeps of a dataset between messages; it is durable before anything that rests on it is sent. */
export interface RoundState {
  /** The highest round it ever opened. */
  readonly promised: number;
  /** Its open that still counts: none once it witnessed. */
  readonly live: OpenedRun | null;
  readonly pending: Pending | null;
  readonly base: Sealed | null;
}

export type OpenRefusal =
  | { readonly kind: 'roundTooLow' | 'roundTooFar'; readonly promised: number }
  | { readonly kind: 'noMajority' }
  | { readonly kind: 'notMembers' };

export function isMajority(count: number, of: number): boolean {
  return count * 2 > of;
}

/** Whether an authority may open for this round with these members; null where it may. */
export function refuseOpen(
  promised: number,
  asked: OpenedRun,
  self: AuthorityId,
  all: readonly AuthorityId[],
): OpenRefusal | null {
  if (!asked.members.includes(self) || new Set(asked.members).size !== asked.members.length)
    return { kind: 'notMembers' };
  if (asked.members.some((member) => !all.includes(member))) return { kind: 'notMembers' };
  if (!isMajority(asked.members.length, all.length)) return { kind: 'noMajority' };
  if (asked.round <= promised) return { kind: 'roundTooLow', promised };
  if (asked.round > promised + roundStepMax) return { kind: 'roundTooFar', promised };
  return null;
}

/** What an open says that matters here. */
export interface OpenedState extends OpenedRun {
  readonly authority: AuthorityId;
  readonly base: Sealed | null;
  readonly pending: Pending | null;
}

export type RunDuty =
  /** All hold one base and nothing is pending above it: the run does its own work. */
  | { readonly kind: 'work'; readonly base: Sealed | null }
  /**
   * This candidate may be sealed already: it is signed first, and nothing else. Where it is `passable` too few can have
   * signed it, so that the run may do its own work instead: the way out where nobody can make the candidate again.
   */
  | { readonly kind: 'finish'; readonly pending: Pending; readonly base: Sealed | null; readonly passable: boolean }
  /** Some hold an older base than others: they take the seal of the highest, and all open again. */
  | { readonly kind: 'catchUp'; readonly to: Sealed; readonly behind: readonly AuthorityId[] };

/** Opens that do not make one run. */
export type BrokenRun =
  | 'differentRounds'
  | 'differentMembers'
  | 'memberMissing'
  | 'noMajority'
  | 'baseForked'
  /** Those who take part are too few of the members to whom the base belongs. */
  | 'noMajorityBefore';

/**
 * What a run of these opens has to do, the same for everyone who looks at them, in whatever order they stand. `all` are
 * the members of the dataset; `before` those to whom the base belongs that the run stands on (core/seal-chain.ts), null
 * before the first.
 */
export function dutyOf(
  opens: readonly OpenedState[],
  all: readonly AuthorityId[],
  before: readonly AuthorityId[] | null,
): RunDuty | BrokenRun {
  const [first] = opens;
  if (!first) return 'noMajority';
  if (opens.some(({ round }) => round !== first.round)) return 'differentRounds';
  const members = [...first.members].sort(byCodeUnit);
  if (opens.some((open) => [...open.members].sort(byCodeUnit).join(' ') !== members.join(' ')))
    return 'differentMembers';
  const present = opens.map(({ authority }) => authority).sort(byCodeUnit);
  if (present.join(' ') !== members.join(' ') || members.some((member) => !all.includes(member)))
    return 'memberMissing';
  if (!isMajority(members.length, all.length)) return 'noMajority';
  const highest = opens.reduce<Sealed | null>(
    (found, { base }) => (base && (!found || base.sequence > found.sequence) ? base : found),
    null,
  );
  const behind = opens.filter(({ base }) => (base?.sequence ?? 0) < (highest?.sequence ?? 0));
  // Two sealed bases of one number are what this whole file excludes; signed by whoever did it, they are proof of a lie.
  if (opens.some(({ base }) => base && base.sequence === highest?.sequence && base.digest !== highest.digest))
    return 'baseForked';
  if (highest && behind.length > 0)
    return { kind: 'catchUp', to: highest, behind: behind.map(({ authority }) => authority).sort(byCodeUnit) };
  if (before !== null && !isMajorityOf(members, before)) return 'noMajorityBefore';
  const shown = pendingAt(opens, (highest?.sequence ?? 0) + 1);
  // HAZARD: who lies about a round could hide behind a candidate of its own one that is sealed; so what cannot be is last.
  const binding = shown.filter((pending) => before === null || !isPassable(opens, pending, before));
  const pending = mustFinish(binding.length > 0 ? binding : shown);
  return pending
    ? { kind: 'finish', pending, base: highest, passable: binding.length === 0 }
    : { kind: 'work', base: highest };
}

function pendingAt(opens: readonly OpenedState[], sequence: number): readonly Pending[] {
  return opens.flatMap(({ pending }) => (pending?.sequence === sequence ? [pending] : []));
}

/**
 * Whether a candidate cannot be sealed, now or later. Who takes part here without having signed it signs it in no older
 * round any more, and had it been sealed, whoever signed it would show it still. So it needs a run without all of these,
 * and those who are left are too few for one. That is plain Paxos: what nobody can have chosen binds nobody. Not before
 * the first base: nothing says then who could have sealed one.
 */
function isPassable(opens: readonly OpenedState[], { candidate }: Pending, before: readonly AuthorityId[]): boolean {
  const without = opens.filter(({ pending }) => pending?.candidate !== candidate).map(({ authority }) => authority);
  const left = before.filter((member) => !without.includes(member));
  return !isMajority(left.length, before.length);
}

/** Whether these are more than half of those. */
export function isMajorityOf(some: readonly AuthorityId[], all: readonly AuthorityId[]): boolean {
  return isMajority(all.filter((member) => some.includes(member)).length, all.length);
}

/**
 * The candidate of the highest round that somebody signed just above the base. Where that round shows two, neither was
 * signed by all of its run, and had an older one been sealed, that round could have signed nothing else: nothing is
 * sealed, unless somebody lies, so the next lower round is looked at. Where no round is left, the run does its own work.
 */
function mustFinish(fitting: readonly Pending[]): Pending | null {
  const isAlone = ({ round, candidate }: Pending): boolean =>
    fitting.every((other) => other.round !== round || other.candidate === candidate);
  return fitting.filter(isAlone).sort((a, b) => b.round - a.round)[0] ?? null;
}

/** Whether an authority may sign a candidate in a run that has this duty; the words say why not. */
export function refuseWitness(
  state: Pick<RoundState, 'live' | 'base'>,
  run: OpenedRun,
  duty: RunDuty,
  candidate: { readonly digest: Digest; readonly sequence: number; readonly previous: Digest | null },
): 'notLive' | 'finishFirst' | 'staleBase' | null {
  if (!state.live || state.live.round !== run.round) return 'notLive';
  if (duty.kind === 'catchUp') return 'staleBase';
  if (duty.kind === 'finish' && !duty.passable && candidate.digest !== duty.pending.candidate) return 'finishFirst';
  if ((duty.base?.digest ?? null) !== (state.base?.digest ?? null)) return 'staleBase';
  if (candidate.previous !== (state.base?.digest ?? null)) return 'staleBase';
  if (candidate.sequence !== (state.base?.sequence ?? 0) + 1) return 'staleBase';
  return null;
}

/** Signing spends the live open: whoever wants more from this authority opens again. */
export function witnessed(state: RoundState, pending: Pending): RoundState {
  return { ...state, live: null, pending };
}

/** Whether these signatures seal a candidate: every member of the run that the opens make, and no other. */
export function isSealed(members: readonly AuthorityId[], signers: readonly AuthorityId[]): boolean {
  return members.length > 0 && members.every((member) => signers.includes(member));
}
