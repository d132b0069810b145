/** What the connector can do and what it must be allowed to do, in IAM's own action words. */
import type { Capabilities } from '../connector.js';
import { isAccessType } from './access/native-types.js';
import type { AwsIamMesh } from './config.js';
import { accessCapabilities, accessReadActions, accessWriteActions } from './access/capabilities.js';

/** Needed to take a snapshot and to look at one object. */
export const readActions = [
  'iam:GetAccountAuthorizationDetails',
  'iam:GetUser',
  'iam:GetGroup',
  'iam:ListUsers',
  'iam:ListGroups',
] as const;

/** Needed to see what is attached to a user or group before it is deleted. */
export const attachmentReadActions = [
  'iam:GetLoginProfile',
  'iam:ListAccessKeys',
  'iam:ListMFADevices',
  'iam:ListSSHPublicKeys',
  'iam:ListSigningCertificates',
  'iam:ListServiceSpecificCredentials',
  'iam:ListUserPolicies',
  'iam:ListAttachedUserPolicies',
  'iam:ListGroupsForUser',
  'iam:ListGroupPolicies',
  'iam:ListAttachedGroupPolicies',
] as const;

/** Needed for every write but the removals that maps may allow. TagUser is needed by CreateUser with tags too. */
export const writeActions = [
  'iam:CreateUser',
  'iam:UpdateUser',
  'iam:TagUser',
  'iam:UntagUser',
  'iam:DeleteUser',
  'iam:CreateGroup',
  'iam:UpdateGroup',
  'iam:DeleteGroup',
  'iam:AddUserToGroup',
  'iam:RemoveUserFromGroup',
] as const;

/** Needed only where a map's `deletionMayRemove` names them. */
export const removalActions = {
  memberships: ['iam:RemoveUserFromGroup'],
  accessKeys: ['iam:DeleteAccessKey'],
  loginProfile: ['iam:DeleteLoginProfile'],
  mfaDevices: ['iam:DeactivateMFADevice', 'iam:DeleteVirtualMFADevice'],
  sshKeys: ['iam:DeleteSSHPublicKey'],
  signingCertificates: ['iam:DeleteSigningCertificate'],
  serviceCredentials: ['iam:DeleteServiceSpecificCredential'],
  policies: ['iam:DeleteUserPolicy', 'iam:DetachUserPolicy', 'iam:DeleteGroupPolicy', 'iam:DetachGroupPolicy'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** Needed only where the mesh declares how it suspends a user, beside TagUser, UntagUser and ListAccessKeys. */
export const suspensionActions = {
  read: ['iam:GetUserPolicy', 'iam:ListAccessKeys'],
  write: ['iam:PutUserPolicy', 'iam:DeleteUserPolicy', 'iam:UpdateAccessKey'],
} as const;

/** What users and groups alone need. */
const peopleActions: readonly string[] = [
  ...readActions,
  'sts:GetCallerIdentity',
  ...attachmentReadActions,
  ...writeActions,
  ...Object.values(removalActions).flat(),
];

/** Each once, without what only a mesh that suspends, or maps of roles, grants and workloads (`nativeTypes`), ask for. */
export function actionsFor(mesh: Pick<AwsIamMesh, 'suspension'>, nativeTypes: readonly string[]): readonly string[] {
  return [
    ...new Set([
      ...peopleActions,
      ...(nativeTypes.some(isAccessType) ? [...accessReadActions, ...accessWriteActions] : []),
      ...(mesh.suspension === undefined ? [] : [...suspensionActions.read, ...suspensionActions.write]),
    ]),
  ];
}

export type RemovableKind = keyof typeof removalActions;

export const awsIamCapabilities: Capabilities = {
  kind: 'aws-iam',
  nativeTypes: [
    {
      type: 'user',
      properties: ['UserName', 'Path', 'Tags', 'PermissionsBoundary', 'State'],
      writes: ['create', 'update', 'delete'],
    },
    {
      type: 'group',
      properties: ['GroupName', 'Path', 'members', 'otherMembers'],
      writes: ['create', 'update', 'delete'],
    },
    ...accessCapabilities,
  ],
  absenceProvesDeletion: true,
  conditionalWrites: false,
  rateLimits: [
    'AWS publishes no request rates for IAM and does not raise them; the connector slows down when it is throttled',
    'a user, group or role has at most 10 managed policies by default; IAM roles and policies cannot be renamed',
    'an account holds 5000 users and 300 groups by default; a user is in at most 10 groups and has at most 50 tags',
  ],
  permissions: {
    read: [...new Set([...readActions, 'sts:GetCallerIdentity', ...accessReadActions, ...suspensionActions.read])],
    write: [
      ...new Set<string>([
        ...attachmentReadActions,
        ...writeActions,
        ...Object.values(removalActions).flat(),
        ...accessWriteActions,
        ...suspensionActions.write,
      ]),
    ],
  },
};
