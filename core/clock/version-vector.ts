/**
 * Version vectors: which of two values was made in knowledge of the other. Earlier, later or concurrent, defined only over
 * what Concordat itself observed and carried; a clock never enters.
 *
 * Parker et al., "Detection of Mutual Inconsistency in Distributed Systems", IEEE TSE 1983. One mesh is one register that
 * is read one observation after the other, so one counter per member suffices and there are no siblings under one name.
 */
import { z } from 'zod';
import { byCodeUnit } from '../json.js';
import { AuthorityId } from '../record.js';

/** Per member the last of its dots that is known. A member that is not named counts as 0: nothing of it is known. */
export const VersionVector = z.record(AuthorityId, z.int().positive());
export type VersionVector = z.infer<typeof VersionVector>;

/** One new state seen at one member: the `number` ascends with the states that were newly observed there. */
export interface Dot {
  readonly member: AuthorityId;
  readonly number: number;
}

export type VectorOrder = 'equal' | 'earlier' | 'later' | 'concurrent';

export const emptyVector: VersionVector = {};

/** What is known once both are known: the greater number of each member. Members in code unit order. */
export function joinVectors(vectors: readonly VersionVector[]): VersionVector {
  const joined: Record<AuthorityId, number> = {};
  for (const vector of vectors)
    for (const [member, number] of Object.entries(vector)) if (number > (joined[member] ?? 0)) joined[member] = number;
  return Object.fromEntries(Object.entries(joined).sort(([left], [right]) => byCodeUnit(left, right)));
}

/** The vector of a state that was newly observed at a member which knew `known` until then. */
export function observe(known: VersionVector, { member, number }: Dot): VersionVector {
  if (number <= (known[member] ?? 0)) throw new RangeError(`dot ${number} of ${member} is not above the last one`);
  return joinVectors([known, { [member]: number }]);
}

/** Whether `left` knows all that `right` knows. */
export function knowsAll(left: VersionVector, right: VersionVector): boolean {
  return Object.entries(right).every(([member, number]) => (left[member] ?? 0) >= number);
}

/** How `left` stands to `right`: `later` where it knows all of it and more. */
export function orderOf(left: VersionVector, right: VersionVector): VectorOrder {
  const knows = knowsAll(left, right);
  const isKnown = knowsAll(right, left);
  if (knows && isKnown) return 'equal';
  return knows ? 'later' : isKnown ? 'earlier' : 'concurrent';
}

/**
 * The one of some vectors that knows all the others and that none of them equals; -1 where there is none: then at least
 * two are concurrent, and a person decides. The order in which they are given does not matter.
 */
export function latestOf(vectors: readonly VersionVector[]): number {
  return vectors.findIndex((candidate, index) =>
    vectors.every((other, position) => position === index || orderOf(candidate, other) === 'later'),
  );
}
