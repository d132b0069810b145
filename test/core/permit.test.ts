/** The permit: what the reviews of all authorities release, and how conflicts settle without values being swapped. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, digestOf } from '../../core/digest.js';
import { makePermit, operationsOf, Permit } from '../../core/permit.js';
import type { Review } from '../../core/review.js';
import type { Cloud } from './support/cloud.js';
import { agreeing, planOf, reviewsOf, round, World, type Answers } from './support/round.js';
import { fullHoldings, shapeOf } from './support/shape.js';
import { emptyClouds, memberNames, plots, settle, worldOf } from './support/worlds.js';

function contradicting(values: readonly string[], commit: 'permitted' | 'allOrNothing' = 'permitted'): World {
  const members = memberNames.slice(0, values.length);
  const clouds = emptyClouds(fullHoldings(members));
  for (const cloud of Object.values(clouds)) cloud.records.person.set('p1', { mail: 'm', name: 'base', phone: null });
  const world = new World(shapeOf(fullHoldings(members), commit), clouds);
  settle(world);
  for (const [at, member] of members.entries())
    (clouds[member] as Cloud).records.person.set('p1', { mail: 'm', name: values[at] ?? '', phone: null });
  return world;
}

const nameAt = (world: World, member: string): unknown => world.clouds[member]?.records.person.get('p1')?.['name'];

describe('a conflict', () => {
  it('settles exactly where all who would change chose one candidate and no second one qualifies', () => {
    const values = fc.array(fc.constantFrom('x', 'y', 'z'), { minLength: 2, maxLength: 5 });
    const choices = fc.array(fc.option(fc.nat(2), { nil: undefined }), { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(values, choices, (drawn, chosen) => {
        const world = contradicting(drawn);
        const before = planOf(world).plan;
        fc.pre(before.conflicts.length === 1);
        const candidates = before.conflicts[0]?.candidates ?? [];
        const choiceOf = (member: string): string | undefined => {
          const at = chosen[memberNames.indexOf(member)];
          return at === undefined ? undefined : candidates[at % candidates.length]?.digest;
        };
        const held = new Map(world.shape.members.map((member) => [member, nameAt(world, member)]));
        const qualifying = candidates.filter(({ value, digest }) =>
          world.shape.members.every((member) => held.get(member) === value || choiceOf(member) === digest),
        );
        const { permit } = round(world, { toOperation: () => 'approve', toConflict: (_, member) => choiceOf(member) });
        const settled = qualifying.length === 1 ? qualifying[0] : undefined;
        expect(permit.settled.map(({ candidate }) => candidate)).toEqual(settled ? [settled.digest] : []);
        for (const member of world.shape.members)
          expect(nameAt(world, member)).toBe(settled ? settled.value : held.get(member));
      }),
    );
  });

  it('in which each of two yields to the other swaps nothing', () => {
    const world = contradicting(['x', 'y']);
    const yielding: Answers = {
      toOperation: () => 'approve',
      toConflict: ({ candidates }, member) => candidates.find(({ heldBy }) => !heldBy.includes(member))?.digest,
    };
    const { permit, conflicts } = { ...round(world, yielding), conflicts: planOf(world).plan.conflicts };
    expect(permit.settled).toEqual([]);
    expect([nameAt(world, 'aa'), nameAt(world, 'bb')]).toEqual(['x', 'y']);
    expect(conflicts).toHaveLength(1);
  });

  it('that is settled by consent leaves a quiet next round', () => {
    const world = contradicting(['x', 'y', 'z']);
    expect(
      round(
        world,
        agreeing(() => 1),
      ).permit.settled,
    ).toHaveLength(1);
    const { plan, changes } = round(world);
    expect([...plan.operations, ...plan.conflicts, ...plan.divergences, ...changes]).toEqual([]);
  });
});

describe('a permit', () => {
  it('releases to each authority what its own review approved or chose, and nothing else', () => {
    fc.assert(
      fc.property(plots, fc.nat(3), fc.nat(3), (plot, some, pick) => {
        const world = worldOf(plot);
        const planned = planOf(world);
        const answers: Answers = {
          toOperation: ({ id }) => (Number.parseInt(id.slice(0, 2), 16) % 4 === some ? 'leave' : 'approve'),
          toConflict: agreeing(() => pick).toConflict,
        };
        const reviews = reviewsOf(world, planned, answers);
        const permit = makePermit(planned.digest, planned.plan, world.shape.dataset, reviews);
        expect(Permit.parse(permit)).toEqual(permit);
        const byId = operationsOf(planned.plan);
        for (const [authority, ids] of Object.entries(permit.operations)) {
          const review = reviews.find((one) => one.review.authority === authority)?.review;
          for (const id of ids) {
            expect(byId.get(id)?.authority).toBe(authority);
            const chosen = Object.entries(review?.choices ?? {}).some(([conflict, candidate]) =>
              planned.plan.conflicts
                .find((one) => one.id === conflict)
                ?.candidates.find(({ digest }) => digest === candidate)
                ?.operations.some((operation) => operation.id === id),
            );
            expect(review?.operations.some((one) => one === id) === true || chosen).toBe(true);
          }
        }
        const approved = reviews.flatMap(({ review }) => [...review.operations]).sort();
        expect(Object.values(permit.operations).flat()).toEqual(expect.arrayContaining(approved));
      }),
      { numRuns: 60 },
    );
  });

  it('ignores what one authority says of the operations of another', () => {
    const world = contradicting(['x', 'base', 'base']);
    const planned = planOf(world);
    const [forBb, forCc] = planned.plan.operations;
    const review = (authority: string, operations: readonly string[]): { id: string; review: Review } => ({
      id: digestOf({ authority }),
      review: {
        authority,
        dataset: 'workforce',
        plan: planned.digest,
        outcome: 'approved',
        code: null,
        hlc: '0'.repeat(16),
        operations: [...operations],
        rejected: [],
        left: [],
        choices: {},
        decisions: [],
        delegations: [],
      },
    });
    const permit = makePermit(planned.digest, planned.plan, world.shape.dataset, [
      review('bb', [forBb?.id ?? '', forCc?.id ?? '']),
    ]);
    expect(permit.operations).toEqual({ bb: [forBb?.id] });
  });

  it('of a dataset that is all or nothing is empty as soon as one operation lacks its approval', () => {
    const world = contradicting(['x', 'base', 'base'], 'allOrNothing');
    const planned = planOf(world);
    const whole = reviewsOf(world, planned, agreeing());
    const count = (reviews: typeof whole): number =>
      Object.values(makePermit(planned.digest, planned.plan, world.shape.dataset, reviews).operations).flat().length;
    expect(count(whole)).toBe(2);
    expect(count(whole.filter(({ review }) => review.authority !== 'cc'))).toBe(0);
    // An outcome says only that what was asked was approved: what a protected record kept from being asked is missing here.
    const unasked = whole.map((one) =>
      one.review.authority === 'cc'
        ? { ...one, review: { ...one.review, operations: [], outcome: 'approved' as const } }
        : one,
    );
    expect(count(unasked)).toBe(0);
  });

  it('of a dataset that is all or nothing does not wait for a conflict that nobody settles', () => {
    const world = contradicting(['x', 'y'], 'allOrNothing');
    (world.clouds['aa'] as Cloud).records.person.set('p2', { mail: 'n', name: 'N', phone: null });
    const { permit } = round(world, { toOperation: () => 'approve', toConflict: () => undefined });
    expect(Object.keys(permit.operations)).toEqual(['bb']);
  });

  it('is the same in whatever order reviews arrive', () => {
    const world = contradicting(['x', 'base', 'y']);
    const planned = planOf(world);
    const reviews = reviewsOf(
      world,
      planned,
      agreeing(() => 1),
    );
    const text = (order: typeof reviews): string =>
      canonicalJson(makePermit(planned.digest, planned.plan, world.shape.dataset, order));
    expect(text([...reviews].reverse())).toBe(text(reviews));
  });
});
