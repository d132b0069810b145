/** NaN and the infinities in decimal fields: by declaration only, both ways, and through whatever steps a map has. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FieldMap } from '../../../core/federation/map.js';
import { FieldKind } from '../../../core/federation/taxonomy.js';
import type { Json } from '../../../core/json.js';
import { fieldLens, fieldMapProblem, type References } from '../../../core/lens.js';
import { fullRuns } from '../../support/property-runs.js';

const references: References = { resolve: () => null, resolveBack: () => null };
const all = ['NaN', 'Infinity', '-Infinity'];

const kindOf = (special: readonly string[] | null, more: object = {}): FieldKind =>
  FieldKind.parse({ kind: 'decimal', ...more, ...(special ? { special } : {}) });
const mapOf = (...through: readonly object[]): FieldMap => FieldMap.parse({ path: 'level', through });

function read(map: FieldMap, kind: FieldKind, native: Json): Json {
  const got = fieldLens(map, kind, 'sample').get({ level: native }, references);
  return got.kind === 'value' ? got.value : got.kind === 'untranslatable' ? `! ${got.reason}` : `! ${got.kind}`;
}
function written(map: FieldMap, kind: FieldKind, wanted: Json, native: Json = null): Json {
  const put = fieldLens(map, kind, 'sample').put(wanted, { level: native }, references);
  return put.kind === 'value' ? (put.value['level'] ?? null) : `! ${put.code}: ${put.reason}`;
}

const notAllowed = '! the value is no number, and the taxonomy does not allow it for this field (special)';
const unit = { unit: 'kg', times: '1000' };

test.each(all)('%s is no decimal where nobody says that it may be, read or written', (special) => {
  expect(read(mapOf(), kindOf(null), special)).toBe(notAllowed);
  expect(read(mapOf(unit), kindOf(null, { unit: 'g' }), special)).toBe(notAllowed);
  expect(written(mapOf(), kindOf(null), special)).toMatch(/^! valueNotRepresentable: /);
  const others = all.filter((one) => one !== special);
  expect(read(mapOf(), kindOf(others), special)).toBe(notAllowed);
  expect(written(mapOf(), kindOf(others), special, special)).toMatch(/^! valueNotRepresentable: /);
});

test.each(all)(
  '%s is itself where the taxonomy allows it: no step, no range and no unit makes it another',
  (special) => {
    const kind = kindOf(all, { min: '0', max: '9', step: '0.5', unit: 'g' });
    for (const times of ['1000', '0.001']) {
      const map = mapOf({ unit: 'kg', times });
      expect(read(map, kind, special)).toBe(special);
      expect(written(map, kind, special, '1')).toBe(special);
    }
    // Other spellings are texts that nobody explained.
    expect(read(mapOf(), kindOf(all), special.toLowerCase())).toMatch(/^! /);
  },
);

test('a unit of the other sign turns the infinities round', () => {
  const [map, kind] = [mapOf({ unit: 'debt', times: '-1' }), kindOf(all, { unit: 'credit' })];
  expect(all.map((special) => read(map, kind, special))).toEqual(['NaN', '-Infinity', 'Infinity']);
  expect(all.map((special) => written(map, kind, special))).toEqual(['NaN', '-Infinity', 'Infinity']);
});

describe('the step special', () => {
  const words = { NaN: ['n/a', 'nan'], Infinity: ['∞'], noValue: ['', '-'] };
  const map = mapOf({ special: words }, { number: 'json' }, unit);
  const kind = kindOf(all, { unit: 'g' });

  test.each<readonly [Json, Json]>([
    ['n/a', 'NaN'],
    ['nan', 'NaN'],
    ['∞', 'Infinity'],
    ['', null],
    ['-', null],
    [null, null],
    [1.5, '1500'],
    ['1.5', '! the value is not a JSON number'],
    ['NaN', '! the value is not a JSON number'],
  ])('reads %j as %j', (native, expected) => expect(read(map, kind, native)).toBe(expected));

  test('writes the first text, keeps the one that says it already, and numbers as numbers', () => {
    expect(written(map, kind, 'NaN', 1.5)).toBe('n/a');
    expect(written(map, kind, 'NaN', 'nan')).toBe('nan');
    expect(written(map, kind, null, '-')).toBe('-');
    expect(written(map, kind, null, 'n/a')).toBeNull();
    expect(written(map, kind, '1500', 'n/a')).toBe(1.5);
  });

  test('refuses what this mesh has no text for', () => {
    expect(written(map, kind, '-Infinity', 1.5)).toBe(
      '! valueNotRepresentable: JSON has no such number; give it a text in the map (the step special)',
    );
    // What would be written means something else there.
    expect(written(mapOf({ special: { NaN: ['Infinity'] } }), kindOf(all), 'Infinity')).toMatch(
      /^! valueNotRepresentable: what this mesh would hold means something else here/,
    );
  });

  test('stands first, says every text once, and only what the taxonomy allows', () => {
    const none = kindOf(null, { unit: 'g' });
    expect(fieldMapProblem(map, kind)).toBeNull();
    expect(fieldMapProblem(map, none)).toBe('the taxonomy does not allow NaN for this field: special: [NaN]');
    expect(fieldMapProblem(mapOf({ special: { noValue: ['-'] } }, unit), none)).toBeNull();
    expect(fieldMapProblem(mapOf(unit, { special: words }), kind)).toMatch(/^the step special comes first/);
    expect(fieldMapProblem(mapOf({ special: { NaN: ['-'], noValue: ['-'] } }, unit), kind)).toMatch(/stands twice/);
    const integer = FieldKind.parse({ kind: 'integer' });
    expect(fieldMapProblem(mapOf({ special: { noValue: ['-'] } }), integer)).toBeNull();
    expect(fieldMapProblem(mapOf({ special: { NaN: ['-'] } }), integer)).toMatch(/does not allow NaN/);
    expect(fieldMapProblem(mapOf({ special: { noValue: ['-'] } }), FieldKind.parse({ kind: 'text' }))).toMatch(
      /^only numbers/,
    );
    // A number would be one thing and mean another.
    expect(FieldMap.safeParse({ path: 'x', through: [{ special: { NaN: ['-9999'] } }] }).success).toBe(false);
  });
});

test('keeps GetPut and PutGet, and says straight through what get and put say, with any steps behind it', () => {
  const spellings = fc.constantFrom('NaN', 'Infinity', '-Infinity', 'n/a', 'nan', '-', '', '1.50', '-0', '7', 'x');
  const values: fc.Arbitrary<Json> = fc.oneof(
    spellings,
    fc.integer({ min: -99, max: 99 }).map(String),
    fc.constantFrom<Json>(null, 1.5, 7, true, [], { $number: 'NaN' }, { $number: '0.10000000000000000001' }),
  );
  const noWord = fc.constantFrom('NaN', 'Infinity', '-Infinity', 'n/a', 'nan', '-', '', 'x');
  const words = fc
    .uniqueArray(fc.tuple(fc.constantFrom(...all, 'noValue'), noWord), { maxLength: 4, selector: ([, text]) => text })
    .map((pairs) =>
      Object.fromEntries(pairs.map(([name]) => [name, pairs.flatMap((pair) => (pair[0] === name ? [pair[1]] : []))])),
    );
  const maps = fc
    .tuple(fc.option(words), fc.boolean(), fc.constantFrom('1', '1000', '-0.5'))
    .map(([special, isJson, times]) =>
      mapOf(...(special ? [{ special }] : []), ...(isJson ? [{ number: 'json' }] : []), { unit: 'u', times }),
    );
  const kinds = fc.subarray(all).map((some) => kindOf(some.length === 0 ? null : some, { unit: 'v' }));
  const seen = { special: 0, refused: 0 };
  fc.assert(
    fc.property(maps, kinds, values, values, (map, kind, native, wanted) => {
      const lens = fieldLens(map, kind, 'sample');
      const body = { level: native };
      const got = lens.get(body, references);
      if (got.kind === 'value') {
        expect(lens.put(got.value, body, references), 'GetPut').toEqual({ kind: 'value', value: body });
        if (all.some((special) => special === got.value)) seen.special += 1;
      }
      const straight = lens.roundTrip(body, references);
      if (straight !== undefined) expect({ kind: 'value', value: straight }).toEqual(got);
      for (const onto of [body, {}]) {
        const put = lens.put(wanted, onto, references);
        if (put.kind === 'refused') seen.refused += 1;
        else expect(lens.get(put.value, references), 'PutGet').toEqual({ kind: 'value', value: wanted });
      }
    }),
    fullRuns(8_000),
  );
  // Otherwise the property would say nothing.
  expect(seen.special).toBeGreaterThan(20);
  expect(seen.refused).toBeGreaterThan(20);
});
