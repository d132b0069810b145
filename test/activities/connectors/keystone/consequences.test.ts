/** What approvers are told about writes in Keystone beyond the calls: without values, and only where it is so. */
import { expect, test } from 'vitest';
import { consequencesOf } from '../../../../activities/connectors/keystone/consequences.js';
import type { JsonObject } from '../../../../core/json.js';

type Written = Parameters<typeof consequencesOf>[0]['type'];
const create = (type: Written) => consequencesOf({ kind: 'create', type, after: {} }).join('\n');
const remove = (type: Written) =>
  consequencesOf({ kind: 'delete', type, id: 'x', before: {}, deletionMayRemove: [] }).join('\n');
const update = (type: Written, before: JsonObject, after: JsonObject) =>
  consequencesOf({ kind: 'update', type, id: 'x', before, after }).join('\n');

test('a team takes its grants along and gets another id when it is made again', () => {
  expect(remove('group')).toMatch(/memberships and role assignments along[^]*ends the tokens[^]*not undone.*new id/);
});

test('a user takes credentials along that do not come back, and one that is made again is another one', () => {
  expect(remove('user')).toMatch(/application credentials and trusts along[^]*not undone.*new id and no credentials/);
  expect(create('user')).toMatch(/new id, and none of the credentials/);
});

test('a role takes its assignments in the whole cloud along, and what it implies counts wherever it is assigned', () => {
  expect(remove('role')).toMatch(/assignments in the whole cloud[^]*not undone/);
  expect(update('role', { implies: [] }, { implies: ['r'] })).toMatch(/wherever it is assigned/);
  expect(update('role', { name: 'a' }, { name: 'b' })).toBe('');
});

test('the end of a grant ends what rests on it, and a project that is turned off ends tokens', () => {
  expect(remove('roleAssignment')).toMatch(/application credentials and trusts/);
  expect(create('roleAssignment')).toBe('');
  expect(update('project', { enabled: true }, { enabled: false })).toMatch(/ends the tokens/);
  expect(update('project', { enabled: false }, { enabled: false })).toBe('');
});

test('a mapping rule is replaced as a whole, and its user stays without a way in', () => {
  expect(create('mappingRule')).toMatch(/as a whole/);
  expect(remove('mappingRule')).toMatch(/without a way in/);
});
