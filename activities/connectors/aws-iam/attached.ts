/**
 * What is attached to a user or group and blocks its deletion, with the calls that remove it. Credentials come first,
 * so that access ends before anything else changes.
 * Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html and API_DeleteGroup.html
 */
import {
  GetLoginProfileCommand,
  ListAccessKeysCommand,
  ListAttachedGroupPoliciesCommand,
  ListAttachedUserPoliciesCommand,
  ListGroupPoliciesCommand,
  ListGroupsForUserCommand,
  ListMFADevicesCommand,
  ListServiceSpecificCredentialsCommand,
  ListSigningCertificatesCommand,
  ListSSHPublicKeysCommand,
  ListUserPoliciesCommand,
} from '@aws-sdk/client-iam';
import type { IAMClient } from '@aws-sdk/client-iam';
import type { NativeCall } from '../connector.js';
import type { RemovableKind } from './capabilities.js';
import type { AwsIamClient } from './client.js';
import type { ShownGroupWithUsers } from './find.js';
import { given } from './body.js';
import { nextMarker } from './paging.js';
import type { Paged } from './paging.js';

export interface Attached {
  readonly kind: RemovableKind;
  readonly removal: readonly NativeCall[];
}

type Listing = {
  readonly kind: RemovableKind;
  readonly action: string;
  readonly list: (iam: IAMClient, marker: { Marker?: string }) => Promise<{ page: Paged; removals: NativeCall[][] }>;
};

/** Throws ConcordatError, `forbidden` where one of the lists may not be read: nothing is removed on a guess. */
export async function attachedToUser(client: AwsIamClient, userName: string): Promise<readonly Attached[]> {
  const user = { UserName: userName };
  const removal = (call: string, detail: Record<string, string>): NativeCall => ({
    call,
    target: userName,
    arguments: { ...user, ...detail },
  });
  const listings: readonly Listing[] = [
    {
      kind: 'accessKeys',
      action: 'iam:ListAccessKeys',
      async list(iam, marker) {
        const page = await iam.send(new ListAccessKeysCommand({ ...user, ...marker }));
        const ids = (page.AccessKeyMetadata ?? []).map((key) => given(key.AccessKeyId, 'AccessKeyId'));
        return { page, removals: ids.map((AccessKeyId) => [removal('iam:DeleteAccessKey', { AccessKeyId })]) };
      },
    },
    {
      kind: 'mfaDevices',
      action: 'iam:ListMFADevices',
      async list(iam, marker) {
        const page = await iam.send(new ListMFADevicesCommand({ ...user, ...marker }));
        const serials = (page.MFADevices ?? []).map((device) => given(device.SerialNumber, 'SerialNumber'));
        const removals = serials.map((SerialNumber) => [
          removal('iam:DeactivateMFADevice', { SerialNumber }),
          // only a virtual device is an object of its own; left behind it would block its name for ever
          ...(SerialNumber.includes(':mfa/')
            ? [{ call: 'iam:DeleteVirtualMFADevice', target: userName, arguments: { SerialNumber } }]
            : []),
        ]);
        return { page, removals };
      },
    },
    {
      kind: 'sshKeys',
      action: 'iam:ListSSHPublicKeys',
      async list(iam, marker) {
        const page = await iam.send(new ListSSHPublicKeysCommand({ ...user, ...marker }));
        const ids = (page.SSHPublicKeys ?? []).map((key) => given(key.SSHPublicKeyId, 'SSHPublicKeyId'));
        return { page, removals: ids.map((SSHPublicKeyId) => [removal('iam:DeleteSSHPublicKey', { SSHPublicKeyId })]) };
      },
    },
    {
      kind: 'signingCertificates',
      action: 'iam:ListSigningCertificates',
      async list(iam, marker) {
        const page = await iam.send(new ListSigningCertificatesCommand({ ...user, ...marker }));
        const ids = (page.Certificates ?? []).map((certificate) => given(certificate.CertificateId, 'CertificateId'));
        const removals = ids.map((CertificateId) => [removal('iam:DeleteSigningCertificate', { CertificateId })]);
        return { page, removals };
      },
    },
    {
      kind: 'serviceCredentials',
      action: 'iam:ListServiceSpecificCredentials',
      async list(iam, marker) {
        const page = await iam.send(new ListServiceSpecificCredentialsCommand({ ...user, ...marker }));
        const removals = (page.ServiceSpecificCredentials ?? []).map((credential) => {
          const id = given(credential.ServiceSpecificCredentialId, 'ServiceSpecificCredentialId');
          return [removal('iam:DeleteServiceSpecificCredential', { ServiceSpecificCredentialId: id })];
        });
        return { page, removals };
      },
    },
    {
      kind: 'policies',
      action: 'iam:ListUserPolicies',
      async list(iam, marker) {
        const page = await iam.send(new ListUserPoliciesCommand({ ...user, ...marker }));
        const removals = (page.PolicyNames ?? []).map((PolicyName) => [
          removal('iam:DeleteUserPolicy', { PolicyName }),
        ]);
        return { page, removals };
      },
    },
    {
      kind: 'policies',
      action: 'iam:ListAttachedUserPolicies',
      async list(iam, marker) {
        const page = await iam.send(new ListAttachedUserPoliciesCommand({ ...user, ...marker }));
        const arns = (page.AttachedPolicies ?? []).map((policy) => given(policy.PolicyArn, 'PolicyArn'));
        return { page, removals: arns.map((PolicyArn) => [removal('iam:DetachUserPolicy', { PolicyArn })]) };
      },
    },
    {
      kind: 'memberships',
      action: 'iam:ListGroupsForUser',
      async list(iam, marker) {
        const page = await iam.send(new ListGroupsForUserCommand({ ...user, ...marker }));
        const names = (page.Groups ?? []).map((group) => given(group.GroupName, 'GroupName'));
        return { page, removals: names.map((GroupName) => [removal('iam:RemoveUserFromGroup', { GroupName })]) };
      },
    },
  ];
  const profile = await client.readOrNull('iam:GetLoginProfile', (iam) => iam.send(new GetLoginProfileCommand(user)));
  const password: Attached[] =
    profile === null ? [] : [{ kind: 'loginProfile', removal: [removal('iam:DeleteLoginProfile', {})] }];
  return [...password, ...(await listAll(client, listings))];
}

/** As `attachedToUser`. Every member counts, also one outside the path prefix. */
export async function attachedToGroup(
  client: AwsIamClient,
  groupName: string,
  { users }: ShownGroupWithUsers,
): Promise<readonly Attached[]> {
  const group = { GroupName: groupName };
  const removal = (call: string, detail: Record<string, string>): NativeCall => ({
    call,
    target: groupName,
    arguments: { ...group, ...detail },
  });
  const listings: readonly Listing[] = [
    {
      kind: 'policies',
      action: 'iam:ListGroupPolicies',
      async list(iam, marker) {
        const page = await iam.send(new ListGroupPoliciesCommand({ ...group, ...marker }));
        const removals = (page.PolicyNames ?? []).map((PolicyName) => [
          removal('iam:DeleteGroupPolicy', { PolicyName }),
        ]);
        return { page, removals };
      },
    },
    {
      kind: 'policies',
      action: 'iam:ListAttachedGroupPolicies',
      async list(iam, marker) {
        const page = await iam.send(new ListAttachedGroupPoliciesCommand({ ...group, ...marker }));
        const arns = (page.AttachedPolicies ?? []).map((policy) => given(policy.PolicyArn, 'PolicyArn'));
        return { page, removals: arns.map((PolicyArn) => [removal('iam:DetachGroupPolicy', { PolicyArn })]) };
      },
    },
  ];
  const memberships = users.map((user): Attached => {
    const UserName = given(user.UserName, 'UserName');
    return { kind: 'memberships', removal: [removal('iam:RemoveUserFromGroup', { UserName })] };
  });
  return [...(await listAll(client, listings)), ...memberships];
}

async function listAll(client: AwsIamClient, listings: readonly Listing[]): Promise<readonly Attached[]> {
  const attached: Attached[] = [];
  for (const { kind, action, list } of listings) {
    let marker: string | undefined;
    do {
      const { page, removals } = await client.read(action, (iam) =>
        list(iam, marker === undefined ? {} : { Marker: marker }),
      );
      attached.push(...removals.map((removal) => ({ kind, removal })));
      marker = nextMarker(action, page, marker);
    } while (marker !== undefined);
  }
  return attached;
}
