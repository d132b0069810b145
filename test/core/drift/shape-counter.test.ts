/** What is counted of objects by their layout, against counting each property of each by itself. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ShapeCounter } from '../../../core/drift/shape-counter.js';
import { kindOf, magnitudeOf } from '../../../core/drift/value-kind.js';
import type { NativeShape } from '../../../core/drift/native-shape.js';
import { byCodeUnit, isJsonObject, type Json, type JsonObject } from '../../../core/json.js';

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
    const text = (value: Json): string => {
      const held = isJsonObject(value) && '$number' in value ? (value['$number'] ?? null) : value;
      return typeof held === 'string' ? held : JSON.stringify(held);
    };
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

/** Every property of an object as one of the object itself, dotted where it lies inside of another; one with a dot in its name in quotes. */
function flat(body: JsonObject, inside: readonly string[], prefix = ''): JsonObject {
  return Object.fromEntries(
    Object.entries(body).flatMap(([name, one]): readonly (readonly [string, Json])[] => {
      const path = prefix + (name.includes('.') ? JSON.stringify(name) : name);
      const isOpened = inside.includes(path) && isJsonObject(one) && !('$number' in one);
      return [[path, one], ...(isOpened ? Object.entries(flat(one, inside, `${path}.`)) : [])];
    }),
  );
}

test('counts inside of objects as if each property there were one of the object itself, where the map reads', () => {
  const inner = fc.dictionary(fc.constantFrom('b', 'c', 'b.c'), fc.oneof(value, fc.constant<Json>({ $number: '12' })), {
    maxKeys: 3,
  });
  const outer = fc.dictionary(fc.constantFrom('a', 'b', 'x', 'a.b'), fc.oneof(value, inner, fc.record({ b: inner })), {
    maxKeys: 3,
  });
  fc.assert(
    fc.property(fc.array(outer, { maxLength: 40 }), (all) => {
      const counter = new ShapeCounter({ expectedCount: all.length, digest, paths: ['a.b.c', 'x'] });
      all.forEach((body, at) => counter.add(String(at), body));
      expect(counter.shape()).toEqual(plainly(all.map((body) => flat(body, ['a', 'a.b']))));
    }),
    { numRuns: 300 },
  );
});

test('counts what the map reads however many properties there are, and no more of the others', () => {
  const counter = new ShapeCounter({ expectedCount: 1, digest, paths: ['last', 'at.last'] });
  const many = Object.fromEntries(Array.from({ length: 600 }, (_, at) => [`p${at}`, at]));
  counter.add('1', { ...many, last: 1, other: 1, at: { ...many, last: 1, other: 1 } });
  const names = Object.keys(counter.shape().properties);
  expect(names).toHaveLength(503);
  expect(names).toEqual(expect.arrayContaining(['last', 'at', 'at.last']));
});
