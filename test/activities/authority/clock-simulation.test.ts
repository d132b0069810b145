import { describe, expect, test } from 'vitest';
import { simulate, type Fault, type Outcome } from './clock-simulation.js';

/** More of them: CONCORDAT_CLOCK_SCHEDULES=1000000 npx vitest run test/activities/authority/clock-simulation.test.ts */
const schedules = Number(process.env['CONCORDAT_CLOCK_SCHEDULES'] ?? 2_000);

describe(`${schedules} schedules of authorities that believe in different times`, () => {
  test('order no cause after its effect, and never go back', async () => {
    const total = { stamps: 0, refused: 0, resets: 0, restarts: 0 };
    const startedMs = performance.now();
    // Some hundred thousand refusals: nobody reads where each came from.
    Error.stackTraceLimit = 0;
    for (let seed = 1; seed <= schedules; seed += 1) {
      const outcome = await simulate(seed);
      if (outcome.faults.length > 0) expect(outcome.faults, `seed ${seed}`).toEqual([]);
      total.stamps += outcome.stamps;
      total.refused += outcome.refused;
      total.resets += outcome.resets;
      total.restarts += outcome.restarts;
    }
    Error.stackTraceLimit = 10;
    const perSecond = Math.round((schedules / (performance.now() - startedMs)) * 1000);
    console.log(`clock: ${schedules} schedules, ${perSecond} a second, ${JSON.stringify(total)}`);
    // A simulation in which nothing is refused, reset or restarted would prove little.
    expect(total.stamps).toBeGreaterThan(schedules * 10);
    expect(total.refused).toBeGreaterThan(schedules);
    expect(total.resets).toBeGreaterThan(schedules / 20);
    expect(total.restarts).toBeGreaterThan(schedules);
  }, 600_000);

  test('go the same way again from the same seed', async () => {
    expect(await simulate(4711)).toEqual(await simulate(4711));
  });
});

describe('the simulation finds', () => {
  const found = async (fault: Fault): Promise<Outcome | undefined> => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const outcome = await simulate(seed, fault);
      if (outcome.faults.length > 0) return outcome;
    }
    return undefined;
  };

  test('a mark that is not durable before its stamps are used', async () => {
    expect((await found('lostWrites'))?.faults[0]).toMatch(/although its cause|twice/);
  });

  test('a clock that believes every stamp', async () => {
    expect((await found('noBound'))?.faults[0]).toMatch(/ahead of its machine/);
  });

  test('a clock that does not take up what it was told', async () => {
    expect((await found('receiveIgnored'))?.faults[0]).toMatch(/although its cause/);
  });

  test('a worker that stamps from its own stretch without looking who holds the clock', async () => {
    expect((await found('ownStretch'))?.faults[0]).toMatch(/although its cause/);
  });
});
