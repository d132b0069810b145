/** The straight translation of very many objects says what `translate` says, or nothing. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sha256Hex } from '../../core/digest.js';
import { TypeMap } from '../../core/federation/map.js';
import { TaxonomyType } from '../../core/federation/taxonomy.js';
import type { Json, JsonObject } from '../../core/json.js';
import { canonicalDecimal, decimalText, parseDecimal } from '../../core/lens/decimal.js';
import { canonicalInstant } from '../../core/lens/instant.js';
import { naturalKeyOf, naturalKeysOf } from '../../core/natural-key.js';
import { fieldsOf } from '../../core/record.js';
import { straightTranslation } from '../../core/straight-translation.js';
import { translate } from '../../core/translate.js';
import { fullRuns } from '../support/property-runs.js';

const digits = fc.string({ unit: fc.constantFrom('0', '1', '9', '5', '.', '-', '+', 'e'), maxLength: 8 });
const numbers = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => String(number)),
  fc.tuple(fc.integer(), fc.nat(6)).map(([number, places]) => (number / 10 ** places).toFixed(places)),
  fc.bigInt().map((number) => String(number)),
  digits,
  fc.constantFrom('-0', '-0.00', '007.50', '1e3', '12e999', '0.1e-990', '9'.repeat(17), `0.${'0'.repeat(999)}1`),
);
const moments = fc
  .tuple(
    fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
    fc.constantFrom('T', ' ', 't'),
    fc.constantFrom('', '.5', '.000', '.123456789012', ',1'),
    fc.constantFrom('Z', '+00', '+00:00', '-00', '+02', '-05:30', '', 'z', '+0000'),
    fc.constantFrom(19, 19, 19, 16, 18),
  )
  .map(([date, between, fraction, zone, length]) => {
    const text = date.toISOString();
    return `${text.slice(0, 10)}${between}${text.slice(11, length)}${fraction}${zone}`;
  });
const counts = fc.oneof(
  fc.integer().map((number): Json => number),
  fc.constantFrom<Json>(-0, 253402300800, '253402300799', 1e21, 1.5, '-62135596800', '1700000000123', 2 ** 53),
  fc.maxSafeInteger(),
  fc.maxSafeNat().map((number) => String(number)),
);
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 5 }),
  fc.constantFrom(
    '',
    'on',
    'off',
    'ON',
    'R&D',
    'e\u0301',
    '\ud800',
    'a"b',
    'a\\b',
    'tab\t',
    'parcel/p1',
    'parcel/~p',
    'parcel/none',
    'Straße',
    '2024-02-30',
  ),
);
const anyJson: fc.Arbitrary<Json> = fc.oneof(
  { weight: 3, arbitrary: texts },
  { weight: 2, arbitrary: numbers },
  { weight: 2, arbitrary: moments },
  counts,
  fc.boolean(),
  fc.constantFrom<Json>(null, {}, [], { $number: '1.50' }, { inner: 'x' }, { inner: null, other: 1 }),
  fc.array(texts, { maxLength: 4 }),
);

/** Of a field: what it is, what steps lead to it, and mostly what such a place holds. */
const places: readonly {
  readonly kind: object;
  readonly through?: readonly object[];
  readonly holds: fc.Arbitrary<Json>;
}[] = [
  { kind: { kind: 'text' }, holds: texts },
  { kind: { kind: 'text', equality: 'caseInsensitive' }, through: [{ fold: 'lower' }], holds: texts },
  { kind: { kind: 'text', equality: 'caseInsensitiveSimple', normalForm: 'NFC' }, holds: texts },
  { kind: { kind: 'text' }, through: [{ emptyAs: 'null' }, { maxLength: 3, loss: 'short' }], holds: texts },
  { kind: { kind: 'text' }, through: [{ part: 'first', at: 'n' }], holds: texts },
  { kind: { kind: 'text' }, through: [{ escape: 'iam-tag' }], holds: texts },
  { kind: { kind: 'text' }, through: [{ table: { yes: ['on', 'ON'], no: ['off'] } }], holds: texts },
  { kind: { kind: 'text' }, through: [{ table: { yes: ['on', 'ON'] }, else: 'setAside' }], holds: texts },
  { kind: { kind: 'boolean' }, holds: fc.boolean() },
  { kind: { kind: 'boolean' }, through: [{ enum: { on: true, off: false, '': null } }], holds: texts },
  { kind: { kind: 'decimal' }, holds: numbers },
  { kind: { kind: 'decimal', step: '0.05', min: '-10', max: '10000' }, holds: numbers },
  { kind: { kind: 'decimal', unit: 'g' }, through: [{ unit: 'g' }], holds: numbers },
  { kind: { kind: 'decimal', unit: 'g' }, through: [{ unit: 'kg', times: '1000' }], holds: numbers },
  { kind: { kind: 'decimal', unit: 'g' }, through: [{ unit: 'grain', times: '0.06479891' }], holds: numbers },
  { kind: { kind: 'integer' }, through: [{ number: 'json' }], holds: counts },
  { kind: { kind: 'integer', unit: 'g' }, through: [{ number: 'json' }, { unit: 'g' }], holds: counts },
  { kind: { kind: 'instant', precision: 'second' }, holds: moments },
  { kind: { kind: 'instant', precision: 'minute' }, holds: moments },
  { kind: { kind: 'instant', precision: 'day' }, holds: moments },
  { kind: { kind: 'instant' }, holds: moments },
  { kind: { kind: 'instant', precision: 'second' }, through: [{ zone: '+00:00' }], holds: moments },
  { kind: { kind: 'instant', precision: 'millisecond' }, through: [{ zone: '+05:30' }], holds: moments },
  { kind: { kind: 'instant', precision: 'second' }, through: [{ epoch: 'second' }], holds: counts },
  { kind: { kind: 'instant' }, through: [{ epoch: 'millisecond' }], holds: counts },
  { kind: { kind: 'date' }, holds: texts },
  { kind: { kind: 'bytes' }, through: [{ bytes: 'hex' }], holds: digits },
  { kind: { kind: 'set', of: 'text' }, through: [{ set: true }], holds: fc.array(texts, { maxLength: 4 }) },
  { kind: { kind: 'set', of: 'text' }, holds: fc.array(texts, { maxLength: 4 }) },
  { kind: { kind: 'set', of: 'text', elements: { kind: 'decimal' } }, holds: fc.array(numbers, { maxLength: 3 }) },
  {
    kind: { kind: 'set', of: 'parcel' },
    through: [{ references: 'parcel' }],
    holds: fc.constantFrom<Json>(['p1'], ['p1', 'none'], []),
  },
  { kind: { kind: 'reference', of: ['parcel'] }, through: [{ reference: { parcel: 'parcel' } }], holds: texts },
  { kind: { kind: 'list', elements: { kind: 'integer' } }, holds: fc.array(numbers, { maxLength: 3 }) },
];

const resolve = (_type: string, id: string): string | null =>
  id === 'none' ? null : id.startsWith('~') ? id : `key-of-${id}`;
const names = ['a', 'b', 'c', 'd'] as const;
const paths = ['a', 'b', 'inner.x', 'Tags', 'constructor', 'members'] as const;

/** A map of some fields, an object that mostly fits it, and now and then what does not. */
const cases = fc
  .tuple(
    fc.array(fc.tuple(fc.nat(places.length - 1), fc.constantFrom(...paths), fc.integer({ min: 0, max: 9 })), {
      minLength: 1,
      maxLength: names.length,
    }),
    fc.constantFrom('user', 'group'),
    fc.array(fc.constantFrom('a', 'x', 'inner', 'inner.y', 'inner.x'), { maxLength: 2 }),
  )
  .chain(([given, native, ignore]) => {
    const holds = given.map(([place]) => places[place]?.holds ?? texts);
    return fc
      .array(fc.tuple(fc.tuple(...holds), fc.integer({ min: 0, max: 7 }), anyJson), { minLength: 4, maxLength: 8 })
      .map((rows) => ({ given, native, ignore, rows }));
  });

function bodyOf(
  given: readonly (readonly [number, string, number])[],
  values: readonly Json[],
  odd: number,
  other: Json,
): JsonObject {
  const body: Record<string, Json> = {};
  given.forEach(([, path], at) => {
    const [name = '', below] = path.split('.');
    const value = odd === at ? other : (values[at] ?? null);
    Object.defineProperty(body, name, {
      value: below === undefined ? value : { [below]: value, ...(odd === 7 ? { y: other } : {}) },
      enumerable: true,
      configurable: true,
      writable: true,
    });
  });
  if (odd === 5) body['more'] = other;
  if (odd === 6) for (const path of ['a', 'members']) delete body[path];
  return body;
}

describe('what is not worked out', () => {
  test('of a moment is what working it out gives', () => {
    fc.assert(
      fc.property(moments, (text) => {
        // To the nanosecond every moment is worked out.
        const whole = canonicalInstant(text, 'nanosecond');
        expect(canonicalInstant(text, 'second')).toBe(whole && `${whole.slice(0, 19)}Z`);
        expect(canonicalInstant(text, 'minute')).toBe(whole && `${whole.slice(0, 16)}:00Z`);
      }),
      fullRuns(5_000),
    );
  });

  test('of a decimal is what working it out gives', () => {
    fc.assert(
      fc.property(numbers, (text) => {
        const parsed = parseDecimal(text);
        expect(canonicalDecimal(text)).toBe(parsed && decimalText(parsed));
      }),
      fullRuns(5_000),
    );
  });
});

describe('a straight translation', () => {
  test('is what translate says where it says anything', () => {
    const seen = { straight: 0, plain: 0, keys: 0 };
    fc.assert(
      fc.property(cases, ({ given, native, ignore, rows }) => {
        const taxonomy = TaxonomyType.parse({
          type: 'thing',
          key: ['a'],
          fields: Object.fromEntries(given.map(([place], at) => [names[at], places[place]?.kind])),
        });
        const field = (place: number, path: string, odd: number): object => {
          const through = places[place]?.through;
          if (odd === 9) return { constant: 'always' };
          return { ...(odd === 8 ? { tag: path } : { path }), ...(through ? { through } : {}) };
        };
        const fields = Object.fromEntries(given.map(([place, path, odd], at) => [names[at], field(place, path, odd)]));
        const map = TypeMap.parse({ type: 'thing', native, lifecycle: 'active', fields, ignore });
        const surface = names.slice(0, given.length);
        const straight = straightTranslation(map, taxonomy, surface, native);
        const keyOf = naturalKeysOf(taxonomy, straight.names, sha256Hex);
        const values: (Json | undefined)[] = [];
        for (const [held, odd, other] of rows) {
          const body = bodyOf(given, held, odd, other);
          const before = JSON.stringify(body);
          const plain = translate({
            object: { type: native, id: 'i', body },
            map,
            taxonomy,
            surface,
            key: '',
            resolve,
          });
          const unmapped = straight.values(body, resolve, values);
          expect(JSON.stringify(body)).toBe(before);
          if (unmapped === null) {
            seen.plain += 1;
            continue;
          }
          seen.straight += 1;
          const record = { type: 'thing', key: '', fields: fieldsOf(straight.names, values) };
          expect({ kind: 'record', record, unmapped, setAside: {}, roundTrips: true }).toEqual(plain);
          expect(Object.keys(record.fields)).toEqual(Object.keys(plain.kind === 'record' ? plain.record.fields : {}));
          const key = keyOf(values);
          if (key === null) continue;
          seen.keys += 1;
          expect({ kind: 'key', key }).toEqual(naturalKeyOf(taxonomy, record.fields));
        }
      }),
      fullRuns(2_000),
    );
    // Otherwise the property would say nothing.
    const { numRuns } = fullRuns(2_000);
    expect(seen.straight).toBeGreaterThan(numRuns);
    expect(seen.plain).toBeGreaterThan(numRuns / 2);
    expect(seen.keys).toBeGreaterThan(numRuns / 4);
  });

  test('speaks of nearly every object of a store', () => {
    const plainOnes: string[] = [];
    for (const { kind, through } of places) {
      const taxonomy = TaxonomyType.parse({ type: 'thing', key: ['a'], fields: { a: kind } });
      const fields = { a: { path: 'a', ...(through ? { through } : {}) } };
      const map = TypeMap.parse({ type: 'thing', native: 'row', lifecycle: 'active', fields });
      const { values } = straightTranslation(map, taxonomy, ['a'], 'row');
      const request = { map, taxonomy, surface: ['a'], key: '', resolve };
      const samples: readonly Json[] = [
        'on',
        'abc',
        'parcel/p1',
        '12.50',
        '7',
        7,
        true,
        ['p1'],
        ['1'],
        '2024-02-01',
        '0aFF',
        '2024-05-01T10:00:00Z',
        '2024-05-01 10:00:00',
      ];
      for (const a of samples) {
        const told = translate({ ...request, object: { type: 'row', id: 'i', body: { a } } });
        if (told.kind === 'record' && values({ a }, resolve, []) === null) plainOnes.push(JSON.stringify([kind, a]));
      }
    }
    expect(plainOnes).toEqual([]);
  });
});
