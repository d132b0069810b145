import { describe, expect, test } from 'vitest';
import { TypeMap } from '../../core/federation/map.js';
import { groupText } from '../../core/record-digest.js';
import type { JsonObject } from '../../core/json.js';
import { translate, type Translation } from '../../core/translate.js';
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

const all = ['mail', 'name', 'title', 'active', 'members'];

function translatePerson(body: JsonObject, map: TypeMap = entraPerson, surface: readonly string[] = all): Translation {
  const object = { type: 'user', id: 'n1', body };
  return translate({ object, map, taxonomy: person, surface, key: 'p1', resolve: references.resolve });
}

function translateTeam(body: JsonObject, resolve = references.resolve): Translation {
  const object = { type: 'group', id: 'g1', body };
  return translate({ object, map: entraTeam, taxonomy: team, surface: all, key: 't1', resolve });
}

describe('translate', () => {
  test('gives the same record, byte for byte, for one person whom two clouds spell each in its own way', () => {
    const aws = translatePerson(awsBody, awsPerson);
    const entra = translatePerson(entraBody);
    expect(entra).toEqual({
      kind: 'record',
      record: {
        type: 'person',
        key: 'p1',
        fields: { active: true, mail: 'siobhan.obrien@example.org', name: "Siobh\u00e1n O'Brien", title: 'R&D' },
      },
      unmapped: [],
      setAside: {},
      roundTrips: true,
    });
    if (aws.kind !== 'record' || entra.kind !== 'record') throw new Error('not translated');
    expect(groupText('p1', aws.record.fields, all)).toBe(groupText('p1', entra.record.fields, all));
    expect(aws).toMatchObject({ unmapped: [], roundTrips: true });
  });

  test('shows nothing outside the surface, and does not fail for what it does not show', () => {
    const shown = translatePerson({ ...entraBody, jobTitle: 7 }, entraPerson, ['mail']);
    expect(shown).toMatchObject({ kind: 'record', record: { fields: { mail: 'siobhan.obrien@example.org' } } });
    expect(JSON.stringify(shown)).not.toMatch(/Brien"|R&D|active/);
  });

  test('gives no field that the mesh has no place for, though the surface names it', () => {
    const { title: _, ...fields } = entraPerson.fields;
    const translated = translatePerson(entraBody, { ...entraPerson, fields });
    expect(translated).toMatchObject({ kind: 'record', unmapped: ['jobTitle'] });
    if (translated.kind === 'record') expect(Object.keys(translated.record.fields)).toEqual(['active', 'mail', 'name']);
  });

  test('reads a missing property, a null and a declared empty text as held and empty', () => {
    expect(translatePerson({ displayName: '', mail: null })).toMatchObject({
      kind: 'record',
      record: { fields: { mail: null, name: null, title: null, active: null } },
      roundTrips: true,
    });
    expect(translatePerson({ jobTitle: '' })).toMatchObject({ record: { fields: { title: '' } } });
  });

  test.each<[string, JsonObject, string]>([
    ['a number for text', { mail: 'a@x', jobTitle: 12345 }, 'title'],
    ['a text for a boolean', { accountEnabled: 'sensitive-text' }, 'active'],
    ['a list for text', { mail: ['sensitive-text'] }, 'mail'],
    ['an object for text', { displayName: { first: 'sensitive-text' } }, 'name'],
    ['half a character pair', { jobTitle: '\ud83d sensitive-text' }, 'title'],
    ['several, by name order', { mail: 7, accountEnabled: 7 }, 'active'],
  ])('answers untranslatable for %s, naming the field and no value', (_, body, field) => {
    const answer = translatePerson(body);
    expect(answer).toMatchObject({ kind: 'untranslatable', field });
    expect(JSON.stringify(answer)).not.toMatch(/sensitive-text|12345/);
  });

  test('reports native properties that nobody declared, by dotted name and in order', () => {
    expect(
      translatePerson({ ...entraBody, zeta: 1, onPremises: { x: 1 }, passwordProfile: { other: 1 } }),
    ).toMatchObject({
      unmapped: ['onPremises', 'passwordProfile.other', 'zeta'],
    });
    const tagged = { ...awsBody, CreateDate: 'x', Tags: { ...(awsBody['Tags'] as JsonObject), cost: '7', 'a.b': 'x' } };
    expect(translatePerson(tagged, awsPerson)).toMatchObject({ unmapped: ['CreateDate', 'Tags.a.b', 'Tags.cost'] });
    expect(translatePerson({ Tags: { MAIL: 'x', Cost: 'y' } }, awsPerson)).toMatchObject({ unmapped: ['Tags.Cost'] });
  });

  test('ignores what the map ignores, a property inside another too', () => {
    const map = TypeMap.parse({ ...awsPerson, ignore: ['Arn', 'Tags.cost', 'Meta'] });
    const body = { ...awsBody, Meta: { deep: 1 }, Tags: { cost: '7', team: 'x' } };
    expect(translatePerson(body, map)).toMatchObject({ unmapped: ['Tags.team'] });
  });
});

describe('translate a set of references', () => {
  test('gives sorted keys, provisional ones too, and counts what has none', () => {
    expect(
      translateTeam({ displayName: 'Core', members: ['id-new', 'id-bob', 'id-gone', 'id-anna', 'id-bob'] }),
    ).toEqual({
      kind: 'record',
      record: { type: 'team', key: 't1', fields: { members: ['p1', 'p2', '~new'], name: 'Core' } },
      unmapped: [],
      setAside: { members: 1 },
      roundTrips: true,
    });
  });

  test('tells members that could not be read from a team without members', () => {
    const unread = translateTeam({ displayName: 'Core' });
    const none = translateTeam({ displayName: 'Core', members: [] });
    expect(unread).toMatchObject({ kind: 'record', record: { fields: { name: 'Core' } } });
    expect(unread.kind === 'record' && 'members' in unread.record.fields).toBe(false);
    expect(none).toMatchObject({ kind: 'record', record: { fields: { members: [] } } });
  });

  test('never lets a native id out where the map forgot the references', () => {
    const map = TypeMap.parse({ ...entraTeam, fields: { members: { path: 'members', through: [{ set: true }] } } });
    const object = { type: 'group', id: 'g1', body: { members: ['id-anna'] } };
    const answer = translate({ object, map, taxonomy: team, surface: all, key: 't1', resolve: references.resolve });
    expect(answer).toMatchObject({ kind: 'untranslatable', field: 'members' });
    expect(JSON.stringify(answer)).not.toContain('id-anna');
  });

  test('reports a round trip that fails instead of throwing: a resolver that changes its answers', () => {
    let calls = 0;
    const answer = translateTeam({ displayName: 'Core', members: ['id-anna', 'id-bob'] }, (_, id) =>
      calls++ < 2 ? `k-${id}` : `other-${id}`,
    );
    expect(answer).toMatchObject({ kind: 'record', roundTrips: false });
  });
});

test('a map is not taken for another type or native type than its own', () => {
  const object = { type: 'user', id: 'n1', body: {} };
  const request = { object, map: entraPerson, taxonomy: person, surface: all, key: 'k', resolve: references.resolve };
  expect(() => translate({ ...request, taxonomy: team })).toThrow(/map of person/);
  expect(() => translate({ ...request, object: { ...object, type: 'group' } })).toThrow(/native type user/);
});
