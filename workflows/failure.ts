/** The one place in workflow code that reads and builds failures: codes of core/errors.ts in, codes out. */
import { ApplicationFailure } from '@temporalio/workflow';
import { errorTable, isErrorCode, type ErrorCode } from '../core/errors.js';

export function failure(code: ErrorCode, message: string): ApplicationFailure {
  return ApplicationFailure.create({ type: code, message: `${message}; ${errorTable[code].next}`, nonRetryable: true });
}

/** The code of whatever an activity or a Nexus operation failed with, found along its causes. */
export function codeOf(error: unknown): ErrorCode {
  let current: unknown = error;
  for (let depth = 0; current instanceof Error && depth < 10; depth += 1) {
    if (current instanceof ApplicationFailure && isErrorCode(current.type)) return current.type;
    if (current.name === 'TimeoutFailure') return 'authorityAbsent';
    current = current.cause;
  }
  return 'unexpectedAnswer';
}

/** The innermost message: what happened, without the layers that carried it. */
export function messageOf(error: unknown): string {
  let current: unknown = error;
  let message = 'unknown failure';
  for (let depth = 0; current instanceof Error && depth < 10; depth += 1) {
    message = current.message;
    current = current.cause;
  }
  return message;
}
