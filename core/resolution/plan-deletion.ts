/** The operations of a deletion on one side: proposed, by way of a suspension, or turned back. */
import { askedOperations, settlingOf } from '../acceptance.js';
import type { RecordView } from '../compare.js';
import type { RecordVerdict } from '../verdict.js';
import { creation, deletion } from '../draft-operations.js';
import type { DatasetType } from '../federation/federation.js';
import type { SuspendFirst } from '../federation/resolution.js';
import { makeOperation, type Operation, type Rule } from '../operation.js';
import { withinLimits, type PlanBuilder } from '../plan-builder.js';
import type { AuthorityId, Fields } from '../record.js';
import { nextStep } from './deletion.js';

type Deleted = Extract<RecordVerdict, { kind: 'deleted' }>;

/** What is asked for now. HAZARD: while a snapshot is incomplete, nothing follows under any policy. */
export function planDeletion(
  builder: PlanBuilder,
  type: DatasetType,
  view: RecordView,
  verdict: Deleted,
): readonly Operation[] {
  const { references } = builder;
  const { by, heldBackBy } = verdict;
  if (heldBackBy.length > 0) {
    references.markOpen(type.taxonomy.type, view.key);
    builder.diverge('deletionHeldBack', type, view, null, by, heldBackBy);
    return [];
  }
  if (type.policy?.deletion?.kind === 'keep') return keep(builder, type, view, verdict);
  const heldBy = withinLimits(builder, type, view, 'delete', by, verdict.heldBy);
  if (heldBy.length === 0 && verdict.heldBy.length > 0) return [];
  switch (type.policy?.deletion?.kind) {
    case 'suspendFirst': {
      const { now, isOver } = suspensionSteps(builder, type, type.policy.deletion, view, by, heldBy, {
        suspend: 'suspendedFirst',
        delete: 'deletedAfterSuspension',
      });
      const asked = builder.acceptances.ask(now, view);
      // As long as the record is anywhere it stays in its teams: who comes back from a suspension comes back to them.
      if (!isOver) references.markOpen(type.taxonomy.type, view.key);
      builder.diverge(isOver ? 'deleted' : 'suspended', type, view, null, by, heldBy, settlingOf(asked));
      return askedOperations(asked);
    }
    default: {
      const asked = builder.acceptances.ask(
        heldBy.map((authority) => deletion(authority, type, view, 'deletedOnOneSide', by)),
        view,
      );
      builder.diverge('deleted', type, view, null, by, heldBy, settlingOf(asked));
      return askedOperations(asked);
    }
  }
}

/** Of a dispute about existence, what letting the record go would do now; null where it may not be let go now. */
export function lettingGoOf(
  builder: PlanBuilder,
  type: DatasetType,
  view: RecordView,
  by: readonly AuthorityId[],
  holders: readonly AuthorityId[],
): readonly Operation[] | null {
  const policy = type.policy?.deletion;
  if (policy?.kind === 'keep') return null;
  if (policy?.kind !== 'suspendFirst') return holders.map((authority) => deletion(authority, type, view, 'chosen', by));
  const rules = { suspend: 'chosen', delete: 'chosen' } as const;
  const { now, isOver, suspends } = suspensionSteps(builder, type, policy, view, by, holders, rules);
  return isOver || suspends ? now : null;
}

interface Steps {
  readonly now: readonly Operation[];
  /** Nothing is suspended or waited for any more: what is left is deletions. */
  readonly isOver: boolean;
  readonly suspends: boolean;
}

function suspensionSteps(
  { openedAt }: PlanBuilder,
  type: DatasetType,
  policy: SuspendFirst,
  view: RecordView,
  by: readonly AuthorityId[],
  holders: readonly AuthorityId[],
  rules: { readonly suspend: Rule; readonly delete: Rule },
): Steps {
  const steps = holders.map((authority) => ({
    authority,
    step: nextStep(policy, authority, by, view, view.base ?? {}, openedAt),
  }));
  const now = steps.flatMap(({ authority, step }): readonly Operation[] => {
    if (step === 'wait') return [];
    if (step === 'delete') return [deletion(authority, type, view, rules.delete, by)];
    const current = view.members[authority] ?? {};
    const { field, value } = policy;
    return [
      makeOperation({
        authority,
        type: type.taxonomy.type,
        key: view.key,
        kind: 'update',
        changes: [{ kind: 'value', field, before: current[field] ?? null, after: value }],
        rule: rules.suspend,
        because: by,
        current,
      }),
    ];
  });
  return {
    now,
    isOver: steps.every(({ step }) => step === 'delete'),
    suspends: steps.some(({ step }) => step === 'suspend'),
  };
}

/** The record is proposed anew where it went, with the memberships that its cloud dropped with it. */
function keep(builder: PlanBuilder, type: DatasetType, view: RecordView, verdict: Deleted): readonly Operation[] {
  const { by, heldBy, fields, merged } = verdict;
  const { acceptances, disputes, references } = builder;
  const name = type.taxonomy.type;
  references.markOpen(name, view.key);
  const doubled = fields.filter((field) => field.kind === 'doubled');
  for (const { field, at } of doubled) builder.diverge('doubled', type, view, field, [], at);
  // Where only opaque records are left nobody can say what would come back.
  const isTold = heldBy.some((member) => !builder.opaque.isOpaque(name, view.key, member));
  const isOpen = !isTold || fields.some(({ kind }) => kind === 'doubled' || kind === 'waits');
  // What is in dispute comes back as it was agreed; people are asked once the record is there.
  const disputed = fields.flatMap(({ kind, field }) =>
    kind === 'conflict' ? [[field, view.base?.[field] ?? null]] : [],
  );
  const again: Fields = { ...merged, ...Object.fromEntries(disputed) };
  const asked = isOpen
    ? []
    : acceptances.ask(
        withinLimits(builder, type, view, 'create', heldBy, by).map((authority) =>
          creation(authority, type, view.key, again, 'keptByPolicy', heldBy, references),
        ),
        view,
      );
  const operations = askedOperations(asked);
  const restore = {
    rule: 'keptByPolicy',
    because: heldBy,
    put: (operation: Operation, own: RecordView) =>
      askedOperations(acceptances.ask([operation], own)).forEach((one) => builder.put(one)),
  } as const;
  disputes.addWays(
    name,
    view.key,
    [restore],
    operations.map(({ authority }) => authority),
  );
  builder.diverge('deletedKept', type, view, null, by, heldBy, settlingOf(asked));
  return operations;
}
