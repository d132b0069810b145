/** Disputes about existence: a record edited on one side and deleted on another. Nothing is done until people choose. */
import { mergedFields, type CompareContext, type RecordView } from './compare.js';
import { keyFieldsOf, presenceOf } from './presence.js';
import type { FieldVerdict, RecordVerdict } from './verdict.js';
import { digestOf } from './digest.js';
import { creation, updatesOf } from './draft-operations.js';
import type { DatasetType } from './federation/federation.js';
import { byCodeUnit } from './json.js';
import { makeOperation, setElements, type Change, type Operation, type Rule } from './operation.js';
import type { Reference } from './lens/reference.js';
import type { Candidate } from './plan.js';
import type { AuthorityId, Fields } from './record.js';
import type { References } from './references.js';

type Dispute = Extract<RecordVerdict, { kind: 'editedAndDeleted' }>;
type ValueConflict = Extract<FieldVerdict, { kind: 'conflict' }>;

/**
 * Either the record stays, edited, and comes back where it was deleted, or it goes everywhere. Where the editors
 * contradict each other there is one `kept` for each way to settle that. While a snapshot is incomplete, `absent` is
 * not among them: no deletion follows.
 */
export function disputeCandidates(
  type: DatasetType,
  view: RecordView,
  verdict: Dispute,
  holders: readonly AuthorityId[],
  references: References,
  /** What letting it go would do here now; null where it is not to be let go. */
  lettingGo: readonly Operation[] | null,
): Candidate[] {
  const candidates = new Map<string, Candidate>();
  for (const { fields, heldBy } of settlements(verdict, holders)) {
    const merged = mergedFields(fields);
    const digest = digestOf({ kept: merged });
    const known = candidates.get(digest);
    if (known) {
      known.heldBy.push(...heldBy.filter((member) => !known.heldBy.includes(member)));
      continue;
    }
    candidates.set(digest, {
      digest,
      kind: 'kept',
      value: merged,
      heldBy: [...heldBy],
      operations: [
        ...holders.flatMap((authority) => updatesOf(authority, type.taxonomy.type, view, fields, 'chosen')),
        ...verdict.by.map((authority) =>
          creation(authority, type, view.key, merged, 'chosen', verdict.editedBy, references),
        ),
      ],
    });
  }
  const kept = [...candidates.values()].sort((a, b) => byCodeUnit(a.digest, b.digest));
  if (verdict.heldBackBy.length > 0 || lettingGo === null) return kept;
  const absent: Candidate = {
    digest: digestOf({ absent: true }),
    kind: 'absent',
    heldBy: [...verdict.by],
    operations: [...lettingGo],
  };
  return [...kept, absent];
}

interface Settlement {
  readonly fields: readonly FieldVerdict[];
  readonly heldBy: readonly AuthorityId[];
}

/** The verdicts without conflicts: as each holder has it; where a holder does not hold a field, in every way the others do. */
function settlements(verdict: Dispute, holders: readonly AuthorityId[]): readonly Settlement[] {
  const conflicts = verdict.fields.filter((field): field is ValueConflict => field.kind === 'conflict');
  if (conflicts.length === 0) return [{ fields: verdict.fields, heldBy: verdict.editedBy }];
  return holders.flatMap((holder) => {
    let choices: readonly Fields[] = [{}];
    for (const { field, candidates } of conflicts) {
      const own = candidates.filter(({ heldBy }) => heldBy.includes(holder));
      choices = choices.flatMap((chosen) =>
        (own.length > 0 ? own : candidates).map(({ value }) => ({ ...chosen, [field]: value })),
      );
    }
    return choices.map((chosen) => ({
      fields: verdict.fields.map((field) => (field.kind === 'conflict' ? settled(field, chosen) : field)),
      heldBy: [holder],
    }));
  });
}

function settled({ field, candidates }: ValueConflict, chosen: Fields): FieldVerdict {
  const target = chosen[field] ?? null;
  const way = candidates.find(({ value }) => digestOf({ value }) === digestOf({ value: target }));
  const because = way?.heldBy ?? [];
  if (way?.perMember)
    return {
      kind: 'setProposal',
      field,
      target: setElements(target),
      cause: 'changed',
      perMember: way.perMember,
      because,
    };
  const behind = candidates.flatMap(({ heldBy }) => heldBy).filter((member) => !because.includes(member));
  return { kind: 'proposal', field, target, cause: 'changed', because, behind };
}

/** A way in which a record comes back where it was deleted. */
export interface WayBack {
  readonly rule: Rule;
  readonly because: readonly AuthorityId[];
  readonly put: (operation: Operation, view: RecordView) => void;
}

/** Records whose existence is disputed, with the meshes in which `kept` would create them again. */
export class Disputes {
  readonly #byRecord = new Map<string, { readonly ways: readonly WayBack[]; readonly at: readonly AuthorityId[] }>();

  add(type: string, key: string, candidates: readonly Candidate[], recreatedAt: readonly AuthorityId[]): void {
    const ways = candidates
      .filter(({ kind }) => kind === 'kept')
      .map(({ heldBy, operations }): WayBack => ({
        rule: 'chosen',
        because: heldBy,
        put: (one) => operations.push(one),
      }));
    this.addWays(type, key, ways, recreatedAt);
  }

  addWays(type: string, key: string, ways: readonly WayBack[], recreatedAt: readonly AuthorityId[]): void {
    this.#byRecord.set(`${type} ${key}`, { ways, at: recreatedAt });
  }

  /**
   * A record that comes back comes back into its teams: its cloud dropped the memberships with it, and without this the
   * next run would read their absence as somebody's removal.
   */
  restoreMemberships(type: DatasetType, view: RecordView, references: References): void {
    if (this.#byRecord.size === 0) return;
    for (const [field, kind] of Object.entries(type.taxonomy.fields)) {
      if (kind.kind !== 'set') continue;
      const elsewhere = new Set(Object.values(view.members).flatMap((fields) => setElements(fields?.[field])));
      for (const element of [...elsewhere].sort(byCodeUnit)) {
        const dispute = this.#byRecord.get(`${kind.of} ${element}`);
        for (const authority of dispute?.at ?? []) {
          const current = view.members[authority];
          if (!current || !type.held[authority]?.includes(field) || !references.canSpeakOf(kind.of, authority))
            continue;
          // A set that could not be read is not written.
          if (current[field] === undefined || setElements(current[field]).includes(element)) continue;
          const changes: readonly Change[] = [{ kind: 'set', field, add: [element], remove: [] }];
          for (const { rule, because, put } of dispute?.ways ?? []) {
            put(
              makeOperation({
                authority,
                type: type.taxonomy.type,
                key: view.key,
                kind: 'update',
                changes,
                rule,
                because,
                current,
              }),
              view,
            );
          }
        }
      }
    }
  }

  /**
   * An edge of a record that comes back comes back with it: its cloud let the edge go with the record. An edge of two
   * disputed records waits until both are settled.
   */
  restoreEdges(view: RecordView, referred: readonly Reference[], context: CompareContext): void {
    const disputed = referred.flatMap((one) => this.#byRecord.get(`${one.type} ${one.key}`) ?? []);
    const [dispute] = disputed;
    if (!dispute || disputed.length > 1) return;
    const { type, references } = context;
    const others = referred.filter((one) => !this.#byRecord.has(`${one.type} ${one.key}`));
    if (references.areOpen(others)) return;
    const { holders, absent } = presenceOf(view, context);
    const shown = keyFieldsOf(view, type.taxonomy);
    const merged = { ...shown, ...view.base, ...view.members[holders[0] ?? ''] };
    if (holders.length === 0) return;
    for (const authority of absent.filter((member) => dispute.at.includes(member))) {
      if (type.cannot?.[authority]?.includes('create') || !references.canRefer(others, authority)) continue;
      for (const { rule, because, put } of dispute.ways)
        put(creation(authority, type, view.key, merged, rule, because, references), view);
    }
  }
}
