/** Combinations of patterns, held to what texts written out one by one say. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyMany, anyOne, manyInSegment, oneInSegment, type Pattern } from '../../../core/effect/pattern.js';
import { combinationsIn, TooMuchWork, type Survey, type Unit } from '../../../core/effect/survey.js';

const cases = Number(process.env['CONCORDAT_POLICY_CASES'] ?? 40);
const patient = { timeout: 1_200_000 };
const much = () => ({ left: 1_000_000_000 });

/** `#` and `!` are `*` and `?` within a segment. */
const wildcards: Readonly<Record<string, number>> = {
  '*': anyMany,
  '?': anyOne,
  '#': manyInSegment,
  '!': oneInSegment,
};
const expressions: Readonly<Record<string, string>> = { '*': '.*', '?': '.', '#': '[^:]*', '!': '[^:]' };

const patternOf = (text: string): Pattern => ({
  places: Array.from(text, (character) => wildcards[character] ?? character.charCodeAt(0)),
});
const expressionOf = (text: string) =>
  new RegExp(`^${Array.from(text, (character) => expressions[character] ?? character).join('')}$`);

interface Told {
  readonly of: number;
  readonly kind: 'these' | 'but';
  readonly patterns: readonly string[];
}

const patternText = (longest: number) =>
  fc
    .array(fc.constantFrom('a', 'b', ':', '*', '*', '?', '#', '!'), { maxLength: longest })
    .map((places) => places.join(''));
const told = (longest: number): fc.Arbitrary<Told> =>
  fc.record({
    of: fc.nat(2),
    kind: fc.constantFrom('these', 'but'),
    patterns: fc.array(patternText(longest), { minLength: 1, maxLength: 2 }),
  });
const unitOf = ({ of, kind, patterns }: Told): Unit => ({ of, kind, patterns: patterns.map(patternOf) });

/** Every text of these characters; `z` stands in no pattern. */
function textsUpTo(length: number): readonly string[] {
  let last: readonly string[] = [''];
  const all = [...last];
  for (let at = 0; at < length; at += 1) {
    last = last.flatMap((text) => ['a', 'b', ':', 'z'].map((character) => text + character));
    all.push(...last);
  }
  return all;
}

function writtenOut(guide: string, units: readonly Told[], texts: readonly string[]): ReadonlySet<string> {
  const among = expressionOf(guide);
  const all = units.map((unit) => ({ ...unit, expressions: unit.patterns.map(expressionOf) }));
  const holds = (text: string): string =>
    [0, 1, 2]
      .map((of) =>
        all.some(
          (unit) => unit.of === of && unit.expressions.some((each) => each.test(text)) === (unit.kind === 'these'),
        ),
      )
      .join();
  return new Set(texts.filter((text) => among.test(text)).map(holds));
}

const surveyed = (guide: string, units: readonly Told[], more: Partial<Survey> = {}): ReadonlySet<string> =>
  new Set(
    combinationsIn({ guides: [patternOf(guide)], classes: 3, units: units.map(unitOf), ...more }, much()).map((holds) =>
      holds.join(),
    ),
  );

describe('a survey of patterns', patient, () => {
  it('misses no combination that some text shows', () => {
    const texts = textsUpTo(4);
    fc.assert(
      fc.property(patternText(4), fc.array(told(4), { maxLength: 3 }), (guide, units) => {
        const found = surveyed(guide, units);
        for (const one of writtenOut(guide, units, texts)) expect(found).toContain(one);
      }),
      { numRuns: cases },
    );
  });

  it('finds no combination that no text shows', () => {
    const texts = textsUpTo(6);
    fc.assert(
      fc.property(patternText(2), fc.array(told(2), { maxLength: 2 }), (guide, units) => {
        expect([...surveyed(guide, units)].sort()).toEqual([...writtenOut(guide, units, texts)].sort());
      }),
      { numRuns: Math.ceil(cases / 10) },
    );
  });

  it('sees a containment that no place-by-place comparison sees', () => {
    const inner = { of: 0, kind: 'these', patterns: ['*?b*'] } as const;
    expect([...surveyed('*b*b*', [inner])]).toEqual(['true,false,false']);
  });

  it('keeps what a `*` before a wildcard within a segment may still become', () => {
    expect([...surveyed('b:b', [{ of: 0, kind: 'these', patterns: ['*b#'] }])]).toEqual(['true,false,false']);
  });

  it('leaves out a class where it does not matter, and nothing else', () => {
    const units: readonly Told[] = [
      { of: 0, kind: 'these', patterns: ['a*'] },
      { of: 1, kind: 'these', patterns: ['?b'] },
      { of: 2, kind: 'but', patterns: ['b*'] },
    ];
    const matters = (of: number, certain: readonly boolean[]): boolean => of !== 1 || certain[0] !== true;
    expect([...surveyed('*', units, { matters })].sort()).toEqual(
      ['false,false,false', 'false,false,true', 'false,true,false', 'false,true,true', 'true,false,true'].sort(),
    );
  });

  it('ends with an error, and soon, where it would go through more than may be', () => {
    const hostile = Array.from({ length: 12 }, (_, at): Unit => ({
      of: 0,
      kind: 'but',
      patterns: [patternOf(`*a${'?'.repeat(20 + at)}`)],
    }));
    const work = { left: 200_000 };
    expect(() => combinationsIn({ guides: [patternOf('*')], classes: 1, units: hostile }, work)).toThrow(TooMuchWork);
  });
});
