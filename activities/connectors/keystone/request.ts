/** Requests that a write plans, how they are sent one after another, and what each answer means. */
import type { ErrorCode } from '../../../core/errors.js';
import type { JsonObject } from '../../../core/json.js';
import type { NativeCall, WriteAnswer } from '../connector.js';
import type { KeystoneClient, WriteReply } from './client.js';
import { answerWords, type Method } from './http.js';

export interface PlannedRequest {
  readonly call: NativeCall;
  readonly method: Exclude<Method, 'GET'>;
  /** `id` of the object: known from the write, or from the answer to the request that created it. */
  readonly path: (id: string) => string;
  readonly body?: JsonObject;
  readonly creates?: true;
  /** 404 says that what should go is gone. */
  readonly goneIsDone?: true;
  /** 409 says that what should be there is there. */
  readonly thereIsDone?: true;
}

export const refused = (code: ErrorCode, detail: string): WriteAnswer => ({ kind: 'refused', code, detail });

function classify(request: PlannedRequest, answer: WriteReply): WriteAnswer | 'done' {
  const what = request.call.call;
  if (answer.kind === 'lost') return { kind: 'unknown', code: 'effectUnknown', detail: `${what}: no answer` };
  if (answer.kind === 'notSent') return refused(answer.code, `${what}: ${answer.detail}`);
  const { status } = answer.reply;
  const detail = `${what} ${answerWords(answer.reply)}`;
  if (status === 200 || status === 201 || status === 204) return 'done';
  if (status === 404 && request.goneIsDone) return 'done';
  if (status === 409 && request.thereIsDone) return 'done';
  switch (status) {
    case 400:
      return refused(request.body === undefined ? 'refusedByCloud' : 'valueNotRepresentable', detail);
    case 403:
      return refused('forbidden', detail);
    case 404:
      // Of a POST: the domain went away.
      return request.creates
        ? refused('scopeNotFound', detail)
        : { kind: 'conflict', code: 'expectationFailed', detail };
    case 409:
      return { kind: 'conflict', code: 'nameTaken', detail };
    case 413:
      return refused('valueNotRepresentable', detail);
    case 405:
    case 411:
    case 414:
    case 415:
    case 422:
    case 431:
      return refused('refusedByCloud', detail);
    default:
      // HAZARD: 5xx too, also the 500 "database is locked" of Keystone on SQLite: none of them says what was done before.
      return { kind: 'unknown', code: 'effectUnknown', detail };
  }
}

export interface Sending {
  readonly client: KeystoneClient;
  readonly requests: readonly PlannedRequest[];
  /** The id of the object where it is known before; else that of the answer to the request that creates it. */
  readonly id: string;
  readonly createdId?: (reply: WriteReply) => string | undefined;
  readonly announce: ((call: NativeCall) => Promise<void>) | undefined;
}

/** Stops at the first request that is not known to have been carried out. */
export async function sendInOrder({ client, requests, id, createdId, announce }: Sending): Promise<WriteAnswer> {
  let known = id;
  for (const request of requests) {
    await announce?.(request.call);
    const reply = await client.write(request.method, request.path(known), request.body);
    const outcome = classify(request, reply);
    if (outcome !== 'done') return outcome;
    if (request.creates) {
      const made = createdId?.(reply);
      if (made === undefined) {
        return { kind: 'unknown', code: 'effectUnknown', detail: `${request.call.call} gave no id` };
      }
      known = made;
    }
  }
  return { kind: 'applied', id: known };
}

/** An attribute may have any name, also one that every JavaScript object inherits. */
export function valueOf(body: JsonObject, name: string): JsonObject[string] {
  return Object.hasOwn(body, name) ? (body[name] ?? null) : null;
}
