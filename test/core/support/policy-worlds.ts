/** Worlds under declared policies: any policy that `validate` would accept, over clouds in which people do what they like. */
import fc from 'fast-check';
import type { TypePolicy } from '../../../core/federation/resolution.js';
import { Observations } from './observations.js';
import { agreeing, round, World, type Answers } from './round.js';
import { fullHoldings, shapeOf } from './shape.js';
import { act, edits, emptyClouds, holdingsOf, plots, type Edit, type Plot } from './worlds.js';

export interface PolicyPlot {
  readonly plot: Plot;
  readonly person: PersonPolicy;
  readonly team: TeamPolicy;
  readonly edits: readonly Edit[];
}

type Choice = 'threeWay' | 'owned' | 'people' | 'latest' | 'leastPrivilege' | 'union' | 'intersection';
interface PersonPolicy {
  readonly mail: Choice;
  readonly name: Choice;
  readonly phone: Choice;
  readonly deletion: 'propose' | 'suspendFirst' | 'keep';
  readonly owner: number;
}
interface TeamPolicy {
  readonly title: Choice;
  readonly people: Choice;
  readonly labels: Choice;
  readonly deletion: 'propose' | 'suspendFirst' | 'keep';
  readonly owner: number;
}

const single = fc.constantFrom<Choice>('threeWay', 'owned', 'people', 'latest');
const ranked = fc.constantFrom<Choice>('leastPrivilege', 'leastPrivilege', 'owned', 'threeWay');
const sets = fc.constantFrom<Choice>('threeWay', 'owned', 'people', 'union', 'intersection');
const deletion = fc.constantFrom<PersonPolicy['deletion']>('propose', 'suspendFirst', 'keep');

export const policyPlots: fc.Arbitrary<PolicyPlot> = fc.record({
  plot: plots,
  person: fc.record({ mail: single, name: ranked, phone: ranked, deletion, owner: fc.nat(4) }),
  team: fc.record({ title: single, people: sets, labels: sets, deletion, owner: fc.nat(4) }),
  edits,
});

function typePolicy(
  choices: Readonly<Record<string, Choice>>,
  kind: PersonPolicy['deletion'],
  owner: number,
  held: Readonly<Record<string, readonly string[]>>,
  suspension: string,
): TypePolicy {
  const fields: NonNullable<TypePolicy['fields']> = {};
  for (const [field, choice] of Object.entries(choices)) {
    const owners = Object.keys(held).filter((member) => held[member]?.includes(field));
    const by = owners[owner % Math.max(1, owners.length)];
    if (choice === 'threeWay' || by === undefined) continue;
    fields[field] = choice === 'owned' ? { kind: 'owned', by } : { kind: choice };
  }
  const everybody = Object.values(held).every((own) => own.includes(suspension));
  return {
    fields,
    deletion:
      kind === 'suspendFirst' && everybody
        ? { kind: 'suspendFirst', field: suspension, value: 'suspended', after: '3d' }
        : { kind: kind === 'suspendFirst' ? 'propose' : kind },
  };
}

export function policyWorldOf({ plot, person, team, edits: more }: PolicyPlot): World {
  const holdings = holdingsOf(plot);
  const resolution = {
    person: typePolicy(
      { mail: person.mail, name: person.name, phone: person.phone },
      person.deletion,
      person.owner,
      holdings.person,
      'mail',
    ),
    team: typePolicy(
      { title: team.title, people: team.people, labels: team.labels },
      team.deletion,
      team.owner,
      holdings.team,
      'title',
    ),
  };
  const world = new World(shapeOf(holdings, 'permitted', resolution), emptyClouds(holdings));
  world.observations = new Observations();
  for (const one of plot.before) act(world, { ...one, act: one.act === 'set' ? 'create' : one.act });
  if (plot.start === 'agreed') {
    settleUnderPolicy(world);
    for (const one of [...plot.after, ...more]) act(world, one);
  }
  return world;
}

/** Of each conflict a candidate that changes something. */
export function agreeingToChange(pick = 0): Answers {
  return {
    toOperation: () => 'approve',
    toConflict: ({ candidates }) => {
      const ways = candidates.filter(({ operations }) => operations.length > 0);
      return ways[pick % Math.max(1, ways.length)]?.digest;
    },
  };
}

/** Only what rules decide is approved; nobody chooses. */
export const onlyRules: Answers = { ...agreeing(), toConflict: () => undefined };

/** Rounds in which everybody approves everything, a day apart each, until nothing is planned and nothing waits. */
export function settleUnderPolicy(world: World, pick = 0, roundsMax = 20): number {
  for (let rounds = 1; rounds <= roundsMax; rounds += 1) {
    const { plan, changes } = round(world, agreeingToChange(pick));
    if (plan.operations.length === 0 && plan.divergences.length === 0 && changes.length === 0) return rounds;
  }
  throw new Error(`does not come to rest within ${roundsMax} rounds`);
}

/** One agreed person in three meshes under one policy. */
export function agreedUnder(person: TypePolicy, team: TypePolicy = {}, members = ['aa', 'bb', 'cc']): World {
  const holdings = fullHoldings(members);
  const world = new World(shapeOf(holdings, 'permitted', { person, team }), emptyClouds(holdings));
  world.observations = new Observations();
  for (const cloud of Object.values(world.clouds)) {
    cloud.records.person.set('p1', { mail: 'p1', name: 'b', phone: 'b' });
    cloud.records.person.set('p2', { mail: 'p2', name: 'b', phone: 'b' });
    cloud.records.team.set('t1', { title: 'T', people: ['p1', 'p2'], labels: ['x'] });
  }
  settleUnderPolicy(world);
  return world;
}
