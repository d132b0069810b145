/** Keeps what is used of a table's capacity under what the authority file allows, by waiting before the next request. */

export interface Clock {
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
  /** Ends when the capacity that was used before has been earned again. */
  turn(signal?: AbortSignal): Promise<void>;
  used(units: number): void;
}

/** Undefined: no limit of ours; DynamoDB throttles by itself and the SDK slows down. */
export function createPace(unitsPerSecond: number | undefined, clock = clockOfThisProcess): Pace {
  if (unitsPerSecond === undefined) return { turn: () => Promise.resolve(), used: () => undefined };
  let freeAtMs = 0;
  return {
    async turn(signal) {
      // Several segments wait side by side: whoever wakes looks again, for another may have gone before it.
      for (let waitMs = freeAtMs - clock.nowMs(); waitMs > 0; waitMs = freeAtMs - clock.nowMs())
        await clock.pause(waitMs, signal);
    },
    used(units) {
      freeAtMs = Math.max(freeAtMs, clock.nowMs()) + (units / unitsPerSecond) * 1_000;
    },
  };
}
