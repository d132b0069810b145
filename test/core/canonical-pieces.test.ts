/** The pieces of a canonical text are that text: for any value, or for none of the two. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalPieces } from '../../core/canonical-pieces.js';
import { canonicalJson } from '../../core/digest.js';
import { fullRuns } from '../support/property-runs.js';

const named = fc.dictionary(fc.string({ unit: 'binary', maxLength: 4 }), fc.jsonValue({ maxDepth: 3 }));
const document = fc.dictionary(
  fc.string({ maxLength: 4 }),
  fc.oneof(
    fc.jsonValue({ maxDepth: 6 }),
    fc.array(fc.jsonValue({ maxDepth: 3 })),
    fc.array(fc.oneof(named, fc.array(named))),
    fc.dictionary(fc.constantFrom('aws', 'sov', '10', '9', '__proto__'), fc.array(fc.string())),
    fc.constant(undefined),
  ),
);

describe('canonical JSON in pieces', () => {
  it('is the canonical JSON of the whole, or is refused as that is', () => {
    fc.assert(
      fc.property(document, (value) => {
        const [whole, pieces] = [
          attempt(() => canonicalJson(value)),
          attempt(() => [...canonicalPieces(value)].join('')),
        ];
        expect(pieces).toBe(whole);
      }),
      fullRuns(300),
    );
  });

  it.each<readonly [string, object | string | number | null]>([
    ['nothing', null],
    ['a text', 'a'],
    ['an empty list', []],
    ['an empty map', {}],
    ['holes and what is undefined', { a: [undefined, 1], b: undefined, c: { d: undefined } }],
    ['a moment that says itself what it is', { at: new Date(0), all: [new Date(1)] }],
    ['lists in lists in lists', { a: [[[1], []], [[[[2]]]]] }],
  ])('writes %s as the whole would', (_what, value) => {
    expect([...canonicalPieces(value as object)].join('')).toBe(canonicalJson(value as object));
  });

  it('holds no more than a piece and one part at once', () => {
    const part = 'x'.repeat(1_000);
    const lengths = [...canonicalPieces({ parts: Array.from({ length: 1_000 }, () => part) })].map(
      ({ length }) => length,
    );
    expect(Math.max(...lengths)).toBeLessThan(64 * 1024 + 2 * part.length);
    expect(lengths.length).toBeGreaterThan(10);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, '\ud800'])('refuses %s wherever it stands', (value) => {
    for (const holder of [{ a: value }, { a: [value] }, { a: { b: { c: [{ d: value }] } } }])
      expect(() => [...canonicalPieces(holder)]).toThrow();
  });
});

function attempt(make: () => string): string {
  try {
    return make();
  } catch {
    return 'refused';
  }
}
