/** Versions of a type: a map of the version before read in the words of now, agreed values taken along, and nothing lost. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TypeMap } from '../../../core/federation/map.js';
import { TaxonomyType } from '../../../core/federation/taxonomy.js';
import { mapInForm, surfaceInForm } from '../../../core/federation/versions.js';
import type { Json, JsonObject } from '../../../core/json.js';
import { compiledFields } from '../../../core/lens/compiled-map.js';
import { partStep } from '../../../core/lens/part.js';
import {
  isBaseBehind,
  migratedFields,
  migratedHeld,
  requireProvenVersions,
  versionsOfNextBase,
} from '../../../core/migrate-base.js';
import type { Fields } from '../../../core/record.js';
import { translateBack } from '../../../core/translate-back.js';
import { translate } from '../../../core/translate.js';
import { propertyRuns } from '../../support/property-runs.js';

const before = TaxonomyType.parse({
  type: 'shipment',
  key: ['number'],
  fields: {
    number: { kind: 'text' },
    receiver: { kind: 'text' },
    driver: { kind: 'text' },
    state: { kind: 'text' },
    note: { kind: 'text' },
  },
});
const now = TaxonomyType.parse({
  type: 'shipment',
  version: 2,
  key: ['number'],
  fields: {
    number: { kind: 'text' },
    recipient: { kind: 'text' },
    givenName: { kind: 'text' },
    familyName: { kind: 'text' },
    isSent: { kind: 'boolean' },
    toll: { kind: 'text' },
  },
  earlier: {
    moved: {
      recipient: { from: 'receiver' },
      givenName: { from: 'driver', through: [{ part: 'first', at: ' ' }] },
      familyName: { from: 'driver', through: [{ part: 'rest', at: ' ' }] },
      isSent: { from: 'state', through: [{ enum: { sent: true, open: false } }] },
    },
    gone: ['note'],
    added: ['toll'],
  },
});
const oldMap = TypeMap.parse({
  type: 'shipment',
  native: 'envoi',
  lifecycle: 'active',
  fields: {
    number: { path: 'numero' },
    receiver: { path: 'destinataire' },
    driver: { path: 'chauffeur' },
    state: { path: 'etat', through: [{ enum: { parti: 'sent', ouvert: 'open' } }] },
    note: { path: 'note' },
  },
});
const newMap = mapInForm(oldMap, now);
const surface = Object.keys(now.fields);
const references = { resolve: () => null, resolveBack: () => null };

const told = (map: TypeMap, taxonomy: TaxonomyType, body: JsonObject, fields: readonly string[]): Fields => {
  const translation = translate({
    object: { type: 'envoi', id: '1', body },
    map,
    taxonomy,
    surface: fields,
    key: 'k',
    resolve: () => null,
  });
  if (translation.kind !== 'record') throw new Error(translation.reason);
  expect(translation.roundTrips).toBe(true);
  return translation.record.fields;
};

const text = fc.oneof(
  fc.constant(null),
  fc.string({ minLength: 1, maxLength: 12 }),
  fc.constantFrom('Ann Lee', ' ', 'A  B', 'x '),
);
const state = fc.constantFrom(null, 'parti', 'ouvert');
const native = fc
  .record({ numero: fc.string({ minLength: 1 }), destinataire: text, chauffeur: text, etat: state, note: text })
  .map((body): JsonObject => body);

describe('a map of the version before', () => {
  it('is read in the words of now, and tells nothing of fields that its version did not have', () => {
    expect(newMap.fields).toEqual({
      number: { path: 'numero' },
      recipient: { path: 'destinataire' },
      givenName: { path: 'chauffeur', through: [{ part: 'first', at: ' ' }] },
      familyName: { path: 'chauffeur', through: [{ part: 'rest', at: ' ' }] },
      isSent: {
        path: 'etat',
        through: [{ enum: { parti: 'sent', ouvert: 'open' } }, { enum: { sent: true, open: false } }],
      },
    });
    expect(mapInForm(oldMap, now)).toBe(newMap);
    const current = { ...oldMap, version: 2 };
    expect(mapInForm(current, now)).toBe(current);
    expect(
      surfaceInForm(
        {
          fields: { number: 'clear', driver: 'digest', receiver: 'clear' },
          where: [{ field: 'receiver', equals: 'x' }],
        },
        now,
      ),
    ).toEqual({
      fields: { number: 'clear', recipient: 'clear', givenName: 'digest', familyName: 'digest' },
      where: [{ field: 'recipient', equals: 'x' }],
    });
  });

  it('keeps the laws of lenses for every value, and writes only what was changed', () => {
    fc.assert(
      fc.property(native, text, text, (body, given, family) => {
        const fields = told(newMap, now, body, surface);
        expect(Object.keys(fields).sort()).toEqual(['familyName', 'givenName', 'isSent', 'number', 'recipient']);
        const back = translateBack({
          changes: { givenName: given, familyName: family },
          native: body,
          map: newMap,
          taxonomy: now,
          ...references,
        });
        // What holds the separator is refused, and nothing is cut.
        const isHeld = given === null || !given.includes(' ');
        expect(back.kind).toBe(isHeld ? 'body' : 'refused');
        if (back.kind !== 'body') return;
        expect({ ...back.after, chauffeur: null }).toEqual({ ...body, chauffeur: null });
        expect(told(newMap, now, back.after, surface)).toEqual({ ...fields, givenName: given, familyName: family });
      }),
      propertyRuns(60),
    );
  });

  it('says what the agreed values say that were taken along: who stands still does not look changed', () => {
    fc.assert(
      fc.property(native, (body) => {
        const agreed = told(oldMap, before, body, Object.keys(before.fields));
        expect(migratedFields(agreed, now)).toEqual(told(newMap, now, body, surface));
      }),
      propertyRuns(60),
    );
  });
});

describe('agreed values of the version before', () => {
  it('are all told anew: what a text was made of can be put together again', () => {
    fc.assert(
      fc.property(text, text, state, (receiver, driver, stands) => {
        const agreed = {
          number: 'S-1',
          receiver,
          driver,
          state: stands === 'parti' ? 'sent' : stands === null ? null : 'open',
        };
        const next = migratedFields(agreed, now);
        expect(next['recipient']).toBe(receiver);
        expect(next['isSent']).toBe(stands === null ? null : stands === 'parti');
        let whole: Json | undefined;
        for (const [part, field] of [
          ['first', 'givenName'],
          ['rest', 'familyName'],
        ] as const) {
          const put = partStep({ part, at: ' ' }).put(next[field] ?? null, whole, references);
          if (put.kind === 'value') whole = put.value;
        }
        // Only a separator that nothing follows cannot be told from none.
        const lossless =
          driver !== null && driver.endsWith(' ') && driver.indexOf(' ') === driver.length - 1
            ? driver.slice(0, -1) || null
            : driver;
        expect(whole ?? null).toBe(lossless);
      }),
      propertyRuns(60),
    );
  });

  it('leave out what cannot be told, which is then agreed on afresh', () => {
    expect(migratedFields({ number: 'S-1', state: 'lost', driver: true, note: 'x' }, now)).toEqual({ number: 'S-1' });
    expect(migratedHeld({ lyon: ['number', 'driver', 'note'], oslo: ['receiver'] }, now)).toEqual({
      lyon: ['number', 'givenName', 'familyName'],
      oslo: ['recipient'],
    });
  });

  it('are of the version that the base names, and versions are agreed on one by one', () => {
    const types = [{ type: 'shipment', count: 3 }] as never;
    expect(isBaseBehind(null, now)).toBe(false);
    expect(isBaseBehind({ types: [] }, now)).toBe(false);
    expect(isBaseBehind({ types }, before)).toBe(false);
    expect(isBaseBehind({ types }, now)).toBe(true);
    expect(isBaseBehind({ types, versions: { shipment: 2 } }, now)).toBe(false);
    expect(() => isBaseBehind({ types }, { ...now, version: 3 })).toThrow(/versions are agreed on one by one/);
    expect(() => isBaseBehind({ types, versions: { shipment: 2 } }, before)).toThrow(
      /versions are agreed on one by one/,
    );
    expect(versionsOfNextBase([{ taxonomy: before }])).toBeUndefined();
    expect(versionsOfNextBase([{ taxonomy: before }, { taxonomy: now }])).toEqual({ shipment: 2 });
  });
});

it('a version is proven by every record of the run that takes it up, or nobody is asked', () => {
  const base = { types: [{ type: 'shipment', count: 3 }] as never };
  const snapshot = { authority: 'lyon', lossy: [], untranslatable: [] };
  const field = { type: 'shipment', reason: 'r', count: 2 };
  const types = [{ taxonomy: now }];
  const prove = (said: object) => () => requireProvenVersions(types, base, [snapshot, { ...snapshot, ...said }]);
  expect(prove({})).not.toThrow();
  expect(prove({ lossy: [{ type: 'shipment', count: 2 }] })).toThrow(/2 of lyon do not come back as they were/);
  expect(prove({ untranslatable: [{ ...field, field: 'isSent' }] })).toThrow(/2 of lyon cannot tell isSent/);
  // What could not be told before either is no fault of the version.
  expect(prove({ untranslatable: [{ ...field, field: 'number' }] })).not.toThrow();
  expect(prove({ lossy: [{ type: 'crate', count: 2 }] })).not.toThrow();
  expect(() =>
    requireProvenVersions(types, { ...base, versions: { shipment: 2 } }, [
      { ...snapshot, lossy: [{ type: 'shipment', count: 2 }] },
    ]),
  ).not.toThrow();
});

it('a part keeps the laws for every separator, also one that overlaps with itself', () => {
  const short = fc.string({ maxLength: 4, unit: fc.constantFrom('a', 'b') });
  fc.assert(
    fc.property(
      fc.constantFrom('first' as const, 'rest' as const),
      fc.string({ minLength: 1, maxLength: 3, unit: fc.constantFrom('a', 'b') }),
      fc.option(short),
      fc.option(short),
      (part, at, whole, wanted) => {
        const lens = partStep({ part, at });
        const other = partStep({ part: part === 'first' ? 'rest' : 'first', at });
        const got = lens.get(whole, references);
        if (got.kind !== 'value') throw new Error('every text has parts');
        expect(lens.put(got.value, whole, references)).toEqual({ kind: 'value', value: whole });
        const put = lens.put(wanted, whole, references);
        if (put.kind === 'refused') return;
        expect(lens.get(put.value, references)).toEqual({ kind: 'value', value: wanted });
        expect(other.get(put.value, references)).toEqual(other.get(whole, references));
      },
    ),
    propertyRuns(100),
  );
  expect(compiledFields(newMap, now).map(({ name }) => name)).toEqual([
    'familyName',
    'givenName',
    'isSent',
    'number',
    'recipient',
  ]);
});
