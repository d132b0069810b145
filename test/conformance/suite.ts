/** Runs every case over one world, and holds the world to its own table of deviations. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cases as common, type ConformanceCase } from './cases.js';
import { sceneIn } from './scene.js';
import type { Deviation, World, WorldAttempt } from './world.js';

function tableOf({ name, deviations }: World): string {
  const lines = deviations.map((deviation) => {
    const what =
      deviation.kind === 'case'
        ? deviation.case
        : `${deviation.property} of a ${deviation.type}: ${deviation.treatment}`;
    return `  - ${what}\n      instead: ${deviation.why}\n      allowed: ${deviation.allowedBecause}`;
  });
  return `${name}: ${lines.length} known deviations\n${lines.join('\n')}`;
}

type PropertyDeviation = Extract<Deviation, { kind: 'property' }>;

/** Whether the system does show the property again after all. */
async function keeps(world: World, { type, property }: PropertyDeviation): Promise<boolean> {
  await world.reset();
  const { connector, dialect } = sceneIn(world, []);
  const after = type === 'user' ? dialect.user('jane') : dialect.group('team', []);
  const answer = await connector.write({ kind: 'create', type, after });
  if (answer.kind !== 'applied') return false;
  return (await connector.readOne(type, answer.id))?.body[property] === after[property];
}

/**
 * `deviations` are given here and not taken from the world, because tests are named before a world is started. `own` are
 * the cases of this kind of cloud alone; `base` those that all of its sort share, people and groups where left out. `more` declares further tests of the same world.
 */
export function describeWorld(
  name: string,
  deviations: readonly Deviation[],
  start: () => Promise<WorldAttempt>,
  own: readonly ConformanceCase[] = [],
  more?: (world: () => World) => void,
  base: readonly ConformanceCase[] = common,
): void {
  const cases = [...base, ...own];
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
      const named = deviations.flatMap((deviation) => (deviation.kind === 'case' ? [deviation.case] : []));
      expect(cases.map((each) => each.name)).toEqual(expect.arrayContaining(named));
      expect(new Set(named).size).toBe(named.length);
    });

    for (const deviation of deviations)
      if (deviation.kind === 'property')
        it(`deviates: ${deviation.property} of a ${deviation.type} is lost`, async (context) => {
          if (!attempt.available) return context.skip(attempt.reason);
          expect(await keeps(attempt.world, deviation)).toBe(false);
        });

    for (const each of cases) {
      const deviation = deviations.find((candidate) => candidate.kind === 'case' && candidate.case === each.name);
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
