/** What counts as a drifted schema, with real tables; and that a table that only changed its rows has none. */
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { usualDriftRules, type DriftRules } from '../../../core/drift/drift-rules.js';
import { NativeShape } from '../../../core/drift/native-shape.js';
import { nextShape, schemaDrift, type SchemaDrift } from '../../../core/drift/schema-drift.js';
import { ShapeCounter } from '../../../core/drift/shape-counter.js';
import { kindOf, magnitudeOf } from '../../../core/drift/value-kind.js';
import type { TypeMap } from '../../../core/federation/map.js';
import type { FieldKind } from '../../../core/federation/taxonomy.js';
import type { Json, JsonObject } from '../../../core/json.js';
import { propertyRuns } from '../../support/property-runs.js';

const map: TypeMap = {
  type: 'shipment',
  native: 'envoi',
  lifecycle: 'active',
  fields: {
    number: { path: 'numero' },
    weight: { path: 'poids' },
    receiver: { path: 'destinataire' },
    state: { path: 'etat' },
  },
  create: {},
  ignore: ['interne'],
  deletionMayRemove: [],
};

const text: FieldKind = { kind: 'text', equality: 'exact', sensitivity: 'public' };
const kinds: Readonly<Record<string, FieldKind>> = {
  number: text,
  weight: { kind: 'decimal', sensitivity: 'public' },
  receiver: text,
  state: text,
};
const store = { kinds, hasColumns: false, mayEmpty: new Set<string>() };

const digest = (of: string): string => createHmac('sha256', 'a key').update(of).digest('hex');

function shapeOf(rows: readonly JsonObject[], expectedCount = rows.length): NativeShape {
  const counter = new ShapeCounter({ expectedCount, digest });
  for (const [at, row] of rows.entries()) counter.add(`id-${at}`, row);
  return NativeShape.parse(counter.shape());
}

const row = (at: number): JsonObject => ({
  numero: `S-${at}`,
  poids: `${100 + at}.5`,
  destinataire: `Person ${at}`,
  etat: at % 2 === 0 ? 'open' : 'sent',
  interne: at,
});
const rows = (count = 100): readonly JsonObject[] => Array.from({ length: count }, (_, at) => row(at));
const changed = (change: (body: JsonObject, at: number) => JsonObject, count = 100): readonly JsonObject[] =>
  rows(count).map(change);
const without = (body: JsonObject, name: string): JsonObject =>
  Object.fromEntries(Object.entries(body).filter(([property]) => property !== name));

function drift(
  after: readonly JsonObject[],
  {
    before = rows(),
    rules = {},
    approved = [],
  }: { before?: readonly JsonObject[]; rules?: Partial<DriftRules>; approved?: readonly string[] } = {},
): readonly SchemaDrift[] {
  return schemaDrift(shapeOf(before), shapeOf(after), {
    map,
    rules: { ...usualDriftRules, ...rules },
    keyProperties: ['numero'],
    approved: new Set(approved),
    ...store,
  });
}

const brief = (drifts: readonly SchemaDrift[]) =>
  drifts.map(({ kind, property, to, fields, action }) => [kind, property, to, fields.join(' '), action]);

describe('a drifted schema', () => {
  it('has lost a column: what is read from there is held', () => {
    expect(brief(drift(changed((body) => without(body, 'poids'))))).toEqual([
      ['lost', 'poids', null, 'weight', 'hold'],
    ]);
  });

  it('has lost a column that nothing is read from: it is reported; and one that the map ignores is not', () => {
    const before = changed((body, at) => ({ ...body, note: `n${at}` }));
    expect(brief(drift(rows(), { before }))).toEqual([['lost', 'note', null, '', 'report']]);
    expect(drift(changed((body) => without(body, 'interne')))).toEqual([]);
  });

  it('has a new column that holds what a lost one held: proposed as its new name', () => {
    const [only, ...more] = drift(
      changed((body) => ({ ...without(body, 'destinataire'), receiver: body['destinataire'] ?? null })),
    );
    expect(more).toEqual([]);
    expect(only).toMatchObject({
      kind: 'renamed',
      property: 'destinataire',
      to: 'receiver',
      action: 'hold',
      count: 64,
      of: 64,
    });
  });

  it('has a new column and a lost one that hold different things: nobody says that it was renamed', () => {
    expect(brief(drift(changed((body, at) => ({ ...without(body, 'destinataire'), autre: `thing ${at}` }))))).toEqual([
      ['gained', 'autre', null, '', 'report'],
      ['lost', 'destinataire', null, 'receiver', 'hold'],
    ]);
  });

  it('has words where numbers were', () => {
    expect(drift(changed((body, at) => ({ ...body, poids: `about ${at}` })))).toMatchObject([
      { kind: 'retyped', property: 'poids', was: 'number', is: 'text', fields: ['weight'], action: 'hold', count: 100 },
    ]);
    // One in eleven is a handful of bad rows, which are counted one by one.
    expect(drift(changed((body, at) => (at % 11 === 0 ? { ...body, poids: 'heavy' } : body)))).toEqual([]);
  });

  it('counts in another unit', () => {
    const kilograms = changed((body, at) => ({ ...body, poids: `0.${1000 + at}` }));
    expect(drift(kilograms)).toMatchObject([{ kind: 'scaled', property: 'poids', by: -3, action: 'hold' }]);
    expect(drift(changed((body, at) => ({ ...body, poids: `${300 + at * 10}` })))).toEqual([]);
  });

  it('has a value that a column of few values never had, and a name is no such value', () => {
    expect(drift(changed((body, at) => (at === 7 ? { ...body, etat: 'lost' } : body)))).toMatchObject([
      { kind: 'newValue', property: 'etat', action: 'report', count: 1, examples: [digest('lost').slice(0, 16)] },
    ]);
    expect(drift(changed((body, at) => (at === 7 ? { ...body, destinataire: 'New Name' } : body)))).toEqual([]);
  });

  it('is empty in many more rows, from the declared share on', () => {
    const emptied = (share: number) => changed((body, at) => (at < share ? { ...body, destinataire: null } : body));
    expect(drift(emptied(19))).toEqual([]);
    expect(drift(emptied(20))).toMatchObject([
      { kind: 'emptied', property: 'destinataire', by: 20, count: 20, action: 'hold' },
    ]);
    expect(drift(emptied(20), { rules: { emptiedBy: 21 } })).toEqual([]);
  });

  it('knows its records by other keys: nothing of the type is told, and each such change is a question of its own', () => {
    const prefixed = (prefix: string) => changed((body, at) => ({ ...body, numero: `${prefix}${at}` }));
    const [first, ...more] = drift(prefixed('X-'));
    expect(more).toEqual([]);
    expect(first).toMatchObject({
      kind: 'rekeyed',
      property: 'numero',
      fields: ['number'],
      action: 'stop',
      count: 64,
      of: 64,
    });
    const approved = [first?.id ?? ''];
    expect(drift(prefixed('X-'), { approved })).toMatchObject([{ action: 'report', approved: true }]);
    expect(drift(prefixed('Y-'), { before: prefixed('X-'), approved })).toMatchObject([
      { kind: 'rekeyed', approved: false },
    ]);
    expect(drift(prefixed('X-'), { rules: { rekeyed: 'report' } })).toMatchObject([{ action: 'report' }]);
    // A few rows that stay: they came and went.
    expect(drift(changed((body, at) => (at < 50 ? body : { ...body, numero: `X-${at}` })))).toEqual([]);
    // Too few to tell, and a table that is another size altogether.
    expect(drift(prefixed('X-').slice(0, 10), { before: rows(10) })).toEqual([]);
    expect(drift(prefixed('X-'), { before: rows(24) })).toEqual([]);
  });

  it('is declared of another type: told, and held only where its dataset says so', () => {
    const declaring = (declares?: Readonly<Record<string, string>>): NativeShape => ({
      ...shapeOf(rows()),
      ...(declares && { declares }),
    });
    const question = { map, keyProperties: [], approved: new Set<string>(), ...store };
    const agreed = declaring({ numero: 'text', poids: 'numeric(8,1)', interne: 'integer' });
    const now = declaring({ numero: 'text', poids: 'text', interne: 'bigint', neuf: 'text' });
    const told = schemaDrift(agreed, now, { ...question, rules: usualDriftRules });
    expect(told).toMatchObject([
      {
        kind: 'redeclared',
        property: 'poids',
        fields: ['weight'],
        action: 'report',
        declared: { was: 'numeric(8,1)', is: 'text' },
      },
    ]);
    expect(nextShape(agreed, now, told).declares).toEqual(now.declares);
    const held = schemaDrift(agreed, now, { ...question, rules: { ...usualDriftRules, redeclared: 'hold' } });
    expect(held.map(({ action }) => action)).toEqual(['hold']);
    expect(nextShape(agreed, now, held).declares).toEqual({ ...now.declares, poids: 'numeric(8,1)' });
    // To each such change a person says yes by itself.
    const other = schemaDrift(agreed, declaring({ ...now.declares, poids: 'float8' }), {
      ...question,
      rules: usualDriftRules,
      approved: new Set(told.map(({ id }) => id)),
    });
    expect(other).toMatchObject([{ kind: 'redeclared', approved: false }]);
    // Of what was not declared before, or is not now, nothing is known.
    for (const [before, after] of [
      [declaring(), now],
      [agreed, declaring()],
    ] as const)
      expect(schemaDrift(before, after, { ...question, rules: usualDriftRules })).toEqual([]);
  });

  it('follows the rules of its dataset', () => {
    const after = changed((body) => without(body, 'poids'));
    expect(drift(after, { rules: { lost: 'stop' } })).toMatchObject([{ action: 'stop' }]);
    expect(drift(after, { rules: { lost: 'report' } })).toMatchObject([{ action: 'report' }]);
    const gained = changed((body, at) => ({ ...body, neuf: at }));
    expect(drift(gained, { rules: { gained: 'hold' } })).toMatchObject([
      { kind: 'gained', fields: [], action: 'hold' },
    ]);
  });

  it('is reported only once a person approved it, and another drift is another question', () => {
    const after = changed((body) => without(body, 'poids'));
    const [lost] = drift(after);
    expect(drift(after, { approved: [lost?.id ?? ''] })).toMatchObject([{ action: 'report', approved: true }]);
    expect(
      drift(
        changed((body) => without(body, 'etat')),
        { approved: [lost?.id ?? ''] },
      ),
    ).toMatchObject([{ property: 'etat', action: 'hold', approved: false }]);
  });

  it('says nothing where there is nothing to go by', () => {
    expect(drift([])).toEqual([]);
    expect(drift(rows(), { before: [] })).toEqual([]);
    // A property that few objects ever had.
    const rare = changed((body, at) => (at < 15 ? { ...body, note: 'x' } : body));
    expect(drift(rows(), { before: rare })).toEqual([]);
  });
});

describe('what later reads are held against', () => {
  it('stays where something is held, and moves on where it was only reported', () => {
    const [agreed, now] = [shapeOf(rows()), shapeOf(changed((body, at) => ({ ...without(body, 'poids'), neuf: at })))];
    const question = { map, rules: usualDriftRules, keyProperties: ['numero'], approved: new Set<string>(), ...store };
    const next = nextShape(agreed, now, schemaDrift(agreed, now, question));
    expect(Object.keys(next.properties)).toEqual(['destinataire', 'etat', 'interne', 'neuf', 'numero', 'poids']);
    expect(schemaDrift(next, now, question)).toMatchObject([{ kind: 'lost', property: 'poids' }]);
  });

  it('keeps a new name new while it is only proposed', () => {
    const renamed = changed((body) => ({ ...without(body, 'destinataire'), receiver: body['destinataire'] ?? null }));
    const [agreed, now] = [shapeOf(rows()), shapeOf(renamed)];
    const question = { map, rules: usualDriftRules, keyProperties: ['numero'], approved: new Set<string>(), ...store };
    const next = nextShape(agreed, now, schemaDrift(agreed, now, question));
    expect(schemaDrift(next, now, question)).toEqual(schemaDrift(agreed, now, question));
  });
});

describe('a shape', () => {
  it('holds no value', () => {
    const text = JSON.stringify(shapeOf(rows()));
    for (const value of ['Person', 'S-1', 'open', '100.5']) expect(text).not.toContain(`${value}`);
  });

  it('tells what a value is', () => {
    const told = (value: Json) => kindOf(value);
    expect(['', null].map(told)).toEqual([null, null]);
    expect(['1', '-2.5', '1e9', 3, '0.1'].map(told)).toEqual(Array.from({ length: 5 }, () => 'number'));
    expect(['2024-05-01', '2024-05-01T12:00:00Z', '2024-05-01 12:00', 'S-1', '1.2.3', true, [1], {}].map(told)).toEqual(
      ['date', 'instant', 'instant', 'text', 'text', 'boolean', 'list', 'object'],
    );
  });

  it('sees through the marks of what JSON cannot hold: a number of many digits is no object', () => {
    const marks: readonly Json[] = [
      { $number: '9007199254740993' },
      { $int64: '9007199254740993' },
      { $dateTime: '2024-05-01T12:00:00Z' },
      { $text: '12' },
      { $binary: 'AP8=' },
      { $textSet: ['a'] },
      { $numberSet: ['1'] },
      { $list: [1] },
      { $map: { $number: 'x' } },
      { $number: '1', unit: 'kg' },
      { $text: '' },
    ];
    expect(marks.map((mark) => kindOf(mark))).toEqual([
      'number',
      'number',
      'instant',
      'text',
      'text',
      'list',
      'list',
      'list',
      'object',
      'object',
      null,
    ]);
    const [exact, marked] = [
      shapeOf(changed((body, at) => ({ ...body, poids: `90071992547409${10 + at}` }))),
      shapeOf(changed((body, at) => ({ ...body, poids: { $number: `90071992547409${10 + at}` } }))),
    ];
    expect(marked).toEqual(exact);
    expect(marked.properties['poids']?.magnitudes).toEqual({ 15: 90, 16: 10 });
  });

  it('tells how large a number is', () => {
    const texts = ['1500', '0.25', '-0.001', '7', '0', '000', '1e3', '1.5e-7', '00042.1', '.05', '5.', '+12', '-0.0'];
    expect(texts.map(magnitudeOf)).toEqual([
      '3',
      '-1',
      '-3',
      '0',
      'zero',
      'zero',
      '3',
      '-7',
      '1',
      '-2',
      '0',
      '1',
      'zero',
    ]);
  });

  it('samples the same objects whatever their order, and a part of what a smaller sample holds', () => {
    const many = Array.from({ length: 20_000 }, (_, at) => [`id-${at}`, { value: `v${at}` }] as const);
    const shape = (entries: readonly (readonly [string, JsonObject])[]): NativeShape => {
      const counter = new ShapeCounter({ expectedCount: entries.length, digest });
      for (const [id, body] of entries) counter.add(id, body);
      return counter.shape();
    };
    const whole = shape(many);
    expect(shape(many.toReversed())).toEqual(whole);
    expect(whole.sampleBits).toBe(3);
    expect(whole.sampled).toBeGreaterThan(2_000);
    expect(whole.sampled).toBeLessThan(3_000);
    expect(whole.properties['value']?.sample).toHaveLength(64);
  });
});

describe('rows that come, go and change', () => {
  it('never look like a drifted schema, as long as they are like those before', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 400 }), { minLength: 60, maxLength: 200 }),
        fc.uniqueArray(fc.integer({ min: 0, max: 400 }), { minLength: 60, maxLength: 200 }),
        (before, others) => {
          // Of keys that are all others nobody can say that rows came and went.
          const after = [...new Set([...before.slice(0, before.length / 4), ...others])];
          expect(drift(after.map(row), { before: before.map(row) })).toEqual([]);
        },
      ),
      propertyRuns(100),
    );
  });
});
