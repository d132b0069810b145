import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { attributeOf, bodyOf, numberText } from '../../../../activities/connectors/dynamodb/values.js';
import { DynamodbAttribute } from '../../../../core/federation/authority.js';
import { byCodeUnit, type Json } from '../../../../core/json.js';
import { canonicalDecimal, exactNumber } from '../../../../core/lens/decimal.js';
import { propertyRuns } from '../../../support/property-runs.js';

const text = fc.string({ unit: 'grapheme', maxLength: 6 });
/** As DynamoDB shows numbers: 38 digits at most, nothing that says nothing. */
const number = fc
  .tuple(fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }), fc.integer({ min: -80, max: 120 }))
  .map(([unscaled, shift]) => numberText(`${unscaled}e${shift - 38}`) ?? '0');
const bytes = fc.uint8Array({ maxLength: 5 }).map((some) => new Uint8Array(some));
const setOf = <Item>(item: fc.Arbitrary<Item>, told: (item: Item) => string) =>
  fc
    .uniqueArray(item, { selector: told, minLength: 1, maxLength: 4 })
    .map((items) => [...items].sort((left, right) => byCodeUnit(told(left), told(right))));
const base64 = (some: Uint8Array): string => Buffer.from(some).toString('base64');
// What looks like a word of ours must not be taken for one.
const name = fc.oneof(text, fc.constantFrom('$number', '$text', '$map', '$list', '$', '$textSet', '__proto__'));

const { value } = fc.letrec<{ value: AttributeValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<AttributeValue>({ NULL: true }, { BOOL: true }, { BOOL: false }),
    text.map((S) => ({ S })),
    number.map((N) => ({ N })),
    bytes.map((B) => ({ B })),
    setOf(text, String).map((SS) => ({ SS })),
    setOf(number, String).map((NS) => ({ NS })),
    setOf(bytes, base64).map((BS) => ({ BS })),
    fc.array(tie('value'), { maxLength: 3 }).map((L) => ({ L })),
    fc.array(fc.tuple(name, tie('value')), { maxLength: 3 }).map((entries) => ({ M: Object.fromEntries(entries) })),
  ),
}));
const declared = fc.option(fc.constantFrom(...DynamodbAttribute.options), { nil: undefined });

it('every attribute comes back from its body, whatever the authority file says it is made of', () => {
  fc.assert(
    fc.property(value, declared, (attribute, kind) => {
      const body = bodyOf(attribute, kind);
      expect(JSON.parse(JSON.stringify(body))).toEqual(body);
      expect(attributeOf(body, kind)).toEqual(attribute);
    }),
    propertyRuns(300),
  );
});

/** A number in the one spelling that is shown again. */
function spelled(body: Json): Json {
  return JSON.parse(
    JSON.stringify(body, (_name, each: Json) =>
      typeof each === 'number' ? exactNumber(canonicalDecimal(String(each)) ?? '') : each,
    ),
  ) as Json;
}

it('a body that is taken is read as the same value again: no two bodies of one table become one attribute unseen', () => {
  const json: fc.Arbitrary<Json> = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;
  fc.assert(
    fc.property(json, declared, (body, kind) => {
      const attribute = attributeOf(body, kind);
      if (attribute === null) return;
      const again = bodyOf(attribute, kind);
      expect(attributeOf(again, kind)).toEqual(attribute);
      if (kind === undefined) expect(again).toEqual(spelled(body));
    }),
    propertyRuns(200),
  );
});

it.each([
  ['0', '0'],
  ['-0.0', '0'],
  ['1E+2', '100'],
  ['1e125', `1${'0'.repeat(125)}`],
  ['1e126', null],
  ['1e-130', `0.${'0'.repeat(129)}1`],
  ['1e-131', null],
  ['12345678901234567890123456789012345678', '12345678901234567890123456789012345678'],
  ['123456789012345678901234567890123456789', null],
  ['1234567890123456789012345678901234567800', '1234567890123456789012345678901234567800'],
  ['0.000123456789012345678901234567890123456789', null],
  ['NaN', null],
  ['Infinity', null],
  ['', null],
])('%s is held as %s', (given, held) => {
  expect(numberText(given)).toBe(held);
});

it.each([
  [{ N: '5' }, undefined, 5],
  [{ N: '5' }, 'number', '5'],
  [{ S: '5' }, 'number', { $text: '5' }],
  [{ L: [] }, 'textSet', []],
  [{ L: [{ S: 'a' }] }, 'textSet', { $list: ['a'] }],
  [{ SS: ['b', 'a'] }, 'textSet', ['a', 'b']],
  [{ L: [{ N: '1' }] }, 'numberList', ['1']],
  [{ L: [{ N: '1' }, { S: '1' }] }, 'numberList', { $list: [1, '1'] }],
  [{ M: { $text: { S: 'a' } } }, undefined, { $map: { $text: 'a' } }],
] as const)('%j declared as %s stands as %j', (attribute, kind, body) => {
  expect(bodyOf(attribute as unknown as AttributeValue, kind)).toEqual(body);
});
