/** Counting decisions: which operations, choices and new versions an authority's people have settled. Pure; signatures were checked before. */
import { z } from 'zod';
import type { Requirement } from './approval/requirement.js';
import type { Electorate } from './approval/electorate.js';
import { shortfall, type Shortfall, type Voice } from './approval/voices.js';
import { Hlc } from './clock/hlc.js';
import type { OpenedDecision } from './decision.js';
import { Digest } from './digest.js';
import { amongIds, DigestList, GatheredIds, sortedIds, type Ids } from './digest-list.js';
import { byCodeUnit } from './json.js';
import type { NewVersion } from './new-versions.js';
import type { Operation } from './operation.js';
import type { LongList } from './long-list.js';
import type { Conflict, MadePlan } from './plan.js';
import { AuthorityId } from './record.js';
import { lastOf } from './steps.js';

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
  /** Conflicts that these people leave as they are. */
  left: z.array(Digest),
  choices: z.record(Digest, Digest),
  /** What became of the new versions that these people were asked about; left out where there was none. */
  newVersions: z.strictObject({ approved: z.array(Digest), rejected: z.array(Digest) }).optional(),
  /** The signed decisions behind it, and the delegations that they name, as compact JWS. */
  decisions: z.array(z.string()),
  delegations: z.array(z.string()),
  /** By the id of a decision that names ranges of an earlier plan: the operations there, in order, as its root bears out. */
  named: z.record(Digest, z.array(Digest)).optional(),
});
export type ReviewBody = z.infer<typeof ReviewBody>;

/** The same as it is held: of very many ids, 32 bytes each. Its canonical JSON is that of a ReviewBody. */
export type HeldReviewBody = Omit<ReviewBody, 'operations' | 'rejected' | 'named'> & {
  readonly operations: LongList<Digest>;
  readonly rejected: LongList<Digest>;
  readonly named?: Readonly<Record<Digest, LongList<Digest>>> | undefined;
};

/** The signed message that binds a body to its authority and plan. */
export const ReviewStatement = z.strictObject({
  authority: AuthorityId,
  dataset: z.string(),
  plan: Digest,
  outcome: ReviewOutcome,
  code: z.string().nullable(),
  body: Digest,
  hlc: Hlc,
});
export type ReviewStatement = z.infer<typeof ReviewStatement>;

/** Both, once the body was checked against the statement: input to the permit. */
export type Review = Omit<ReviewStatement, 'body'> & HeldReviewBody;

/** How far the decisions on a plan are, in counts. */
export interface ReviewProgress {
  readonly approved: number;
  readonly rejected: number;
  /** Conflicts that are left as they are. */
  readonly left: number;
  readonly choices: number;
  readonly open: number;
  /** People still missing for some question. */
  readonly missing: number;
  /** Of them, how many with which role. */
  readonly missingRoles: Readonly<Record<string, number>>;
  /** Whether something was approved by those alone who signed what is behind it. */
  readonly needsOther: boolean;
  /** Approvers, by id, who have said all they want to say about this plan. */
  readonly spoken: readonly string[];
  readonly closed: boolean;
}

/** Before anybody was asked. */
export const nothingDecided: ReviewProgress = {
  approved: 0,
  rejected: 0,
  left: 0,
  choices: 0,
  open: 0,
  missing: 0,
  missingRoles: {},
  needsOther: false,
  spoken: [],
  closed: false,
};

export interface ReviewScope {
  /** In the order of the plan. */
  readonly operations: LongList<Operation>;
  /** Conflicts of which some candidate would write here. */
  readonly conflicts: readonly Conflict[];
  /** Of types that are held here; absent where there are none. */
  readonly newVersions?: readonly NewVersion[] | undefined;
}

export function reviewScope(
  plan: Pick<MadePlan, 'operations' | 'conflicts' | 'newVersions'>,
  authority: AuthorityId,
): ReviewScope {
  const newVersions = plan.newVersions?.filter(({ asked }) => asked.includes(authority)) ?? [];
  return {
    operations: operationsAt(plan.operations, authority),
    conflicts: plan.conflicts.filter((conflict) =>
      conflict.candidates.some((candidate) =>
        candidate.operations.some((operation) => operation.authority === authority),
      ),
    ),
    ...(newVersions.length > 0 ? { newVersions } : {}),
  };
}

/** HAZARD: a list that is no array is one that was made here, in the order of a plan, in which those of one authority stand together. */
function operationsAt(operations: LongList<Operation>, authority: AuthorityId): LongList<Operation> {
  if (Array.isArray(operations)) return operations.filter((operation: Operation) => operation.authority === authority);
  const firstAfter = (isBefore: (other: AuthorityId) => boolean): number => {
    let [low, high] = [0, operations.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const [found] = operations.slice(middle, middle + 1);
      if (found && isBefore(found.authority)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return operations.slice(
    firstAfter((other) => byCodeUnit(other, authority) < 0),
    firstAfter((other) => byCodeUnit(other, authority) <= 0),
  );
}

/** A decision with whose voice it is: the signer's own, or that of whoever delegated it to them. */
export interface Vote {
  readonly decision: OpenedDecision;
  readonly voice: string;
}

/** An authority's own terms of approval for one plan. */
export interface TallyTerms {
  readonly authority: AuthorityId;
  /** For an operation by its id, or for a conflict by its id and all that one of its candidates would write here. */
  readonly demandOf: (subject: Digest, operations: readonly Operation[]) => Demand;
  /** For a new version: it is about every operation on its type that could come. */
  readonly demandOfVersion: (version: NewVersion) => Demand;
}

export interface Demand {
  readonly requirement: Requirement;
  readonly electorate: Electorate;
}

export interface ReviewTally {
  readonly approved: Ids;
  readonly rejected: Ids;
  /** Conflicts that were rejected, which leaves them as they are. */
  readonly left: readonly Digest[];
  readonly choices: Readonly<Record<Digest, Digest>>;
  readonly approvedVersions: readonly Digest[];
  readonly rejectedVersions: readonly Digest[];
  /** Operations, conflicts and new versions. */
  readonly open: Ids;
  readonly closed: boolean;
  /** Most people still missing for any one open operation or conflict, or whole decisions if fewer; 0 once closed. */
  readonly missing: number;
  /** Of them, how many with which role: the most for any one question. */
  readonly missingRoles: Readonly<Record<string, number>>;
  /** Whether something open was approved by its authors only. */
  readonly needsOther: boolean;
}

/**
 * One rejection settles an operation as rejected, or a conflict as left; enough different people settle it as approved.
 * A choice needs as many for the same candidate. A decision that is not partial settles all it does not name as left
 * alone once enough people have spoken whole.
 */
export function tally(scope: ReviewScope, votes: readonly Vote[], terms: TallyTerms): ReviewTally {
  return lastOf(tallySteps(scope, votes, terms));
}

/** The same, operation by operation. */
export function* tallySteps(
  scope: ReviewScope,
  votes: readonly Vote[],
  terms: TallyTerms,
): Generator<void, ReviewTally> {
  const rejections: Pick<ReadonlySet<Digest>, 'has'>[] = [];
  const voicesFor = new Map<string, Voice[]>();
  /** Of decisions that name very many operations, which are looked for in them one by one. */
  const manyFor: { readonly named: DigestList; readonly own: Voice }[] = [];
  const whole: Voice[] = [];
  for (const { decision, voice } of votes) {
    const own: Voice = { signer: decision.approver, of: voice };
    if (!decision.partial) whole.push(own);
    if (decision.kind === 'reject') {
      rejections.push(amongIds(decision.operations), new Set([...decision.conflicts, ...(decision.newVersions ?? [])]));
      continue;
    }
    const choices = Object.entries(decision.choices).map(([conflict, candidate]) => `${conflict} ${candidate}`);
    const { operations } = decision;
    if (operations instanceof DigestList) manyFor.push({ named: operations, own });
    const listed = operations instanceof DigestList ? [] : operations;
    for (const subject of [...listed, ...choices, ...(decision.newVersions ?? [])]) {
      const known = voicesFor.get(subject);
      if (known) known.push(own);
      else voicesFor.set(subject, [own]);
    }
  }
  const isRejected = (subject: Digest): boolean => rejections.some((ids) => ids.has(subject));
  const voicesOf = (operation: Digest): readonly Voice[] => {
    const own = voicesFor.get(operation) ?? [];
    const more = manyFor.filter(({ named }) => named.has(operation));
    return more.length === 0 ? own : [...own, ...more.map((one) => one.own)];
  };
  const count = counter();
  const approved = new GatheredIds();
  const open = new GatheredIds();
  let missing = 0;
  let needsOther = false;
  const roles: Record<string, number> = {};
  const leaveOpen = (id: Digest, lacking: Shortfall): void => {
    open.put(id);
    missing = Math.max(missing, lacking.people);
    needsOther ||= lacking.needsOther;
    for (const [role, people] of Object.entries(lacking.roles)) roles[role] = Math.max(roles[role] ?? 0, people);
  };
  const wholeRejected = votes.some(({ decision }) => decision.kind === 'reject' && !decision.partial);
  const ask = (id: Digest, demand: Demand, lacking: Shortfall): void => {
    if (wholeRejected) return;
    const settledWhole = count(demand, whole);
    if (settledWhole.people > 0) leaveOpen(id, settledWhole.people < lacking.people ? settledWhole : lacking);
  };
  for (const operation of scope.operations) {
    yield;
    if (isRejected(operation.id)) continue;
    const demand = terms.demandOf(operation.id, [operation]);
    const lacking = count(demand, voicesOf(operation.id));
    if (lacking.people === 0) approved.put(operation.id);
    else ask(operation.id, demand, lacking);
  }
  const newVersions = scope.newVersions ?? [];
  const approvedVersions: Digest[] = [];
  for (const version of newVersions) {
    if (isRejected(version.id)) continue;
    const demand = terms.demandOfVersion(version);
    const lacking = count(demand, voicesFor.get(version.id) ?? []);
    if (lacking.people === 0) approvedVersions.push(version.id);
    else ask(version.id, demand, lacking);
  }
  const choices: Record<Digest, Digest> = {};
  for (const conflict of scope.conflicts) {
    if (isRejected(conflict.id)) continue;
    const candidates = conflict.candidates.map(({ digest, operations }) => {
      const own = operations.filter(({ authority }) => authority === terms.authority);
      const demand = terms.demandOf(conflict.id, own);
      return { digest, demand, lacking: count(demand, voicesFor.get(`${conflict.id} ${digest}`) ?? []) };
    });
    const chosen = candidates.filter(({ lacking }) => lacking.people === 0);
    const [only] = chosen;
    // Two candidates that enough people chose would be people contradicting themselves: nothing is chosen then.
    if (only && chosen.length === 1) choices[conflict.id] = only.digest;
    else {
      const [nearest] = [...candidates].sort((a, b) => a.lacking.people - b.lacking.people);
      if (nearest) ask(conflict.id, nearest.demand, nearest.lacking);
    }
  }
  const rejected = new GatheredIds();
  if (rejections.length > 0)
    for (const { id } of scope.operations) {
      yield;
      if (isRejected(id)) rejected.put(id);
    }
  const stillOpen = sortedIds(open.finish());
  return {
    approved: approved.finish(),
    rejected: rejected.finish(),
    left: scope.conflicts.flatMap(({ id }) => (isRejected(id) ? [id] : [])),
    choices,
    approvedVersions,
    rejectedVersions: newVersions.flatMap(({ id }) => (isRejected(id) ? [id] : [])),
    open: stillOpen,
    closed: stillOpen.length === 0,
    missing,
    missingRoles: Object.fromEntries(Object.entries(roles).sort(([left], [right]) => byCodeUnit(left, right))),
    needsOther,
  };
}

/**
 * A plan may hold many operations, and mostly the same people speak for all of them: each case is counted once, as long
 * as terms give equal demands as one object.
 */
function counter(): (demand: Demand, voices: readonly Voice[]) => Shortfall {
  const known = new Map<Demand, Map<string, Shortfall>>();
  return (demand, voices) => {
    const ofDemand = known.get(demand) ?? new Map<string, Shortfall>();
    known.set(demand, ofDemand);
    const spoken = [...new Set(voices.map(({ signer, of }) => `${signer} ${of}`))].sort(byCodeUnit).join();
    const found = ofDemand.get(spoken) ?? shortfall(demand.requirement, voices, demand.electorate);
    ofDemand.set(spoken, found);
    return found;
  };
}
