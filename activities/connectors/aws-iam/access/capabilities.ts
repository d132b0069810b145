/** What grants, roles and workloads need beside users and groups, in IAM's own action words. */
import type { NativeTypeCapabilities } from '../../connector.js';

export const accessReadActions = [
  'iam:ListOpenIDConnectProviders',
  'iam:GetPolicy',
  'iam:GetPolicyVersion',
  'iam:GetRole',
  'iam:ListRoles',
  'iam:ListAttachedUserPolicies',
  'iam:ListAttachedGroupPolicies',
  'iam:ListAttachedRolePolicies',
] as const;

export const accessWriteActions = [
  // policyAttachment
  'iam:AttachUserPolicy',
  'iam:AttachGroupPolicy',
  'iam:AttachRolePolicy',
  'iam:DetachUserPolicy',
  'iam:DetachGroupPolicy',
  'iam:DetachRolePolicy',
  // assumption
  'iam:PutUserPolicy',
  'iam:PutGroupPolicy',
  'iam:DeleteUserPolicy',
  'iam:DeleteGroupPolicy',
  'iam:UpdateAssumeRolePolicy',
  // webIdentityRole
  'iam:CreateRole',
  'iam:DeleteRole',
  'iam:DeleteRolePolicy',
  'iam:ListRolePolicies',
  'iam:ListInstanceProfilesForRole',
  'iam:GetOpenIDConnectProvider',
  'iam:CreateOpenIDConnectProvider',
  'iam:AddClientIDToOpenIDConnectProvider',
] as const;

export const accessCapabilities: readonly NativeTypeCapabilities[] = [
  { type: 'account', properties: ['Account'], writes: [] },
  { type: 'policySet', properties: ['Name', 'PolicyArns', 'Documents'], writes: [] },
  {
    type: 'assumableRole',
    properties: ['RoleName', 'Path', 'Arn', 'PolicyArns', 'Documents', 'PermissionsBoundary', 'Trust'],
    writes: [],
  },
  {
    type: 'webIdentityRole',
    properties: ['RoleName', 'Path', 'Issuer', 'Subject', 'Provider', 'PermissionsBoundary', 'Trust'],
    writes: ['create', 'delete'],
  },
  { type: 'inlinePolicy', properties: ['Principal', 'PolicyName', 'Document'], writes: [] },
  {
    type: 'policyAttachment',
    properties: ['Principal', 'PolicySet', 'Account'],
    writes: ['create', 'delete'],
  },
  { type: 'assumption', properties: ['Principal', 'Role', 'Account'], writes: ['create', 'delete'] },
];
