/** What becomes of an object whose natural key cannot be told: of the dataset or not, and complete or not. */
import { expect, test } from 'vitest';
import { Links } from '../../../activities/links.js';
import { NaturalKeys } from '../../../activities/authority/natural-keys.js';
import { TypeMap } from '../../../core/federation/map.js';
import { TaxonomyType } from '../../../core/federation/taxonomy.js';
import type { JsonObject } from '../../../core/json.js';

const taxonomy = TaxonomyType.parse({ type: 'role', key: ['name'], fields: { name: { kind: 'text' } } });

function keyed(body: JsonObject, step: JsonObject) {
  const map = TypeMap.parse({
    type: 'role',
    native: 'appRole',
    lifecycle: 'active',
    fields: { name: { path: 'value', through: [step] } },
  });
  const object = { type: 'appRole', id: 'r1', body };
  return new NaturalKeys(new Links({}, new Uint8Array(32), 'access')).keyed({
    object,
    map,
    taxonomy,
    surface: ['name'],
    resolve: () => null,
  });
}

const table = { operator: ['Operator'] };

test('an empty text is set aside where the table names all that is of the dataset', () => {
  expect(keyed({ value: null }, { table, else: 'setAside' })).toMatchObject({ kind: 'setAside', field: 'name' });
});

test('elsewhere an empty text cannot be told, so that its type is incomplete', () => {
  expect(keyed({ value: null }, { table })).toMatchObject({ kind: 'untranslatable', field: 'name' });
  expect(keyed({ value: null }, { emptyAs: 'null' })).toMatchObject({ kind: 'untranslatable', field: 'name' });
});

test('a text that the table knows has a key', () => {
  expect(keyed({ value: 'Operator' }, { table, else: 'setAside' })).toMatchObject({ kind: 'record' });
});
