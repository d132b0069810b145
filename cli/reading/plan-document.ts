/** A plan that is held whole as `--json` prints it. */
import { censusOf } from '../../core/report/plan-census.js';
import type { PlannedOperation, PlanView } from './plan-view.js';

export function planDocument(dataset: string, run: string | null, view: PlanView): object {
  const operation = ({ number, operation: own, name, calls, consequences, refused }: PlannedOperation) => ({
    ...(number === null ? {} : { number }),
    ...own,
    name,
    calls,
    consequences,
    refused,
  });
  return {
    plan: view.digest,
    dataset,
    run,
    base: view.plan.base,
    operations: view.operations.map(operation),
    conflicts: view.conflicts.map(({ number, conflict, name, candidates }) => ({
      number,
      id: conflict.id,
      type: conflict.type,
      key: conflict.key,
      name,
      field: conflict.field,
      candidates: candidates.map((entry) => ({
        number: entry.number,
        digest: entry.candidate.digest,
        kind: entry.candidate.kind,
        value: entry.candidate.value ?? null,
        heldBy: entry.candidate.heldBy,
        operations: entry.operations.map(operation),
      })),
    })),
    cases: view.plan.cases,
    divergences: view.plan.divergences,
    accepted: view.plan.divergences.filter(({ accepted }) => accepted.length > 0),
    ignored: view.plan.ignored ?? [],
    incomplete: view.plan.incomplete,
    ...(view.plan.newVersions ? { newVersions: view.plan.newVersions } : {}),
    counts: censusOf({
      ...view.plan,
      operations: view.operations.map((one) => one.operation),
      conflicts: view.conflicts,
    }),
    callsKnown: view.callsOf,
  };
}
