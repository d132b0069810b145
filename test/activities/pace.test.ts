/** How fast a store is asked: what was used is earned again, what the store asked for is heeded, and no clock of a machine is waited for. */
import { describe, expect, it } from 'vitest';
import { askedWaitMs, createPace, heed, holdMaxMs, pacesOf, paceWords } from '../../activities/pace.js';

function fakeClock() {
  const state = { nowMs: 0, pauses: [] as number[] };
  const clock = {
    nowMs: () => state.nowMs,
    pause: async (lengthMs: number): Promise<void> => {
      state.pauses.push(lengthMs);
      const untilMs = state.nowMs + lengthMs;
      // Others may have moved it on meanwhile.
      await Promise.resolve();
      state.nowMs = Math.max(state.nowMs, untilMs);
    },
  };
  return { clock, state };
}

describe('a pace', () => {
  it('waits until what was used is earned again, and saves nothing up', async () => {
    const { clock, state } = fakeClock();
    const pace = createPace(10, clock);
    await pace.turn(0);
    expect(state.pauses).toEqual([]);
    pace.used(5);
    await pace.turn(0);
    expect(state.pauses).toEqual([500]);
    pace.used(1);
    pace.used(1);
    await pace.turn(0);
    expect(state.nowMs).toBe(700);
    state.nowMs += 10_000;
    pace.used(2);
    await pace.turn(0);
    expect(state.nowMs).toBe(10_900);
  });

  it('lets one after the other go, however many wait side by side', async () => {
    const { clock, state } = fakeClock();
    const pace = createPace(10, clock);
    const wentAtMs: number[] = [];
    await Promise.all(
      [...Array(25).keys()].map(async () => {
        await pace.turn(1);
        wentAtMs.push(Math.round(state.nowMs));
      }),
    );
    expect(wentAtMs).toEqual([...Array(25).keys()].map((at) => at * 100));
  });

  it('counts nothing where no limit is declared, and still waits as long as the store asked', async () => {
    const { clock, state } = fakeClock();
    const free = createPace(undefined, clock);
    for (let request = 0; request < 1_000; request += 1) await free.turn(1e6);
    expect(state.pauses).toEqual([]);
    free.hold(2_000);
    free.hold(1_000);
    await free.turn(1);
    expect(state.nowMs).toBe(2_000);
    free.hold(24 * 3_600_000);
    await free.turn(1);
    expect(state.nowMs).toBe(2_000 + holdMaxMs);
  });

  it('is given up with the request that waits', async () => {
    const left = new AbortController();
    const pace = createPace(1);
    pace.hold(60_000);
    const waiting = pace.turn(1, left.signal);
    left.abort(new Error('the run was cancelled'));
    await expect(waiting).rejects.toThrow('the run was cancelled');
    await expect(pace.turn(1, left.signal)).rejects.toThrow('the run was cancelled');
  });

  it('is one for reads and another for writes', async () => {
    const asked: (number | undefined)[] = [];
    const make = (units: number | undefined) => {
      asked.push(units);
      return createPace(units);
    };
    pacesOf({ read: 5 }, make);
    pacesOf(undefined, make);
    expect(asked).toEqual([5, undefined, undefined, undefined]);
    expect(paceWords({ read: 5 }, 'requests', 'what the bucket gives')).toEqual([
      'reads: at most 5 requests in a second',
      'writes: what the bucket gives',
    ]);
  });
});

describe('an answer', () => {
  const from = (headers: Readonly<Record<string, string>>) => (name: string) => headers[name] ?? null;
  const nowMs = Date.parse('2026-11-23T12:00:00Z');

  it.each([
    [{ 'retry-after': '3' }, 3_000],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': 'Mon, 23 Nov 2026 12:00:07 GMT' }, 7_000],
    [{ 'retry-after': 'Mon, 23 Nov 2026 11:00:00 GMT' }, 0],
    [{ 'x-ms-retry-after-ms': '12.5', 'retry-after': '3' }, 12.5],
    [{ 'retry-after-ms': '40' }, 40],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'x-ms-retry-after-ms': '-5' }, undefined],
    [{}, undefined],
  ])('of %j asks to wait %s ms', (headers, waitMs) => {
    expect(askedWaitMs(from(headers), nowMs)).toBe(waitMs);
  });

  it.each([
    [429, 1_000],
    [498, 1_000],
    [503, 1_000],
    [301, 0],
    [200, 0],
  ])('with status %i holds the others for %i ms', async (status, heldMs) => {
    const { clock, state } = fakeClock();
    const pace = createPace(undefined, clock);
    heed(pace, status, from({ 'retry-after': '1' }));
    await pace.turn(1);
    expect(state.nowMs).toBe(heldMs);
  });
});
