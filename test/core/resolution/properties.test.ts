/**
 * What holds under every policy, whatever people do in their clouds, whoever is away and whatever is opaque.
 * CONCORDAT_RESOLUTION_WORLDS sets the number of worlds. All laws look at the same ones: to make a world costs the most.
 */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../../core/digest.js';
import { shapeWithout } from '../../../core/federation/federation.js';
import { OpaqueIndex, type OpaqueRecord } from '../../../core/opaque.js';
import { setElements, type Operation } from '../../../core/operation.js';
import { makePlan, type Plan, type PlanInput } from '../../../core/plan.js';
import type { Privileges } from '../../../core/federation/privileges.js';
import type { Json } from '../../../core/json.js';
import { propertyRuns } from '../../support/property-runs.js';
import type { TypeName } from '../support/cloud.js';
import { planInputOf, planOf, round, type Gap, type World } from '../support/round.js';
import { onlyRules, policyPlots, policyWorldOf, settleUnderPolicy } from '../support/policy-worlds.js';
import { disagreements, gaps, keysOf } from '../support/worlds.js';

/** One world as one run finds it. Laws read it; who changes it takes a copy. */
interface Scene {
  readonly world: World;
  readonly input: PlanInput;
  readonly plan: Plan;
  /** The same without one of its members. */
  readonly seen: World;
  readonly away: string;
  readonly planWithout: Plan;
  readonly gaps: readonly Gap[];
  readonly pick: number;
  readonly opaque: readonly OpaqueRecord[];
}

const marks = fc.array(
  fc.record({ member: fc.nat(4), type: fc.constantFrom<TypeName>('person', 'team', 'grant'), record: fc.nat(3) }),
  { minLength: 1, maxLength: 4 },
);
const draws = fc.record({ plot: policyPlots, away: fc.nat(4), gaps, pick: fc.nat(3), marks });
type Draw = typeof draws extends fc.Arbitrary<infer One> ? One : never;

function sceneOf({ plot, away: at, gaps: missing, pick, marks: marked }: Draw): Scene {
  const world = policyWorldOf(plot);
  // A run observes before it plans; `rested` below starts before that.
  const now = world.copy();
  now.observations?.observe(now.clouds);
  const { input } = planInputOf(now);
  const { members } = world.shape;
  const away = members[at % members.length] ?? '';
  const seen = now.copy();
  seen.shape = shapeWithout(world.shape, [away]);
  const opaque = marked.flatMap(({ member, type, record }): OpaqueRecord[] => {
    const authority = members[member % members.length] ?? '';
    const key = keysOf[type][record % keysOf[type].length] ?? '';
    const isHeld = now.clouds[authority]?.records[type].has(key);
    return isHeld ? [{ authority, type, key, reason: 'a condition', changed: true }] : [];
  });
  return {
    world: now,
    input,
    plan: makePlan(input),
    seen,
    away,
    planWithout: planOf(seen).plan,
    gaps: missing,
    pick,
    opaque,
  };
}

function writesOf(plan: Plan): readonly Operation[] {
  return [
    ...plan.operations,
    ...plan.conflicts.flatMap(({ candidates }) => candidates.flatMap((one) => one.operations)),
  ];
}

const typeIn = (world: World, name: string) => world.shape.types.find(({ taxonomy }) => taxonomy.type === name);
const policyOf = (world: World, type: string, field: string) => typeIn(world, type)?.policy?.fields?.[field];
const value = (world: World, member: string, type: string, key: string, field: string) =>
  world.clouds[member]?.records[type as TypeName].get(key)?.[field];

/** In words of its own: the code that decides must not be what judges it. */
function permitsNoMore(privileges: Privileges, left: Json, right: Json): boolean {
  if ('order' in privileges) {
    const [of, other] = [left, right].map((one) => privileges.order.findIndex((known) => known === one));
    return of !== undefined && other !== undefined && of >= 0 && of <= other;
  }
  const [of, other] = [left, right].map((one) => (typeof one === 'string' ? privileges.capabilities[one] : undefined));
  return of !== undefined && other !== undefined && of.every((capability) => other.includes(capability));
}

/** Both plans: with everybody, and without one member. */
const eachPlan = ({ world, plan, seen, planWithout }: Scene): readonly (readonly [World, Plan])[] => [
  [world, plan],
  [seen, planWithout],
];

function opaqueInput({ input, opaque }: Scene): PlanInput {
  const index = new OpaqueIndex(opaque);
  const views = Object.entries(input.views).map(
    ([type, all]) => [type, all.map((view) => index.silenced(type, view))] as const,
  );
  return { ...input, views: Object.fromEntries(views), opaque };
}

const laws: Readonly<Record<string, (scene: Scene) => void>> = {
  'one input gives one plan, in whatever order members and records come': ({ input, plan }) => {
    const backwards = <Value>(record: Readonly<Record<string, Value>>) =>
      Object.fromEntries(Object.entries(record).reverse());
    const other = {
      ...input,
      shape: { ...input.shape, types: input.shape.types.map((type) => ({ ...type, held: backwards(type.held) })) },
      views: Object.fromEntries(
        Object.entries(input.views).map(([type, views]) => [
          type,
          [...views]
            .map((view) => ({ ...view, members: backwards(view.members), versions: backwards(view.versions ?? {}) }))
            .reverse(),
        ]),
      ),
    };
    expect(digestOf(makePlan(other))).toBe(digestOf(plan));
  },

  'planned, approved and applied gives agreement, and then a second run plans nothing': ({ world, pick }) => {
    const rested = world.copy();
    settleUnderPolicy(rested, pick);
    expect(disagreements(rested)).toEqual([]);
    expect(round(rested).plan).toMatchObject({ operations: [], conflicts: [], divergences: [] });
  },

  'no deletion follows from what was not read, and `keep` deletes nothing at all': ({ world, gaps: missing }) => {
    const kept = world.shape.types.filter(({ policy }) => policy?.deletion?.kind === 'keep');
    for (const { kind, type } of writesOf(planOf(world, missing).plan)) {
      if (kind !== 'delete') continue;
      const held = typeIn(world, type)?.held ?? {};
      expect(missing.some((gap) => gap.type === type && held[gap.member])).toBe(false);
      expect(kept.map(({ taxonomy }) => taxonomy.type)).not.toContain(type);
    }
  },

  'without a member nothing is deleted of what it holds, and nothing is decided that it owns': (scene) => {
    const { seen, away, planWithout } = scene;
    for (const operation of planWithout.operations) {
      if (typeIn(seen, operation.type)?.absent.includes(away)) expect(operation.kind).not.toBe('delete');
      for (const { field } of operation.changes) {
        const policy = policyOf(seen, operation.type, field);
        if (policy?.kind === 'owned' && operation.rule !== 'keptByPolicy') expect(policy.by).not.toBe(away);
      }
    }
  },

  'least privilege never widens: what it writes permits no more than what any member holds, or than was agreed where one is away':
    (scene) => {
      for (const [seen, plan] of eachPlan(scene))
        for (const operation of plan.operations) {
          if (operation.kind === 'delete') continue;
          for (const change of operation.changes) {
            const { type, key } = operation;
            if (policyOf(scene.world, type, change.field)?.kind !== 'leastPrivilege' || change.kind !== 'value')
              continue;
            const kind = typeIn(seen, type)?.taxonomy.fields[change.field];
            const privileges = kind && 'privileges' in kind ? kind.privileges : undefined;
            if (!privileges) throw new Error('a ranked field lost its privileges');
            const present = Object.keys(typeIn(seen, type)?.held ?? {});
            const held = present.flatMap((member) => value(scene.world, member, type, key, change.field) ?? []);
            for (const other of held)
              expect(permitsNoMore(privileges, change.after, other) || other === change.after).toBe(true);
            const agreed = scene.world.base[type as TypeName].get(key)?.[change.field];
            if (seen === scene.seen && agreed !== undefined && operation.rule === 'leastPrivilege')
              expect(permitsNoMore(privileges, change.after, agreed)).toBe(true);
          }
        }
    },

  'sets under union lose nothing that anybody holds, and under intersection gain nothing that anybody lacks': (
    scene,
  ) => {
    for (const [, plan] of eachPlan(scene))
      for (const operation of plan.operations) {
        if (operation.kind !== 'update' || operation.rule === 'keptByPolicy') continue;
        for (const change of operation.changes) {
          if (change.kind !== 'set') continue;
          const kind = policyOf(scene.world, operation.type, change.field)?.kind;
          if (kind === 'union') expect(change.remove).toEqual([]);
          if (kind === 'intersection') expect(change.add).toEqual([]);
        }
      }
  },

  'sets of text become exactly the union or the intersection where all could be read': ({ world: before }) => {
    const policy = policyOf(before, 'team', 'labels')?.kind;
    if (policy !== 'union' && policy !== 'intersection') return;
    const world = before.copy();
    round(world, onlyRules);
    const held = typeIn(world, 'team')?.held ?? {};
    const members = Object.keys(held).filter((member) => held[member]?.includes('labels'));
    for (const [key, base] of before.base.team) {
      const sets = members.map((member) => value(before, member, 'team', key, 'labels'));
      // A team that somebody deleted is another matter, and so is a field that has no base yet.
      if (
        base['labels'] === undefined ||
        Object.keys(held).some((member) => !before.clouds[member]?.records.team.has(key))
      )
        continue;
      const all = sets.map((set) => new Set(setElements(set)));
      const every = [...new Set(all.flatMap((set) => [...set]))];
      const wanted = every.filter((one) => policy === 'union' || all.every((set) => set.has(one))).sort();
      for (const member of members) expect(value(world, member, 'team', key, 'labels')).toEqual(wanted);
    }
  },

  'nothing is written over what is opaque at a member, deleted or created in its place, by no rule and no choice': (
    scene,
  ) => {
    const index = new OpaqueIndex(scene.opaque);
    for (const { authority, type, key } of writesOf(makePlan(opaqueInput(scene))))
      expect(index.isOpaque(type, key, authority)).toBe(false);
  },

  'nothing of what an opaque record holds is written anywhere': (scene) => {
    if (scene.opaque.length === 0) return;
    // What it holds, said by a value that nobody else holds.
    const world = scene.world.copy();
    for (const { authority, type, key } of scene.opaque) {
      const records = world.clouds[authority]?.records[type as TypeName];
      const held = Object.entries(records?.get(key) ?? {});
      if (type === 'grant' || !records) continue;
      const secret = held.map(([field, was]) => [field, Array.isArray(was) ? was : 'only there'] as const);
      records.set(key, Object.fromEntries(secret));
    }
    const { input } = planInputOf(world);
    expect(JSON.stringify(makePlan(opaqueInput({ ...scene, input })))).not.toContain('only there');
  },
};

/** Which law the world broke. */
class Broken extends Error {
  readonly law: string;
  constructor(law: string, cause: unknown) {
    super(`${law}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.law = law;
  }
}

describe('in every world, under every policy', () => {
  let broken: Broken | Error | null = null;

  beforeAll(() => {
    const found = fc.check(
      fc.property(draws, (draw) => {
        const scene = sceneOf(draw);
        for (const [law, holds] of Object.entries(laws))
          try {
            holds(scene);
          } catch (error) {
            throw new Broken(law, error);
          }
      }),
      propertyRuns(Number(process.env['CONCORDAT_RESOLUTION_WORLDS'] ?? 30)),
    );
    if (!found.failed) return;
    const report = fc.defaultReportMessage(found) ?? 'a world broke a law';
    broken =
      found.errorInstance instanceof Broken
        ? new Broken(found.errorInstance.law, new Error(report))
        : new Error(report);
  }, 1_200_000);

  it.each(Object.keys(laws))('%s', (law) => {
    if (broken && (!(broken instanceof Broken) || broken.law === law)) throw broken;
  });
});
