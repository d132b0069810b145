/** The effect of a grant: the capabilities that it gives, and how far each of them reaches. */
import { byCodeUnit } from '../json.js';

/**
 * From most to least:
 * - `full`: on everything that the capability is about;
 * - `partial`: surely, on some of it;
 * - `conditional`: only where conditions hold that are not evaluated;
 * - `unseen`: nothing that was read gives it, and something that was not read might.
 * Without an entry a capability is surely not given by what is evaluated.
 */
export type Reach = 'full' | 'partial' | 'conditional' | 'unseen';

export interface Effect {
  readonly capability: string;
  readonly reach: Reach;
  /** Names of what gives it, such as policies or roles; sorted. With `unseen`: of what might. */
  readonly through: readonly string[];
  /** Policies and boundaries that take some of it away again; sorted, absent where none does. */
  readonly narrowedBy?: readonly string[];
  /** What was not read, or is beyond what is evaluated, and might change the answer; sorted, absent where all was read. */
  readonly unseen?: readonly string[];
}

const ranks: Readonly<Record<Reach, number>> = { full: 4, partial: 3, conditional: 2, unseen: 1 };

/** 0 stands for no reach at all. */
export function reachRank(reach: Reach | undefined): number {
  return reach === undefined ? 0 : ranks[reach];
}

export function widerReach(left: Reach | undefined, right: Reach | undefined): Reach | undefined {
  return reachRank(left) >= reachRank(right) ? left : right;
}

export function narrowerReach(left: Reach | undefined, right: Reach | undefined): Reach | undefined {
  return reachRank(left) <= reachRank(right) ? left : right;
}

/**
 * What several grants give together, each of them evaluated by itself: of each capability the most.
 *
 * HAZARD: not for several policies of one principal in AWS, where a Deny of one takes from all others: give them to
 * `effectInAws` together.
 */
export function combineEffects(...lists: readonly (readonly Effect[])[]): readonly Effect[] {
  const found = new Map<string, Effect>();
  for (const effect of lists.flat()) {
    const known = found.get(effect.capability);
    found.set(effect.capability, known ? both(known, effect) : effect);
  }
  return inOrder([...found.values()]);
}

/** Whether two lists give the same capabilities as far; through what does not matter. */
export function sameEffect(left: readonly Effect[], right: readonly Effect[]): boolean {
  return effectDifference(left, right).length === 0;
}

export interface EffectDifference {
  readonly capability: string;
  readonly left?: Reach;
  readonly right?: Reach;
}

export function effectDifference(left: readonly Effect[], right: readonly Effect[]): readonly EffectDifference[] {
  const reaches = (effects: readonly Effect[]) => new Map(effects.map(({ capability, reach }) => [capability, reach]));
  const [ofLeft, ofRight] = [reaches(left), reaches(right)];
  return sortedTexts([...ofLeft.keys(), ...ofRight.keys()]).flatMap((capability): readonly EffectDifference[] => {
    const [one, other] = [ofLeft.get(capability), ofRight.get(capability)];
    if (one === other) return [];
    return [
      { capability, ...(one === undefined ? {} : { left: one }), ...(other === undefined ? {} : { right: other }) },
    ];
  });
}

/** One entry, with sorted lists and without the empty optional ones. */
export function makeEffect(
  capability: string,
  reach: Reach,
  through: readonly string[],
  narrowedBy: readonly string[] = [],
  unseen: readonly string[] = [],
): Effect {
  return {
    capability,
    reach,
    through: sortedTexts(through),
    ...(narrowedBy.length === 0 ? {} : { narrowedBy: sortedTexts(narrowedBy) }),
    ...(unseen.length === 0 ? {} : { unseen: sortedTexts(unseen) }),
  };
}

export function inOrder(effects: readonly Effect[]): readonly Effect[] {
  return [...effects].sort((left, right) => byCodeUnit(left.capability, right.capability));
}

function both(left: Effect, right: Effect): Effect {
  const reach = reachRank(left.reach) >= reachRank(right.reach) ? left.reach : right.reach;
  // What only might give it is no path beside what does.
  const paths = [left, right].filter((effect) => reach === 'unseen' || effect.reach !== 'unseen');
  const unseen = [left, right].flatMap((effect) => effect.unseen ?? []);
  return makeEffect(
    left.capability,
    reach,
    paths.flatMap(({ through }) => through),
    reach === 'full' ? [] : paths.flatMap(({ narrowedBy }) => narrowedBy ?? []),
    reach === 'full' ? [] : unseen,
  );
}

function sortedTexts(values: readonly string[]): readonly string[] {
  return [...new Set(values)].sort(byCodeUnit);
}
