/** Requests that carry a token: reads that are repeated, writes that are sent once. */
import { setTimeout as pause } from 'node:timers/promises';
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import type { Json } from '../../../core/json.js';
import type { KeystoneConfig } from './config.js';
import { answerWords, exchange, ExchangeFailed, replyError, type HttpReply, type Method } from './http.js';
import { attemptsMax, pauseMs, repeating } from './repeat.js';
import { createSession, type Session, type Token, type TokenScope } from './session.js';

export interface ReadReply {
  readonly reply: HttpReply;
  /** The token that the answer was given to: what it shows depends on that token's scope. */
  readonly token: Token;
}

/** `lost`: it may or may not have been carried out. `notSent`: it certainly was not. */
export type WriteReply =
  | { readonly kind: 'answered'; readonly reply: HttpReply }
  | { readonly kind: 'lost' }
  | { readonly kind: 'notSent'; readonly code: ErrorCode; readonly detail: string };

export interface KeystoneClient {
  readonly session: Session;
  /** What its tokens are asked for. */
  readonly scope: TokenScope;
  /** Any answer but 401, 429 and 5xx is returned. Throws ConcordatError. */
  read(path: string, signal?: AbortSignal): Promise<ReadReply>;
  /** Throws nothing that has to do with the cloud. */
  write(method: Exclude<Method, 'GET'>, path: string, body?: Json): Promise<WriteReply>;
}

const renewalsMax = 2;

export function createKeystoneClient(config: KeystoneConfig, scope: TokenScope): KeystoneClient {
  const session = createSession(config, scope);

  /** A request that was answered with 401 was not carried out, so it may be repeated, a write too. */
  const authorized = async (send: (token: Token) => Promise<HttpReply>, what: string): Promise<ReadReply> => {
    let token = await session.token();
    for (let renewals = 0; ; renewals += 1) {
      const reply = await send(token);
      if (reply.status !== 401) return { reply, token };
      if (renewals === renewalsMax) throw replyError('credentialsRejected', what, reply);
      token = await session.renew(token);
    }
  };

  return {
    session,
    scope,
    read: (path, signal) => {
      const what = `GET /v3${path.replace(/\?.*$/s, '')}`;
      return authorized(
        (token) =>
          repeating(config, what, signal, () => exchange(config, { method: 'GET', path, token: token.id, signal })),
        what,
      );
    },
    write: async (method, path, body) => {
      for (let attempts = 1; ; attempts += 1) {
        try {
          const { reply } = await authorized(
            (token) => exchange(config, { method, path, token: token.id, ...(body === undefined ? {} : { body }) }),
            method,
          );
          if (reply.status !== 429) return { kind: 'answered', reply };
          const waitMs = reply.retryAfterMs ?? pauseMs(config, attempts);
          if (attempts >= attemptsMax || waitMs > config.timing.longestPauseMs) {
            return { kind: 'notSent', code: 'throttled', detail: answerWords(reply) };
          }
          await pause(waitMs);
        } catch (error) {
          if (error instanceof ConcordatError) return { kind: 'notSent', code: error.code, detail: error.message };
          if (!(error instanceof ExchangeFailed)) throw error;
          return error.sent ? { kind: 'lost' } : { kind: 'notSent', code: 'unreachable', detail: 'no connection' };
        }
      }
    },
  };
}
