/** One change of one record in one mesh: what a plan proposes, people approve, the gate checks and a receipt answers. */
import { z } from 'zod';
import { Digest, digestOf } from './digest.js';
import { byCodeUnit, Json } from './json.js';
import { AuthorityId, type Fields } from './record.js';

export const Change = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('value'), field: z.string(), before: Json, after: Json }),
  z.strictObject({ kind: z.literal('set'), field: z.string(), add: z.array(z.string()), remove: z.array(z.string()) }),
]);
export type Change = z.infer<typeof Change>;

/** Which rule proposed a change. `chosen` stands behind operations that only a person's choice releases. */
export const Rule = z.enum([
  'changedOnOneSide',
  'changedLater',
  'elementChanged',
  'deletedOnOneSide',
  'firstContact',
  'newRecord',
  'chosen',
  // Declared by a dataset (core/federation/resolution.ts).
  'owned',
  'union',
  'intersection',
  'leastPrivilege',
  'latestObserved',
  'suspendedFirst',
  'deletedAfterSuspension',
  'keptByPolicy',
  // Signed by a person (core/undo.ts).
  'undo',
]);
export type Rule = z.infer<typeof Rule>;

export const Operation = z.strictObject({
  /** SHA-256 over mesh, record, changes and rule: the identical operation has the identical id in every plan. */
  id: Digest,
  authority: AuthorityId,
  type: z.string(),
  key: z.string(),
  kind: z.enum(['create', 'update', 'delete']),
  changes: z.array(Change),
  rule: Rule,
  /** The members whose state led to it. */
  because: z.array(AuthorityId),
  /** Digest of the touched state that must be found, and of the one that will be left. */
  expects: Digest,
  leaves: Digest,
});
export type Operation = z.infer<typeof Operation>;

/**
 * The part of a record that an operation touches. Of a set only the elements that the operation names count, so that a
 * member who joins a team meanwhile does not void the approval of another one's leaving. null is "no record".
 */
export function touchedState(changes: readonly Change[], fields: Fields | null): Json {
  if (fields === null) return null;
  const state: Record<string, Json> = {};
  for (const change of changes) {
    if (change.kind === 'value') {
      state[change.field] = fields[change.field] ?? null;
    } else {
      const current = new Set(setElements(fields[change.field]));
      state[change.field] = [...change.add, ...change.remove]
        .filter((element) => current.has(element))
        .sort(byCodeUnit);
    }
  }
  return state;
}

/** A set field's elements; an absent or empty one has none. */
export function setElements(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((element): element is string => typeof element === 'string') : [];
}

/** The record after the changes; starts from nothing for a creation. */
export function applyChanges(changes: readonly Change[], fields: Fields | null): Fields {
  const result: Record<string, Json> = { ...fields };
  for (const change of changes) {
    if (change.kind === 'value') {
      result[change.field] = change.after;
    } else {
      const elements = new Set(setElements(result[change.field]));
      for (const element of change.remove) elements.delete(element);
      for (const element of change.add) elements.add(element);
      result[change.field] = [...elements].sort(byCodeUnit);
    }
  }
  return result;
}

/**
 * What of an operation can be turned down by itself, each by its digest: of an update every value and every element, so
 * that a field which was turned down stays so when another field of its record moves. A record is created or deleted
 * whole. Neither rule nor cause is in it: the same change is the same question.
 */
export function piecesOf(operation: Operation): readonly { readonly field: string | null; readonly digest: Digest }[] {
  const { authority, type, key, kind, changes, id } = operation;
  if (kind !== 'update') return [{ field: null, digest: id }];
  return changes.flatMap((change) =>
    changePieces(change).map((piece) => ({
      field: change.field,
      digest: digestOf({ authority, type, key, ...piece }),
    })),
  );
}

function changePieces(change: Change): readonly { readonly [name: string]: Json }[] {
  const { field } = change;
  if (change.kind === 'value') return [{ field, before: change.before, after: change.after }];
  return [
    ...change.add.map((element) => ({ field, add: element })),
    ...change.remove.map((element) => ({ field, remove: element })),
  ];
}

/** What is left of a change without the pieces that `isOut`; null where nothing is. */
export function withoutPieces(
  { authority, type, key }: Pick<Operation, 'authority' | 'type' | 'key'>,
  change: Change,
  isOut: (piece: Digest) => boolean,
): Change | null {
  const out = (piece: { readonly [name: string]: Json }): boolean =>
    isOut(digestOf({ authority, type, key, ...piece }));
  const { field } = change;
  if (change.kind === 'value') return out({ field, before: change.before, after: change.after }) ? null : change;
  const add = change.add.filter((element) => !out({ field, add: element }));
  const remove = change.remove.filter((element) => !out({ field, remove: element }));
  return add.length + remove.length === 0 ? null : { ...change, add, remove };
}

export interface OperationDraft {
  readonly authority: AuthorityId;
  readonly type: string;
  readonly key: string;
  readonly kind: Operation['kind'];
  readonly changes: readonly Change[];
  readonly rule: Rule;
  readonly because: readonly AuthorityId[];
  /** What the mesh holds now; null for a creation. */
  readonly current: Fields | null;
}

export function makeOperation(draft: OperationDraft): Operation {
  const changes = [...draft.changes].sort((a, b) => byCodeUnit(a.field, b.field));
  const { authority, type, key, kind, rule } = draft;
  const left = kind === 'delete' ? null : applyChanges(changes, draft.current);
  return {
    id: digestOf({ authority, type, key, kind, changes, rule }),
    authority,
    type,
    key,
    kind,
    changes,
    rule,
    because: [...draft.because].sort(byCodeUnit),
    expects: digestOf(touchedState(changes, draft.current)),
    leaves: digestOf(touchedState(changes, left)),
  };
}
