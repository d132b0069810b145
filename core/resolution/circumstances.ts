/**
 * What beside the rules decides about a record: words of people that stand, a doubt about who it is, what its meshes
 * cannot represent, and what was not read.
 */
import type { Acceptance } from '../acceptance.js';
import type { Case } from '../correlation-cases.js';
import type { IgnoredRecord } from '../ignored.js';
import type { OpaqueRecord } from '../opaque.js';
import type { IncompleteScope, MadePlan } from '../plan.js';

export interface Circumstances {
  /** By what people left as it is: a field, or the record where null. */
  readonly accepted: readonly { readonly field: string | null; readonly acceptance: Acceptance }[];
  readonly ignored: IgnoredRecord | null;
  /** Those that name the record, as the one in doubt or as a candidate. */
  readonly cases: readonly Case[];
  readonly opaque: readonly OpaqueRecord[];
  /** Scopes of its type that were not read to their end, so that no deletion follows from them. */
  readonly incomplete: readonly IncompleteScope[];
}

export function circumstancesOf(
  plan: Pick<MadePlan, 'divergences' | 'ignored' | 'cases' | 'incomplete'>,
  opaque: readonly OpaqueRecord[],
  { type, key }: { readonly type: string; readonly key: string },
): Circumstances {
  const isOwn = (one: { readonly type: string; readonly key: string }): boolean => one.type === type && one.key === key;
  return {
    accepted: plan.divergences
      .filter(isOwn)
      .flatMap(({ field, accepted }) => accepted.map((acceptance) => ({ field, acceptance }))),
    ignored: plan.ignored?.find(isOwn) ?? null,
    cases: plan.cases.filter(
      (one) => one.type === type && (one.record === key || one.candidates.some((candidate) => candidate.key === key)),
    ),
    opaque: opaque.filter(isOwn),
    incomplete: plan.incomplete.filter((scope) => scope.type === type),
  };
}
