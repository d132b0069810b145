/** What a plan asks of each authority that a person speaks for, narrowed to what the person named. */
import { amongIds, GatheredIds, gatheredIds, keptIds, type Ids } from '../../core/digest-list.js';
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import type { NewVersion } from '../../core/new-versions.js';
import type { Operation } from '../../core/operation.js';
import type { Conflict } from '../../core/plan.js';
import type { AuthorityId } from '../../core/record.js';
import { reviewScope } from '../../core/review.js';
import type { ReviewStatus } from '../../workflows/messages.js';
import type { OpenPlan } from '../reading/open-plan.js';
import { namedChoices, namedConflicts, namedOperations, namedVersions, namesVersion } from '../reading/references.js';
import type { ReviewView } from '../temporal/reviews.js';

/** What a person answers for one authority. */
export interface Question {
  readonly authority: AuthorityId;
  readonly approver: string;
  readonly status: ReviewStatus;
  readonly operations: Ids;
  /** The first of them. */
  readonly shown: readonly Operation[];
  /** All that the plan has for this authority, in its order, also what it does not ask. */
  readonly planned: Ids;
  readonly choices: Readonly<Record<Digest, Digest>>;
  /** Conflicts that a rejection leaves as they are. */
  readonly conflicts: readonly Digest[];
  /** Conflicts of this authority that are not chosen for: they stay divergences once the decision is whole. */
  readonly unchosen: readonly Conflict[];
  /** New versions of types that this authority holds. */
  readonly newVersions: readonly NewVersion[];
  /** Whether what is not named waits for another decision. */
  readonly partial: boolean;
}

export interface Named {
  readonly only: readonly string[];
  readonly choose: readonly string[];
  /** For a rejection, the conflicts that it leaves as they are; all of them where nothing is named at all. */
  readonly leave?: readonly string[];
}

export interface OpenReview {
  readonly authority: AuthorityId;
  readonly approver: string;
  readonly review: ReviewView;
}

/** Recorded names of records in a question before the rest is only counted. */
export const recordsShown = 12;

/**
 * Throws usage where something is named that these authorities do not ask, reviewClosed or authorityAbsent where no
 * review of the plan is open for this person.
 */
export function questionsOf(
  { plan, view, found }: OpenPlan,
  reviews: readonly OpenReview[],
  named: Named,
): readonly Question[] {
  const open = reviews.filter(({ review }) => review.kind === 'open');
  if (open.length === 0) throw noneOpen(found.digest, reviews);
  const isWhole = named.only.length === 0 && (named.leave ?? []).length === 0;
  const only = named.only.flatMap((text) => text.split(','));
  const ofOperations = only.filter((word) => !namesVersion(word));
  const wanted = isWhole ? null : ofOperations.includes('none') ? gatheredIds([]) : namedOperations(plan, ofOperations);
  const isWanted = wanted && amongIds(wanted);
  const wantedVersions = isWhole ? null : new Set(namedVersions(plan, only).map(({ id }) => id));
  const choices = namedChoices(plan, named.choose);
  const leave = namedConflicts(plan, named.leave ?? []).map(({ id }) => id);
  const taken = new Set<string>();
  const takenOperations: Pick<ReadonlySet<Digest>, 'has'>[] = [];
  const questions = open.flatMap(({ authority, approver, review }): Question[] => {
    if (review.kind !== 'open') return [];
    const scope = reviewScope(plan, authority);
    const refused = new Set(
      (view.sheets[authority]?.operations ?? []).flatMap((entry) => (entry.refused ? [entry.operation.id] : [])),
    );
    const planned = new GatheredIds();
    const operationsNamed = new GatheredIds();
    const shown: Operation[] = [];
    let askedCount = 0;
    for (const operation of scope.operations) {
      const { id } = operation;
      planned.put(id);
      if (refused.has(id)) continue;
      askedCount += 1;
      if (isWanted && !isWanted.has(id)) continue;
      operationsNamed.put(id);
      if (shown.length < recordsShown) shown.push(operation);
    }
    const operations = operationsNamed.finish();
    if (wanted === null && askedCount !== review.status.operations && review.status.stage === 'waiting')
      throw new ConcordatError(
        'usage',
        `${authority} asks about ${review.status.operations} of the ${askedCount} operations that the plan has for it, and which of them only its private store says; run this where that store is, or name operations with --only`,
      );
    const own = Object.fromEntries(
      Object.entries(choices).filter(([conflict]) => scope.conflicts.some(({ id }) => id === conflict)),
    );
    const all = scope.conflicts.map(({ id }) => id);
    const conflicts = named.leave === undefined ? [] : isWhole ? all : all.filter((id) => leave.includes(id));
    const newVersions = (scope.newVersions ?? []).filter(({ id }) => wantedVersions?.has(id) ?? true);
    takenOperations.push(amongIds(operations));
    for (const { id } of newVersions) taken.add(id);
    for (const id of conflicts) taken.add(id);
    for (const conflict of Object.keys(own)) taken.add(conflict);
    if (wanted !== null && operations.length + conflicts.length + newVersions.length + Object.keys(own).length === 0)
      return [];
    return [
      {
        authority,
        approver,
        status: review.status,
        operations,
        shown,
        planned: planned.finish(),
        choices: own,
        conflicts,
        newVersions,
        unchosen: scope.conflicts.filter(({ id }) => own[id] === undefined && !conflicts.includes(id)),
        partial: wanted !== null,
      },
    ];
  });
  const strangers = [
    ...keptIds(wanted ?? [], (id) => !takenOperations.some((ids) => ids.has(id))),
    ...[...(wantedVersions ?? []), ...leave, ...Object.keys(choices)].filter((id) => !taken.has(id)),
  ];
  if (strangers.length > 0)
    throw new ConcordatError(
      'decisionUnknownOperation',
      `${namesIn(plan, strangers).join(', ')}: not asked of ${open.map(({ authority }) => authority).join(', ')}, for whom you sign`,
    );
  return questions;
}

const strangersNamed = 1_000;

function namesIn(plan: OpenPlan['plan'], strangers: readonly Digest[]): readonly string[] {
  const wanted = new Set(strangers.slice(0, strangersNamed));
  const operations = new Map<Digest, string>();
  let number = 0;
  for (const { id, authority } of plan.operations) {
    number += 1;
    if (wanted.has(id)) operations.set(id, `operation ${number} (${authority})`);
  }
  const more = strangers.length - wanted.size;
  return [
    ...[...wanted].map((id) => operations.get(id) ?? nameIn(plan, id)),
    ...(more > 0 ? [`and ${more} more`] : []),
  ];
}

function nameIn(plan: OpenPlan['plan'], id: Digest): string {
  const conflict = plan.conflicts.findIndex((one) => one.id === id);
  const version = plan.newVersions?.findIndex((one) => one.id === id) ?? -1;
  if (version >= 0) return `new version v${version + 1}`;
  return conflict >= 0 ? `conflict ${conflict + 1}` : id.slice(0, 12);
}

function noneOpen(plan: Digest, reviews: readonly OpenReview[]): ConcordatError {
  const silent = reviews.filter(({ review }) => review.kind === 'silent');
  if (silent.length > 0)
    return new ConcordatError(
      'authorityAbsent',
      `the worker of ${silent.map(({ authority }) => authority).join(', ')} does not answer; a review of plan ${plan.slice(0, 12)} is open there`,
    );
  const why = reviews.map(({ authority, review }) => `${authority} ${stateText(review)}`);
  return new ConcordatError(
    'reviewClosed',
    `nothing of plan ${plan.slice(0, 12)} waits for you: ${why.join(', ')}; \`concordat plan\` shows the newest plan`,
  );
}

function stateText(review: ReviewView): string {
  switch (review.kind) {
    case 'none':
      return 'was not asked';
    case 'closed':
      return `has ended (${review.result.outcome})`;
    case 'failed':
      return `failed (${review.failure.code})`;
    case 'hidden':
      return 'is not visible to you';
    default:
      return 'is open';
  }
}
