/** What a run, an Update or a query failed with becomes a code and words of ours, however deep it lies. */
import { WorkflowFailedError } from '@temporalio/client';
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  RetryState,
  TerminatedFailure,
  TimeoutFailure,
} from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { failureBehind, failureType } from '../../../cli/temporal/workflow-failure.js';
import { errorTable } from '../../../core/errors.js';

const failed = (cause: Error) =>
  new WorkflowFailedError('Workflow execution failed', cause, RetryState.NON_RETRYABLE_FAILURE);

describe('the failure behind an error', () => {
  it('has the code of the application failure, and what to do next only once', () => {
    const cause = ApplicationFailure.nonRetryable(`aws is older; ${errorTable.staleBase.next}`, 'staleBase');
    expect(failureBehind(failed(cause))).toMatchObject({ code: 'staleBase', message: 'aws is older' });
  });

  it('is found through the layers that carried it', () => {
    const cause = ApplicationFailure.nonRetryable('no key', 'credentialsMissing');
    const activity = new ActivityFailure(
      'activity failed',
      'probeMesh',
      '1',
      RetryState.NON_RETRYABLE_FAILURE,
      'x',
      cause,
    );
    expect(failureBehind(failed(activity))?.code).toBe('credentialsMissing');
  });

  it('says how a run ended that nobody let end by itself', () => {
    expect(failureBehind(failed(new CancelledFailure('')))).toMatchObject({
      code: 'runEnded',
      message: 'it was cancelled',
    });
    expect(failureBehind(failed(new TerminatedFailure('')))?.message).toContain('terminated');
    expect(failureBehind(failed(new TimeoutFailure('', undefined, 'START_TO_CLOSE')))?.code).toBe('authorityAbsent');
  });

  it('is none for a failure of another kind, so that a defect stays one', () => {
    expect(failureBehind(failed(ApplicationFailure.nonRetryable('x', 'TypeError')))).toBeUndefined();
    expect(failureBehind(new Error('x'))).toBeUndefined();
    expect(failureType(failed(ApplicationFailure.nonRetryable('x', 'reviewNotReady')))).toBe('reviewNotReady');
  });
});
