/** Of values that nobody carried to another member, the one whose change was surely seen last. */
import type { Held } from '../verdict.js';
import { latestObserved, type SeenChange } from '../clock/seen-interval.js';
import type { VersionsOfRecord } from '../record-versions.js';

/**
 * Null where observation intervals overlap, where nobody saw the state before, or where one of the values came by a way
 * that no interval is known of: then people decide. Intervals are signed by who observed, and neither the order in which
 * members opened or sealed nor the one in which they are given enters.
 */
export function latestHeld(field: string, open: readonly Held[], versions: VersionsOfRecord | undefined): Held | null {
  const changes: SeenChange[] = [];
  for (const { heldBy } of open) {
    const seen = heldBy.flatMap((member) => {
      const changed = versions?.[member]?.times?.[field]?.changed;
      return changed ? [{ member, seen: changed }] : [];
    });
    if (seen.length === 0) return null;
    changes.push(...seen);
  }
  const latest = latestObserved(changes);
  return open.find(({ heldBy }) => latest !== null && heldBy.includes(latest)) ?? null;
}
