/** Surfaces: one normal form for what people may write, what counts as narrower, and which fields all holders seal. */
import { expect, test } from 'vitest';
import { datasetShape, type Federation } from '../../../core/federation/federation.js';
import { meetsFilter, normalSurface, surfaceOf } from '../../../core/federation/surface.js';
import { Terms, termsOf } from '../../../core/federation/terms.js';
import { Dataset } from '../../../core/federation/dataset.js';
import { TypeMap } from '../../../core/federation/map.js';
import { Authority } from '../../../core/federation/authority.js';
import { termsDifferences } from '../../../core/manifest/difference.js';
import { differenceWords } from '../../../core/manifest/words.js';
import { person } from '../support/shape.js';

const where = [{ field: 'mail', equals: 'a' }];

const terms = (surface: unknown): Terms =>
  termsOf(
    Authority.parse({
      authority: 'aws',
      mesh: { kind: 'aws-iam' },
      surface: { person: surface },
      approvers: [{ id: 'ada' }],
    }),
  );

test('the short form, the long form and a published one are one', () => {
  const long = { fields: { mail: 'clear', name: 'clear', phone: 'hidden' }, where: [] } as const;
  expect(normalSurface(['mail', 'name'])).toEqual({ fields: { mail: 'clear', name: 'clear' }, where: [] });
  expect(normalSurface({ ...long, where: [] })).toEqual(normalSurface(['mail', 'name']));
  expect(terms(['mail', 'name']).surface).toEqual(terms({ fields: { mail: 'clear', name: 'clear' } }).surface);
  // Manifests of earlier days hold the short form.
  const { surface, ...rest } = terms(['mail']);
  expect(Terms.parse({ ...rest, surface: { person: ['mail'] } })).toEqual({ ...rest, surface });
  expect(Terms.parse(terms(['mail']))).toEqual(terms(['mail']));
});

test('a type of which no field is listed is not exposed at all', () => {
  expect(surfaceOf({ surface: { person: [] } }, 'person')).toBeUndefined();
  expect(surfaceOf({ surface: { person: { fields: { mail: 'hidden' }, where: [] } } }, 'person')).toBeUndefined();
  expect(surfaceOf({ surface: { person: ['mail'] } }, 'toString')).toBeUndefined();
});

test('a record meets a filter only where it holds every field with that very value', () => {
  expect(meetsFilter(where, { mail: 'a' })).toBe(true);
  expect(meetsFilter(where, { mail: 'A' })).toBe(false);
  expect(meetsFilter(where, {})).toBe(false);
  expect(meetsFilter([{ field: 'mail', equals: null }], {})).toBe(false);
  expect(meetsFilter([{ field: 'mail', equals: null }], { mail: null })).toBe(true);
  expect(meetsFilter([...where, { field: 'active', equals: true }], { mail: 'a', active: false })).toBe(false);
});

test.each([
  ['clear to digest', ['mail'], { fields: { mail: 'digest' } }, 'narrower', 'aws exposes person.mail only as a digest'],
  ['digest to clear', { fields: { mail: 'digest' } }, ['mail'], 'wider', 'aws exposes person.mail in clear'],
  ['a field less', ['mail', 'name'], ['mail'], 'narrower', 'aws no longer exposes person.name'],
  [
    'a digest more',
    ['mail'],
    { fields: { mail: 'clear', name: 'digest' } },
    'wider',
    'aws now exposes person.name as a digest',
  ],
  [
    'a condition more',
    ['mail'],
    { fields: { mail: 'clear' }, where },
    'narrower',
    'aws exposes only the person records where mail is a',
  ],
  [
    'a condition less',
    { fields: { mail: 'clear' }, where },
    ['mail'],
    'wider',
    'aws no longer exposes only the person records where mail is a',
  ],
] as const)('%s is told in words, and as narrower or wider', (_what, before, after, direction, words) => {
  const differences = termsDifferences(terms(before), terms(after));
  expect(differences.map((difference) => difference.direction)).toEqual([direction]);
  expect(differences.map((difference) => differenceWords('aws', difference))).toEqual([words]);
});

test('another way of writing the same surface is no difference', () => {
  expect(
    termsDifferences(terms(['mail', 'name']), terms({ fields: { name: 'clear', mail: 'clear', phone: 'hidden' } })),
  ).toEqual([]);
});

test('a field is sealed by all that hold it as soon as one of them shows it only as a digest', () => {
  const authority = (id: string, surface: unknown): Authority =>
    Authority.parse({
      authority: id,
      mesh: { kind: 'aws-iam' },
      surface: { person: surface },
      approvers: [{ id: 'ada' }],
    });
  const map = (fields: readonly string[]): TypeMap =>
    TypeMap.parse({
      type: 'person',
      native: 'user',
      lifecycle: 'active',
      fields: Object.fromEntries(fields.map((field) => [field, { tag: field }])),
    });
  const federation = {
    file: { federation: 'demo', members: [{ id: 'aws' }, { id: 'sov' }] },
    authorities: {
      // Not mapped, so not held: its exposure binds nobody.
      aws: authority('aws', { fields: { mail: 'clear', name: 'digest', phone: 'digest' } }),
      sov: authority('sov', ['mail', 'name', 'phone']),
    },
    taxonomy: { person },
    maps: { 'aws.person': map(['mail', 'name']), 'sov.person': map(['mail', 'name', 'phone']) },
    datasets: { workforce: Dataset.parse({ dataset: 'workforce', types: ['person'], members: ['aws', 'sov'] }) },
  } satisfies Federation;
  const [type] = datasetShape(federation, 'workforce').types;
  expect(type?.digests).toEqual(['name']);
  expect(type?.held).toEqual({ aws: ['mail', 'name'], sov: ['mail', 'name', 'phone'] });
});
