/** What a write brings about beside itself, in words for those who approve it. */
import type { NativeWrite } from '../connector.js';
import type { NativeType } from './native-types.js';

const newIdentity = 'has a new id, and none of the credentials of a user that had its name before';

/** Pure, and holds no value of any object. */
export function consequencesOf(write: NativeWrite<NativeType>): readonly string[] {
  switch (write.type) {
    case 'user':
      if (write.kind === 'delete')
        return [
          'takes its memberships, role assignments, credentials, application credentials and trusts along',
          'is not undone: a user that is made again has a new id and no credentials',
        ];
      return write.kind === 'create' ? [newIdentity] : [];
    case 'group':
      if (write.kind === 'delete')
        return [
          'takes its memberships and role assignments along',
          'ends the tokens of its members',
          'is not undone: a group that is made again has a new id, and mapping rules that named the old one lead nowhere',
        ];
      return [];
    case 'role':
      if (write.kind === 'delete')
        return [
          'takes its assignments in the whole cloud along, and the application credentials and trusts that use it',
          'is not undone: a role that is made again has a new id and is assigned to nobody',
        ];
      return write.kind === 'update' && write.after['implies'] !== undefined
        ? ['changes what everybody who holds the role may do, wherever it is assigned']
        : [];
    case 'roleAssignment':
      return write.kind === 'delete' ? ['ends application credentials and trusts that rest on the assignment'] : [];
    case 'mappingRule':
      if (write.kind === 'delete') return ['leaves the user that Keystone made at the first sign-in, without a way in'];
      return ['replaces the rules of the mapping as a whole: a change that somebody makes meanwhile is lost'];
    case 'project':
      return write.kind === 'update' && write.after['enabled'] === false && write.before['enabled'] !== false
        ? ['ends the tokens of everybody who works in the project']
        : [];
    case 'domain':
    case 'system':
    case 'trust':
    case 'applicationCredential':
      return [];
  }
}
