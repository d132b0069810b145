import { describe, expect, it } from 'vitest';
import {
  authorityEndpoint,
  authorityNamespace,
  datasetOfReconcileId,
  federationEndpoint,
  reconcileWorkflowId,
  reviewWorkflowId,
  searchAttributes,
  stepPassWorkflowId,
  stepWorkflowId,
} from '../../core/names.js';
import { sha256Hex } from '../../core/digest.js';

describe('names on a Temporal server', () => {
  it('gives an authority one name as namespace and as endpoint', () => {
    expect(authorityNamespace('acme', 'sovereign')).toBe('acme-sovereign');
    expect(authorityEndpoint('acme', 'sovereign')).toBe('acme-sovereign');
  });

  it('refuses the authority whose endpoint would be the one of the federation', () => {
    expect(federationEndpoint('acme')).toBe('acme-federation');
    expect(() => authorityEndpoint('acme', 'federation')).toThrow(/rename the authority/);
  });

  it('finds the dataset in the id of a run and in no other id', () => {
    expect(datasetOfReconcileId(reconcileWorkflowId('people'))).toBe('people');
    expect(datasetOfReconcileId(reviewWorkflowId('people', sha256Hex('plan')))).toBeUndefined();
  });

  it('gives a repeated step of a run an id of its own', () => {
    const first = stepWorkflowId('translate', 'people', 'run-1');
    expect(first).toBe('translate/people/run-1');
    expect(stepPassWorkflowId('translate', 'people', 'run-1', 2)).not.toBe(first);
  });

  it('keeps the longest id of a long dataset name under the 255 characters of a SQL server', () => {
    expect(reviewWorkflowId('d'.repeat(180), sha256Hex('plan')).length).toBeLessThanOrEqual(255);
  });

  it('stays within ten Keyword and three Int attributes', () => {
    const kinds = Object.values(searchAttributes);
    expect(kinds.filter((kind) => kind === 'Keyword').length).toBeLessThanOrEqual(10);
    expect(kinds.filter((kind) => kind === 'Int').length).toBeLessThanOrEqual(3);
  });
});
