/**
 * The two ways of speaking to IAM: reads that the SDK may repeat, and writes that are sent once.
 *
 * HAZARD: after a lost reply the SDK's retry modes send the request again. A repeated CreateUser then meets
 * EntityAlreadyExists and looks like a conflict with somebody else, so writes have a client of their own with
 * `maxAttempts: 1`; only answers that say that nothing happened repeat them, here.
 */
import { IAMClient } from '@aws-sdk/client-iam';
import type { IAMClientConfig } from '@aws-sdk/client-iam';
import { STSClient } from '@aws-sdk/client-sts';
import type { WriteAnswer } from '../connector.js';
import { answerOf, didNothingYet, isRefusal, readFailure, writeAnswerFor } from './answers.js';
import type { AwsIamConfig } from './config.js';

export interface AwsIamClient {
  readonly config: AwsIamConfig;
  /** Repeats on throttling, faults and network failures. Throws ConcordatError. */
  read<T>(action: string, call: (client: IAMClient) => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** As `read`, and null where IAM says that there is no such entity. */
  readOrNull<T>(action: string, call: (client: IAMClient) => Promise<T>): Promise<T | null>;
  readIdentity<T>(action: string, call: (client: STSClient) => Promise<T>): Promise<T>;
  /**
   * Sends one write. IAM is eventually consistent: right after another call of the same write, a refusal with one of
   * `settlingCodes` may only mean that IAM has not heard of that call everywhere. Such a refusal did nothing, so the
   * write is asked again for a while.
   */
  writeOnce<T>(
    action: string,
    call: (client: IAMClient) => Promise<T>,
    settlingCodes?: readonly string[],
  ): Promise<SentWrite<T>>;
}

export type SentWrite<T> =
  | { readonly kind: 'done'; readonly output: T }
  | { readonly kind: 'failed'; readonly awsCode: string; readonly answer: FailedWrite };

export type FailedWrite = Exclude<WriteAnswer, { kind: 'applied' }>;

/**
 * The SDK prints a warning to people's screens on Node 20 when a client is constructed, and its credential providers
 * construct more of them later. It has no other switch than this variable of the process, so this is the one place
 * outside the entry files that sets one; a value that is already there is left alone.
 */
function silenceNodeVersionWarning(): void {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
}

export function createAwsIamClient(config: AwsIamConfig): AwsIamClient {
  silenceNodeVersionWarning();
  const { mesh, limits } = config;
  const shared = {
    region: mesh.region,
    ...(mesh.endpoint === undefined ? {} : { endpoint: mesh.endpoint }),
    ...(mesh.profile === undefined ? {} : { profile: mesh.profile }),
    ...(config.credentials === undefined ? {} : { credentials: config.credentials }),
    requestHandler: {
      connectionTimeout: limits.connectionTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      // without it the handler only logs a warning and waits for ever
      throwOnRequestTimeout: true,
    },
  } satisfies IAMClientConfig;
  const repeating = { ...shared, maxAttempts: limits.readAttemptsMax, retryMode: 'adaptive' };
  const reader = new IAMClient(repeating);
  const writer = new IAMClient({ ...shared, maxAttempts: 1, retryMode: 'standard' });
  const identity = new STSClient(repeating);

  async function read<T>(action: string, call: (client: IAMClient) => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    try {
      return await call(reader);
    } catch (error) {
      signal?.throwIfAborted();
      throw readFailure(action, error);
    }
  }

  return {
    config,
    read,
    async readOrNull(action, call) {
      return read(action, async (client) => {
        try {
          return await call(client);
        } catch (error) {
          if (answerOf(error).code === 'NoSuchEntity') return null;
          throw error;
        }
      });
    },
    async readIdentity(action, call) {
      try {
        return await call(identity);
      } catch (error) {
        throw readFailure(action, error);
      }
    },
    async writeOnce(action, call, settlingCodes = []) {
      const settledByMs = performance.now() + limits.settleMs;
      let throttled = 0;
      for (let attempt = 1; ; attempt += 1) {
        try {
          return { kind: 'done', output: await call(writer) };
        } catch (error) {
          const answer = answerOf(error);
          const repeatable =
            (didNothingYet(answer) && (throttled += 1) < limits.throttledAttemptsMax) ||
            (isRefusal(answer) && settlingCodes.includes(answer.code) && performance.now() < settledByMs);
          if (!repeatable) return { kind: 'failed', awsCode: answer.code, answer: writeAnswerFor(action, answer) };
          await pause(backOffMs(attempt, limits));
        }
      }
    },
  };
}

/** Exponential with full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ */
export function backOffMs(attempt: number, limits: { backOffBaseMs: number; backOffMaxMs: number }): number {
  return Math.random() * Math.min(limits.backOffMaxMs, limits.backOffBaseMs * 2 ** Math.min(attempt, 20));
}

export function pause(lengthMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, lengthMs));
}
