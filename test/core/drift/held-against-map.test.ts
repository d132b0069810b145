/** What a shape says of the map that reads it, where no earlier one says what was there. */
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { usualDriftRules, type DriftRules } from '../../../core/drift/drift-rules.js';
import type { NativeShape } from '../../../core/drift/native-shape.js';
import { pathsOf } from '../../../core/drift/paths-read.js';
import { nextShape, schemaDrift, type DriftQuestion, type SchemaDrift } from '../../../core/drift/schema-drift.js';
import { ShapeCounter } from '../../../core/drift/shape-counter.js';
import { mayHaveEmptied } from '../../../core/drift/value-changes.js';
import type { TypeMap } from '../../../core/federation/map.js';
import type { FieldKind } from '../../../core/federation/taxonomy.js';
import type { JsonObject } from '../../../core/json.js';

const map: TypeMap = {
  type: 'shipment',
  native: 'envoi',
  lifecycle: 'active',
  fields: {
    number: { path: 'numero' },
    weight: { path: 'poids' },
    city: { path: 'addr.city' },
    street: { path: 'addr.street' },
    fragile: { path: 'fragile', through: [{ enum: { j: true, n: false } }] },
  },
  create: {},
  ignore: ['interne'],
  deletionMayRemove: [],
};
const text: FieldKind = { kind: 'text', equality: 'exact', sensitivity: 'public' };
const kinds: Readonly<Record<string, FieldKind>> = {
  number: text,
  weight: { kind: 'decimal', sensitivity: 'public' },
  city: text,
  street: text,
  fragile: { kind: 'boolean', sensitivity: 'public' },
};

const nothing: NativeShape = { objects: 0, sampled: 0, sampleBits: 0, properties: {} };
function shapeOf(rows: readonly JsonObject[]): NativeShape {
  const digest = (of: string): string => createHmac('sha256', 'a key').update(of).digest('hex');
  const counter = new ShapeCounter({ expectedCount: rows.length, digest, paths: pathsOf(map) });
  for (const [at, row] of rows.entries()) counter.add(`id-${at}`, row);
  return counter.shape();
}
const row = (at: number): JsonObject => ({
  numero: `S-${at}`,
  poids: 10 + at,
  addr: { city: `City ${at}`, street: `Street ${at}` },
  fragile: 'j',
});
const rows = (change: (body: JsonObject, at: number) => JsonObject = (body) => body, count = 60): NativeShape =>
  shapeOf(Array.from({ length: count }, (_, at) => change(row(at), at)));
const without = (body: JsonObject, ...names: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(body).filter(([property]) => !names.includes(property)));
const inside = (body: JsonObject, change: (address: JsonObject) => JsonObject): JsonObject => ({
  ...body,
  addr: change(body['addr'] as JsonObject),
});

const question = (given: Partial<DriftQuestion> = {}): DriftQuestion => ({
  map,
  kinds,
  rules: usualDriftRules,
  keyProperties: ['numero'],
  approved: new Set(),
  hasColumns: false,
  mayEmpty: new Set(),
  ...given,
});
const drift = (agreed: NativeShape, now: NativeShape, given: Partial<DriftQuestion> = {}): readonly SchemaDrift[] =>
  schemaDrift(agreed, now, question(given));
const brief = (drifts: readonly SchemaDrift[]) =>
  drifts.map(({ kind, property, fields, action }) => [kind, property, fields.join(' '), action].join(' '));

describe('inside of objects', () => {
  it('a property that is gone is lost, and one that holds what it held is its new name', () => {
    expect(
      brief(
        drift(
          rows(),
          rows((body) => inside(body, (addr) => without(addr, 'city'))),
        ),
      ),
    ).toEqual(['lost addr.city city hold']);
    const renamed = rows((body) => inside(body, (addr) => ({ ...without(addr, 'city'), town: addr['city'] ?? null })));
    expect(drift(rows(), renamed)).toMatchObject([
      { kind: 'renamed', property: 'addr.city', to: 'addr.town', fields: ['city'], action: 'hold' },
    ]);
  });

  it('what befell the object is said once', () => {
    const renamed = rows((body) => ({ ...without(body, 'addr'), adresse: body['addr'] ?? null }));
    expect(drift(rows(), renamed)).toMatchObject([
      { kind: 'renamed', property: 'addr', to: 'adresse', fields: ['city', 'street'], action: 'hold' },
    ]);
    expect(
      brief(
        drift(
          rows(),
          rows((body) => without(body, 'addr')),
        ),
      ),
    ).toEqual(['lost addr city street hold']);
    expect(
      brief(
        drift(
          rows(),
          rows((body) => ({ ...body, addr: null })),
        ),
      ),
    ).toEqual(['emptied addr city street hold', 'lost addr.city city hold', 'lost addr.street street hold']);
  });

  it('values are looked at like others', () => {
    const emptied = rows((body, at) => (at < 30 ? inside(body, (addr) => ({ ...addr, city: '' })) : body));
    expect(brief(drift(rows(), emptied))).toEqual(['emptied addr.city city hold']);
    const numbers = rows((body, at) => inside(body, (addr) => ({ ...addr, city: at })));
    expect(brief(drift(rows(), numbers))).toEqual(['retyped addr.city city hold']);
  });

  it('what nobody counted before is not new, and what lies beside it from then on is', () => {
    const before = { ...rows(), properties: Object.fromEntries(topOf(rows())) };
    expect(drift(before, rows())).toEqual([]);
    const more = rows((body) => inside(body, (addr) => ({ ...addr, zip: '1' })));
    expect(brief(drift(rows(), more))).toEqual(['gained addr.zip  report']);
  });
});
const topOf = (shape: NativeShape) => Object.entries(shape.properties).filter(([property]) => !property.includes('.'));

describe('at first contact', () => {
  it('a shape that fits its map has nothing to say', () => expect(drift(nothing, rows())).toEqual([]));

  it('a path that nothing has is held where another property could be it', () => {
    const renamed = rows((body) => ({ ...without(body, 'poids'), vekt: body['poids'] ?? null }));
    expect(drift(nothing, renamed)).toMatchObject([
      { kind: 'lost', property: 'poids', fields: ['weight'], action: 'hold', count: 0, of: 60 },
      { kind: 'gained', property: 'vekt', fields: [], action: 'report', count: 60, of: 60 },
    ]);
    // A number is no yes and no, what is ignored is known, and what the map reads it reads elsewhere.
    const others: readonly JsonObject[] = [{ note: 'words' }, { interne: 7 }, { liste: [1] }, { vide: null }, {}];
    for (const other of others)
      expect(
        brief(
          drift(
            nothing,
            rows((body) => ({ ...without(body, 'poids'), ...other })),
          ),
        ),
      ).toEqual(['lost poids weight report']);
  });

  it('a path inside of an object is held where something beside it could be it', () => {
    const renamed = rows((body) => inside(body, (addr) => ({ ...without(addr, 'city'), town: addr['city'] ?? null })));
    expect(brief(drift(nothing, renamed))).toEqual(['lost addr.city city hold', 'gained addr.town  report']);
    expect(
      brief(
        drift(
          nothing,
          rows((body) => inside(body, (addr) => without(addr, 'city'))),
        ),
      ),
    ).toEqual(['lost addr.city city report']);
  });

  it('it is held where the store says which columns there are, and where others could be emptied', () => {
    const now = rows((body) => without(body, 'fragile'));
    expect(brief(drift(nothing, now))).toEqual(['lost fragile fragile report']);
    expect(brief(drift(nothing, now, { hasColumns: true }))).toEqual(['lost fragile fragile hold']);
    expect(brief(drift(nothing, now, { mayEmpty: new Set(['fragile']) }))).toEqual(['lost fragile fragile hold']);
    expect(
      brief(
        drift(
          nothing,
          rows((body) => without(body, 'numero')),
        ),
      ),
    ).toEqual(['lost numero number hold']);
  });

  it('few objects of a store without a schema say nothing, and one row of a table says it all', () => {
    const now = rows((body) => ({ ...without(body, 'poids'), vekt: body['poids'] ?? null }), 4);
    expect(drift(nothing, now)).toEqual([]);
    expect(brief(drift(nothing, now, { hasColumns: true }))).toContain('lost poids weight hold');
    expect(brief(drift(nothing, now, { mayEmpty: new Set(['weight']) }))).toContain('lost poids weight hold');
  });

  it('follows the rules: who says stop is not overruled, and who says report is told', () => {
    const now = rows((body) => without(body, 'fragile'));
    const rules = (lost: DriftRules['lost']) => ({ rules: { ...usualDriftRules, lost } });
    expect(brief(drift(nothing, now, rules('stop')))).toEqual(['lost fragile fragile stop']);
    expect(brief(drift(nothing, now, { hasColumns: true, ...rules('report') }))).toEqual([
      'lost fragile fragile report',
    ]);
  });

  it('what the map can read of nearly no object is of another kind', () => {
    const unreadable = (count: number): NativeShape => {
      const shape = rows((body) => ({ ...body, poids: 'heavy' }));
      const poids = shape.properties['poids'];
      return {
        ...shape,
        properties: { ...shape.properties, ...(poids ? { poids: { ...poids, unreadable: count } } : {}) },
      };
    };
    expect(drift(nothing, unreadable(54))).toMatchObject([
      {
        kind: 'retyped',
        property: 'poids',
        fields: ['weight'],
        action: 'hold',
        was: null,
        is: 'text',
        count: 54,
        of: 60,
      },
    ]);
    expect(drift(nothing, unreadable(53))).toEqual([]);
    // The kind of before says more.
    expect(drift(rows(), unreadable(60))).toMatchObject([{ kind: 'retyped', was: 'number', is: 'text' }]);
    // It is held before it was agreed on, and is neither new nor known in the next run.
    const next = nextShape(nothing, unreadable(60), drift(nothing, unreadable(60)));
    expect(drift(next, unreadable(60))).toEqual(drift(nothing, unreadable(60)));
  });
});

describe('after an agreement', () => {
  it('what was reported is known, and what was held stays held', () => {
    const absent = rows((body) => without(body, 'fragile'));
    const reported = nextShape(nothing, absent, drift(nothing, absent));
    expect(drift(reported, absent, { mayEmpty: new Set(['fragile']) })).toEqual([]);
    // It comes up in some, which is nothing new: the map has looked for it all along.
    expect(
      drift(
        reported,
        rows((body, at) => (at < 5 ? body : without(body, 'fragile'))),
      ),
    ).toEqual([]);
    // Also after the next agreement, of which it is no news.
    const later = nextShape(reported, absent, []);
    expect(drift(later, absent, { mayEmpty: new Set(['fragile']) })).toEqual([]);
    expect(nextShape(later, rows(), []).properties['fragile']).toEqual(rows().properties['fragile']);
    const note = rows((body) => ({ ...body, note: 'n' }));
    expect(Object.keys(nextShape(note, rows(), drift(note, rows())).properties)).not.toContain('note');
    const held = nextShape(nothing, absent, drift(nothing, absent, { hasColumns: true }));
    expect(brief(drift(held, absent, { hasColumns: true }))).toEqual(['lost fragile fragile hold']);
  });

  it('a map that looks where nothing is empties nothing', () => {
    const moved = { ...map, fields: { ...map.fields, weight: { path: 'pois' } } };
    expect(brief(drift(rows(), rows(), { map: moved, mayEmpty: new Set(['weight']) }))).toEqual([
      'lost pois weight hold',
    ]);
  });

  it('who approved that a property was never there did not approve that it goes', () => {
    const absent = rows((body) => without(body, 'fragile'));
    const [never] = drift(nothing, absent, { hasColumns: true });
    const approved = new Set([never?.id ?? '']);
    expect(drift(nothing, absent, { hasColumns: true, approved })).toMatchObject([
      { action: 'report', approved: true },
    ]);
    expect(drift(rows(), absent, { hasColumns: true, approved })).toMatchObject([{ action: 'hold', approved: false }]);
  });
});

describe('values that few objects have', () => {
  const some = (count: number, of = 1_000) => rows((body, at) => (at < count ? body : without(body, 'fragile')), of);

  it('are lost where nearly all of them go, whatever share they were', () => {
    expect(brief(drift(some(30), some(0, 1_000)))).toEqual(['lost fragile fragile hold']);
    expect(brief(drift(some(30), some(3)))).toEqual(['emptied fragile fragile hold']);
    expect(drift(some(30), some(4))).toEqual([]);
    // In a table they are null then.
    const nulls = (count: number) => rows((body, at) => (at < count ? body : { ...body, fragile: null }), 1_000);
    expect(brief(drift(nulls(30), nulls(0)))).toEqual(['emptied fragile fragile hold']);
  });

  it('may go by chance where they are fewer than twenty, and with the objects that had them', () => {
    expect(drift(some(19), some(0))).toEqual([]);
    expect(brief(drift(some(20), some(0)))).toEqual(['lost fragile fragile hold']);
    // Of half of the objects half of the values are expected.
    expect(drift(some(38), some(0, 500))).toEqual([]);
    expect(brief(drift(some(40), some(0, 500)))).toEqual(['lost fragile fragile hold']);
    // Three times the objects, and none of the values gone.
    expect(drift(some(20, 100), some(20, 1_000)).map(({ kind }) => kind)).not.toContain('lost');
  });
});

describe('changes of so few objects that no shape is counted', () => {
  const shape = rows((body, at) => (at < 30 ? body : without(body, 'fragile')), 100);
  const paths = pathsOf(map);
  const empty = (count: number): readonly (JsonObject | null)[] =>
    Array.from({ length: count }, (_, at) => (at % 2 === 0 ? null : { ...without(row(at), 'fragile') }));

  it('may have taken nearly all values that few objects had, together with those before', () => {
    expect(mayHaveEmptied(shape, paths, 0, empty(27))).toBe(true);
    expect(mayHaveEmptied(shape, paths, 0, empty(26))).toBe(false);
    expect(mayHaveEmptied(shape, paths, 10, empty(17))).toBe(true);
    expect(mayHaveEmptied(shape, paths, 10, empty(16))).toBe(false);
    // Those that still have one took none.
    expect(
      mayHaveEmptied(
        shape,
        paths,
        0,
        Array.from({ length: 60 }, (_, at) => row(at)),
      ),
    ).toBe(false);
    expect(mayHaveEmptied(shape, ['numero'], 0, empty(27))).toBe(false);
  });

  it('are looked at inside of objects', () => {
    const few = rows((body, at) => (at < 25 ? body : inside(body, (addr) => without(addr, 'city'))), 100);
    const gone = Array.from({ length: 24 }, (_, at) => inside(row(at), (addr) => ({ ...addr, city: null })));
    expect(mayHaveEmptied(few, paths, 0, gone)).toBe(true);
    expect(
      mayHaveEmptied(
        few,
        paths,
        0,
        gone.map((_, at) => row(at)),
      ),
    ).toBe(false);
  });
});
