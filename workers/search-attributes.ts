/** Search attributes that a workflow starts with, so that it is found from its first event on. */
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';

export function datasetAttributes(given: {
  readonly dataset: string;
  readonly stage: string;
  readonly authority?: string;
}): TypedSearchAttributes {
  return new TypedSearchAttributes([
    { key: defineSearchAttributeKey('ConcordatDataset', 'KEYWORD'), value: given.dataset },
    { key: defineSearchAttributeKey('ConcordatStage', 'KEYWORD'), value: given.stage },
    ...(given.authority === undefined
      ? []
      : [{ key: defineSearchAttributeKey('ConcordatAuthority', 'KEYWORD'), value: given.authority }]),
  ]);
}
