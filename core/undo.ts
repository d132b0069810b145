/**
 * Undo: a person's signed word that records which one agreement moved go back to what was agreed before it.
 *
 * A statement names no value. It names two bases, the one before the agreement and the one that it made, and the records
 * that go back; everybody reads the values from these bases, which the chain of agreements holds fast. So nobody can put a
 * value of their own into an undo, and it acts only while a record stands as that agreement left it: what has moved since
 * is left alone, and the plan says so. It passes the same gate, brakes and approvals as every other operation, and its
 * signer is the author (core/approval/authors.ts).
 */
import { z } from 'zod';
import type { SignedCause } from './approval/authors.js';
import { hlcParts, type Hlc } from './clock/hlc.js';
import { Digest } from './digest.js';
import { byCodeUnit } from './json.js';
import { sameJson } from './lens/same-json.js';
import { setElements, type Operation } from './operation.js';
import { AuthorityId, type Fields } from './record.js';

/** What a person signs to undo an agreement, or to withdraw that (activities/authority/undo-statement.ts). */
export const undoStatementType = 'concordat-undo+jws';

/** Two megabytes of names would not fit into one signed message. */
export const undoRecordsMax = 4_000;

/** How long a statement holds where nobody says otherwise. */
export const undoDefault = '14d';

export const UndoRecord = z.strictObject({
  type: z.string().max(100),
  key: z.string().max(300),
  /** The fields that go back; null where the record itself does: it was created or deleted. */
  fields: z.array(z.string().max(100)).nullable(),
});
export type UndoRecord = z.infer<typeof UndoRecord>;

export const Undo = z.strictObject({
  kind: z.literal('undo'),
  authority: AuthorityId,
  /** The run that made the agreement, and its number. */
  run: Digest,
  sequence: z.int().min(2),
  /** The base that is gone back to, and the one that the agreement made. */
  before: Digest,
  after: Digest,
  records: z.array(UndoRecord).min(1).max(undoRecordsMax),
  untilMs: z.int(),
});
export type Undo = z.infer<typeof Undo>;

/** Ends what this authority's people said of that run before they signed this. */
export const UndoWithdrawal = z.strictObject({ kind: z.literal('withdraw'), authority: AuthorityId, run: Digest });
export type UndoWithdrawal = z.infer<typeof UndoWithdrawal>;

export const UndoStatement = z.discriminatedUnion('kind', [Undo, UndoWithdrawal]);
export type UndoStatement = z.infer<typeof UndoStatement>;

/** As an authority publishes it: known by the digest of what was signed; records that are back, or moved, are left out. */
export const StandingUndo = Undo.omit({ kind: true, authority: true }).extend({
  records: z.array(UndoRecord).max(undoRecordsMax),
  id: Digest,
  approver: z.string(),
});
export type StandingUndo = z.infer<typeof StandingUndo>;

/** Why a part of a statement leads to nothing now. */
export const UndoLeft = z.enum([
  'moved',
  'valuesGone',
  'notInHistory',
  'nothingAgreedBefore',
  'digestField',
  'wouldWiden',
  'deletionPolicy',
  'referenceGone',
  'doubled',
  'heldBack',
  'waits',
]);
export type UndoLeft = z.infer<typeof UndoLeft>;

/** One statement as a plan takes it: who signed it, and what becomes of each part. */
export const PlannedUndo = z.strictObject({
  undo: Digest,
  authority: AuthorityId,
  approver: z.string(),
  run: Digest,
  sequence: z.int(),
  untilMs: z.int(),
  parts: z.array(
    z.strictObject({
      type: z.string(),
      key: z.string(),
      field: z.string().nullable(),
      state: z.enum(['goesBack', 'isBack', ...UndoLeft.options]),
    }),
  ),
});
export type PlannedUndo = z.infer<typeof PlannedUndo>;
export type UndoState = PlannedUndo['parts'][number]['state'];

/** One record of one statement with the values of the two bases. */
export interface UndoneRecord {
  readonly undo: Omit<StandingUndo, 'records' | 'before' | 'after'> & { readonly authority: AuthorityId };
  readonly type: string;
  readonly key: string;
  readonly fields: readonly string[] | null;
  /** In the base before the agreement; undefined where it has no such record. */
  readonly was: Fields | undefined;
  /** In the base that the agreement made. */
  readonly found: Fields | undefined;
  /** Where the values cannot be read, or lead nowhere. */
  readonly left: Extract<UndoLeft, 'valuesGone' | 'notInHistory' | 'referenceGone'> | null;
}

/** Whether a statement still holds when its authority opened: by that authority's own signed stamp, for everybody alike. */
export function isUndoOver({ untilMs }: Pick<Undo, 'untilMs'>, opened: Hlc): boolean {
  return hlcParts(opened).ms >= untilMs;
}

/** Which elements the agreement brought into a set, and which it took out. */
export function elementsMoved(
  was: Fields | undefined,
  found: Fields | undefined,
  field: string,
): { readonly lost: readonly string[]; readonly gained: readonly string[] } {
  const before = new Set(setElements(was?.[field]));
  const after = new Set(setElements(found?.[field]));
  return {
    lost: [...before].filter((element) => !after.has(element)).sort(byCodeUnit),
    gained: [...after].filter((element) => !before.has(element)).sort(byCodeUnit),
  };
}

/**
 * Whether a record stands as it was agreed on. A field that was not agreed on says nothing: a new object shows what its
 * cloud puts into it, and that is nobody's edit.
 */
export function standsAs(agreed: Fields, now: Fields): boolean {
  return Object.entries(now).every(([field, value]) => agreed[field] === undefined || sameJson(value, agreed[field]));
}

/**
 * What of a record is still as the agreement left it in a later base, as the fields of a statement; undefined where
 * nothing is. What is not is over for good: either it went back, or somebody moved it on, and a value that later happens
 * to be the same again is none of this statement's business.
 */
export function stillUndone(
  { type, key, fields }: UndoRecord,
  was: Fields | undefined,
  found: Fields | undefined,
  now: Fields | undefined,
  isSet: (field: string) => boolean,
): UndoRecord | undefined {
  if (fields === null) {
    const stands = found === undefined ? now === undefined : now !== undefined && standsAs(found, now);
    return stands ? { type, key, fields } : undefined;
  }
  const standing = fields.filter((field) => {
    if (!isSet(field)) return now !== undefined && sameJson(now[field] ?? null, found?.[field] ?? null);
    const { lost, gained } = elementsMoved(was, found, field);
    const current = new Set(setElements(now?.[field]));
    return now !== undefined && (lost.some((one) => !current.has(one)) || gained.some((one) => current.has(one)));
  });
  return standing.length === 0 ? undefined : { type, key, fields: standing };
}

/** Of statements about one record the latest agreement's first: it stands on what the earlier ones left. */
export class Undos {
  readonly #byRecord = new Map<string, UndoneRecord[]>();
  readonly #planned = new Map<Digest, PlannedUndo>();

  constructor(records: readonly UndoneRecord[]) {
    const inOrder = [...records].sort((a, b) => b.undo.sequence - a.undo.sequence || byCodeUnit(a.undo.id, b.undo.id));
    for (const record of inOrder) {
      const name = `${record.type} ${record.key}`;
      this.#byRecord.set(name, [...(this.#byRecord.get(name) ?? []), record]);
    }
  }

  of(type: string, key: string): readonly UndoneRecord[] {
    return this.#byRecord.get(`${type} ${key}`) ?? [];
  }

  note({ undo, type, key }: UndoneRecord, field: string | null, state: UndoState): void {
    const { id, authority, approver, run, sequence, untilMs } = undo;
    const planned = this.#planned.get(id) ?? { undo: id, authority, approver, run, sequence, untilMs, parts: [] };
    planned.parts.push({ type, key, field, state });
    this.#planned.set(id, planned);
  }

  /** Notes all of a record's parts alike, where the record as a whole cannot be looked at. */
  noteAll(type: string, key: string, state: UndoState): void {
    for (const record of this.of(type, key))
      for (const field of record.fields ?? [null]) this.note(record, field, record.left ?? state);
  }

  planned(): readonly PlannedUndo[] {
    const partName = ({ type, key, field }: PlannedUndo['parts'][number]): string => `${type} ${key} ${field ?? ''}`;
    return [...this.#planned.values()]
      .map((planned) => ({
        ...planned,
        parts: [...planned.parts].sort((a, b) => byCodeUnit(partName(a), partName(b))),
      }))
      .sort((a, b) => byCodeUnit(a.undo, b.undo));
  }
}

/**
 * What a statement names of one record that operations of the agreement wrote; `nothingAgreed` where they had an effect
 * and the agreement all the same holds what it held before, because not all members agree on it yet.
 */
export function undoRecordOf(
  record: Pick<UndoRecord, 'type' | 'key'>,
  written: readonly Pick<Operation, 'kind' | 'changes'>[],
  was: Fields | undefined,
  found: Fields | undefined,
): UndoRecord | 'nothingAgreed' {
  if (was === undefined && found === undefined) return 'nothingAgreed';
  if (was === undefined || found === undefined) return { ...record, fields: null };
  const touched = written.flatMap(({ kind, changes }) => (kind === 'update' ? changes.map(({ field }) => field) : []));
  const moved = [...new Set(touched)].filter(
    (field) => was[field] !== undefined && !sameJson(was[field], found[field] ?? null),
  );
  return moved.length === 0 ? 'nothingAgreed' : { ...record, fields: moved.sort(byCodeUnit) };
}

/** Whoever signed an undo stands behind what the rule `undo` proposes of its records. */
export function undoCauses(undone: readonly UndoneRecord[]): readonly SignedCause[] {
  const statements = new Map<string, { readonly author: SignedCause['author']; readonly records: Set<string> }>();
  for (const { undo, type, key } of undone) {
    const { authority, approver } = undo;
    const name = `${authority} ${undo.id} ${approver}`;
    const known = statements.get(name) ?? { author: { authority, approver }, records: new Set<string>() };
    known.records.add(`${type} ${key}`);
    statements.set(name, known);
  }
  return [...statements.values()].map(({ author, records }) => ({
    author,
    isBehind: ({ rule, type, key }) => rule === 'undo' && records.has(`${type} ${key}`),
  }));
}
