/**
 * When a change happened, as far as its observer can tell: after it last saw the old state, and not after it first saw
 * the new one. Where two intervals overlap nobody can say which change was the later one, and nobody is asked to guess.
 */
import { z } from 'zod';
import type { AuthorityId } from '../record.js';
import { compareHlc, firstHlc, Hlc } from './hlc.js';

/** (after, until]: last seen unchanged (`firstHlc` where nobody saw it before), first seen changed. */
export const SeenInterval = z.strictObject({ after: Hlc, until: Hlc });
export type SeenInterval = z.infer<typeof SeenInterval>;

export interface SeenChange {
  readonly member: AuthorityId;
  readonly seen: SeenInterval;
}

/** Whether the one change was surely over when the other one began. */
function isAfter(later: SeenInterval, earlier: SeenInterval): boolean {
  return compareHlc(later.after, earlier.until) >= 0;
}

/**
 * The member whose change is surely the latest; null where its interval overlaps with that of another, where nobody saw
 * the state before it, or where there is none. Independent of the order in which changes are given.
 *
 * HAZARD: stamps of several members stand here beside each other, so this holds as far as their clocks agree (the
 * declared bound). Only a dataset that declares "latest observed" may decide by it; elsewhere it is shown and no more.
 */
export function latestObserved(changes: readonly SeenChange[]): AuthorityId | null {
  // One that ends before it begins is nobody's observation, and nothing can be said beside it.
  if (changes.some(({ seen }) => compareHlc(seen.until, seen.after) <= 0)) return null;
  const latest = changes.filter(
    (change) =>
      compareHlc(change.seen.after, firstHlc) > 0 &&
      changes.every((other) => other === change || isAfter(change.seen, other.seen)),
  );
  const [only] = latest;
  return only && latest.length === 1 ? only.member : null;
}
