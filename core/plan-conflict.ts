/** What people are asked to choose between: the values of one field, or whether a record stays. */
import type { RecordView } from './compare.js';
import { digestOf, type Digest } from './digest.js';
import type { DatasetType } from './federation/federation.js';
import { makeOperation, type Change } from './operation.js';
import type { PlanBuilder } from './plan-builder.js';
import type { Candidate, Conflict } from './plan.js';
import { disputeCandidates } from './plan-dispute.js';
import type { AuthorityId } from './record.js';
import { lettingGoOf } from './resolution/plan-deletion.js';
import type { FieldVerdict, RecordVerdict } from './verdict.js';

export function planConflict(
  builder: PlanBuilder,
  type: DatasetType,
  view: RecordView,
  { field, candidates: values }: Extract<FieldVerdict, { kind: 'conflict' }>,
): Digest {
  const candidates = values.map((candidate): Candidate => ({
    digest: digestOf({ value: candidate.value }),
    kind: 'value',
    value: candidate.value,
    heldBy: [...candidate.heldBy],
    operations: values
      .filter((other) => other !== candidate && candidate.withheld !== true)
      .flatMap((other) => other.heldBy)
      .flatMap((authority) => {
        const current = view.members[authority] ?? {};
        const elements = candidate.perMember?.[authority];
        if (candidate.perMember && !elements) return [];
        const change: Change = elements
          ? { kind: 'set', field, add: [...elements.add], remove: [...elements.remove] }
          : { kind: 'value', field, before: current[field] ?? null, after: candidate.value };
        return makeOperation({
          authority,
          type: type.taxonomy.type,
          key: view.key,
          kind: 'update',
          changes: [change],
          rule: 'chosen',
          because: candidate.heldBy,
          current,
        });
      }),
  }));
  const conflict = makeConflict(type.taxonomy.type, view.key, field, candidates);
  builder.conflicts.push(conflict);
  const involved = values.flatMap(({ heldBy }) => heldBy);
  builder.diverge('conflict', type, view, field, involved, involved, { conflicts: [conflict.id] });
  return conflict.id;
}

export function planDispute(
  builder: PlanBuilder,
  type: DatasetType,
  view: RecordView,
  verdict: Extract<RecordVerdict, { kind: 'editedAndDeleted' }>,
  holders: readonly AuthorityId[],
): void {
  const involved = [...verdict.editedBy, ...verdict.by];
  const doubled = verdict.fields.filter((field) => field.kind === 'doubled');
  // To keep it would make a doubled value: that is settled first, and until then nothing is offered.
  if (doubled.length > 0) {
    for (const { field, at } of doubled) builder.diverge('doubled', type, view, field, [], at);
    builder.diverge('editedAndDeleted', type, view, null, involved, [...holders, ...verdict.by]);
    return;
  }
  const writable = holders.filter((member) => !builder.opaque.isOpaque(type.taxonomy.type, view.key, member));
  const lettingGo = lettingGoOf(builder, type, view, verdict.by, writable);
  const candidates = disputeCandidates(type, view, verdict, writable, builder.references, lettingGo);
  builder.disputes.add(type.taxonomy.type, view.key, candidates, verdict.by);
  const conflict = makeConflict(type.taxonomy.type, view.key, null, candidates);
  builder.conflicts.push(conflict);
  builder.diverge('editedAndDeleted', type, view, null, involved, [...holders, ...verdict.by], {
    conflicts: [conflict.id],
  });
}

function makeConflict(type: string, key: string, field: string | null, candidates: Candidate[]): Conflict {
  const id = digestOf({
    type,
    key,
    field,
    candidates: candidates.map((candidate) => ({ digest: candidate.digest, heldBy: candidate.heldBy })),
  });
  return { id, type, key, field, candidates };
}
