/** How an edge is said. */
import { expect, test } from 'vitest';
import { TaxonomyType } from '../../core/federation/taxonomy.js';
import { phraseParts } from '../../core/phrase.js';

const fields = {
  principal: { kind: 'reference', of: ['person', 'team'] },
  role: { kind: 'reference', of: ['role'] },
};
const values = { principal: 'team/t1', role: 'role/r1' };
const parts = (type: object, of: Record<string, string | null> = values): unknown =>
  phraseParts(TaxonomyType.parse({ type: 'grant', fields, key: ['principal', 'role'], ...type }), of);

test('a phrase names what it refers to, with the type where it could be several', () => {
  expect(parts({ phrase: '{principal} as {role}' })).toEqual([
    { kind: 'reference', reference: { type: 'team', key: 't1' }, withType: true },
    { kind: 'text', text: ' as ' },
    { kind: 'reference', reference: { type: 'role', key: 'r1' }, withType: false },
  ]);
});

test('without a phrase a key of references is said field by field, and a label goes before it', () => {
  expect(parts({})).toMatchObject([{ text: 'principal ' }, {}, { text: ', role ' }, {}]);
  expect(parts({ label: 'role' })).toBeNull();
});

test('a record that lacks a part of its phrase is not said by half of it', () => {
  expect(parts({ phrase: '{principal} as {role}' }, { principal: 'team/t1', role: null })).toBeNull();
});
