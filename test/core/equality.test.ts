/**
 * Equality is made when a value is translated, and peers compare bytes. So for each equality of the taxonomy two native
 * values, each through a map of its own, must be the same sealed bytes where they are equal, and other bytes where they are
 * not. What equal means is said here a second time, by other means than core/lens.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupText } from '../../core/record-digest.js';
import { TypeMap } from '../../core/federation/map.js';
import { TaxonomyType } from '../../core/federation/taxonomy.js';
import type { Json } from '../../core/json.js';
import { translate } from '../../core/translate.js';
import { fullRuns } from '../support/property-runs.js';

/** What peers compare of a record whose one field has this native value. */
function sealing(kind: object, through: readonly object[]): (native: Json) => string {
  const taxonomy = TaxonomyType.parse({ type: 'thing', key: ['id'], fields: { id: { kind: 'text' }, value: kind } });
  const fields = { id: { path: 'id' }, value: { path: 'value', through } };
  const map = TypeMap.parse({ type: 'thing', native: 'thing', lifecycle: 'active', fields });
  return (native) => {
    const object = { type: 'thing', id: 'k', body: { id: 'k', value: native } };
    const request = { object, map, taxonomy, surface: ['id', 'value'], key: 'k', resolve: () => null };
    const translation = translate(request);
    if (translation.kind !== 'record') throw new Error(`${JSON.stringify(native)}: ${JSON.stringify(translation)}`);
    return groupText('k', translation.record.fields, ['id', 'value']);
  };
}

interface Equality<Native extends Json> {
  readonly name: string;
  readonly kind: object;
  /** Of the maps of the two meshes. */
  readonly left?: readonly object[];
  readonly right?: readonly object[];
  /** Many of them nearly equal. */
  readonly pairs: fc.Arbitrary<readonly [Native, Native]>;
  readonly equal: (left: Native, right: Native) => boolean;
}

/** A value, and one that is another spelling of it, or a neighbour. */
const near = <Native extends Json>(
  values: fc.Arbitrary<Native>,
  spelled: (value: Native) => fc.Arbitrary<Native>,
): fc.Arbitrary<readonly [Native, Native]> =>
  fc.oneof(
    fc.tuple(values, values),
    values.chain((value) => fc.tuple(spelled(value), spelled(value))),
  );

const letters = fc.constantFrom(
  'A',
  'a',
  'Z',
  'z',
  'É',
  'é',
  'ß',
  'ẞ',
  'Σ',
  'σ',
  'ς',
  'K',
  '\u212a',
  'k',
  'ſ',
  's',
  'İ',
  'ı',
  'i',
  'Я',
  'я',
  '李',
  '😀',
  '1',
  ' ',
  '',
);
const words = fc.string({ unit: letters, maxLength: 4 });
const otherCase = (text: string): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom('upper', 'lower', 'same'), { minLength: text.length, maxLength: text.length }).map((how) =>
    Array.from(text, (one, at) => {
      const other = how[at] === 'upper' ? one.toUpperCase() : how[at] === 'lower' ? one.toLowerCase() : one;
      return Array.from(other).length === 1 ? other : one;
    }).join(''),
  );
const accents = fc.constantFrom(
  'e',
  'E',
  '\u00e9',
  'e\u0301',
  '\u212b',
  '\u00c5',
  'A\u030a',
  '\ufb01',
  'fi',
  '\u1e9b\u0323',
  'q\u0323\u0307',
  'q\u0307\u0323',
  '가',
  '\u1100\u1161',
  '²',
  '2',
);
const accented = fc.array(accents, { maxLength: 4 }).map((parts) => parts.join(''));
const forms = ['NFC', 'NFD', 'NFKC', 'NFKD'] as const;
const otherForm = (text: string): fc.Arbitrary<string> =>
  fc
    .constantFrom<(typeof forms)[number] | null>(null, ...forms)
    .map((form) => (form === null ? text : text.normalize(form)));

interface Scaled {
  readonly unscaled: bigint;
  readonly scale: number;
}
const scaled = fc.record({
  unscaled: fc.oneof(fc.bigInt({ min: -200n, max: 200n }), fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n })),
  scale: fc.integer({ min: 0, max: 5 }),
});
const plain = ({ unscaled, scale }: Scaled): string => {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  return `${unscaled < 0n ? '-' : ''}${whole}${scale === 0 ? '' : `.${digits.slice(digits.length - scale)}`}`;
};
/** 10^-10 is the smallest part that any number here has. */
const units = (text: string): bigint => {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const shift = 10 - fraction.length + Number(exponent);
  return BigInt(`${whole}${fraction}` || '0') * 10n ** BigInt(shift) * (sign === '-' ? -1n : 1n);
};
const spelledNumber = (text: string): fc.Arbitrary<string> =>
  fc.constantFrom(
    text,
    text.includes('.') ? `${text}00` : `${text}.0`,
    text.startsWith('-') ? `-00${text.slice(1)}` : `+0${text}`,
    `${text}e0`,
    `${text}E+1`,
    text.startsWith('-') ? text.slice(1) : `-${text}`,
  );
const decimals = scaled.map(plain);
/** Of two multiples that are equally near, the even one. */
const nearestMultiple = (value: bigint, step: bigint): bigint => {
  const below = value / step - (value % step < 0n ? 1n : 0n);
  const [down, up] = [value - below * step, (below + 1n) * step - value];
  if (down !== up) return down < up ? below : below + 1n;
  return below % 2n === 0n ? below : below + 1n;
};

const moments = fc.record({
  ms: fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2100, 0, 1) }),
  nanos: fc.integer({ min: 0, max: 999_999 }),
});
const zones = fc.constantFrom(
  ['Z', 0],
  ['+00:00', 0],
  ['+02:00', 120],
  ['-0330', -210],
  ['+05', 300],
  ['-11:00', -660],
) as fc.Arbitrary<readonly [string, number]>;
const written = ({ ms, nanos }: { readonly ms: number; readonly nanos: number }): fc.Arbitrary<string> =>
  fc.tuple(zones, fc.constantFrom('T', ' ')).map(([[zone, minutes], between]) => {
    const local = new Date(ms + minutes * 60_000).toISOString();
    return `${local.slice(0, 10)}${between}${local.slice(11, 23)}${String(nanos).padStart(6, '0')}${zone}`;
  });
const epochNanos = (text: string): bigint => {
  const [, day = '', time = '', fraction = '', zone = ''] = /^(\S{10})[T ](\S{8})\.(\d{9})(.*)$/.exec(text) ?? [];
  const [, sign = '+', hours = '0', minutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  const ahead = (Number(hours) * 60 + Number(minutes ?? 0)) * (sign === '-' ? -1 : 1);
  return BigInt(Date.parse(`${day}T${time}Z`) - ahead * 60_000) * 1_000_000n + BigInt(fraction);
};
const floored = (value: bigint, step: bigint): bigint => value / step - (value % step < 0n ? 1n : 0n);
const stepsOf = {
  day: 86_400n * 10n ** 9n,
  minute: 60n * 10n ** 9n,
  second: 10n ** 9n,
  millisecond: 10n ** 6n,
  microsecond: 1_000n,
  nanosecond: 1n,
} as const;
const momentPairs = fc.oneof(
  fc.tuple(moments.chain(written), moments.chain(written)),
  moments.chain((one) => fc.tuple(written(one), written(one))),
  // Apart by less, or by more, than any precision.
  moments.chain((one) => fc.tuple(written(one), written({ ...one, nanos: (one.nanos + 1) % 1_000_000 }))),
  fc
    .tuple(moments, fc.integer({ min: 0, max: 2_000 }))
    .chain(([one, apart]) => fc.tuple(written(one), written({ ...one, ms: one.ms + apart }))),
);

const few = fc.array(fc.constantFrom('a', 'b', 'A', 'e\u0301', '\u00e9', ''), { maxLength: 5 });
const shuffled = <Item extends Json>(list: readonly Item[]): fc.Arbitrary<Item[]> =>
  fc.shuffledSubarray([...list], { minLength: list.length, maxLength: list.length });
const asSet = (texts: readonly string[]): string => JSON.stringify([...new Set(texts)].sort());

interface Line {
  readonly sku: string;
  readonly count: string | null;
}
const lines: fc.Arbitrary<Line[]> = fc.uniqueArray(
  fc.record({ sku: fc.constantFrom('p', 'q', 'r'), count: fc.option(fc.constantFrom('1', '1.0', '2', '-0', '0')) }),
  { maxLength: 3, selector: ({ sku }) => sku },
);
const asLines = (list: readonly Line[]): string =>
  JSON.stringify(
    list
      .map(({ sku, count }) => [sku, count === null ? null : units(count).toString()])
      .sort((one, other) => ((one[0] ?? '') < (other[0] ?? '') ? -1 : 1)),
  );

const equalities: readonly Equality<never>[] = [
  {
    name: 'exact text',
    kind: { kind: 'text' },
    pairs: near(accented, otherForm),
    equal: (left: string, right: string) => left === right,
  },
  {
    name: 'text without regard to the case of A-Z',
    kind: { kind: 'text', equality: 'caseInsensitive' },
    pairs: near(words, otherCase),
    equal: (left: string, right: string) => {
      const lower = (text: string) => text.replace(/[A-Z]/g, (one) => one.toLowerCase());
      return lower(left) === lower(right);
    },
  },
  {
    name: 'text without regard to case, as regular expressions compare it',
    kind: { kind: 'text', equality: 'caseInsensitiveSimple' },
    pairs: near(words, otherCase),
    equal: (left: string, right: string) => new RegExp(`^${left}$`, 'iu').test(right),
  },
  ...forms.map((form) => ({
    name: `text in the normal form ${form}`,
    kind: { kind: 'text', normalForm: form },
    pairs: near(accented, otherForm),
    equal: (left: string, right: string) => left.normalize(form) === right.normalize(form),
  })),
  {
    name: 'whole numbers by value',
    kind: { kind: 'integer' },
    pairs: near(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String), (text) =>
      fc.constantFrom(text, `${text}.0`, `${text}e0`, text.startsWith('-') ? text : `+${text}`),
    ),
    equal: (left: string, right: string) => units(left) === units(right),
  },
  {
    name: 'decimals by value',
    kind: { kind: 'decimal' },
    pairs: near(decimals, spelledNumber),
    equal: (left: string, right: string) => units(left) === units(right),
  },
  ...['0.01', '0.25', '5'].map((step) => ({
    name: `decimals rounded to ${step}, halves to the even multiple`,
    kind: { kind: 'decimal', step },
    pairs: near(decimals, spelledNumber),
    equal: (left: string, right: string) =>
      nearestMultiple(units(left), units(step)) === nearestMultiple(units(right), units(step)),
  })),
  {
    name: 'decimals that one mesh counts in kilograms and the other in grams',
    kind: { kind: 'decimal', unit: 'g' },
    left: [{ unit: 'kg', times: '1000' }],
    right: [{ unit: 'g' }],
    pairs: fc.oneof(
      fc.tuple(decimals, decimals),
      scaled.map((value) => [plain(value), plain({ ...value, unscaled: value.unscaled * 1_000n })] as const),
      scaled.map((value) => [plain(value), plain({ ...value, unscaled: value.unscaled * 1_000n + 1n })] as const),
    ),
    equal: (kilograms: string, grams: string) => units(kilograms) * 1_000n === units(grams),
  },
  ...(Object.keys(stepsOf) as (keyof typeof stepsOf)[]).map((precision) => ({
    name: `moments at the precision of a ${precision}, whatever their zones`,
    kind: { kind: 'instant', precision },
    pairs: momentPairs,
    equal: (left: string, right: string) =>
      floored(epochNanos(left), stepsOf[precision]) === floored(epochNanos(right), stepsOf[precision]),
  })),
  {
    name: 'moments that one mesh counts in milliseconds',
    kind: { kind: 'instant', precision: 'millisecond' },
    left: [{ epoch: 'millisecond' }],
    pairs: fc.oneof(
      fc.tuple(
        moments.map(({ ms }) => ms),
        moments.chain(written),
      ),
      moments.chain((one) => fc.tuple(fc.constant(one.ms), written(one))),
    ),
    equal: (count: number, text: string) => BigInt(count) === floored(epochNanos(text), 10n ** 6n),
  },
  {
    name: 'bytes, whatever they are written as',
    kind: { kind: 'bytes' },
    left: [{ bytes: 'hex' }],
    pairs: fc
      .tuple(fc.uint8Array({ maxLength: 4 }), fc.uint8Array({ maxLength: 4 }), fc.boolean(), fc.boolean())
      .map(([one, other, isSame, isUpper]) => {
        const hex = Buffer.from(one).toString('hex');
        return [isUpper ? hex.toUpperCase() : hex, Buffer.from(isSame ? one : other).toString('base64')] as const;
      }),
    equal: (hex: string, base64: string) => hex.toLowerCase() === Buffer.from(base64, 'base64').toString('hex'),
  },
  {
    name: 'sets without order and repetition',
    kind: { kind: 'set', of: 'text' },
    pairs: near(few, (list) => fc.constantFrom([...list].reverse(), [...list, ...list], list)),
    equal: (left: string[], right: string[]) => asSet(left) === asSet(right),
  },
  {
    name: 'sets of decimals by value',
    kind: { kind: 'set', of: 'text', elements: { kind: 'decimal' } },
    pairs: near(fc.array(fc.constantFrom('1', '1.0', '01', '2', '-0', '0', '0.1'), { maxLength: 4 }), shuffled),
    equal: (left: string[], right: string[]) =>
      asSet(left.map((text) => units(text).toString())) === asSet(right.map((text) => units(text).toString())),
  },
  {
    name: 'lists in their order, element by element',
    kind: { kind: 'list', elements: { kind: 'text', normalForm: 'NFC' } },
    pairs: near(few, shuffled),
    equal: (left: string[], right: string[]) =>
      JSON.stringify(left.map((text) => text.normalize('NFC'))) ===
      JSON.stringify(right.map((text) => text.normalize('NFC'))),
  },
  {
    name: 'keyed lists in any order, field by field',
    kind: { kind: 'keyedList', by: 'sku', fields: { sku: { kind: 'text' }, count: { kind: 'integer' } } },
    pairs: near(lines as unknown as fc.Arbitrary<Json[]>, shuffled),
    equal: (left: Json[], right: Json[]) => asLines(left as unknown as Line[]) === asLines(right as unknown as Line[]),
  },
  {
    name: 'null and every value that is not',
    kind: { kind: 'text' },
    pairs: fc.tuple(fc.option(few.map((list) => list[0] ?? '')), fc.option(few.map((list) => list[0] ?? ''))),
    equal: (left: Json, right: Json) => left === right,
  },
] as unknown as readonly Equality<never>[];

describe('two native values are the same sealed bytes where they are equal, and other bytes where they are not:', () => {
  it.each(equalities)('$name', ({ kind, left = [], right = [], pairs, equal }) => {
    const seen = { equal: 0, other: 0 };
    const [ofLeft, ofRight] = [sealing(kind, left), sealing(kind, right)];
    fc.assert(
      fc.property(pairs, ([one, other]) => {
        const isEqual = equal(one, other);
        seen[isEqual ? 'equal' : 'other'] += 1;
        expect(ofLeft(one) === ofRight(other), JSON.stringify([one, other])).toBe(isEqual);
      }),
      fullRuns(300),
    );
    // A generator that makes no equal pair, or no other one, would show nothing.
    expect(seen.equal).toBeGreaterThan(0);
    expect(seen.other).toBeGreaterThan(0);
  });
});
