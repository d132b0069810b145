/** A member that takes no part in a run: nothing is deleted because of it, no base moves without it, and it catches up. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shapeWithout } from '../../core/federation/federation.js';
import { propertyRuns } from '../support/property-runs.js';
import { agreeing, planOf, round, type World } from './support/round.js';
import { act, disagreements, edits, plots, settle, worldOf } from './support/worlds.js';

const runs = propertyRuns(100);

/** The world as the others see it while a member is away. */
function without(world: World, member: string): World {
  const seen = world.copy();
  seen.shape = shapeWithout(world.shape, [member]);
  return seen;
}

/** An agreed world in which things have changed since, and one member of it. */
const scenes = fc.tuple(plots, edits, fc.nat(10)).map(([plot, changes, at]) => {
  const world = worldOf(plot);
  settle(world);
  for (const change of changes) act(world, change);
  const member = world.shape.members[at % world.shape.members.length] as string;
  return { world, member };
});

describe('a run without one member', () => {
  it('plans no deletion and nothing for the one that is away', () => {
    fc.assert(
      fc.property(scenes, ({ world, member }) => {
        const { plan } = planOf(without(world, member));
        const writes = [
          ...plan.operations,
          ...plan.conflicts.flatMap(({ candidates }) => candidates.flatMap((one) => one.operations)),
        ];
        const heldByIt = new Set(
          world.shape.types.filter(({ held }) => held[member] !== undefined).map(({ taxonomy }) => taxonomy.type),
        );
        expect(writes.filter(({ authority }) => authority === member)).toEqual([]);
        expect(writes.filter(({ kind, type }) => kind === 'delete' && heldByIt.has(type))).toEqual([]);
        expect(plan.absent).toEqual([member]);
      }),
      runs,
    );
  });

  it('is another plan than one with it, even where both would write the same', () => {
    fc.assert(
      fc.property(scenes, ({ world, member }) => {
        expect(planOf(without(world, member)).digest).not.toBe(planOf(world).digest);
      }),
      runs,
    );
  });

  it('moves the base of no type that the member holds', () => {
    fc.assert(
      fc.property(scenes, fc.nat(5), ({ world, member }, pick) => {
        const seen = without(world, member);
        const before = JSON.stringify(
          world.shape.types.map(
            ({ taxonomy, held }) => held[member] && [...seen.base[taxonomy.type as 'person'].entries()],
          ),
        );
        round(
          seen,
          agreeing(() => pick),
        );
        const after = JSON.stringify(
          world.shape.types.map(
            ({ taxonomy, held }) => held[member] && [...seen.base[taxonomy.type as 'person'].entries()],
          ),
        );
        expect(after).toBe(before);
      }),
      runs,
    );
  });

  it('leads to agreement of all once the member is back', () => {
    fc.assert(
      fc.property(scenes, fc.nat(5), ({ world, member }, pick) => {
        const seen = without(world, member);
        round(
          seen,
          agreeing(() => pick),
        );
        seen.shape = world.shape;
        for (let turn = 0; turn < 6; turn += 1) {
          const { plan } = round(
            seen,
            agreeing(() => pick),
          );
          if (plan.operations.length === 0 && plan.conflicts.length === 0) break;
        }
        expect(disagreements(seen)).toEqual([]);
      }),
      runs,
    );
  });
});
