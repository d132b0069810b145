/** What an operator sees of a run in Temporal UI: search attributes, and current details in plain words. */
import { defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';

const keys = {
  dataset: defineSearchAttributeKey('ConcordatDataset', 'KEYWORD'),
  stage: defineSearchAttributeKey('ConcordatStage', 'KEYWORD'),
  outcome: defineSearchAttributeKey('ConcordatOutcome', 'KEYWORD'),
  authority: defineSearchAttributeKey('ConcordatAuthority', 'KEYWORD'),
  divergences: defineSearchAttributeKey('ConcordatDivergences', 'INT'),
  operations: defineSearchAttributeKey('ConcordatOperations', 'INT'),
  cases: defineSearchAttributeKey('ConcordatCases', 'INT'),
};

export interface Shown {
  readonly dataset?: string;
  readonly stage?: string;
  readonly outcome?: string;
  readonly authority?: string;
  readonly divergences?: number;
  readonly operations?: number;
  readonly cases?: number;
}

/** HAZARD: search attributes and details are stored in clear. Counts, codes and ids of the federation only. */
export function show(shown: Shown, details: string): void {
  const pairs: SearchAttributePair[] = [];
  if (shown.dataset !== undefined) pairs.push({ key: keys.dataset, value: shown.dataset });
  if (shown.stage !== undefined) pairs.push({ key: keys.stage, value: shown.stage });
  if (shown.outcome !== undefined) pairs.push({ key: keys.outcome, value: shown.outcome });
  if (shown.authority !== undefined) pairs.push({ key: keys.authority, value: shown.authority });
  if (shown.divergences !== undefined) pairs.push({ key: keys.divergences, value: shown.divergences });
  if (shown.operations !== undefined) pairs.push({ key: keys.operations, value: shown.operations });
  if (shown.cases !== undefined) pairs.push({ key: keys.cases, value: shown.cases });
  if (pairs.length > 0) upsertSearchAttributes(pairs);
  setCurrentDetails(details);
}
