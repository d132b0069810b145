import { expect, test } from 'vitest';
import { consequencesOf } from '../../../../activities/connectors/entra/consequences.js';
import type { JsonObject } from '../../../../core/json.js';

const create = (type: string, after: JsonObject) => consequencesOf({ kind: 'create', type, after });
const remove = (type: string, before: JsonObject = {}, deletionMayRemove: readonly string[] = []) =>
  consequencesOf({ kind: 'delete', type, id: 'x', before, deletionMayRemove });

test('a group says at its creation whether directory roles can ever be given to it', () => {
  expect(create('group', { isAssignableToRole: true })[0]).toMatch(/^can be given/);
  expect(create('group', {})).toEqual(['can never be given directory roles: it is not created isAssignableToRole']);
});

test('a grant to a group says whom it reaches, and one to a user nothing', () => {
  expect(create('appRoleAssignment', { principal: 'group/g' })).toEqual([
    'reaches who is in the group itself, and nobody in groups within it',
  ]);
  expect(create('directoryRoleAssignment', { principal: 'group/g' })).toEqual([
    'reaches everybody who is or will be in the group',
  ]);
  expect(create('appRoleAssignment', { principal: 'user/u' })).toEqual([]);
});

test('a user that an undo brings back says what comes back with it, and what is lost where it is kept no more', () => {
  const told = consequencesOf({ kind: 'create', type: 'user', after: {}, restores: 'u' }).join();
  expect(told).toMatch(
    /under the id it had.*memberships and role assignments of then come back.*made anew: another id/,
  );
  expect(create('user', {})).toEqual([]);
});

test('what can be restored under its id says so, and what cannot does not', () => {
  const restored = /restored from the deleted items for 30 days, under the same id/;
  expect(remove('user')[0]).toMatch(restored);
  expect(remove('group', { groupTypes: ['Unified'] })[0]).toMatch(restored);
  expect(remove('group', { groupTypes: [] }).join()).not.toMatch(restored);
  expect(remove('federatedIdentity', {}, ['application'])[1]).toMatch(restored);
  expect(remove('federatedIdentity')).toEqual([
    'its application and service principal stay',
    'trusted again, it has another id',
  ]);
  expect(remove('appRoleAssignment')).toEqual(['granted again, it has another id']);
  expect(remove('directoryRoleAssignment')).toEqual([]);
});
