/** What IAM does beyond a write itself, for the approver's screen. Pure, and without values. */
import type { NativeWrite } from '../connector.js';

/** Unique ids: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids */
const newId = 'has a new unique id: policies that name the old one lead nowhere';

export function consequencesOf(write: Pick<NativeWrite, 'kind' | 'type'>): readonly string[] {
  switch (`${write.kind} ${write.type}`) {
    case 'create user':
      return [
        newId,
        'has no password, access keys or MFA devices: credentials of a user that was deleted do not come back',
      ];
    case 'delete user':
      return ['is not undone: a user that is made again has a new unique id and no credentials'];
    case 'create group':
      return [newId];
    case 'delete group':
      return ['is not undone: a group that is made again has a new unique id, and policies are attached anew'];
    default:
      return [];
  }
}
