import { describe, expect, it } from 'vitest';
import { plannedCalls } from '../../../../activities/connectors/aws-iam/planned-calls.js';

const ada = { UserName: 'ada', Path: '/', Tags: { email: 'ada@example.org', team: 'analysis' } };

describe('the calls that a write would make', () => {
  it('creates a user with its tags in one call', () => {
    expect(plannedCalls({ kind: 'create', type: 'user', after: ada }, '/')).toEqual([
      {
        call: 'iam:CreateUser',
        target: 'ada',
        arguments: { UserName: 'ada', Path: '/', Tags: { email: 'ada@example.org', team: 'analysis' } },
      },
    ]);
  });

  it('puts what has no path under the path prefix, where the next snapshot sees it', () => {
    const calls = plannedCalls({ kind: 'create', type: 'user', after: { UserName: 'ada' } }, '/people/');
    expect(calls[0]?.arguments).toEqual({ UserName: 'ada', Path: '/people/' });
  });

  it('creates a group before it adds members, and names them by id', () => {
    const after = { GroupName: 'engines', Path: '/', members: ['AIDA2', 'AIDA1'] };
    expect(
      plannedCalls({ kind: 'create', type: 'group', after }, '/').map((each) => [each.call, each.arguments]),
    ).toEqual([
      ['iam:CreateGroup', { GroupName: 'engines', Path: '/' }],
      ['iam:AddUserToGroup', { GroupName: 'engines', UserId: 'AIDA1' }],
      ['iam:AddUserToGroup', { GroupName: 'engines', UserId: 'AIDA2' }],
    ]);
  });

  it('renames first and speaks of the new name afterwards', () => {
    const after = { UserName: 'ada.king', Path: '/people/', Tags: { email: 'king@example.org', mail: 'x' } };
    const calls = plannedCalls({ kind: 'update', type: 'user', id: 'AIDA1', before: ada, after }, '/');
    expect(calls.map((each) => [each.call, each.arguments])).toEqual([
      ['iam:UpdateUser', { UserName: 'ada', NewUserName: 'ada.king', NewPath: '/people/' }],
      ['iam:UntagUser', { UserName: 'ada.king', TagKeys: ['team'] }],
      ['iam:TagUser', { UserName: 'ada.king', Tags: { email: 'king@example.org', mail: 'x' } }],
    ]);
  });

  it('does not call UpdateUser where only a tag changed, nor TagUser for tags that are the same', () => {
    const after = { ...ada, Tags: { ...ada.Tags, team: 'engines' } };
    const calls = plannedCalls({ kind: 'update', type: 'user', id: 'AIDA1', before: ada, after }, '/');
    expect(calls.map((each) => [each.call, each.arguments])).toEqual([
      ['iam:TagUser', { UserName: 'ada', Tags: { team: 'engines' } }],
    ]);
  });

  it('takes a key away before it writes the same key in another case, because IAM does not tell them apart', () => {
    const before = { ...ada, Tags: { Mail: 'a' } };
    const after = { ...ada, Tags: { mail: 'a' } };
    const calls = plannedCalls({ kind: 'update', type: 'user', id: 'AIDA1', before, after }, '/');
    expect(calls.map((each) => each.call)).toEqual(['iam:UntagUser', 'iam:TagUser']);
  });

  it('removes a tag that is null', () => {
    const after = { ...ada, Tags: { email: null, team: 'analysis' } };
    const calls = plannedCalls({ kind: 'update', type: 'user', id: 'AIDA1', before: ada, after }, '/');
    expect(calls.map((each) => [each.call, each.arguments['TagKeys']])).toEqual([['iam:UntagUser', ['email']]]);
  });

  it('lets members leave before others join', () => {
    const before = { GroupName: 'engines', Path: '/', members: ['AIDA1', 'AIDA2'], otherMembers: ['AIDA9'] };
    const after = { ...before, members: ['AIDA2', 'AIDA3'] };
    const calls = plannedCalls({ kind: 'update', type: 'group', id: 'AGPA1', before, after }, '/');
    expect(calls.map((each) => [each.call, each.arguments['UserId']])).toEqual([
      ['iam:RemoveUserFromGroup', 'AIDA1'],
      ['iam:AddUserToGroup', 'AIDA3'],
    ]);
  });

  it('plans nothing where nothing differs', () => {
    expect(plannedCalls({ kind: 'update', type: 'user', id: 'AIDA1', before: ada, after: ada }, '/')).toEqual([]);
  });

  it('names only the removals that the map allows before a deletion', () => {
    const deletion = { kind: 'delete', type: 'user', id: 'AIDA1', before: ada } as const;
    const names = (deletionMayRemove: readonly string[]): string[] =>
      plannedCalls({ ...deletion, deletionMayRemove }, '/').map((each) => each.call);
    expect(names([])).toEqual(['iam:DeleteUser']);
    expect(names(['memberships', 'mfaDevices', 'policies'])).toEqual([
      'iam:RemoveUserFromGroup (as attached)',
      'iam:DeactivateMFADevice (as attached)',
      'iam:DeleteVirtualMFADevice (as attached)',
      'iam:DeleteUserPolicy (as attached)',
      'iam:DetachUserPolicy (as attached)',
      'iam:DeleteUser',
    ]);
  });

  it('names for a group what a group can have', () => {
    const before = { GroupName: 'engines', Path: '/', members: [] };
    const deletionMayRemove = ['memberships', 'accessKeys', 'policies'];
    const calls = plannedCalls({ kind: 'delete', type: 'group', id: 'AGPA1', before, deletionMayRemove }, '/');
    expect(calls.map((each) => each.call)).toEqual([
      'iam:RemoveUserFromGroup (as attached)',
      'iam:DeleteGroupPolicy (as attached)',
      'iam:DetachGroupPolicy (as attached)',
      'iam:DeleteGroup',
    ]);
  });
});
