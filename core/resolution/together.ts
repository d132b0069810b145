/**
 * Fields that a dataset declares to belong together, such as a department and its manager: they are taken from one side or
 * by people, never some from here and some from there. Merged field by field, two changes that are right by
 * themselves can make a record that nobody ever had.
 */
import type { RecordView } from '../compare.js';
import { heldValues, inOneOrder, type FieldVerdict } from '../verdict.js';

/** Where one field of a group is a conflict, or no member holds all that is proposed, people decide on what differs. */
export function decideTogether(
  verdicts: readonly FieldVerdict[],
  groups: readonly (readonly string[])[] | undefined,
  view: RecordView,
): readonly FieldVerdict[] {
  if (!groups) return verdicts;
  const asked = new Set(
    groups.flatMap((group) => {
      const differing = verdicts.filter(({ kind, field }) => kind !== 'equal' && group.includes(field));
      return followOneSide(differing) ? [] : differing.map(({ field }) => field);
    }),
  );
  return verdicts.map((verdict): FieldVerdict => {
    if (verdict.kind !== 'proposal' || !asked.has(verdict.field)) return verdict;
    const { field } = verdict;
    return {
      kind: 'conflict',
      field,
      base: view.base?.[field],
      candidates: inOneOrder(heldValues(field, [...verdict.because, ...verdict.behind], view)),
    };
  });
}

/** One member holds all that is proposed. */
function followOneSide(differing: readonly FieldVerdict[]): boolean {
  const [first, ...others] = differing;
  if (!first || others.length === 0) return true;
  return (
    first.kind === 'proposal' &&
    first.because.some((member) => others.every((other) => other.kind === 'proposal' && other.because.includes(member)))
  );
}
