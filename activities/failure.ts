/** The one place outside workflows that turns a code into an ApplicationFailure; core/errors.ts says whether to retry. */
import { ApplicationFailure } from '@temporalio/common';
import { ConcordatError, errorTable } from '../core/errors.js';

/** Leaves what is not ours as it is: a bug keeps its stack and is retried until fixed code is deployed. */
export function toFailure(error: unknown): unknown {
  if (!(error instanceof ConcordatError)) return error;
  const { retry } = errorTable[error.code];
  return ApplicationFailure.create({
    type: error.code,
    message: error.message,
    nonRetryable: retry !== 'later',
    ...(error.retryAfterMs === undefined ? {} : { nextRetryDelay: error.retryAfterMs }),
  });
}
