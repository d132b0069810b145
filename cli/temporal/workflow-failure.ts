/** What a workflow, an Update or a query failed with, as a code and words of ours. */
import { ApplicationFailure, CancelledFailure, TerminatedFailure, TimeoutFailure } from '@temporalio/common';
import { ConcordatError, errorTable, isErrorCode } from '../../core/errors.js';

/** The error of core/errors.ts behind a failure; undefined where the failure is none of ours. */
export function failureBehind(error: unknown): ConcordatError | undefined {
  for (let current: unknown = error, depth = 0; current instanceof Error && depth < 12; depth += 1) {
    if (current instanceof ConcordatError) return current;
    if (current instanceof ApplicationFailure && isErrorCode(current.type))
      return new ConcordatError(current.type, withoutNext(current.message), { cause: error });
    if (current instanceof CancelledFailure)
      return new ConcordatError('runEnded', 'it was cancelled', { cause: error });
    if (current instanceof TerminatedFailure)
      return new ConcordatError('runEnded', 'it was terminated by an operator of the Temporal server', {
        cause: error,
      });
    if (current instanceof TimeoutFailure)
      return new ConcordatError('authorityAbsent', 'its worker did not answer in time', { cause: error });
    current = current.cause;
  }
  return undefined;
}

/** The type of the application failure behind an error, also where it is no code of ours. */
export function failureType(error: unknown): string | undefined {
  for (let current: unknown = error, depth = 0; current instanceof Error && depth < 12; depth += 1) {
    if (current instanceof ApplicationFailure && current.type) return current.type;
    current = current.cause;
  }
  return undefined;
}

/** Workflows append what to do next for Temporal UI; here it has a line of its own. */
function withoutNext(message: string): string {
  let text = message;
  for (const { next } of Object.values(errorTable)) text = text.split(`; ${next}`).join('');
  return text;
}
