/**
 * Says in the worker's log what this authority refused, step by step: whoever tried to have a forged plan written should
 * be found by reading it. Codes and our own words only, which hold no value of a record.
 */
import { ConcordatError, errorTable } from '../../core/errors.js';

export type Warn = (message: string) => void;

interface Refused {
  readonly kind: 'refused';
  readonly code: string | null;
  readonly message: string | null;
}

/** Passes on what the step gives or throws, and tells of a refusal on the way. What passes by itself is told elsewhere. */
export async function tellingRefusals<Result>(step: string, warn: Warn, work: () => Promise<Result>): Promise<Result> {
  try {
    const result = await work();
    if (isRefused(result)) warn(words(step, result.code ?? 'refused', result.message ?? ''));
    return result;
  } catch (error) {
    if (error instanceof ConcordatError && errorTable[error.code].retry !== 'later')
      warn(words(step, error.code, error.message));
    throw error;
  }
}

function isRefused(result: unknown): result is Refused {
  return typeof result === 'object' && result !== null && (result as { kind?: unknown }).kind === 'refused';
}

function words(step: string, code: string, message: string): string {
  return `${step} refused (${code}): ${message}`;
}
