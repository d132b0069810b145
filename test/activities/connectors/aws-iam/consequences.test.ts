/** What approvers are told about users and groups of AWS beyond the write: without values, and only where it is so. */
import { expect, test } from 'vitest';
import { consequencesOf } from '../../../../activities/connectors/aws-iam/consequences.js';

test('a user who is made has another id and no credentials, and one who is deleted is not undone', () => {
  expect(consequencesOf({ kind: 'create', type: 'user' }).join()).toMatch(/new unique id.*no password, access keys/);
  expect(consequencesOf({ kind: 'delete', type: 'user' }).join()).toMatch(/not undone.*no credentials/);
});

test('a change brings nothing about beside itself', () => {
  expect(consequencesOf({ kind: 'update', type: 'user' })).toEqual([]);
});
