/** All reviews settled into what may be written where: made again by every authority, known by its digest. */
import { z } from 'zod';
import { Digest } from './digest.js';
import { amongIds, GatheredIds, keptIds, sortedIds, type Ids } from './digest-list.js';
import type { Dataset } from './federation/dataset.js';
import { byCodeUnit } from './json.js';
import { areVersionsApproved } from './new-versions.js';
import type { Operation } from './operation.js';
import type { Conflict, MadePlan } from './plan.js';
import { AuthorityId } from './record.js';
import type { Review } from './review.js';

export const Permit = z.strictObject({
  plan: Digest,
  /** Ids of the review messages it was made from, sorted. */
  reviews: z.array(Digest),
  /** Ids by authority, sorted. */
  operations: z.record(AuthorityId, z.array(Digest)),
  settled: z.array(z.strictObject({ conflict: Digest, candidate: Digest })),
  /** Those of the plan, where all who hold their types approved all of them; left out otherwise. */
  newVersions: z.array(Digest).optional(),
});
/** As it is held: of very many ids, 32 bytes each. */
export type Permit = Omit<z.infer<typeof Permit>, 'operations'> & {
  readonly operations: Readonly<Record<AuthorityId, Ids>>;
};

export function makePermit(
  planDigest: Digest,
  plan: Pick<MadePlan, 'operations' | 'conflicts' | 'newVersions'>,
  dataset: Pick<Dataset, 'commit'>,
  reviews: readonly { readonly id: Digest; readonly review: Review }[],
): Permit {
  const byAuthority = new Map(reviews.map(({ review }) => [review.authority, review]));
  const approvedBy = new Map(reviews.map(({ review }) => [review.authority, amongIds(review.operations)]));
  const isApproved = ({ authority, id }: Operation): boolean => approvedBy.get(authority)?.has(id) === true;
  const operations = new Map<AuthorityId, GatheredIds>();
  const permit = ({ authority, id }: Operation): void => {
    const ofAuthority = operations.get(authority) ?? new GatheredIds();
    operations.set(authority, ofAuthority);
    ofAuthority.put(id);
  };
  const settled: Permit['settled'] = [];
  // HAZARD: an outcome "approved" speaks only for what was asked. What an authority could not be asked (a protected
  // record, a value its mesh cannot hold) is in the plan and in nobody's approval, so each operation is looked for.
  const areAgreed = areVersionsApproved(
    plan,
    (authority, id) => byAuthority.get(authority)?.newVersions?.approved.includes(id) === true,
  );
  // HAZARD: every value of the plan was read through the new versions, so nothing is written while one is not agreed on.
  const blocked = !areAgreed || (dataset.commit === 'allOrNothing' && !plan.operations.every(isApproved));
  if (!blocked) {
    for (const operation of plan.operations) if (isApproved(operation)) permit(operation);
    for (const conflict of plan.conflicts) {
      const candidate = settledCandidate(conflict, byAuthority);
      if (!candidate) continue;
      settled.push({ conflict: conflict.id, candidate: candidate.digest });
      for (const operation of candidate.operations) permit(operation);
    }
  }
  const sorted: Record<AuthorityId, Ids> = {};
  for (const [authority, ids] of [...operations].sort(([left], [right]) => byCodeUnit(left, right)))
    sorted[authority] = onceEach(sortedIds(ids.finish()));
  return {
    plan: planDigest,
    reviews: reviews.map(({ id }) => id).sort(byCodeUnit),
    operations: sorted,
    settled: settled.sort((a, b) => byCodeUnit(a.conflict, b.conflict)),
    ...(areAgreed && plan.newVersions ? { newVersions: plan.newVersions.map(({ id }) => id) } : {}),
  };
}

/** Two candidates may have an operation in common. */
function onceEach(sorted: Ids): Ids {
  let before: Digest | undefined;
  let isAgain = false;
  for (const id of sorted) {
    isAgain ||= id === before;
    before = id;
  }
  if (!isAgain) return sorted;
  before = undefined;
  return keptIds(sorted, (id) => {
    const isFirst = id !== before;
    before = id;
    return isFirst;
  });
}

/**
 * A candidate qualifies where every authority that would have to change accepted it. Two that qualify (each side
 * yielded to the other) settle nothing: values must not swap.
 */
function settledCandidate(
  conflict: Conflict,
  reviews: ReadonlyMap<AuthorityId, Review>,
): Conflict['candidates'][number] | undefined {
  const qualifying = conflict.candidates.filter(
    (candidate) =>
      candidate.operations.length > 0 &&
      candidate.operations.every(
        (operation) => reviews.get(operation.authority)?.choices[conflict.id] === candidate.digest,
      ),
  );
  return qualifying.length === 1 ? qualifying[0] : undefined;
}

/** Every operation that a permit could release, by id. */
export function operationsOf(plan: Pick<MadePlan, 'operations' | 'conflicts'>): ReadonlyMap<Digest, Operation> {
  return new Map(
    [
      ...plan.operations,
      ...plan.conflicts.flatMap((conflict) => conflict.candidates.flatMap((candidate) => candidate.operations)),
    ].map((operation) => [operation.id, operation]),
  );
}
