/** Runs every case over one world, and holds the world to its own table of deviations. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cases } from './cases.js';
import { sceneIn } from './scene.js';
import type { Deviation, World, WorldAttempt } from './world.js';

function tableOf(world: World): string {
  const lines = world.deviations.map(
    (deviation) => `  - ${deviation.case}\n      instead: ${deviation.why}\n      allowed: ${deviation.allowedBecause}`,
  );
  return `${world.name}: ${lines.length} known deviations\n${lines.join('\n')}`;
}

/**
 * `deviations` are given here and not taken from the world, because tests are named before a world is started. `more`
 * declares further tests of the same world.
 */
export function describeWorld(
  name: string,
  deviations: readonly Deviation[],
  start: () => Promise<WorldAttempt>,
  more?: (world: () => World) => void,
): void {
  describe(name, () => {
    let attempt: WorldAttempt = { available: false, reason: 'it was not started' };
    const world = (): World => {
      if (!attempt.available) throw new Error(attempt.reason);
      return attempt.world;
    };
    beforeAll(async () => {
      attempt = await start();
      if (attempt.available && deviations.length > 0) console.info(tableOf(attempt.world));
    }, 600_000);
    afterAll(async () => {
      if (attempt.available) await attempt.world.stop();
    });

    it('deviates in cases that exist, once each', () => {
      const named = deviations.map((deviation) => deviation.case);
      expect(cases.map((each) => each.name)).toEqual(expect.arrayContaining(named));
      expect(new Set(named).size).toBe(named.length);
    });

    for (const each of cases) {
      const deviation = deviations.find((candidate) => candidate.case === each.name);
      it(deviation ? `deviates: ${each.name}` : each.name, async (context) => {
        if (!attempt.available) return context.skip(attempt.reason);
        await attempt.world.reset();
        const run = each.run(sceneIn(attempt.world));
        if (!deviation) return run;
        const held = await run.then(
          () => true,
          () => false,
        );
        if (held) throw new Error(`the deviation no longer holds, take it out of the table: ${deviation.why}`);
      });
    }

    if (more) describe('beyond the common cases', () => more(world));
  });
}
