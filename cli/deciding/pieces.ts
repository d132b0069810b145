/**
 * What one person answers for one authority, in as many signed decisions as it takes. Mostly that is one: few operations go into
 * it as a list, many as ranges of the plan.
 */
import { amongIds } from '../../core/digest-list.js';
import type { Digest } from '../../core/digest.js';
import { byCodeUnit } from '../../core/json.js';
import { placesMax, placesOf, rangesOver, type OperationRanges } from '../../core/operation-ranges.js';
import type { Question } from './open-questions.js';

/** Up to so many operations are named one by one. */
export const listedMax = 300;
/** Choices, and conflicts that are left as they are, in one decision: some 360 kB each way. */
const conflictsMax = 2_000;

/** What one signed decision names. */
export interface Piece {
  readonly operations: readonly Digest[];
  readonly ranges: OperationRanges | null;
  readonly choices: Readonly<Record<Digest, Digest>>;
  readonly conflicts: readonly Digest[];
  readonly newVersions: readonly Digest[];
  /** Only the last one may settle what is not named. */
  readonly partial: boolean;
}

export function piecesOf({
  operations,
  planned,
  choices,
  conflicts,
  newVersions,
  partial,
}: Question): readonly Piece[] {
  const ids = amongIds(operations);
  const many = operations.length > listedMax;
  const ranges = many
    ? inParts(
        placesOf(planned, (id) => ids.has(id)),
        placesMax,
      ).map((places) => rangesOver(places, planned))
    : [];
  const chosen = inParts(Object.entries(choices), conflictsMax);
  const left = inParts([...conflicts].sort(byCodeUnit), conflictsMax);
  const count = Math.max(1, ranges.length, chosen.length, left.length);
  return Array.from({ length: count }, (_, at) => ({
    operations: many || at > 0 ? [] : [...operations].sort(byCodeUnit),
    ranges: ranges[at] ?? null,
    choices: Object.fromEntries(chosen[at] ?? []),
    conflicts: left[at] ?? [],
    newVersions: at === 0 ? newVersions.map(({ id }) => id) : [],
    partial: partial || at < count - 1,
  }));
}

function inParts<Item>(items: readonly Item[], itemsMax: number): Item[][] {
  const parts: Item[][] = [];
  for (let from = 0; from < items.length; from += itemsMax) parts.push(items.slice(from, from + itemsMax));
  return parts;
}
