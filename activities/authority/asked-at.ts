/** Since when people have been asked about what a review asks, where an earlier one asked about some of it. */
import { DigestList } from '../../core/digest-list.js';
import type { Digest } from '../../core/digest.js';
import type { LongList } from '../../core/long-list.js';
import type { Operation } from '../../core/operation.js';
import type { ReviewScope } from '../../core/review.js';
import { askedAtMax, askedSince, type ReviewState } from './review-state.js';

/** By operation or conflict; of very many, those alone of which it is not `openedAtMs`. */
export function askedAtMsOf(
  previous: ReviewState | null,
  scope: ReviewScope,
  openedAtMs: number,
): Record<Digest, number> {
  return scope.operations.length > askedAtMax
    ? askedBefore(previous, scope, openedAtMs)
    : askedOfEach(previous, scope, openedAtMs);
}

function askedOfEach(previous: ReviewState | null, scope: ReviewScope, openedAtMs: number): Record<Digest, number> {
  const before = previous ? askedSince(previous) : () => undefined;
  return Object.fromEntries(Array.from(joinedIds(scope), ({ id }) => [id, before(id) ?? openedAtMs]));
}

/** Since when people have been asked about what an earlier review asked too; of all else, since this one was opened. */
function askedBefore(previous: ReviewState | null, scope: ReviewScope, openedAtMs: number): Record<Digest, number> {
  if (!previous) return {};
  const { scope: before } = previous;
  const since = askedSince(previous);
  const known = DigestList.of(idsOf(before.operations));
  for (const { id } of [...before.conflicts, ...(before.newVersions ?? [])]) known.push(id);
  const asked: Record<Digest, number> = {};
  for (const { id } of joinedIds(scope)) {
    const at = known.has(id) ? since(id) : undefined;
    if (at !== undefined && at !== openedAtMs) asked[id] = at;
  }
  return asked;
}

export function* idsOf(operations: LongList<Operation>): Generator<Digest> {
  for (const { id } of operations) yield id;
}

function* joinedIds({ operations, conflicts, newVersions }: ReviewScope): Generator<{ readonly id: Digest }> {
  yield* operations;
  yield* conflicts;
  yield* newVersions ?? [];
}
