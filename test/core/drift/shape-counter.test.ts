/** What is counted of objects by their layout, against counting each property of each by itself. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { kindOf, magnitudeOf, ShapeCounter } from '../../../core/drift/shape-counter.js';
import type { NativeShape } from '../../../core/drift/native-shape.js';
import { byCodeUnit, type Json, type JsonObject } from '../../../core/json.js';

const numberText = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const digest = (text: string): string =>
  text
    .split('')
    .map((one) => one.charCodeAt(0).toString(16))
    .join('')
    .padEnd(16, 'f');

/** All are in the sample. */
function plainly(bodies: readonly JsonObject[]): NativeShape {
  const names = [...new Set(bodies.flatMap((body) => Object.keys(body)))].sort(byCodeUnit);
  const counted = <Key extends string>(keys: readonly Key[]): Record<string, number> =>
    Object.fromEntries(
      [...new Set(keys)].sort(byCodeUnit).map((key) => [key, keys.filter((one) => one === key).length]),
    );
  const shapeOf = (name: string) => {
    const held = bodies.flatMap((body) => (Object.hasOwn(body, name) ? [body[name] ?? null] : []));
    const filled = held.filter((value) => kindOf(value) !== null);
    const text = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));
    const digests = [...new Set(filled.map((value) => digest(text(value)).slice(0, 16)))].sort(byCodeUnit);
    return {
      of: bodies.length,
      seen: held.length,
      filled: filled.length,
      kinds: counted(filled.map((value) => kindOf(value) ?? '')),
      magnitudes: counted(
        filled.filter((value) => kindOf(value) === 'number').map((value) => magnitudeOf(text(value))),
      ),
      sample: digests.slice(0, 64),
      few: digests.length > 24 ? null : digests,
    };
  };
  const properties = Object.fromEntries(names.map((name) => [name, shapeOf(name)]));
  return { objects: bodies.length, sampled: bodies.length, sampleBits: 0, properties };
}

const value = fc.oneof(
  fc.constantFrom<Json>(
    null,
    '',
    0,
    -1.5,
    1e21,
    true,
    [],
    {},
    'word',
    '2024-05-01',
    '2024-05-01T10:00Z',
    '1500',
    '0.25',
    '-0',
    '1e5',
    '1e1000000000',
  ),
  fc.string({ unit: fc.constantFrom('0', '7', '.', '-', '+', 'e', 'E', 'x'), maxLength: 6 }),
);
/** More layouts than are kept at once. */
const bodies = fc.array(fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'constructor'), value, { maxKeys: 5 }), {
  maxLength: 60,
});

test('is the same, whatever layouts follow one another', () => {
  fc.assert(
    fc.property(bodies, (all) => {
      const counter = new ShapeCounter({ expectedCount: all.length, digest });
      all.forEach((body, at) => counter.add(String(at), body));
      expect(counter.shape()).toEqual(plainly(all));
      expect(counter.shape()).toEqual(plainly(all));
    }),
    { numRuns: 300 },
  );
});

test('takes for a number what the grammar of numbers takes', () => {
  const text = fc.string({
    unit: fc.constantFrom('0', '7', '.', '-', '+', 'e', 'E', ',', '/'),
    minLength: 1,
    maxLength: 7,
  });
  fc.assert(
    fc.property(text, (one) => {
      expect(kindOf(one) === 'number').toBe(numberText.test(one));
    }),
    { numRuns: 5_000 },
  );
});
