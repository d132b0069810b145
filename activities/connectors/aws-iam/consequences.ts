/** What IAM does beyond a write itself, for the approver's screen. Pure, and without values. */
import type { NativeWrite } from '../connector.js';
import type { AccessType } from './access/native-types.js';
import { textIn, type NativeType } from './body.js';
import { stateChange } from './planned-calls.js';
import { denyPolicyName } from './deny-policy.js';

/** Unique ids: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids */
const newId = 'has a new unique id: policies that name the old one lead nowhere';
/** https://docs.aws.amazon.com/IAM/latest/UserGuide/id_users_rename.html */
const newArn = 'gets another ARN: policies that name it as a resource go on naming the old one';
const openSessions = 'sessions of the role that began before run on until they end';

/** IAM users have no switch: what stands for one is said by that name. */
const toldOfState = {
  suspended: [
    `suspended in AWS: access keys become inactive and the inline policy ${denyPolicyName} denies everything; password and MFA devices stay and allow nothing`,
    'sessions of roles that it assumed before run on until they end',
  ],
  active: [`no longer suspended in AWS: the keys that the suspension made inactive become active, and no others`],
} as const;

/** Of users and groups. */
function ofPeople(write: NativeWrite<NativeType>): readonly string[] {
  switch (write.kind) {
    case 'create':
      return write.type === 'group'
        ? [newId]
        : [
            newId,
            'has no password, access keys or MFA devices: credentials of a user that was deleted do not come back',
            ...(write.after['State'] === 'suspended'
              ? [`is made suspended: the inline policy ${denyPolicyName} denies everything`]
              : []),
          ];
    case 'update': {
      const name = write.type === 'user' ? 'UserName' : 'GroupName';
      const to = stateChange(write.before, write.after);
      const isMoved = [name, 'Path'].some(
        (property) => textIn(write.before, property) !== textIn(write.after, property),
      );
      return [...(isMoved ? [newArn] : []), ...(to === undefined ? [] : toldOfState[to])];
    }
    case 'delete':
      return write.type === 'user'
        ? ['is not undone: a user that is made again has a new unique id and no credentials']
        : ['is not undone: a group that is made again has a new unique id, and policies are attached anew'];
  }
}

/** Of grants and workloads: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_manage_delete.html */
function ofAccess(write: NativeWrite<AccessType>): readonly string[] {
  const body = write.kind === 'create' ? write.after : write.before;
  const toGroup = textIn(body, 'Principal').startsWith('group/');
  switch (`${write.kind} ${write.type}`) {
    case 'create policyAttachment':
      return toGroup ? ['reaches everybody who is or will be in the group'] : [];
    case 'create assumption':
      return [
        'writes a policy into the principal and into the trust of the role: one of them alone is half a grant',
        ...(toGroup
          ? ['a group can be in no trust: the role trusts the whole account, and policies decide who of it may']
          : []),
      ];
    case 'delete assumption':
      return [openSessions, ...(toGroup ? ['the role goes on trusting the account, for other grants of groups'] : [])];
    case 'create webIdentityRole':
      return [
        'IAM roles cannot be renamed: under another name or for another subject it is another role',
        'has a new unique id and ARN: what names a role that was there before leads nowhere',
      ];
    case 'delete webIdentityRole':
      return [
        openSessions,
        'its identity provider stays: other roles may use it',
        'is not undone: a role that is made again has a new unique id, and policies are attached anew',
      ];
    default:
      return [];
  }
}

export function consequencesOf(write: NativeWrite<NativeType | AccessType>): readonly string[] {
  return write.type === 'user' || write.type === 'group'
    ? ofPeople(write as NativeWrite<NativeType>)
    : ofAccess(write as NativeWrite<AccessType>);
}
