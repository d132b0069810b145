/** Repeats an exchange that may be repeated freely, a bounded number of times, with growing pauses. */
import { setTimeout as pause } from 'node:timers/promises';
import { ConcordatError } from '../../../core/errors.js';
import type { KeystoneConfig } from './config.js';
import { ExchangeFailed, replyError, type HttpReply } from './http.js';

export const attemptsMax = 5;

/** Full jitter, so that many workers do not come back at once. */
export function pauseMs(config: KeystoneConfig, attempt: number): number {
  const longest = Math.min(config.timing.longestPauseMs, config.timing.retryPauseMs * 2 ** attempt);
  return longest * (0.5 + Math.random() / 2);
}

/** Throws unreachable, throttled or providerFault once it gives up; any other answer is returned. */
export async function repeating(
  config: KeystoneConfig,
  what: string,
  signal: AbortSignal | undefined,
  attempt: () => Promise<HttpReply>,
): Promise<HttpReply> {
  for (let attempts = 1; ; attempts += 1) {
    let failure: ConcordatError;
    try {
      const reply = await attempt();
      if (reply.status !== 429 && reply.status < 500) return reply;
      failure = replyError(reply.status === 429 ? 'throttled' : 'providerFault', what, reply);
    } catch (error) {
      if (!(error instanceof ExchangeFailed)) throw error;
      failure = new ConcordatError('unreachable', `${what}: ${error.message} from ${config.endpoint}`, {
        cause: error,
      });
    }
    const waitMs = failure.retryAfterMs ?? pauseMs(config, attempts);
    if (attempts >= attemptsMax || waitMs > config.timing.longestPauseMs) throw failure;
    await pause(waitMs, undefined, { signal });
  }
}
