/**
 * Which combinations of some sets of texts occur among the texts of a pattern: is there one that A holds and B does not?
 * Exact, because every text is followed at once: character by character, all patterns together, and where two beginnings
 * leave the same possibilities only one is followed. A character that stands in no pattern speaks for all such.
 *
 * HAZARD: exponential in hostile patterns (`*a????????`). Every step is counted, and beyond the limit there is no answer.
 */
import { anyMany, anyOne, colon, manyInSegment, oneInSegment, type Pattern, type Place } from './pattern.js';

/** Counts down, shared by all that is asked for one answer. In steps, not in time: every machine stops at the same. */
export interface Work {
  left: number;
}

export class TooMuchWork extends Error {}

/** A set of texts: what any of the patterns accepts (`these`), or what none does (`but`). A class holds what any of its units does. */
export interface Unit {
  readonly of: number;
  readonly kind: 'these' | 'but';
  readonly patterns: readonly Pattern[];
}

export interface Survey {
  /** The texts that are looked at: those that any of these accepts. */
  readonly guides: readonly Pattern[];
  readonly classes: number;
  readonly units: readonly Unit[];
  /** Whether a class still matters where `certain` ones hold for everything that may follow; it counts as empty where not. */
  readonly matters?: (of: number, certain: readonly boolean[]) => boolean;
}

/** Per text, which classes hold it. Each combination that occurs once, in no order that means anything. */
export function combinationsIn(survey: Survey, work: Work): readonly (readonly boolean[])[] {
  const found: (readonly boolean[])[] = [];
  visitCombinations(survey, work, (holds) => {
    found.push(holds);
    return false;
  });
  return found;
}

/** The same one by one, until `isEnough`; whether it was. */
export function visitCombinations(
  survey: Survey,
  work: Work,
  isEnough: (holds: readonly boolean[]) => boolean,
): boolean {
  const follower = new Follower(survey, work);
  const found = new Set<string>();
  const visit = (holds: readonly boolean[]): boolean => {
    const key = bits(holds);
    if (found.has(key)) return false;
    found.add(key);
    return isEnough(holds);
  };
  return survey.guides.some((guide) => follow(follower, guide, work, visit));
}

/** Places of one pattern at which the next character may stand; sorted. */
interface Open {
  readonly pattern: number;
  readonly at: readonly number[];
}

interface State {
  readonly guide: readonly number[];
  readonly open: readonly Open[];
  /** Classes that hold every text that begins so. */
  readonly certain: readonly boolean[];
}

/** Stands for all characters that no pattern names. */
const otherCharacter = -100;

function follow(
  follower: Follower,
  guide: Pattern,
  work: Work,
  visit: (holds: readonly boolean[]) => boolean,
): boolean {
  const first = follower.first(guide);
  const seen = new Set([keyOf(first)]);
  const stack = [first];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const isDecided = next.open.length === 0;
    // Nothing is open: some text goes on from here, and all of them are held alike.
    if ((isDecided || next.guide.includes(guide.places.length)) && visit(follower.truth(next))) return true;
    if (isDecided) continue;
    for (const character of follower.characters(next, guide)) {
      const stepped = follower.step(next, guide, character);
      if (stepped === undefined) continue;
      const key = keyOf(stepped);
      spend(work, 8);
      if (seen.has(key)) continue;
      seen.add(key);
      stack.push(stepped);
    }
  }
  return false;
}

class Follower {
  readonly #survey: Survey;
  readonly #work: Work;
  readonly #patterns: readonly { readonly pattern: Pattern; readonly unit: number }[];

  constructor(survey: Survey, work: Work) {
    this.#survey = survey;
    this.#work = work;
    this.#patterns = survey.units.flatMap(({ patterns }, unit) => patterns.map((pattern) => ({ pattern, unit })));
  }

  first(guide: Pattern): State {
    const { classes, units } = this.#survey;
    const open = this.#patterns.map(({ pattern }, index): Open => ({ pattern: index, at: reached(pattern, [0]) }));
    return this.#settled(
      reached(guide, [0]),
      open,
      Array.from({ length: classes }, () => false),
      units.map(() => true),
    );
  }

  step(state: State, guide: Pattern, character: number): State | undefined {
    const goesOn = reached(guide, after(guide, state.guide, character));
    if (goesOn.length === 0) return undefined;
    spend(this.#work, this.#survey.units.length);
    const units = this.#survey.units.map(() => false);
    const open: Open[] = [];
    for (const { pattern, at } of state.open) {
      spend(this.#work, at.length);
      const { pattern: own, unit } = this.#at(pattern);
      units[unit] = true;
      const next = reached(own, after(own, at, character));
      if (next.length > 0) open.push({ pattern, at: next });
    }
    return this.#settled(goesOn, open, state.certain, units);
  }

  /** Every character that can make a difference. */
  characters(state: State, guide: Pattern): readonly number[] {
    const named = new Set<number>();
    const wild = note(guide, state.guide, named);
    // A guide that names its next character lets no other through.
    if (!wild) return [...named];
    named.add(colon);
    for (const { pattern, at } of state.open) note(this.#at(pattern).pattern, at, named);
    // Followed first: what no pattern names is where the least is held.
    return [...named, otherCharacter];
  }

  truth(state: State): readonly boolean[] {
    const { units } = this.#survey;
    const truth = [...state.certain];
    const excepted = new Map<number, boolean>();
    for (const { pattern, at } of state.open) {
      const { pattern: own, unit } = this.#at(pattern);
      const accepts = at.includes(own.places.length);
      const { kind, of } = units[unit] ?? never();
      if (kind === 'but') excepted.set(unit, accepts || excepted.get(unit) === true);
      else if (accepts) truth[of] = true;
    }
    for (const [unit, isExcepted] of excepted) if (!isExcepted) truth[(units[unit] ?? never()).of] = true;
    return truth;
  }

  /** Takes out what is decided for everything that may follow. `before`: units that were open until here. */
  #settled(
    guide: readonly number[],
    open: readonly Open[],
    before: readonly boolean[],
    units: readonly boolean[],
  ): State {
    const { units: all, matters = () => true } = this.#survey;
    const certain = [...before];
    const isOpen = all.map(() => false);
    const isOver = all.map(() => false);
    for (const { pattern, at } of open) {
      const { pattern: own, unit } = this.#at(pattern);
      isOpen[unit] = true;
      if (!acceptsAll(own, at)) continue;
      isOver[unit] = true;
      const { kind, of } = all[unit] ?? never();
      if (kind === 'these') certain[of] = true;
    }
    all.forEach(({ kind, of }, unit) => {
      if (kind === 'but' && units[unit] === true && isOpen[unit] === false) certain[of] = true;
    });
    const left = open.filter(({ pattern }) => {
      const { unit } = this.#at(pattern);
      const { of } = all[unit] ?? never();
      return isOver[unit] === false && certain[of] === false && matters(of, certain);
    });
    return { guide, open: left, certain };
  }

  #at(index: number): { readonly pattern: Pattern; readonly unit: number } {
    return this.#patterns[index] ?? never();
  }
}

/** Adds the characters that the places name, and says whether a wildcard is among them. */
function note({ places }: Pattern, at: readonly number[], named: Set<number>): boolean {
  let wild = false;
  for (const index of at) {
    const place = places[index];
    if (place === undefined) continue;
    if (place < 0) wild = true;
    else named.add(place);
  }
  return wild;
}

function after({ places }: Pattern, at: readonly number[], character: number): readonly number[] {
  const next: number[] = [];
  for (const index of at) {
    const place = places[index];
    if (place === undefined || !accepts(place, character)) continue;
    next.push(place === anyMany || place === manyInSegment ? index : index + 1);
  }
  return next;
}

function accepts(place: Place, character: number): boolean {
  switch (place) {
    case anyOne:
    case anyMany:
      return true;
    case oneInSegment:
    case manyInSegment:
      return character !== colon;
    default:
      return place === character;
  }
}

/** With what stands behind a `*`, which may be nothing, and without what a later `*` makes superfluous. */
function reached({ places }: Pattern, at: readonly number[]): readonly number[] {
  const [only] = at;
  if (only === undefined) return at;
  const place = places[only];
  if (at.length === 1 && place !== anyMany && place !== manyInSegment) return at;
  const all = new Set(at);
  for (const index of all) if (places[index] === anyMany || places[index] === manyInSegment) all.add(index + 1);
  let floor = 0;
  for (const index of all) if (places[index] === anyMany) floor = Math.max(floor, index);
  return [...all].filter((index) => index >= floor).sort((left, right) => left - right);
}

function acceptsAll({ places }: Pattern, at: readonly number[]): boolean {
  return places.at(-1) === anyMany && at.includes(places.length - 1);
}

function keyOf({ guide, open, certain }: State): string {
  const parts = open.map(({ pattern, at }) => `${pattern}:${at.join(',')}`);
  return `${guide.join(',')}|${bits(certain)}|${parts.join(';')}`;
}

function bits(holds: readonly boolean[]): string {
  return holds.map((each) => (each ? '1' : '0')).join('');
}

function spend(work: Work, steps: number): void {
  work.left -= steps;
  if (work.left < 0) throw new TooMuchWork();
}

function never(): never {
  throw new Error('an index of a survey leads nowhere');
}
