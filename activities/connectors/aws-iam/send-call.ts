/** Carries out one NativeCall: the arguments that were shown become the command of the SDK that is sent. */
import {
  AddUserToGroupCommand,
  CreateGroupCommand,
  CreateUserCommand,
  DeactivateMFADeviceCommand,
  DeleteAccessKeyCommand,
  DeleteGroupCommand,
  DeleteGroupPolicyCommand,
  DeleteLoginProfileCommand,
  DeleteServiceSpecificCredentialCommand,
  DeleteSigningCertificateCommand,
  DeleteSSHPublicKeyCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  DeleteVirtualMFADeviceCommand,
  DetachGroupPolicyCommand,
  DetachUserPolicyCommand,
  PutUserPolicyCommand,
  RemoveUserFromGroupCommand,
  TagUserCommand,
  UntagUserCommand,
  UpdateAccessKeyCommand,
  UpdateGroupCommand,
  UpdateUserCommand,
} from '@aws-sdk/client-iam';
import type { IAMClient, StatusType } from '@aws-sdk/client-iam';
import { isJsonObject } from '../../../core/json.js';
import type { Json } from '../../../core/json.js';
import type { NativeCall } from '../connector.js';
import { textIn } from './body.js';

/** What a call tells of the object that it made; nothing for all others. */
export interface CallOutput {
  readonly madeId?: string | undefined;
}

/** `userNameOf` gives the verified name behind the `UserId` of a membership call. Rejects with the SDK's error. */
export async function sendCall(
  iam: IAMClient,
  { call, arguments: given }: NativeCall,
  userNameOf: (id: string) => string,
): Promise<CallOutput> {
  const text = (name: string): string => requiredText(call, name, given[name]);
  const optional = <N extends string>(name: N): Partial<Record<N, string>> =>
    given[name] === undefined ? {} : ({ [name]: text(name) } as Partial<Record<N, string>>);
  const member = (): { GroupName: string; UserName: string } => ({
    GroupName: text('GroupName'),
    UserName: given['UserId'] === undefined ? text('UserName') : userNameOf(text('UserId')),
  });
  const user = (): { UserName: string } => ({ UserName: text('UserName') });
  const group = (): { GroupName: string } => ({ GroupName: text('GroupName') });

  switch (call) {
    case 'iam:CreateUser': {
      const Tags = tagList(given['Tags']);
      const input = { ...user(), Path: text('Path'), ...(Tags.length === 0 ? {} : { Tags }) };
      const answer = await iam.send(new CreateUserCommand({ ...input, ...optional('PermissionsBoundary') }));
      return { madeId: answer.User?.UserId };
    }
    case 'iam:CreateGroup': {
      const answer = await iam.send(new CreateGroupCommand({ ...group(), Path: text('Path') }));
      return { madeId: answer.Group?.GroupId };
    }
    case 'iam:UpdateUser':
      await iam.send(new UpdateUserCommand({ ...user(), ...optional('NewUserName'), ...optional('NewPath') }));
      return {};
    case 'iam:UpdateGroup':
      await iam.send(new UpdateGroupCommand({ ...group(), ...optional('NewGroupName'), ...optional('NewPath') }));
      return {};
    case 'iam:TagUser':
      await iam.send(new TagUserCommand({ ...user(), Tags: tagList(given['Tags']) }));
      return {};
    case 'iam:UntagUser': {
      const keys = given['TagKeys'];
      await iam.send(
        new UntagUserCommand({
          ...user(),
          TagKeys: Array.isArray(keys) ? keys.filter((key) => typeof key === 'string') : [],
        }),
      );
      return {};
    }
    case 'iam:AddUserToGroup':
      await iam.send(new AddUserToGroupCommand(member()));
      return {};
    case 'iam:RemoveUserFromGroup':
      await iam.send(new RemoveUserFromGroupCommand(member()));
      return {};
    case 'iam:DeleteAccessKey':
      await iam.send(new DeleteAccessKeyCommand({ ...user(), AccessKeyId: text('AccessKeyId') }));
      return {};
    case 'iam:DeleteLoginProfile':
      await iam.send(new DeleteLoginProfileCommand(user()));
      return {};
    case 'iam:DeactivateMFADevice':
      await iam.send(new DeactivateMFADeviceCommand({ ...user(), SerialNumber: text('SerialNumber') }));
      return {};
    case 'iam:DeleteVirtualMFADevice':
      await iam.send(new DeleteVirtualMFADeviceCommand({ SerialNumber: text('SerialNumber') }));
      return {};
    case 'iam:DeleteSSHPublicKey':
      await iam.send(new DeleteSSHPublicKeyCommand({ ...user(), SSHPublicKeyId: text('SSHPublicKeyId') }));
      return {};
    case 'iam:DeleteSigningCertificate':
      await iam.send(new DeleteSigningCertificateCommand({ ...user(), CertificateId: text('CertificateId') }));
      return {};
    case 'iam:DeleteServiceSpecificCredential': {
      const ServiceSpecificCredentialId = text('ServiceSpecificCredentialId');
      await iam.send(new DeleteServiceSpecificCredentialCommand({ ...user(), ServiceSpecificCredentialId }));
      return {};
    }
    case 'iam:UpdateAccessKey': {
      const Status = text('Status') as StatusType;
      await iam.send(new UpdateAccessKeyCommand({ ...user(), AccessKeyId: text('AccessKeyId'), Status }));
      return {};
    }
    case 'iam:PutUserPolicy': {
      const document = { PolicyName: text('PolicyName'), PolicyDocument: text('PolicyDocument') };
      await iam.send(new PutUserPolicyCommand({ ...user(), ...document }));
      return {};
    }
    case 'iam:DeleteUserPolicy':
      await iam.send(new DeleteUserPolicyCommand({ ...user(), PolicyName: text('PolicyName') }));
      return {};
    case 'iam:DetachUserPolicy':
      await iam.send(new DetachUserPolicyCommand({ ...user(), PolicyArn: text('PolicyArn') }));
      return {};
    case 'iam:DeleteGroupPolicy':
      await iam.send(new DeleteGroupPolicyCommand({ ...group(), PolicyName: text('PolicyName') }));
      return {};
    case 'iam:DetachGroupPolicy':
      await iam.send(new DetachGroupPolicyCommand({ ...group(), PolicyArn: text('PolicyArn') }));
      return {};
    case 'iam:DeleteUser':
      await iam.send(new DeleteUserCommand(user()));
      return {};
    case 'iam:DeleteGroup':
      await iam.send(new DeleteGroupCommand(group()));
      return {};
    default:
      throw new Error(`no command for ${call}`);
  }
}

function requiredText(call: string, name: string, value: Json | undefined): string {
  if (typeof value !== 'string' || value === '') throw new Error(`${call} needs ${name}`);
  return value;
}

function tagList(tags: Json | undefined): { Key: string; Value: string }[] {
  if (!isJsonObject(tags)) return [];
  return Object.keys(tags).map((Key) => ({ Key, Value: textIn(tags, Key) }));
}
