/** What approvers are told about writes in AWS beyond the calls: without values, and only where it is so. */
import { expect, test } from 'vitest';
import { consequencesOf } from '../../../../activities/connectors/aws-iam/consequences.js';
import type { JsonObject } from '../../../../core/json.js';

type Written = Parameters<typeof consequencesOf>[0]['type'];
const create = (type: Written, after: JsonObject = {}) => consequencesOf({ kind: 'create', type, after }).join('\n');
const remove = (type: Written, before: JsonObject = {}) =>
  consequencesOf({ kind: 'delete', type, id: 'x', before, deletionMayRemove: [] }).join('\n');
const update = (type: Written, before: JsonObject, after: JsonObject) =>
  consequencesOf({ kind: 'update', type, id: 'x', before, after });

test('a user who is made has another id and no credentials, and one who is deleted is not undone', () => {
  expect(create('user')).toMatch(/new unique id[^]*no password, access keys/);
  expect(remove('user')).toMatch(/not undone.*no credentials/);
});

test('a group that is made again has another id and none of its policies', () => {
  expect(create('group')).toMatch(/new unique id/);
  expect(remove('group')).toMatch(/not undone.*policies are attached anew/);
});

test('a change of a tag brings nothing about beside itself, and another name or path another ARN', () => {
  const body = { UserName: 'ana', Path: '/people/', Tags: { mail: 'a' } };
  expect(update('user', body, { ...body, Tags: { mail: 'b' } })).toEqual([]);
  expect(update('user', body, { ...body, UserName: 'anna' }).join()).toMatch(/another ARN/);
  expect(update('group', { GroupName: 'a', Path: '/' }, { GroupName: 'a', Path: '/b/' }).join()).toMatch(/another ARN/);
});

test('a suspension is said by the name of what it is, and so is its end', () => {
  const told = (before: string, after: string) => update('user', { State: before }, { State: after }).join();
  expect(told('active', 'suspended')).toMatch(/keys become inactive.*concordat-suspended denies everything.*password/);
  expect(told('active', 'suspended')).toMatch(/sessions of roles/);
  expect(told('suspended', 'active')).toMatch(/that the suspension made inactive become active, and no others/);
  expect(told('suspended', 'suspended')).toBe('');
  expect(create('user', { State: 'suspended' })).toMatch(/made suspended/);
  expect(create('user', { State: 'active' })).not.toMatch(/suspended/);
});

test('a role cannot be renamed, and one that is made again is another one', () => {
  expect(create('webIdentityRole')).toMatch(/cannot be renamed[^]*new unique id and ARN/);
  expect(remove('webIdentityRole')).toMatch(/run on until they end[^]*provider stays[^]*not undone/);
});

test('a grant says whom it reaches, and one of two halves says so', () => {
  expect(create('policyAttachment', { Principal: 'group/AGPA1' })).toMatch(/everybody who is or will be/);
  expect(create('policyAttachment', { Principal: 'user/AIDA1' })).toBe('');
  expect(create('assumption', { Principal: 'user/AIDA1' })).toBe(
    'writes a policy into the principal and into the trust of the role: one of them alone is half a grant',
  );
  expect(create('assumption', { Principal: 'group/AGPA1' })).toMatch(/trusts the whole account/);
  expect(remove('assumption', { Principal: 'group/AGPA1' })).toMatch(/run on until they end[^]*goes on trusting/);
  expect(remove('assumption', { Principal: 'user/AIDA1' })).not.toMatch(/goes on trusting/);
});
