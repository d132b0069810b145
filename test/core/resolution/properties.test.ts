/** What holds under every policy, whatever people do in their clouds. CONCORDAT_RESOLUTION_WORLDS sets the number of worlds. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../core/digest.js';
import { shapeWithout } from '../../../core/federation/federation.js';
import { setElements, type Operation } from '../../../core/operation.js';
import { makePlan, type Plan } from '../../../core/plan.js';
import { permitsNoMore } from '../../../core/resolution/privilege-order.js';
import { propertyRuns } from '../../support/property-runs.js';
import { planInputOf, planOf, round, type World } from '../support/round.js';
import { onlyRules, policyPlots, policyWorldOf, settleUnderPolicy } from '../support/policy-worlds.js';
import { disagreements, gaps } from '../support/worlds.js';

const runs = propertyRuns(Number(process.env['CONCORDAT_RESOLUTION_WORLDS'] ?? 30));
const patient = { timeout: 1_200_000 };

function writesOf(plan: Plan): readonly Operation[] {
  return [
    ...plan.operations,
    ...plan.conflicts.flatMap(({ candidates }) => candidates.flatMap((one) => one.operations)),
  ];
}

function ruledBy(world: World, kind: string): readonly { readonly type: string; readonly field: string }[] {
  return world.shape.types.flatMap(({ taxonomy, policy }) =>
    Object.entries(policy?.fields ?? {}).flatMap(([field, own]) =>
      own.kind === kind ? [{ type: taxonomy.type, field }] : [],
    ),
  );
}

function without(world: World, at: number): World {
  const seen = world.copy();
  seen.shape = shapeWithout(world.shape, [world.shape.members[at % world.shape.members.length] ?? '']);
  return seen;
}

const value = (world: World, member: string, type: string, key: string, field: string) =>
  world.clouds[member]?.records[type as 'person'].get(key)?.[field];

describe('under every policy', patient, () => {
  it('one input gives one plan, in whatever order members and records come', () => {
    fc.assert(
      fc.property(policyPlots, (plot) => {
        const world = policyWorldOf(plot);
        world.observations?.observe(world.clouds);
        const { input } = planInputOf(world);
        const backwards = <Value>(record: Readonly<Record<string, Value>>) =>
          Object.fromEntries(Object.entries(record).reverse());
        const other = {
          ...input,
          shape: { ...input.shape, types: input.shape.types.map((type) => ({ ...type, held: backwards(type.held) })) },
          views: Object.fromEntries(
            Object.entries(input.views).map(([type, views]) => [
              type,
              views
                .map((view) => ({
                  ...view,
                  members: backwards(view.members),
                  versions: backwards(view.versions ?? {}),
                }))
                .reverse(),
            ]),
          ),
        };
        expect(digestOf(makePlan(other))).toBe(digestOf(makePlan(input)));
      }),
      runs,
    );
  });

  it('planned, approved and applied gives agreement, and then a second run plans nothing', () => {
    fc.assert(
      fc.property(policyPlots, fc.nat(3), (plot, pick) => {
        const world = policyWorldOf(plot);
        settleUnderPolicy(world, pick);
        expect(disagreements(world)).toEqual([]);
        expect(round(world).plan).toMatchObject({ operations: [], conflicts: [], divergences: [] });
      }),
      runs,
    );
  });

  it('no deletion follows from what was not read, and `keep` deletes nothing at all', () => {
    fc.assert(
      fc.property(policyPlots, gaps, (plot, missing) => {
        const world = policyWorldOf(plot);
        world.observations?.observe(world.clouds);
        const unread = new Set(missing.filter(({ member }) => world.clouds[member]).map(({ type }) => type as string));
        const kept = world.shape.types.filter(({ policy }) => policy?.deletion?.kind === 'keep');
        for (const { kind, type } of writesOf(planOf(world, missing).plan)) {
          if (kind !== 'delete') continue;
          const held = world.shape.types.find(({ taxonomy }) => taxonomy.type === type)?.held ?? {};
          expect(missing.some((gap) => gap.type === type && held[gap.member]) && unread.has(type)).toBe(false);
          expect(kept.map(({ taxonomy }) => taxonomy.type)).not.toContain(type);
        }
      }),
      runs,
    );
  });

  it('without a member nothing is deleted of what it holds, and nothing is decided that it owns', () => {
    fc.assert(
      fc.property(policyPlots, fc.nat(4), (plot, at) => {
        const world = policyWorldOf(plot);
        world.observations?.observe(world.clouds);
        const seen = without(world, at);
        const [away] = seen.shape.absent;
        for (const operation of planOf(seen).plan.operations) {
          const own = seen.shape.types.find(({ taxonomy }) => taxonomy.type === operation.type);
          if (own?.absent.includes(away ?? '')) expect(operation.kind).not.toBe('delete');
          for (const { field } of operation.changes) {
            const policy = own?.policy?.fields?.[field];
            if (policy?.kind === 'owned' && operation.rule !== 'keptByPolicy') expect(policy.by).not.toBe(away);
          }
        }
      }),
      runs,
    );
  });
});

describe('least privilege', patient, () => {
  it('never widens: what a rule writes permits no more than what was there, or than any other member holds', () => {
    fc.assert(
      fc.property(policyPlots, fc.option(fc.nat(4)), (plot, away) => {
        const world = policyWorldOf(plot);
        world.observations?.observe(world.clouds);
        const seen = away === null ? world : without(world, away);
        for (const { type, field } of ruledBy(world, 'leastPrivilege')) {
          const kind = world.shape.types.find(({ taxonomy }) => taxonomy.type === type)?.taxonomy.fields[field];
          const privileges = kind && 'privileges' in kind ? kind.privileges : undefined;
          if (!privileges) throw new Error('a ranked field lost its privileges');
          for (const operation of planOf(seen).plan.operations) {
            if (operation.type !== type || operation.kind === 'delete') continue;
            for (const change of operation.changes) {
              if (change.field !== field || change.kind !== 'value') continue;
              const present = Object.keys(seen.shape.types.find(({ taxonomy }) => taxonomy.type === type)?.held ?? {});
              const held = present.flatMap((member) => value(world, member, type, operation.key, field) ?? []);
              for (const other of held)
                expect(permitsNoMore(privileges, change.after, other) || other === change.after).toBe(true);
              const agreed = world.base[type as 'person'].get(operation.key)?.[field];
              if (seen !== world && agreed !== undefined && operation.rule === 'leastPrivilege')
                expect(permitsNoMore(privileges, change.after, agreed)).toBe(true);
            }
          }
        }
      }),
      runs,
    );
  });
});

describe('sets', patient, () => {
  it('under union lose nothing that anybody holds, and under intersection gain nothing that anybody lacks', () => {
    fc.assert(
      fc.property(policyPlots, fc.option(fc.nat(4)), (plot, away) => {
        const world = policyWorldOf(plot);
        world.observations?.observe(world.clouds);
        const seen = away === null ? world : without(world, away);
        for (const operation of planOf(seen).plan.operations) {
          if (operation.kind !== 'update' || operation.rule === 'keptByPolicy') continue;
          for (const change of operation.changes) {
            const own = world.shape.types.find(({ taxonomy }) => taxonomy.type === operation.type);
            const kind = own?.policy?.fields?.[change.field]?.kind;
            if (change.kind !== 'set') continue;
            if (kind === 'union') expect(change.remove).toEqual([]);
            if (kind === 'intersection') expect(change.add).toEqual([]);
          }
        }
      }),
      runs,
    );
  });

  it('of text become exactly the union or the intersection where all could be read', () => {
    fc.assert(
      fc.property(policyPlots, (plot) => {
        const world = policyWorldOf(plot);
        const before = world.copy();
        const agreed = before.base.team;
        round(world, onlyRules);
        const policy = world.shape.types.find(({ taxonomy }) => taxonomy.type === 'team')?.policy?.fields?.['labels']
          ?.kind;
        if (policy !== 'union' && policy !== 'intersection') return;
        const held = world.shape.types.find(({ taxonomy }) => taxonomy.type === 'team')?.held ?? {};
        const members = Object.keys(held).filter((member) => held[member]?.includes('labels'));
        for (const [key, base] of agreed) {
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
      }),
      runs,
    );
  });
});
