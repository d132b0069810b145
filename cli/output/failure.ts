/** What went wrong, in the form that people and scripts get. */
import { ConcordatError, errorTable, type ErrorCode, type RetryClass } from '../../core/errors.js';

export interface Failure {
  /** `defect` for everything that Concordat did not throw on purpose. */
  readonly code: ErrorCode | 'defect';
  readonly message: string;
  /** What to do now. */
  readonly next: string;
  readonly retry: RetryClass;
}

export function failureOf(error: unknown): Failure {
  if (error instanceof ConcordatError) {
    const { next, retry } = errorTable[error.code];
    return { code: error.code, message: error.message, next, retry };
  }
  const message = error instanceof Error ? error.message : String(error);
  const next = 'this is not expected: run it again with CONCORDAT_DEBUG=1 for the stack, and report it';
  return { code: 'defect', message: message === '' ? 'unknown failure' : message, next, retry: 'ask' };
}
