/** One event to the endpoint, once, and what its answer means for the event. Never throws: an answer is a value. */
import type { LineageSettings } from './settings.js';

export type PostAnswer =
  | { readonly kind: 'taken' }
  /** The endpoint will not have this event, however often it is sent. */
  | { readonly kind: 'refused'; readonly status: number; readonly answer: string }
  /** The same event may be taken later. */
  | { readonly kind: 'later'; readonly status: number; readonly retryAfterMs: number | null }
  /** Nobody would be heard there: a wrong key or address, a redirect. Says nothing of the event. */
  | { readonly kind: 'closed'; readonly status: number }
  | { readonly kind: 'unreachable'; readonly reason: 'noAnswer' | 'tooSlow' };

export type PostEvent = (event: Uint8Array, signal: AbortSignal) => Promise<PostAnswer>;

const answerBytesMax = 2_000;
const answerShown = 300;
/** An endpoint that asks for more is asked again after this. */
const retryAfterMaxMs = 3_600_000;
/** The answer concerns who asks, or where, and not what. */
const closedStatuses: ReadonlySet<number> = new Set([401, 403, 404, 405, 407]);
/** RFC 9110, RFC 8470 and RFC 6585: the same request may be taken later. */
const laterStatuses: ReadonlySet<number> = new Set([408, 425, 429]);

export function postEventTo(
  { address, apiKey, timeoutMs }: Pick<LineageSettings, 'address' | 'apiKey' | 'timeoutMs'>,
  now: () => number,
): PostEvent {
  return async (event, signal) => {
    const late = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(address, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
        },
        body: Buffer.from(event),
        // HAZARD: a redirect followed would carry the event, and perhaps the key, to where nobody chose to send them.
        redirect: 'manual',
        signal: AbortSignal.any([signal, late]),
      });
      return await answerOf(response, now());
    } catch {
      return { kind: 'unreachable', reason: late.aborted ? 'tooSlow' : 'noAnswer' };
    }
  };
}

async function answerOf(response: Response, nowMs: number): Promise<PostAnswer> {
  const { status } = response;
  if (status >= 200 && status < 300) {
    await discard(response);
    return { kind: 'taken' };
  }
  if (status < 400 || closedStatuses.has(status)) {
    await discard(response);
    return { kind: 'closed', status };
  }
  if (status >= 500 || laterStatuses.has(status)) {
    await discard(response);
    return { kind: 'later', status, retryAfterMs: retryAfterMs(response.headers.get('retry-after'), nowMs) };
  }
  return { kind: 'refused', status, answer: await beginningOf(response) };
}

/** An event is taken once the status is there, whatever becomes of the rest of the answer. */
async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}

/** Seconds or a date (RFC 9110, section 10.2.3); null for anything else. */
export function retryAfterMs(header: string | null, nowMs: number): number | null {
  if (header === null) return null;
  const text = header.trim();
  const waitMs = /^[0-9]{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return Number.isFinite(waitMs) ? Math.min(Math.max(waitMs, 0), retryAfterMaxMs) : null;
}

/** What the endpoint says of its refusal, cut short; an endless answer is not waited for. */
async function beginningOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (!reader) return '';
  const decoder = new TextDecoder();
  let text = '';
  try {
    while (text.length < answerBytesMax) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
    }
  } catch {
    // The refusal stands without its words.
  }
  await reader.cancel().catch(() => undefined);
  return text.slice(0, answerShown);
}
