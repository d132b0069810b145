/** The command line outlives a restart of the server: reads are repeated while it is away. */
import { setTimeout } from 'node:timers/promises';
import { grpcCodeOf, grpcStatus } from '../../activities/temporal-setup/temporal-services.js';
import { ConcordatError } from '../../core/errors.js';

/** What a call answers while a server goes, is gone, or comes back and has no room yet. */
const awayCodes: ReadonlySet<number> = new Set([
  grpcStatus.unavailable,
  grpcStatus.deadlineExceeded,
  grpcStatus.cancelled,
  grpcStatus.resourceExhausted,
]);

export interface RetryWhileAway {
  /** Called once when the server goes away and once when it is back. */
  readonly report?: (state: 'away' | 'back') => void;
  /** How long the server may be away before this gives up. */
  readonly patienceMs?: number;
  /** Ends the wait; what was being waited for last is thrown. */
  readonly signal?: AbortSignal;
}

/**
 * Calls `read` again as long as the server is away, whatever else it throws is thrown. Throws `temporalUnreachable` when
 * patience ends. HAZARD: for reads, and writes that an id makes idempotent: a call whose answer was lost is made twice.
 */
export async function retryWhileAway<Answer>(
  read: () => Promise<Answer>,
  options: RetryWhileAway = {},
): Promise<Answer> {
  const patienceMs = options.patienceMs ?? 300_000;
  let awaySince: number | undefined;
  for (let attempt = 0; ; attempt++) {
    try {
      const answer = await read();
      if (awaySince !== undefined) options.report?.('back');
      return answer;
    } catch (error) {
      const code = grpcCodeOf(error);
      if (code === undefined || !awayCodes.has(code) || options.signal?.aborted) throw error;
      if (awaySince === undefined) {
        awaySince = performance.now();
        options.report?.('away');
      }
      if (performance.now() - awaySince >= patienceMs) {
        throw new ConcordatError(
          'temporalUnreachable',
          `the Temporal server has been away for ${Math.round(patienceMs / 1_000)} s; what it holds is not lost: repeat the command when it is back`,
          { cause: error },
        );
      }
      const waited = await setTimeout(
        Math.min(250 * 2 ** attempt, 2_000),
        true,
        options.signal ? { signal: options.signal } : {},
      ).catch(() => false);
      if (!waited) throw error;
    }
  }
}
