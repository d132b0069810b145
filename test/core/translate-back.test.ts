import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TypeMap } from '../../core/federation/map.js';
import { TaxonomyType } from '../../core/federation/taxonomy.js';
import type { Json, JsonObject } from '../../core/json.js';
import type { Fields } from '../../core/record.js';
import { applySetChange, translateBack, type TranslationBack } from '../../core/translate-back.js';
import { translate } from '../../core/translate.js';
import {
  awsBody,
  awsPerson,
  entraBody,
  entraPerson,
  entraTeam,
  person,
  references,
  team,
} from './translate-fixtures.js';
import { fullRuns } from '../support/property-runs.js';

function back(changes: Fields, native: JsonObject | null, map: TypeMap = entraPerson): TranslationBack {
  return translateBack({ changes, native, map, taxonomy: map.type === 'team' ? team : person, ...references });
}

describe('translateBack onto an object', () => {
  test('changes what is named and keeps every other native spelling', () => {
    expect(back({ title: "Head of R&D = 'all'" }, awsBody, awsPerson)).toEqual({
      kind: 'body',
      after: {
        ...awsBody,
        Tags: { ...(awsBody['Tags'] as JsonObject), title: 'Head of R=26D =3D =27all=27' },
      },
    });
  });

  test('keeps the native case of a mail that did not change, and writes one that did', () => {
    expect(back({ mail: 'siobhan.obrien@example.org' }, entraBody)).toEqual({ kind: 'body', after: entraBody });
    expect(back({ mail: 's.ob@example.org' }, entraBody)).toMatchObject({ after: { mail: 's.ob@example.org' } });
  });

  test('clears a property with null, and removes a tag', () => {
    expect(back({ title: null }, entraBody)).toEqual({ kind: 'body', after: { ...entraBody, jobTitle: null } });
    expect(back({ title: null, mail: null, name: null }, awsBody, awsPerson)).toMatchObject({ after: { Tags: {} } });
  });

  test.each<[string, Fields, TypeMap, string, string]>([
    ['a constant that would have to change', { active: false }, awsPerson, 'active', 'valueNotRepresentable'],
    ['a value longer than declared', { name: 'x'.repeat(257) }, awsPerson, 'name', 'valueNotRepresentable'],
    ['a value that the taxonomy does not allow', { active: 'yes' }, entraPerson, 'active', 'valueNotRepresentable'],
    ['upper case where case does not count', { mail: 'A@x' }, entraPerson, 'mail', 'valueNotRepresentable'],
    ['the empty text where it is null', { name: '' }, entraPerson, 'name', 'valueNotRepresentable'],
    ['a field without a place', { shoeSize: '43' }, entraPerson, 'shoeSize', 'valueNotRepresentable'],
  ])('refuses %s and names the field', (_, changes, map, field, code) => {
    expect(back(changes, map === awsPerson ? awsBody : entraBody, map)).toMatchObject({ kind: 'refused', field, code });
  });

  test('refuses to write over what it cannot read', () => {
    expect(back({ title: 'x' }, { ...entraBody, jobTitle: 7 })).toMatchObject({ code: 'expectationFailed' });
    expect(back({ members: ['p1'] }, { displayName: 'Core' }, entraTeam)).toMatchObject({ code: 'expectationFailed' });
  });

  test('refuses a change that would move another field with it', () => {
    const map = TypeMap.parse({
      ...entraPerson,
      fields: { mail: { path: 'mail' }, title: { path: 'mail' } },
    });
    expect(back({ mail: 'new@x' }, { mail: 'old@x' }, map)).toMatchObject({ kind: 'refused', field: 'title' });
    expect(back({ mail: 'a@x', title: 'b@x' }, { mail: 'old@x' }, map)).toMatchObject({
      kind: 'refused',
      field: 'mail',
    });
  });
});

describe('translateBack of members', () => {
  const native = { displayName: 'Core', members: ['id-anna', 'id-gone'] };

  test('replaces the members that have keys and keeps the ids that have none', () => {
    expect(back({ members: ['p2'] }, native, entraTeam)).toEqual({
      kind: 'body',
      after: { displayName: 'Core', members: ['id-bob', 'id-gone'] },
    });
    expect(back({ members: [] }, native, entraTeam)).toMatchObject({ after: { members: ['id-gone'] } });
  });

  test('waits for a member that this mesh does not hold yet', () => {
    expect(back({ members: ['p1', 'p9'] }, native, entraTeam)).toMatchObject({
      kind: 'refused',
      field: 'members',
      code: 'dependencyNotMet',
    });
  });

  test('makes a team with and without members', () => {
    expect(back({ name: 'New', members: ['p1', 'p2'] }, null, entraTeam)).toEqual({
      kind: 'body',
      after: { displayName: 'New', members: ['id-anna', 'id-bob'] },
    });
    expect(back({ name: 'New', members: [] }, null, entraTeam)).toEqual({
      kind: 'body',
      after: { displayName: 'New', members: [] },
    });
  });
});

describe('translateBack into a new object', () => {
  const changes = { mail: "o'brien@example.org", name: "Siobh\u00e1n O'Brien", title: null, active: true };

  test('adds what the map says that a new object needs', () => {
    expect(back(changes, null)).toEqual({
      kind: 'body',
      after: {
        mail: "o'brien@example.org",
        displayName: "Siobh\u00e1n O'Brien",
        accountEnabled: true,
        userPrincipalName: "o'brien@contoso.example",
        passwordProfile: { forceChangePasswordNextSignIn: true },
      },
    });
    expect(back(changes, null, awsPerson)).toEqual({
      kind: 'body',
      after: {
        UserName: "o'brien@example.org",
        Path: '/people/',
        Tags: { mail: 'o=27brien@example.org', name: 'Siobh\u00e1n O=27Brien' },
      },
    });
  });

  test.each<[string, Json | undefined]>([
    ['missing', undefined],
    ['null', null],
  ])('refuses a template whose field is %s', (_, mail) => {
    const { mail: _mail, ...others } = changes;
    const answer = back(mail === undefined ? others : { ...others, mail }, null);
    expect(answer).toMatchObject({ kind: 'refused', field: 'mail', code: 'valueNotRepresentable' });
  });

  test('lets a field win over a create rule for the same path, also where it is empty', () => {
    const map = TypeMap.parse({ ...entraPerson, create: { jobTitle: { template: '{name}' } } });
    expect(back({ ...changes, title: 'Boss' }, null, map)).toMatchObject({ after: { jobTitle: 'Boss' } });
    const empty = back(changes, null, map);
    expect(empty.kind === 'body' && 'jobTitle' in empty.after).toBe(false);
    const { title: _, ...untouched } = changes;
    expect(back(untouched, null, map)).toMatchObject({ after: { jobTitle: "Siobh\u00e1n O'Brien" } });
  });

  test('refuses a create rule that would overwrite a field inside it', () => {
    const map = TypeMap.parse({
      ...entraPerson,
      fields: { title: { path: 'job.title' } },
      create: { job: { constant: 'none' } },
    });
    expect(back({ title: 'Boss' }, null, map)).toMatchObject({ kind: 'refused', field: 'title' });
  });
});

describe('there and back', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constantFrom("O'Brien", 'R&D', 'a=b', '=27', '😀', 'e\u0301', '\u00e9', 'Anna@X'),
  );
  const orNull = (arbitrary: fc.Arbitrary<string>): fc.Arbitrary<string | null> => fc.option(arbitrary, { nil: null });
  const fields = fc.record({
    mail: text.map((of) => `m${of}`.replace(/[A-Z]/g, (letter) => letter.toLowerCase())),
    name: orNull(text.filter((of) => of !== '')),
    title: orNull(text),
    active: fc.constant(true),
  });

  test.each([
    ['aws', awsPerson, awsBody],
    ['entra', entraPerson, entraBody],
  ] as const)('any record put into %s, new or over another, reads back as it was', (_, map, body) => {
    fc.assert(
      fc.property(fields, fc.constantFrom<JsonObject | null>(null, body), (wanted, native) => {
        const put = back(wanted, native, map);
        if (put.kind !== 'body') throw new Error(`${put.field}: ${put.reason}`);
        const read = translate({
          object: { type: 'user', id: 'n', body: put.after },
          map,
          taxonomy: person,
          surface: Object.keys(person.fields),
          key: 'p',
          resolve: references.resolve,
        });
        expect(read).toMatchObject({ kind: 'record', record: { fields: wanted }, roundTrips: true, unmapped: [] });
      }),
      fullRuns(1000),
    );
  });
});

describe('applySetChange', () => {
  test('adds, removes, sorts by code unit and repeats nothing', () => {
    expect(applySetChange(['b', 'a'], { add: ['Z', 'a', 'c'], remove: ['b', 'x'] })).toEqual(['Z', 'a', 'c']);
    expect(applySetChange(null, { add: ['a'], remove: [] })).toEqual(['a']);
    expect(applySetChange(['a'], { add: ['a'], remove: ['a'] })).toEqual(['a']);
    expect(applySetChange(['a'], { add: [], remove: ['a'] })).toEqual([]);
  });

  test('gives a value that a set of text takes', () => {
    const tags = TaxonomyType.parse({ type: 'thing', fields: { tags: { kind: 'set', of: 'text' } } });
    const map = TypeMap.parse({
      type: 'thing',
      native: 'user',
      lifecycle: 'active',
      fields: { tags: { path: 'tags', through: [{ set: true }] } },
    });
    const after = applySetChange(['b'], { add: ['a', 'Z'], remove: [] });
    const request = { changes: { tags: after }, native: { tags: ['b'] }, map, taxonomy: tags, ...references };
    expect(translateBack(request)).toEqual({ kind: 'body', after: { tags: ['Z', 'a', 'b'] } });
  });
});
