/** The lens laws, for every step alone and for random compositions (core/lens/contract.ts). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FieldMap, LensStep } from '../../core/federation/map.js';
import type { FieldKind } from '../../core/federation/taxonomy.js';
import type { Json, JsonObject } from '../../core/json.js';
import { isWellFormed } from '../../core/lens/text.js';
import { fieldLens, fieldMapProblem, stepLens, type Lens, type References } from '../../core/lens.js';
import { fullRuns } from '../support/property-runs.js';

/** u7 and up have no link; u5 and u6 stand for one key; k-lie leads to an object that stands for another key. */
const references: References = {
  resolve: (type, id) => {
    const number = Number(id.slice(1));
    if (type === 'team') return id === 'g/0' ? 'k0' : null;
    return type === 'person' && id.startsWith('u') && number < 7 ? `k${Math.min(number, 5)}` : null;
  },
  resolveBack: (type, key) => {
    if (key === 'k-lie' && type === 'person') return 'u0';
    const number = Number(key.slice(1));
    if (type === 'team') return key === 'k0' ? 'g/0' : null;
    return type === 'person' && key.startsWith('k') && number < 6 ? `u${number}` : null;
  },
};

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.string({
    unit: fc.constantFrom('=', 'A', 'a', '4', '1', 'C', '3', '2', '7', "'", 'é', ' ', '😀', '&'),
    maxLength: 8,
  }),
  fc.constantFrom('', 'on', 'off', 'ON', "O'Brien", 'R&D', 'a=b', '=41', '=27', '=C3=A9', '=c3', 'e\u0301'),
  fc.array(fc.integer({ min: 0xd7f0, max: 0xe010 }), { maxLength: 3 }).map((units) => String.fromCharCode(...units)),
);
const nativeIds = fc.array(fc.constantFrom('u0', 'u1', 'u5', 'u6', 'u7', 'u8', 'x'), { maxLength: 6 });
const links = fc.constantFrom(
  'user/u0',
  'user/u5',
  'user/u6',
  'user/u8',
  'group/g/0',
  'role/r0',
  'person/k0',
  'person/k5',
  'person/k9',
  'person/k-lie',
  'team/k0',
  'team/',
  '/k0',
  'user',
);
const keys = fc.array(fc.constantFrom('k0', 'k1', 'k5', 'k9', 'k-lie'), { maxLength: 4 });
const anyJson: fc.Arbitrary<Json> = fc.oneof(
  anyText,
  links,
  fc.boolean(),
  fc.constantFrom<Json>(null, 7, {}, []),
  nativeIds,
  keys,
  keys.map((list) => [...new Set(list)].sort()),
  fc.array(anyText, { maxLength: 4 }),
);

const enumStep: LensStep = { enum: { on: true, off: false, none: null, ON: 'upper', nest: { deep: ['x'] } } };
const steps: readonly LensStep[] = [
  { fold: 'lower' },
  enumStep,
  { enum: { a: 'A', A: 'a', on: 'on' } },
  { escape: 'iam-tag' },
  { set: true },
  { references: 'person' },
  { emptyAs: 'null' },
  { maxLength: 3, loss: 'the mesh keeps three characters' },
  { reference: { user: 'person', group: 'team' } },
  { table: { on: ['ON', 'on'], 'a=b': ['', 'off'], gone: [] } },
  { table: { on: ['ON'], "O'Brien": ['on', 'R&D'] }, else: 'setAside' },
];

function holdLaws<Source>(lens: Lens<Source>, source: Source, wanted: Json): 'accepted' | 'refused' {
  const got = lens.get(source, references);
  if (got.kind === 'value') {
    expect(lens.put(got.value, source, references), 'GetPut').toEqual({ kind: 'value', value: source });
  }
  const put = lens.put(wanted, source, references);
  if (put.kind === 'refused') {
    expect(put.reason).not.toBe('');
    return 'refused';
  }
  const again = lens.get(put.value, references);
  expect(again.kind === 'value' ? again.value : again, 'PutGet').toEqual(wanted);
  return 'accepted';
}

describe.each(steps.map((step) => ({ name: JSON.stringify(step), step })))('the step $name', ({ step }) => {
  const lens = stepLens(step);

  test('keeps GetPut and PutGet over any source and value', () => {
    fc.assert(
      fc.property(anyJson, anyJson, (source, wanted) => void holdLaws(lens, source, wanted)),
      fullRuns(2000),
    );
  });

  test('keeps PutGet where there is no source yet', () => {
    fc.assert(
      fc.property(anyJson, (wanted) => {
        const put = lens.put(wanted, undefined, references);
        if (put.kind === 'value')
          expect(lens.get(put.value, references)).toMatchObject({ kind: 'value', value: wanted });
      }),
      fullRuns(1000),
    );
  });

  test('accepts every value of its range: what it gets from one source can be put onto any other', () => {
    fc.assert(
      fc.property(anyJson, anyJson, (other, source) => {
        const got = lens.get(other, references);
        fc.pre(got.kind === 'value');
        if (got.kind !== 'value') return;
        // Two bounds of a range do not show in what is read: a length, and text that no cloud can hold.
        const text = typeof got.value === 'string' ? got.value : '';
        if ('maxLength' in step) fc.pre(text.length <= step.maxLength);
        if ('escape' in step) fc.pre(isWellFormed(text));
        expect(holdLaws(lens, source, got.value)).toBe('accepted');
      }),
      fullRuns(1000),
    );
  });
});

describe('any composition of a location, steps and a kind', () => {
  const kinds: fc.Arbitrary<FieldKind> = fc.constantFrom<FieldKind>(
    { kind: 'text', equality: 'exact', sensitivity: 'public' },
    { kind: 'text', equality: 'caseInsensitive', sensitivity: 'public' },
    { kind: 'boolean', sensitivity: 'public' },
    { kind: 'set', of: 'text', sensitivity: 'public' },
    { kind: 'set', of: 'person', sensitivity: 'public' },
    { kind: 'reference', of: ['person', 'team'], sensitivity: 'public' },
  );
  const through = fc.array(fc.constantFrom(...steps), { maxLength: 3 });
  const fieldMaps: fc.Arbitrary<FieldMap> = fc.oneof(
    fc.record({ path: fc.constantFrom('mail', 'members', 'deep.er', '__proto__.x', 'Tags'), through }),
    fc.record({ tag: fc.constantFrom('mail', 'Mail', '__proto__', 'constructor'), through }),
    fc.record({ constant: anyJson }),
  );
  const bodies: fc.Arbitrary<JsonObject> = fc
    .dictionary(
      fc.constantFrom('mail', 'members', 'deep', 'Tags', 'other'),
      fc.oneof(anyJson, fc.dictionary(fc.constantFrom('er', 'mail', 'MAIL', 'constructor'), anyJson, { maxKeys: 3 })),
      { maxKeys: 4 },
    )
    .map((body) => ({ ...body }));

  test.each(['user', 'group'])('keeps GetPut and PutGet and throws nothing, in a %s', (native) => {
    const seen = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(fieldMaps, kinds, bodies, anyJson, (map, kind, body, wanted) => {
        const before = JSON.stringify(body);
        const lens = fieldLens(map, kind, native);
        seen[holdLaws(lens, body, wanted)]++;
        const got = lens.get(body, references);
        const put = got.kind === 'value' ? lens.put(got.value, body, references) : null;
        expect(lens.getAndPut(body, references), 'both in one go').toEqual({ got, put });
        holdLaws(fieldLens(map, kind, native), {}, wanted);
        expect(JSON.stringify(body), 'the source is left alone').toBe(before);
      }),
      fullRuns(8000),
    );
    // Otherwise the property would say nothing.
    expect(seen.accepted).toBeGreaterThan(fullRuns(250).numRuns);
    expect(seen.refused).toBeGreaterThan(500);
  });

  test.each(['user', 'group'])('keeps PutGet for values that other objects of the mesh hold, in a %s', (native) => {
    let accepted = 0;
    fc.assert(
      fc.property(fieldMaps, kinds, bodies, bodies, (map, kind, other, body) => {
        if (fieldMapProblem(map, kind) !== null) return;
        const lens = fieldLens(map, kind, native);
        const got = lens.get(other, references);
        if (got.kind === 'value' && holdLaws(lens, body, got.value) === 'accepted') accepted++;
      }),
      fullRuns(6000),
    );
    expect(accepted).toBeGreaterThan(fullRuns(250).numRuns);
  });
});
