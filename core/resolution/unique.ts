/**
 * Fields that the dataset declares unique: two records with one value, in whichever meshes they are, are a divergence of
 * their own, and nothing is written that would make or keep it.
 *
 * What a plan can write into a field some member, or the base, holds already for that record. So it is enough to ask
 * which other records hold a value now. One that is about to lose it holds it until that is done: two writes in two
 * clouds have no order.
 */
import type { CompareContext, RecordView } from '../compare.js';
import type { ConflictCandidate, FieldVerdict } from '../verdict.js';
import type { DatasetType } from '../federation/federation.js';
import { byCodeUnit, type Json } from '../json.js';
import type { LongList } from '../long-list.js';

/** The keys of other records that hold the value, sorted. */
export type TakenBy = (field: string, value: Json, key: string) => readonly string[];

/** A value of a unique field in records on which all members and the base agree: in no view, and taken all the same. */
export interface AgreedValue {
  readonly type: string;
  readonly field: string;
  readonly value: string;
  readonly keys: readonly string[];
}

/** Undefined where no field of the type is to be unique. */
export function takenIn(
  { taxonomy, policy }: DatasetType,
  views: LongList<RecordView>,
  agreed: readonly AgreedValue[],
): TakenBy | undefined {
  const unique = policy?.unique ?? [];
  if (unique.length === 0) return undefined;
  const holders = new Map<string, Set<string>>();
  const hold = (field: string, value: string, key: string): void => {
    const name = `${field} ${value}`;
    const known = holders.get(name);
    if (known) known.add(key);
    else holders.set(name, new Set([key]));
  };
  for (const { type, field, value, keys } of agreed)
    if (type === taxonomy.type) for (const key of keys) hold(field, value, key);
  for (const { key, members } of views)
    for (const fields of Object.values(members))
      for (const field of unique) {
        const value = fields?.[field];
        if (typeof value === 'string' && value !== '') hold(field, value, key);
      }
  return (field, value, key) =>
    typeof value !== 'string' || !unique.includes(field)
      ? []
      : [...(holders.get(`${field} ${value}`) ?? [])].filter((other) => other !== key).sort(byCodeUnit);
}

/** Takes what would make or keep a doubled value out of the verdicts on one field, and says that it did. */
export function guardUnique(
  verdicts: readonly FieldVerdict[],
  view: RecordView,
  { takenBy }: CompareContext,
): readonly FieldVerdict[] {
  if (!takenBy) return verdicts;
  return verdicts.flatMap((verdict): readonly FieldVerdict[] => {
    const { field } = verdict;
    const isTaken = (value: Json | undefined): boolean => takenBy(field, value ?? null, view.key).length > 0;
    const at = Object.keys(view.members)
      .filter((member) => isTaken(view.members[member]?.[field]))
      .sort(byCodeUnit);
    const doubled: FieldVerdict = { kind: 'doubled', field, at };
    const beside = at.length > 0 ? [doubled] : [];
    switch (verdict.kind) {
      case 'equal':
        return isTaken(verdict.value) ? [doubled] : [verdict];
      case 'proposal':
        return isTaken(verdict.target) ? [doubled] : [verdict, ...beside];
      case 'waits':
        return isTaken(verdict.value) ? [doubled] : [verdict, ...beside];
      case 'conflict': {
        const candidates = verdict.candidates.map((candidate): ConflictCandidate =>
          isTaken(candidate.value) ? { ...candidate, withheld: true } : candidate,
        );
        return [{ ...verdict, candidates }, ...beside];
      }
      default:
        return [verdict, ...beside];
    }
  });
}

/** Agreed records that share a value: they are in no view, so no verdict speaks of them. */
export function agreedDoubles(
  { taxonomy }: DatasetType,
  views: LongList<RecordView>,
  agreed: readonly AgreedValue[],
  takenBy: TakenBy,
): readonly { readonly key: string; readonly field: string }[] {
  const seen = new Set(views.map(({ key }) => key));
  return agreed
    .filter(({ type }) => type === taxonomy.type)
    .flatMap(({ field, value, keys }) =>
      keys.filter((key) => !seen.has(key) && takenBy(field, value, key).length > 0).map((key) => ({ key, field })),
    );
}
