/**
 * Keeps what a worker asks of a store under what the authority file allows, and still for as long as the store asked it to
 * wait. Whoever wants to send a request waits for its turn, so the limit is felt as far back as the request comes from: a
 * read whose pages are slow to come, a commit that holds its next records.
 */

export interface Clock {
  /** Only differences of it count. */
  nowMs(): number;
  pause(lengthMs: number, signal?: AbortSignal): Promise<void>;
}

const clockOfThisProcess: Clock = {
  nowMs: () => performance.now(),
  pause: (lengthMs, signal) =>
    new Promise((resolve, reject) => {
      const given = (): void => {
        clearTimeout(timer);
        reject(signal?.reason instanceof Error ? signal.reason : new Error('the request was given up'));
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', given);
        resolve();
      }, lengthMs);
      signal?.addEventListener('abort', given, { once: true });
    }),
};

export interface Pace {
  /**
   * Ends when what was used before has been earned again, and uses `units` at once, so that none of those who wait beside it
   * goes with it. What a request costs is 0 here where only its answer says it.
   */
  turn(units: number, signal?: AbortSignal): Promise<void>;
  used(units: number): void;
  /** The store asked for it: nobody gets a turn so long. */
  hold(lengthMs: number): void;
}

/** `unitsPerSecond`: of whatever the caller counts. Undefined: no limit of ours, and only the store holds anybody. */
export type MakePace = (unitsPerSecond: number | undefined) => Pace;

/** A store that asks for more is asked again after this: a wrong clock or a broken proxy must not stop a worker for a day. */
export const holdMaxMs = 60_000;

export function createPace(unitsPerSecond: number | undefined, clock = clockOfThisProcess): Pace {
  let freeAtMs = Number.NEGATIVE_INFINITY;
  let heldUntilMs = Number.NEGATIVE_INFINITY;
  const use = (units: number): void => {
    if (unitsPerSecond === undefined) return;
    freeAtMs = Math.max(freeAtMs, clock.nowMs()) + (units / unitsPerSecond) * 1_000;
  };
  const waitMs = (): number => Math.max(freeAtMs, heldUntilMs) - clock.nowMs();
  return {
    async turn(units, signal) {
      signal?.throwIfAborted();
      // Several wait side by side: whoever wakes looks again, for another may have gone before it.
      for (let lengthMs = waitMs(); lengthMs > 0; lengthMs = waitMs()) await clock.pause(lengthMs, signal);
      use(units);
    },
    used: use,
    hold(lengthMs) {
      heldUntilMs = Math.max(heldUntilMs, clock.nowMs() + Math.min(lengthMs, holdMaxMs));
    },
  };
}

/** One for reads and one for writes, as the authority file says them. */
export interface Paces {
  readonly read: Pace;
  readonly write: Pace;
}

export interface PerSecond {
  readonly read?: number | undefined;
  readonly write?: number | undefined;
}

export function pacesOf(perSecond: PerSecond | undefined, makePace: MakePace = createPace): Paces {
  return { read: makePace(perSecond?.read), write: makePace(perSecond?.write) };
}

/**
 * How long an answer asks to wait, in milliseconds; undefined where it does not say. Vendors' headers in milliseconds come
 * before `Retry-After`, which counts seconds or names a moment (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after).
 */
export function askedWaitMs(
  header: (name: string) => string | null | undefined,
  nowMs: number = Date.now(),
): number | undefined {
  for (const name of ['x-ms-retry-after-ms', 'retry-after-ms']) {
    const text = header(name);
    if (text != null && /^\d{1,12}(?:\.\d{1,6})?$/.test(text)) return Number(text);
  }
  const text = header('retry-after');
  if (text == null) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  const moment = Date.parse(text);
  return Number.isNaN(moment) ? undefined : Math.max(0, moment - nowMs);
}

/** An answer that says that there were too many requests, and how long to wait, holds all that wait for a turn. */
export function heed(pace: Pace, status: number, header: (name: string) => string | null | undefined): void {
  // 498: the rate limit of Swift itself.
  if (status !== 429 && status !== 498 && status !== 503) return;
  const waitMs = askedWaitMs(header);
  if (waitMs !== undefined) pace.hold(waitMs);
}

/** For the capabilities of a connector: `reads: at most 5 requests in a second`. */
export function paceWords(perSecond: PerSecond | undefined, what: string, otherwise: string): readonly string[] {
  return (['read', 'write'] as const).map((kind) => {
    const most = perSecond?.[kind];
    return `${kind}s: ${most === undefined ? otherwise : `at most ${most} ${what} in a second`}`;
  });
}
