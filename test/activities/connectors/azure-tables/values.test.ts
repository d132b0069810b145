/** What stands for a property of an entity, both ways. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bodyOf, propertyOf } from '../../../../activities/connectors/azure-tables/values.js';
import { entitiesOf, entityOf, type Edm } from '../../../../activities/connectors/azure-tables/wire.js';
import { AzureTablesProperty } from '../../../../core/federation/authority.js';
import { canonicalDecimal } from '../../../../core/lens/decimal.js';
import { propertyRuns } from '../../../support/property-runs.js';

const instant = fc
  .date({ min: new Date('1601-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })
  .map((date) => date.toISOString().replace(/\.?0*Z$/, 'Z'));
const edm: fc.Arbitrary<Edm> = fc.oneof(
  fc.record({ type: fc.constant('String' as const), value: fc.string({ unit: 'grapheme' }) }),
  fc.record({ type: fc.constant('Boolean' as const), value: fc.boolean() }),
  fc.record({ type: fc.constant('Int32' as const), value: fc.integer().map(String) }),
  fc.record({
    type: fc.constant('Int64' as const),
    value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  }),
  fc.record({
    type: fc.constant('Double' as const),
    value: fc.double().map((value) => canonicalDecimal(String(value)) ?? String(value)),
  }),
  fc.record({ type: fc.constant('DateTime' as const), value: instant }),
  fc.record({ type: fc.constant('Guid' as const), value: fc.uuid() }),
  fc.record({
    type: fc.constant('Binary' as const),
    value: fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64')),
  }),
);

test('every property comes back from its body as it was, whatever the authority file says of it', () => {
  fc.assert(
    fc.property(
      edm,
      fc.option(fc.constantFrom(...AzureTablesProperty.options), { nil: undefined }),
      (each, declared) => {
        const body = bodyOf(each, declared);
        expect(body).not.toBeNull();
        if (body !== null) expect(propertyOf(body, declared)).toEqual(each);
      },
    ),
    propertyRuns(300),
  );
});

test('no two properties of different types have one body', () => {
  fc.assert(
    fc.property(edm, edm, (one, other) => {
      fc.pre(one.type !== other.type);
      expect(bodyOf(one)).not.toEqual(bodyOf(other));
    }),
    propertyRuns(100),
  );
});

const keys = '"odata.etag":"W/1","PartitionKey":"p","RowKey":"r","Timestamp":"2024-05-01T11:00:00Z"';

test('a Double without a fraction is no Int32, although JSON knows one kind of number', () => {
  const { properties } = entityOf(`{${keys},"five":5.0,"whole":5,"big":1E+300}`);
  expect([...properties].map(([name, { type }]) => [name, type])).toEqual([
    ['five', 'Double'],
    ['whole', 'Int32'],
    ['big', 'Double'],
  ]);
});

test('a property that is called as a part of the entity is in the client is read as the property that it is', () => {
  const entity = entityOf(`{${keys},"etag":"mine","rowKey":"mine","none":null}`);
  expect(entity).toMatchObject({ partitionKey: 'p', rowKey: 'r', etag: 'W/1' });
  expect([...entity.properties.keys()]).toEqual(['etag', 'rowKey']);
});

test.each(['', '<html>', '{}', `{${keys},"list":[1]}`, `{${keys},"x":"1","x@odata.type":"Edm.Decimal"}`])(
  'an answer that is no entity is an unexpected answer, and not an empty one: %s',
  (text) => {
    expect(() => entityOf(text)).toThrow(expect.objectContaining({ code: 'unexpectedAnswer' }) as Error);
    expect(() => entitiesOf(text)).toThrow(expect.objectContaining({ code: 'unexpectedAnswer' }) as Error);
  },
);
