/** What a plan does about one record, in a form that people and tables of expectations can read. */
import type { Json } from '../json.js';
import type { Change, Operation, Rule } from '../operation.js';
import type { Divergence, MadePlan } from '../plan.js';
import type { AuthorityId } from '../record.js';

export interface PlannedChange {
  readonly authority: AuthorityId;
  readonly change: Change;
  readonly rule: Rule;
  readonly because: readonly AuthorityId[];
}

export interface Question {
  /** null where it is about the record itself. */
  readonly field: string | null;
  readonly candidates: readonly {
    readonly kind: string;
    readonly value: Json;
    readonly heldBy: readonly AuthorityId[];
  }[];
}

export interface Outcome {
  readonly changes: readonly PlannedChange[];
  readonly creates: readonly Pick<Operation, 'authority' | 'rule' | 'changes'>[];
  readonly deletes: readonly Pick<Operation, 'authority' | 'rule'>[];
  readonly asks: readonly Question[];
  readonly divergences: readonly Pick<Divergence, 'kind' | 'field' | 'because' | 'at' | 'leaves'>[];
}

/** Of one field where it is named; what happens to the record as a whole belongs to every field. */
export function outcomeOf(
  plan: Pick<MadePlan, 'operations' | 'conflicts' | 'divergences'>,
  record: { readonly type: string; readonly key: string },
  field?: string,
): Outcome {
  const isOwn = (one: { readonly type: string; readonly key: string }): boolean =>
    one.type === record.type && one.key === record.key;
  const isWanted = (name: string | null): boolean => field === undefined || name === null || name === field;
  const operations = plan.operations.filter(isOwn);
  return {
    changes: operations
      .filter(({ kind }) => kind === 'update')
      .flatMap(({ authority, changes, rule, because }) =>
        changes
          .filter((change) => isWanted(change.field))
          .map((change) => ({ authority, change, rule, because: [...because] })),
      ),
    creates: operations
      .filter(({ kind }) => kind === 'create')
      .map(({ authority, rule, changes }) => ({
        authority,
        rule,
        changes: changes.filter((change) => isWanted(change.field)),
      })),
    deletes: operations.filter(({ kind }) => kind === 'delete').map(({ authority, rule }) => ({ authority, rule })),
    asks: plan.conflicts
      .filter((conflict) => isOwn(conflict) && isWanted(conflict.field))
      .map((conflict) => ({
        field: conflict.field,
        candidates: conflict.candidates
          .filter(({ operations: writes }) => writes.length > 0)
          .map(({ kind, value, heldBy }) => ({ kind, value: value ?? null, heldBy: [...heldBy] })),
      })),
    divergences: plan.divergences
      .filter((divergence) => isOwn(divergence) && isWanted(divergence.field))
      .map(({ kind, field: own, because, at, leaves }) => ({
        kind,
        field: own,
        because,
        at,
        ...(leaves ? { leaves } : {}),
      })),
  };
}
