import { describe, expect, it } from 'vitest';
import { notRepresentable } from '../../../../activities/connectors/aws-iam/representable.js';
import type { JsonObject } from '../../../../core/json.js';

const ada = { UserName: 'ada', Path: '/people/', Tags: { email: 'ada@example.org' } };
const engines = { GroupName: 'engines', Path: '/people/', members: ['AIDA1'] };

function creating(after: JsonObject): string | null {
  return notRepresentable({ kind: 'create', type: 'user', after: { ...ada, ...after } }, { pathPrefix: '/people/' });
}
function updating(type: 'user' | 'group', before: JsonObject, after: JsonObject): string | null {
  return notRepresentable({ kind: 'update', type, id: 'X', before, after }, { pathPrefix: '/people/' });
}

describe('what IAM cannot hold', () => {
  it('is nothing for a plain user, also with letters beyond ASCII in a tag', () => {
    expect(creating({})).toBeNull();
    expect(creating({ Tags: { name: 'Åsa Öberg' } })).toBeNull();
  });

  it.each([
    ['a name with a space', { UserName: 'ada lovelace' }],
    ['a name of 65 characters', { UserName: 'a'.repeat(65) }],
    ['a name beyond ASCII', { UserName: 'åsa' }],
    ['no name', { UserName: null }],
    ['a path without a slash at its end', { Path: '/people/x' }],
    ['a path outside the prefix', { Path: '/machines/' }],
    ['a tag with a comma', { Tags: { name: 'Lovelace, Ada' } }],
    ['a tag of 257 characters', { Tags: { name: 'a'.repeat(257) } }],
    ['a tag that is no text', { Tags: { age: 36 } }],
    ['a key that AWS keeps for itself', { Tags: { 'aws:owner': 'x' } }],
    ['keys that differ in case only', { Tags: { Mail: 'a', mail: 'b' } }],
    ['51 tags', { Tags: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`k${n}`, 'v'])) }],
    ['a property that IAM users do not have', { displayName: 'Ada' }],
  ])('%s', (_, change) => {
    const problem = creating(change);
    expect(problem).not.toBeNull();
    expect(problem).not.toContain('Lovelace');
  });

  it('leaves tags alone that it does not write, whatever they hold', () => {
    const before = { ...ada, Tags: { 'aws:owner': 'x', email: 'a@example.org' } };
    expect(updating('user', before, { ...before, Tags: { ...before.Tags, email: 'b@example.org' } })).toBeNull();
  });

  it('takes a permissions boundary for a new user and refuses to change one', () => {
    const boundary = 'arn:aws:iam::123456789012:policy/boundary';
    expect(creating({ PermissionsBoundary: boundary })).toBeNull();
    expect(updating('user', { ...ada, PermissionsBoundary: boundary }, ada)).toContain('PermissionsBoundary');
    expect(updating('user', ada, { ...ada, PermissionsBoundary: boundary })).toContain('PermissionsBoundary');
  });

  it('refuses to touch members from elsewhere and members that could not be read', () => {
    const before = { ...engines, otherMembers: ['AIDA9'] };
    expect(updating('group', before, { ...before, members: [] })).toBeNull();
    expect(updating('group', before, engines)).toContain('otherMembers');
    expect(updating('group', { GroupName: 'engines', Path: '/people/' }, engines)).toContain('members');
  });
});
