/** Undo: back to what was agreed before, for what has not moved since, and never by anything that was not signed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Authorship } from '../../core/approval/authors.js';
import { canonicalJson } from '../../core/digest.js';
import { byCodeUnit } from '../../core/json.js';
import { setElements } from '../../core/operation.js';
import { makePlan, Plan } from '../../core/plan.js';
import type { Fields } from '../../core/record.js';
import { isUndoOver, undoCauses, type PlannedUndo } from '../../core/undo.js';
import { propertyRuns } from '../support/property-runs.js';
import type { Cloud, TypeName } from './support/cloud.js';
import { agreeing, planInputOf, planOf, round, World } from './support/round.js';
import { fullHoldings, grantFields, grantKey, shapeOf } from './support/shape.js';
import { baseText, copyOfBase, endReached, keptRound, undoing } from './support/undoing.js';
import { act, edits, emptyClouds, gaps, plots, settle, worldOf } from './support/worlds.js';
import { agreedUnder } from './support/policy-worlds.js';

const members = ['aa', 'bb', 'cc'];

function agreedWorld(): World {
  const holdings = {
    ...fullHoldings(members),
    grant: Object.fromEntries(members.map((member) => [member, ['on', 'who']])),
  };
  const clouds = emptyClouds(holdings);
  for (const cloud of Object.values(clouds)) {
    for (const key of ['p1', 'p2']) cloud.records.person.set(key, { mail: key, name: 'Ada', phone: null });
    cloud.records.team.set('t1', { title: 'T', people: ['p1', 'p2'], labels: ['x'] });
    cloud.records.grant.set(grantKey('p1', 't1'), grantFields('p1', 't1'));
  }
  const world = new World(shapeOf(holdings), clouds);
  settle(world);
  return world;
}

function cloudOf(world: World, member: string): Cloud {
  const cloud = world.clouds[member];
  if (!cloud) throw new Error(`no cloud ${member}`);
  return cloud;
}

function put(world: World, member: string, type: TypeName, key: string, changed: Fields): void {
  const { records } = cloudOf(world, member);
  records[type].set(key, { ...records[type].get(key), ...changed });
}

function brief({ operations }: Plan): string[] {
  return operations.map(({ authority, kind, type, key, rule }) => `${authority} ${kind} ${type} ${key} ${rule}`);
}

function states(undos: readonly PlannedUndo[] | undefined): string[] {
  return (undos ?? []).flatMap(({ parts }) =>
    parts.map(({ type, key, field, state }) => `${type} ${key} ${field ?? 'itself'} ${state}`),
  );
}

function comeToRest(world: World): void {
  for (let rounds = 0; rounds < 12; rounds += 1) {
    const { plan, changes } = keptRound(world).done;
    if (plan.operations.length === 0 && changes.length === 0) return;
  }
  throw new Error('does not come to rest');
}

describe('a changed field', () => {
  function changed(): { readonly world: World; readonly kept: ReturnType<typeof keptRound>; readonly start: string } {
    const world = agreedWorld();
    const start = baseText(copyOfBase(world));
    put(world, 'bb', 'person', 'p1', { name: 'Bob' });
    const kept = keptRound(world);
    expect(world.base.person.get('p1')?.['name']).toBe('Bob');
    return { world, kept, start };
  }

  it('goes back in every cloud, by the rule undo, and then nothing differs', () => {
    const { world, kept, start } = changed();
    world.undone = undoing(world, kept);
    const { plan } = planOf(world);
    expect(brief(plan)).toEqual(members.map((member) => `${member} update person p1 undo`));
    expect(plan.divergences.map(({ kind, because }) => [kind, because])).toEqual([['undone', ['aa']]]);
    expect(states(plan.undos)).toEqual(['person p1 name goesBack']);
    keptRound(world);
    expect(world.undone).toEqual([]);
    expect(baseText(copyOfBase(world))).toBe(start);
    const { plan: after } = planOf(world);
    expect([after.operations, after.divergences, after.undos]).toEqual([[], [], undefined]);
  });

  it('is left alone where it has moved since, in the agreement or in one cloud', () => {
    const { world, kept } = changed();
    world.undone = undoing(world, kept);
    put(world, 'cc', 'person', 'p1', { name: 'Eve' });
    const here = planOf(world).plan;
    expect(brief(here)).toEqual(['aa', 'bb'].map((member) => `${member} update person p1 changedOnOneSide`));
    expect(states(here.undos)).toEqual(['person p1 name moved']);
    keptRound(world);
    expect(world.base.person.get('p1')?.['name']).toBe('Eve');
    expect(world.undone).toEqual([]);
  });

  it('is left alone where the agreement has moved on, though every cloud holds again what it left', () => {
    const { world, kept } = changed();
    put(world, 'aa', 'person', 'p1', { name: 'Eve' });
    keptRound(world);
    for (const member of members) put(world, member, 'person', 'p1', { name: 'Bob' });
    world.undone = undoing(world, kept);
    const { plan } = planOf(world);
    expect(states(plan.undos)).toEqual(['person p1 name moved']);
    expect(plan.operations.filter(({ rule }) => rule === 'undo')).toEqual([]);
  });

  it('goes back alone: what moved in other fields since stays', () => {
    const { world, kept } = changed();
    put(world, 'aa', 'person', 'p1', { phone: '1' });
    keptRound(world);
    put(world, 'bb', 'person', 'p1', { phone: '2' });
    world.undone = undoing(world, kept);
    keptRound(world);
    expect(world.base.person.get('p1')).toEqual({ mail: 'p1', name: 'Ada', phone: '2' });
  });

  it('is asked for until all have it, and what one authority turned down does not turn the others', () => {
    const { world, kept } = changed();
    world.undone = undoing(world, kept);
    keptRound(world, { ...agreeing(), toOperation: ({ authority }) => (authority === 'bb' ? 'leave' : 'approve') });
    expect(world.undone).toHaveLength(1);
    const { plan } = planOf(world);
    expect(brief(plan)).toEqual(['bb update person p1 undo']);
    keptRound(world);
    expect(planOf(world).plan.operations).toEqual([]);
    expect(world.base.person.get('p1')?.['name']).toBe('Ada');
  });

  it('is none of the statement any more once it went back, though it comes to be the same again', () => {
    const { world, kept } = changed();
    world.undone = undoing(world, kept);
    keptRound(world);
    put(world, 'cc', 'person', 'p1', { name: 'Bob' });
    comeToRest(world);
    expect(world.base.person.get('p1')?.['name']).toBe('Bob');
  });

  it('comes again where the undo is undone', () => {
    const { world, kept } = changed();
    world.undone = undoing(world, kept);
    const undo = keptRound(world);
    world.undone = undoing(world, undo, { id: '3'.repeat(64), sequence: 3 });
    keptRound(world);
    expect(world.base.person.get('p1')?.['name']).toBe('Bob');
    expect(planOf(world).plan.operations).toEqual([]);
  });

  it('goes back step by step where two agreements are undone at once', () => {
    const { world, kept, start } = changed();
    put(world, 'aa', 'person', 'p1', { name: 'Eve' });
    const second = keptRound(world);
    world.undone = [...undoing(world, kept), ...undoing(world, second, { id: '3'.repeat(64), sequence: 3 })];
    expect(states(planOf(world).plan.undos)).toEqual(['person p1 name moved', 'person p1 name goesBack']);
    keptRound(world);
    expect(world.base.person.get('p1')?.['name']).toBe('Bob');
    expect(baseText(copyOfBase(world))).not.toBe(start);
  });

  it('never widens what is resolved by least privilege', () => {
    const world = agreedUnder({ fields: { phone: { kind: 'leastPrivilege' } } });
    put(world, 'aa', 'person', 'p1', { phone: 'a' });
    const kept = keptRound(world);
    expect(world.base.person.get('p1')?.['phone']).toBe('a');
    world.undone = undoing(world, kept);
    const { plan } = planOf(world);
    expect(plan.operations).toEqual([]);
    expect(states(plan.undos)).toEqual(['person p1 phone wouldWiden']);
  });
});

describe('elements of a set', () => {
  it('go back one by one, and elements that came later stay', () => {
    const world = agreedWorld();
    put(world, 'aa', 'team', 't1', { people: ['p1'], labels: ['x', 'y'] });
    const kept = keptRound(world);
    put(world, 'cc', 'team', 't1', { labels: ['x', 'y', 'z'] });
    world.undone = undoing(world, kept);
    const { plan } = planOf(world);
    expect(states(plan.undos)).toEqual(['team t1 labels goesBack', 'team t1 people goesBack']);
    expect(new Set(plan.operations.map(({ rule }) => rule))).toEqual(new Set(['undo', 'elementChanged']));
    comeToRest(world);
    expect(world.base.team.get('t1')).toEqual({ title: 'T', people: ['p1', 'p2'], labels: ['x', 'z'] });
  });
});

describe('elements of a set that came in another agreement', () => {
  it('stay where the undone one moved others of the same field', () => {
    const world = agreedWorld();
    put(world, 'aa', 'team', 't1', { labels: ['x', 'y'] });
    const kept = keptRound(world);
    put(world, 'aa', 'team', 't1', { labels: ['x', 'y', 'z'] });
    keptRound(world);
    world.undone = undoing(world, kept);
    comeToRest(world);
    expect(world.base.team.get('t1')?.['labels']).toEqual(['x', 'z']);
  });
});

describe('elements of a set that is resolved by intersection', () => {
  const narrowed = (): { readonly world: World; readonly kept: ReturnType<typeof keptRound> } => {
    const world = agreedUnder({}, { fields: { people: { kind: 'intersection' } } });
    put(world, 'aa', 'team', 't1', { people: ['p1'] });
    const kept = keptRound(world);
    expect(world.base.team.get('t1')?.['people']).toEqual(['p1']);
    return { world, kept };
  };

  it('do not come back by an undo, which would widen it', () => {
    const { world, kept } = narrowed();
    world.undone = undoing(world, kept);
    const { plan } = planOf(world);
    expect(plan.operations).toEqual([]);
    expect(states(plan.undos)).toEqual(['team t1 people wouldWiden']);
  });
});

describe('a record that was created', () => {
  function created(): { readonly world: World; readonly kept: ReturnType<typeof keptRound> } {
    const world = agreedWorld();
    cloudOf(world, 'bb').records.person.set('p3', { mail: 'p3', name: 'New', phone: null });
    put(world, 'bb', 'team', 't1', { people: ['p1', 'p2', 'p3'] });
    return { world, kept: keptRound(world) };
  }

  it('is deleted in every cloud, with its membership, and nothing differs then', () => {
    const start = baseText(copyOfBase(agreedWorld()));
    const { world, kept } = created();
    expect(setElements(world.base.team.get('t1')?.['people'])).toContain('p3');
    world.undone = undoing(world, kept);
    const { plan } = planOf(world);
    expect(brief(plan).filter((one) => one.includes('person'))).toEqual(
      members.map((member) => `${member} delete person p3 undo`),
    );
    comeToRest(world);
    expect(baseText(copyOfBase(world))).toBe(start);
    expect(planOf(world).plan.divergences).toEqual([]);
  });

  it('stays where anybody changed it since', () => {
    const { world, kept } = created();
    put(world, 'aa', 'person', 'p3', { phone: '1' });
    world.undone = undoing(world, kept);
    const { plan } = planOf(world);
    expect(plan.operations.filter(({ kind }) => kind === 'delete')).toEqual([]);
    expect(states(plan.undos)).toContain('person p3 itself moved');
  });

  it('stays while one cloud was not read to its end', () => {
    const { world, kept } = created();
    world.undone = undoing(world, kept);
    const { plan } = planOf(world, [{ member: 'cc', type: 'person', keys: ['p3'], fields: [] }]);
    expect(plan.operations.filter(({ type, kind }) => type === 'person' && kind === 'delete')).toEqual([]);
    expect(states(plan.undos)).toContain('person p3 itself heldBack');
    expect(plan.divergences.map(({ kind, key }) => `${kind} ${key}`)).toContain('deletionHeldBack p3');
  });

  it('stays while a cloud that shows it cannot tell of all, and while one takes no part', () => {
    const { world, kept } = created();
    world.undone = undoing(world, kept);
    const gap = { member: 'cc', type: 'person', keys: ['p2'], fields: [] } as const;
    const deletions = ({ operations }: Plan): string[] =>
      operations.filter(({ kind }) => kind === 'delete').map(({ key }) => key);
    const incomplete = planOf(world, [gap]).plan;
    expect([deletions(incomplete), states(incomplete.undos)]).toEqual([
      [],
      expect.arrayContaining(['person p3 itself heldBack']),
    ]);

    const { input } = planInputOf(world);
    const absent = makePlan({
      ...input,
      shape: { ...input.shape, absent: ['cc'], types: input.shape.types.map((type) => ({ ...type, absent: ['cc'] })) },
      views: Object.fromEntries(
        Object.entries(input.views).map(([type, views]) => [
          type,
          views.map((view) => ({ ...view, members: { ...view.members, cc: undefined } })),
        ]),
      ),
    });
    expect([deletions(absent), states(absent.undos)]).toEqual([
      [],
      expect.arrayContaining(['person p3 itself heldBack']),
    ]);
  });

  it.each([['keep'], ['suspendFirst']] as const)('stays under the deletion policy %s', (kind) => {
    const world = agreedUnder({
      deletion: kind === 'keep' ? { kind } : { kind, field: 'phone', value: 'a', after: '1d' },
    });
    cloudOf(world, 'bb').records.person.set('p3', { mail: 'p3', name: 'b', phone: 'b' });
    const kept = keptRound(world);
    world.undone = undoing(world, kept);
    const { plan } = planOf(world);
    expect(plan.operations).toEqual([]);
    expect(states(plan.undos)).toEqual(['person p3 itself deletionPolicy']);
  });
});

describe('a record that was deleted', () => {
  function deleted(): { readonly world: World; readonly kept: ReturnType<typeof keptRound>; readonly start: string } {
    const world = agreedWorld();
    const start = baseText(copyOfBase(world));
    cloudOf(world, 'bb').delete('person', 'p1');
    const kept = keptRound(world);
    expect(world.base.person.has('p1')).toBe(false);
    return { world, kept, start };
  }

  it('is created in every cloud with its membership and its grant', () => {
    const { world, kept, start } = deleted();
    world.undone = undoing(world, kept);
    const { plan } = planOf(world);
    expect(brief(plan).filter((one) => one.includes('create person'))).toEqual(
      members.map((member) => `${member} create person p1 undo`),
    );
    comeToRest(world);
    expect(baseText(copyOfBase(world))).toBe(start);
  });

  it('is left alone where somebody made it anew, as they made it', () => {
    const { world, kept } = deleted();
    cloudOf(world, 'aa').records.person.set('p1', { mail: 'p1', name: 'Another', phone: null });
    world.undone = undoing(world, kept);
    const { plan } = planOf(world);
    expect(states(plan.undos)).toContain('person p1 itself moved');
    expect(plan.operations.filter(({ rule, type }) => rule === 'undo' && type === 'person')).toEqual([]);
  });

  it('is left alone where its values are erased, and where they are in no agreement that led here', () => {
    for (const left of ['valuesGone', 'notInHistory'] as const) {
      const { world, kept } = deleted();
      world.undone = undoing(world, kept).map((one) => ({ ...one, was: undefined, found: undefined, left }));
      const { plan } = planOf(world);
      expect(plan.operations.filter(({ rule }) => rule === 'undo')).toEqual([]);
      expect(states(plan.undos).filter((one) => !one.endsWith(left))).toEqual([]);
    }
  });

  it('does not come back with a value that is to be unique and that another has by now', () => {
    const world = agreedUnder({ unique: ['mail'] });
    for (const cloud of Object.values(world.clouds))
      cloud.records.person.set('p1', { mail: 'm', name: 'b', phone: 'b' });
    comeToRest(world);
    cloudOf(world, 'bb').delete('person', 'p1');
    const kept = keptRound(world);
    put(world, 'aa', 'person', 'p2', { mail: 'm' });
    comeToRest(world);
    world.undone = undoing(world, kept);
    const { plan } = planOf(world);
    expect(states(plan.undos)).toContain('person p1 itself doubled');
    expect(plan.operations.filter(({ kind }) => kind === 'create')).toEqual([]);
  });
});

describe('a field that peers see as digests only', () => {
  /** The same run with `name` of people sealed: who would be told the value of before, and by whom? */
  function sealedPlan(world: World): Plan {
    const { input } = planInputOf(world);
    const types = input.shape.types.map((type) =>
      type.taxonomy.type === 'person' ? { ...type, digests: ['name'] } : type,
    );
    return makePlan({ ...input, shape: { ...input.shape, types } });
  }

  it('does not go back, and neither does a record that held it', () => {
    const world = agreedWorld();
    put(world, 'bb', 'person', 'p1', { name: 'Bob' });
    for (const cloud of Object.values(world.clouds)) cloud.records.grant.clear();
    put(world, 'bb', 'team', 't1', { people: ['p1'] });
    cloudOf(world, 'bb').records.person.delete('p2');
    const kept = keptRound(world);
    world.undone = undoing(world, kept);
    const plan = sealedPlan(world);
    expect(states(plan.undos)).toEqual(
      expect.arrayContaining(['person p1 name digestField', 'person p2 itself digestField']),
    );
    expect(plan.operations.filter(({ type }) => type === 'person')).toEqual([]);
  });
});

describe('any undo', () => {
  const undone = fc.record({ plot: plots, pick: fc.nat(3), since: edits, twice: fc.boolean() });

  /** A world in which one round of whatever people did was made, and may be undone. */
  function worldToUndo({ plot, pick }: { readonly plot: Parameters<typeof worldOf>[0]; readonly pick: number }) {
    const world = worldOf({ ...plot, start: 'agreed' });
    return {
      world,
      kept: keptRound(
        world,
        agreeing(() => pick),
      ),
    };
  }

  it('comes to rest with everything back that the plan said goes back and nobody moved', () => {
    fc.assert(
      fc.property(undone, ({ plot, pick }) => {
        const { world, kept } = worldToUndo({ plot, pick });
        const named = undoing(world, kept);
        world.undone = named;
        const first = planOf(world).plan;
        keptRound(world);
        for (const part of (first.undos ?? []).flatMap(({ parts }) => parts)) {
          if (part.state !== 'goesBack') continue;
          const one = named.find(({ type, key }) => type === part.type && key === part.key);
          const now = world.base[part.type as TypeName].get(part.key);
          const isOpen = planOf(world).plan.divergences.some(({ key }) => key === part.key);
          if (isOpen || !one) continue;
          if (part.field === null) expect(now === undefined).toBe(one.was === undefined);
          else if (!Array.isArray(one.was?.[part.field]) && now) expect(now[part.field]).toEqual(one.was?.[part.field]);
        }
        comeToRest(world);
      }),
      propertyRuns(12),
    );
  });

  it('makes one plan, in whatever order members, views and statements come', () => {
    fc.assert(
      fc.property(undone, fc.array(gaps, { maxLength: 1 }), ({ plot, pick, since, twice }, missing) => {
        const { world, kept } = worldToUndo({ plot, pick });
        const statements = [
          ...undoing(world, kept),
          ...(twice ? undoing(world, kept, { id: '4'.repeat(64), authority: 'bb', approver: 'bea' }) : []),
        ];
        for (const one of since) act(world, one);
        world.undone = statements;
        const { input } = planInputOf(world, missing.flat());
        const turned = {
          ...input,
          undos: [...statements].reverse(),
          views: Object.fromEntries(
            Object.entries(input.views)
              .reverse()
              .map(([type, views]) => [
                type,
                [...views].reverse().map((view) => ({
                  ...view,
                  members: Object.fromEntries(Object.entries(view.members).reverse()),
                })),
              ]),
          ),
        };
        expect(canonicalJson(makePlan(turned))).toBe(canonicalJson(makePlan(input)));
        expect(() => Plan.parse(makePlan(input))).not.toThrow();
      }),
      propertyRuns(12),
    );
  });

  it('writes only values of the agreement before, and acts on nothing that was not as the agreement left it', () => {
    fc.assert(
      fc.property(undone, fc.array(gaps, { maxLength: 1 }), ({ plot, pick, since }, missing) => {
        const { world, kept } = worldToUndo({ plot, pick });
        for (const one of since) act(world, one);
        world.undone = undoing(world, kept);
        const { plan } = planOf(world, missing.flat());
        for (const { type, key, kind, changes, rule } of plan.operations) {
          if (rule !== 'undo') continue;
          const name = type as TypeName;
          const was = kept.before[name].get(key);
          const found = kept.after[name].get(key);
          expect(canonicalJson({ now: world.base[name].get(key) ?? null })).toBe(canonicalJson({ now: found ?? null }));
          if (kind === 'delete') expect(was).toBeUndefined();
          for (const change of kind === 'delete' ? [] : changes) {
            if (change.kind === 'value') expect(change.after).toEqual(was?.[change.field] ?? null);
            else for (const one of change.add) expect(setElements(was?.[change.field])).toContain(one);
            if (change.kind === 'value' && kind === 'update')
              expect([found?.[change.field] ?? null]).toContainEqual(change.before);
          }
        }
      }),
      propertyRuns(12),
    );
  });

  it('changes nothing at all where it names nothing', () => {
    const world = agreedWorld();
    put(world, 'bb', 'person', 'p1', { name: 'Bob' });
    expect(Object.keys(planOf(world).plan)).not.toContain('undos');
  });
});

describe('who signed it', () => {
  const key = (x: string) => ({ x });
  const authorities = {
    aa: {
      approvers: [
        { id: 'ada', key: key('A') },
        { id: 'ann', key: key('N') },
      ],
    },
    bb: {
      approvers: [
        { id: 'augusta', key: key('A') },
        { id: 'bea', key: key('B') },
      ],
    },
  };

  it('is the author of what follows, under whatever name an authority lists them, and of nothing else', () => {
    const world = agreedWorld();
    put(world, 'bb', 'person', 'p1', { name: 'Bob' });
    put(world, 'bb', 'person', 'p2', { name: 'Bob' });
    const kept = keptRound(world);
    put(world, 'cc', 'person', 'p2', { name: 'Eve' });
    world.undone = undoing(world, kept);
    const authorship = new Authorship(authorities, [], [], undoCauses(world.undone));
    const { operations } = planOf(world).plan;
    const authors = operations.map((one) => [one.authority, one.key, authorship.of(one, one.authority)]);
    expect(authors.sort(([a], [b]) => byCodeUnit(String(a), String(b)))).toEqual([
      ['aa', 'p1', ['ada']],
      ['aa', 'p2', []],
      ['bb', 'p1', ['augusta']],
      ['bb', 'p2', []],
      ['cc', 'p1', []],
    ]);
  });
});

describe('its end', () => {
  it('is told by the stamp with which its authority opened', () => {
    const stamp = (ms: number): string => ms.toString(16).padStart(12, '0') + '0000';
    expect(isUndoOver({ untilMs: 1_000 }, stamp(999))).toBe(false);
    expect(isUndoOver({ untilMs: 1_000 }, stamp(1_000))).toBe(true);
  });

  it('comes with the first agreement in which a record is not as it was left', () => {
    const world = agreedWorld();
    put(world, 'bb', 'person', 'p1', { name: 'Bob' });
    const kept = keptRound(world);
    world.undone = undoing(world, kept);
    endReached(world);
    expect(world.undone).toHaveLength(1);
    put(world, 'bb', 'person', 'p1', { name: 'Eve' });
    world.undone = [...world.undone];
    round(world);
    endReached(world);
    expect(world.undone).toEqual([]);
  });
});
