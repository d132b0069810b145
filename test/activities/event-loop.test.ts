/** Computations let others run: counted in turns of the event loop, whatever the time that a machine takes. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { performance } from 'node:perf_hooks';
import { inSlices, letOthersRun } from '../../activities/event-loop.js';
import { baseChanges, baseChangeSteps } from '../../core/next-base.js';
import { correlate, correlationSteps, type CorrelateInput } from '../../core/correlate.js';
import { makePlan, planSteps } from '../../core/plan.js';
import { seedEqual } from '../support/equal-clouds.js';
import { GateWorld, layGround } from './authority/gate-world.js';
import { recomputePlan } from '../../activities/recompute.js';

/** Each look at the clock takes a millisecond, so that a slice is so many looks. */
let nowMs = 1e9;
let turns = 0;
let isCounting = false;
const turn = (): void => {
  turns += 1;
  if (isCounting) setImmediate(turn);
};
beforeEach(() => {
  vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += 1));
  turns = 0;
  isCounting = true;
  setImmediate(turn);
});
afterEach(() => {
  isCounting = false;
  vi.restoreAllMocks();
});

describe('a computation', () => {
  it('in slices ends with its result and has let others run once a slice', async () => {
    const steps = function* (): Generator<void, string> {
      for (let at = 0; at < 1_000; at += 1) yield;
      return 'done';
    };
    expect(await inSlices(steps())).toBe('done');
    expect(turns).toBeGreaterThan(20);
    expect(turns).toBeLessThan(200);
  });

  it('goes on at once within its slice', async () => {
    await letOthersRun();
    const before = turns;
    for (let at = 0; at < 5; at += 1) await letOthersRun();
    expect(turns).toBe(before);
  });

  it('that throws throws', async () => {
    const steps = function* (): Generator<void, string> {
      yield;
      throw new Error('no');
    };
    await expect(inSlices(steps())).rejects.toThrow('no');
  });
});

describe('the steps of a plan', () => {
  it('are at least one for each record, and lead to what all at once leads to', async () => {
    vi.restoreAllMocks();
    const ground = await layGround((_file, text) => text);
    try {
      const people = 12;
      seedEqual(ground.sandbox, people);
      const first = new GateWorld(ground);
      const planned = await first.planned();
      const { planInput, plan, views, messages, incomplete } = await recomputePlan(
        ground.federation,
        first.exchange,
        planned.inputs,
      );
      const taken = <Result>(steps: Generator<void, Result>): readonly [number, Result] => {
        for (let count = 0; ; count += 1) {
          const step = steps.next();
          if (step.done) return [count, step.value];
        }
      };
      const records = Object.values(views).reduce((sum, ofType) => sum + ofType.length, 0);
      expect(records).toBeGreaterThanOrEqual(people);
      expect(taken(planSteps(planInput))).toEqual([records, plan]);
      expect(makePlan(planInput)).toEqual(plan);
      const next = { shape: messages.shape, views, incomplete, held: [], effective: [], heldAtBase: {} };
      expect(taken(baseChangeSteps(next))).toEqual([records, baseChanges(next)]);
      const asked: CorrelateInput = {
        type: 'person',
        rules: messages.shape.dataset.correlation['person'] ?? [],
        statements: [],
        records: Array.from({ length: people }, (_, at) => ({
          key: `~${at}`,
          members: { [at % 2 === 0 ? 'aws' : 'sov']: { employeeId: `E${Math.floor(at / 2)}` } },
        })),
      };
      const [count, found] = taken(correlationSteps(asked));
      expect(count).toBeGreaterThanOrEqual(people);
      expect(found).toEqual(correlate(asked));
    } finally {
      await ground.stop();
    }
  }, 300_000);
});
