/** Search attributes of runs, as they are written at a start and read in a list. Names and kinds are core/names.ts. */
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';

const dataset = defineSearchAttributeKey('ConcordatDataset', 'KEYWORD');
const stage = defineSearchAttributeKey('ConcordatStage', 'KEYWORD');
const outcome = defineSearchAttributeKey('ConcordatOutcome', 'KEYWORD');
const divergences = defineSearchAttributeKey('ConcordatDivergences', 'INT');
const operations = defineSearchAttributeKey('ConcordatOperations', 'INT');
const cases = defineSearchAttributeKey('ConcordatCases', 'INT');

/** With these a run is found from its first event on. */
export function startAttributes(name: string): TypedSearchAttributes {
  return new TypedSearchAttributes([
    { key: dataset, value: name },
    { key: stage, value: 'open' },
  ]);
}

export interface RunAttributes {
  readonly stage: string | null;
  readonly outcome: string | null;
  readonly divergences: number | null;
  readonly operations: number | null;
  readonly cases: number | null;
}

export function readAttributes(attributes: TypedSearchAttributes): RunAttributes {
  return {
    stage: attributes.get(stage) ?? null,
    outcome: attributes.get(outcome) ?? null,
    divergences: attributes.get(divergences) ?? null,
    operations: attributes.get(operations) ?? null,
    cases: attributes.get(cases) ?? null,
  };
}
