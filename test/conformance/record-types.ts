/** Values of every kind, and what a store must do with them: hold each exactly, or refuse it before anything is written. */
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Connector } from '../../activities/connectors/connector.js';
import { TypeMap } from '../../core/federation/map.js';
import { TaxonomyType } from '../../core/federation/taxonomy.js';
import type { Json } from '../../core/json.js';
import { decimalText } from '../../core/lens/decimal.js';
import { translateBack } from '../../core/translate-back.js';
import { translate } from '../../core/translate.js';
import { propertyRuns } from '../support/property-runs.js';

/** Federated values of each field, in canonical form. */
export const sampleTaxonomy = TaxonomyType.parse({
  type: 'sample',
  key: ['id'],
  fields: {
    id: { kind: 'text' },
    text: { kind: 'text' },
    composed: { kind: 'text', normalForm: 'NFC' },
    folded: { kind: 'text', equality: 'caseInsensitiveSimple' },
    flag: { kind: 'boolean' },
    long: { kind: 'integer', min: '-9223372036854775808', max: '9223372036854775807' },
    amount: { kind: 'decimal' },
    price: { kind: 'decimal', step: '0.01' },
    weight: { kind: 'decimal', unit: 'g' },
    seenAt: { kind: 'instant', precision: 'microsecond' },
    localAt: { kind: 'instant', precision: 'second' },
    day: { kind: 'date' },
    raw: { kind: 'bytes' },
    tags: { kind: 'set', of: 'text' },
    numbers: { kind: 'list', elements: { kind: 'integer' } },
    lines: { kind: 'keyedList', by: 'sku', fields: { sku: { kind: 'text' }, count: { kind: 'integer' } } },
  },
});

/** Native names are those of the fields; `change` gives steps or leaves fields out that the store has no form for. */
export function sampleMap(change: Readonly<Record<string, readonly object[] | null>>): TypeMap {
  const fields = Object.keys(sampleTaxonomy.fields).flatMap((name) => {
    const through = Object.hasOwn(change, name) ? change[name] : [];
    return through === null || through === undefined ? [] : [[name, { path: name, through }] as const];
  });
  return TypeMap.parse({ type: 'sample', native: 'sample', lifecycle: 'active', fields: Object.fromEntries(fields) });
}

const safeText = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !text.includes('\0'));
const integer = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
const decimal = fc
  .tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.integer({ min: 0, max: 20 }))
  .map(([unscaled, scale]) => {
    const sign = unscaled < 0n ? '-' : '';
    const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
    const text = `${digits.slice(0, digits.length - scale)}.${digits.slice(digits.length - scale)}`.replace(
      /\.?0*$/,
      '',
    );
    return unscaled === 0n ? '0' : `${sign}${scale === 0 ? digits : text}`;
  });
const instant = fc
  .tuple(
    fc.date({ min: new Date('0001-01-02T00:00:00Z'), max: new Date('9999-12-30T00:00:00Z'), noInvalidDate: true }),
    fc.integer({ min: 0, max: 999 }),
  )
  .map(([date, micros]) => date.toISOString().replace('Z', `${String(micros).padStart(3, '0')}Z`));
const sortedUnique = (texts: readonly string[]): string[] =>
  [...new Set(texts)].sort((left, right) => (left < right ? -1 : left > right ? 1 : 0));

function lower(text: string): string {
  return Array.from(text, (one) => one.toUpperCase()).join('') === text ? text.toLowerCase() : text;
}

const valueOf: Readonly<Record<string, fc.Arbitrary<Json>>> = {
  text: fc.option(safeText),
  composed: fc.option(safeText.map((text) => text.normalize('NFC'))),
  folded: fc.option(fc.string({ unit: fc.constantFrom('a', 'é', 'ß', '李', 'я', ' '), maxLength: 8 }).map(lower)),
  flag: fc.option(fc.boolean()),
  long: fc.option(integer),
  amount: fc.option(decimal),
  price: fc.option(fc.integer({ min: -9_999, max: 9_999 }).map((cents) => String(cents / 100))),
  weight: fc.option(fc.integer({ min: 0, max: 10 ** 9 }).map(String)),
  seenAt: fc.option(instant),
  localAt: fc.option(instant.map((text) => text.replace(/\.\d+Z$/, 'Z'))),
  day: fc.option(instant.map((text) => text.slice(0, 10))),
  raw: fc.option(fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('base64'))),
  tags: fc.array(safeText, { maxLength: 4 }).map(sortedUnique),
  numbers: fc.option(fc.array(integer, { maxLength: 4 })),
  lines: fc.option(
    fc
      .array(fc.record({ sku: fc.stringMatching(/^[A-Za-z0-9]{1,4}$/), count: fc.option(integer) }), { maxLength: 4 })
      .map((lines) =>
        sortedUnique(lines.map(({ sku }) => sku)).map((sku) => ({
          count: lines.find((line) => line.sku === sku)?.count ?? null,
          sku,
        })),
      ),
  ),
};

const references = { resolve: () => null, resolveBack: () => null };

/** Creates a record, reads it, changes it, reads it: the store shows every value that the federation gave it. */
export async function holdsEveryValue(connector: Connector, map: TypeMap, runs: number): Promise<void> {
  await showsEveryValue(connector, map, runs);
  await holdsOrRefuses(connector, map, runs);
}

/** As many digits as anybody may write, half characters, characters that some stores end texts with, forms of one letter. */
const wildText = fc.oneof(
  safeText,
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom('', '\0', 'a\0b', '\ud800', 'b\udc00', 'e\u0301', '\u00e9', '\u212b', '\ufeffx', 'x '),
);
const wildDecimal = fc
  .tuple(fc.bigInt({ min: -(10n ** 80n), max: 10n ** 80n }), fc.integer({ min: 0, max: 120 }))
  .map(([unscaled, scale]) => decimalText({ unscaled, scale }));
const noNumber = fc.constantFrom('NaN', 'Infinity', '-Infinity', '1e5', '01', '');
const wildOf: Readonly<Record<string, fc.Arbitrary<Json>>> = {
  text: fc.option(wildText),
  composed: fc.option(wildText.map((text) => text.normalize('NFC'))),
  amount: fc.option(fc.oneof({ arbitrary: wildDecimal, weight: 9 }, { arbitrary: noNumber, weight: 1 })),
  tags: fc.array(wildText, { maxLength: 3 }).map((texts) => sortedUnique(texts)),
};

/**
 * What nobody promised to hold, keys among it: either the store shows it as it was given, or it is refused and nothing is
 * there. Nothing is rounded, cut or put into another form.
 */
async function holdsOrRefuses(connector: Connector, map: TypeMap, runs: number): Promise<void> {
  const names = Object.keys(map.fields).filter((name) => name !== 'id');
  const fields = fc.record(
    Object.fromEntries(names.map((name) => [name, wildOf[name] ?? valueOf[name] ?? fc.constant(null)])),
  );
  let number = 0;
  const outcomes = { held: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(fields, wildText, async (values, ending) => {
      number += 1;
      const id = ending === '' ? '' : `w${number}${ending}`;
      const change = { map, taxonomy: sampleTaxonomy, ...references };
      const created = translateBack({ ...change, changes: { id, ...values }, native: null });
      if (created.kind === 'refused') {
        outcomes.refused += 1;
        return;
      }
      const answer = await connector.write({ kind: 'create', type: 'sample', after: created.after });
      const there = id === '' ? null : await connector.readOne('sample', id);
      if (answer.kind !== 'applied') {
        expect(answer).toMatchObject({ kind: 'refused', code: 'valueNotRepresentable' });
        expect(there).toBeNull();
        outcomes.refused += 1;
        return;
      }
      expect(answer.id).toBe(id);
      if (there === null) throw new Error('what was applied is not there');
      const request = { object: there, map, taxonomy: sampleTaxonomy, surface: Object.keys(map.fields), key: 'k' };
      const translation = translate({ ...request, resolve: references.resolve });
      if (translation.kind !== 'record') throw new Error(JSON.stringify(translation));
      expect(translation.record.fields).toEqual({ id, ...values });
      outcomes.held += 1;
    }),
    { ...propertyRuns(runs * 2), examples: [[Object.fromEntries(names.map((name) => [name, null])), '']] },
  );
  expect(outcomes.refused).toBeGreaterThan(0);
}

async function showsEveryValue(connector: Connector, map: TypeMap, runs: number): Promise<void> {
  const names = Object.keys(map.fields).filter((name) => name !== 'id');
  const fields = fc.record(Object.fromEntries(names.map((name) => [name, valueOf[name] ?? fc.constant(null)])));
  let number = 0;
  const readFields = async (id: string): Promise<Readonly<Record<string, Json>>> => {
    const object = await connector.readOne('sample', id);
    if (!object) throw new Error('what was written is not there');
    const request = { object, map, taxonomy: sampleTaxonomy, surface: Object.keys(map.fields), key: 'k' };
    const translation = translate({ ...request, resolve: references.resolve });
    if (translation.kind !== 'record') throw new Error(JSON.stringify(translation));
    expect(translation.roundTrips).toBe(true);
    return translation.record.fields;
  };
  await fc.assert(
    fc.asyncProperty(fields, fields, async (first, second) => {
      number += 1;
      const id = `s${number}`;
      const change = { map, taxonomy: sampleTaxonomy, ...references };
      const created = translateBack({ ...change, changes: { id, ...first }, native: null });
      if (created.kind === 'refused') throw new Error(`${created.field}: ${created.reason}`);
      expect(await connector.write({ kind: 'create', type: 'sample', after: created.after })).toEqual({
        kind: 'applied',
        id,
      });
      expect(await readFields(id)).toEqual({ id, ...first });
      const object = await connector.readOne('sample', id);
      const changed = translateBack({ ...change, changes: second, native: object?.body ?? null });
      if (changed.kind === 'refused') throw new Error(`${changed.field}: ${changed.reason}`);
      const write = { kind: 'update', type: 'sample', id, before: object?.body ?? {}, after: changed.after } as const;
      expect(await connector.write(write)).toEqual({ kind: 'applied', id });
      expect(await readFields(id)).toEqual({ id, ...second });
    }),
    propertyRuns(runs),
  );
}
