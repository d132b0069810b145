/** The calls of one write, each with the command that carries it out, sent one by one and once. */
import {
  AddClientIDToOpenIDConnectProviderCommand,
  AttachGroupPolicyCommand,
  AttachRolePolicyCommand,
  AttachUserPolicyCommand,
  CreateOpenIDConnectProviderCommand,
  CreateRoleCommand,
  DeleteGroupPolicyCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  DeleteUserPolicyCommand,
  DetachGroupPolicyCommand,
  DetachRolePolicyCommand,
  DetachUserPolicyCommand,
  PutGroupPolicyCommand,
  PutUserPolicyCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import type { IAMClient } from '@aws-sdk/client-iam';
import type { JsonObject } from '../../../../core/json.js';
import type { NativeCall, WriteAnswer } from '../../connector.js';
import { textIn } from '../body.js';
import type { AwsIamClient } from '../client.js';
import type { NamedPrincipal } from './find-access.js';
import { assumePolicyName } from './planned-calls.js';

export interface Step {
  readonly call: NativeCall;
  /** Resolves to the id of what was made, where the call makes something with an id. */
  readonly send: (iam: IAMClient) => Promise<string | undefined>;
  /** Codes that only mean that IAM has not heard everywhere of an earlier call of this write. */
  readonly settlingCodes?: readonly string[];
  /** That there is no such thing is what the call was for. */
  readonly goneIsDone?: boolean;
}

/** `id`: of the object, where no call makes it. No calls: it is so already. */
export async function sendSteps(
  client: AwsIamClient,
  steps: readonly Step[],
  id: string | undefined,
  announce?: (call: NativeCall) => Promise<void>,
): Promise<WriteAnswer> {
  let known = id;
  for (const [index, step] of steps.entries()) {
    await announce?.(step.call);
    const sent = await client.writeOnce(step.call.call, step.send, index === 0 ? [] : step.settlingCodes);
    if (sent.kind === 'failed') {
      if (step.goneIsDone === true && sent.awsCode === 'NoSuchEntity' && index < steps.length - 1) continue;
      if (index === 0) return sent.answer;
      const detail = `${sent.answer.detail}; ${index} of ${steps.length} calls were made before it`;
      return { ...sent.answer, detail };
    }
    known = sent.output ?? known;
  }
  if (known !== undefined && known !== '') return { kind: 'applied', id: known };
  return { kind: 'unknown', code: 'effectUnknown', detail: 'no call told the id of what was made' };
}

const nothing = async (sent: Promise<unknown>): Promise<undefined> => void (await sent);

export function attachStep(call: NativeCall, { kind, name }: NamedPrincipal, PolicyArn: string): Step {
  const input = { PolicyArn };
  const send: Step['send'] = (iam) => {
    switch (kind) {
      case 'user':
        return nothing(iam.send(new AttachUserPolicyCommand({ UserName: name, ...input })));
      case 'group':
        return nothing(iam.send(new AttachGroupPolicyCommand({ GroupName: name, ...input })));
      case 'webIdentityRole':
        return nothing(iam.send(new AttachRolePolicyCommand({ RoleName: name, ...input })));
    }
  };
  return { call, send };
}

export function detachStep(
  call: NativeCall,
  { kind, name }: Pick<NamedPrincipal, 'kind' | 'name'>,
  PolicyArn: string,
): Step {
  const input = { PolicyArn };
  const send: Step['send'] = (iam) => {
    switch (kind) {
      case 'user':
        return nothing(iam.send(new DetachUserPolicyCommand({ UserName: name, ...input })));
      case 'group':
        return nothing(iam.send(new DetachGroupPolicyCommand({ GroupName: name, ...input })));
      case 'webIdentityRole':
        return nothing(iam.send(new DetachRolePolicyCommand({ RoleName: name, ...input })));
    }
  };
  return { call, send, goneIsDone: true };
}

export function putAssumePolicyStep(
  call: NativeCall,
  principal: NamedPrincipal,
  roleId: string,
  roleArn: string,
): Step {
  const statement = { Effect: 'Allow', Action: 'sts:AssumeRole', Resource: roleArn };
  const input = {
    PolicyName: assumePolicyName(roleId),
    PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
  };
  const send: Step['send'] = (iam) =>
    nothing(
      principal.kind === 'user'
        ? iam.send(new PutUserPolicyCommand({ UserName: principal.name, ...input }))
        : iam.send(new PutGroupPolicyCommand({ GroupName: principal.name, ...input })),
    );
  return { call, send };
}

export function deletePolicyStep(
  call: NativeCall,
  { kind, name }: Pick<NamedPrincipal, 'kind' | 'name'>,
  PolicyName: string,
): Step {
  const send: Step['send'] = (iam) => {
    switch (kind) {
      case 'user':
        return nothing(iam.send(new DeleteUserPolicyCommand({ UserName: name, PolicyName })));
      case 'group':
        return nothing(iam.send(new DeleteGroupPolicyCommand({ GroupName: name, PolicyName })));
      case 'webIdentityRole':
        return nothing(iam.send(new DeleteRolePolicyCommand({ RoleName: name, PolicyName })));
    }
  };
  return { call, send, goneIsDone: true };
}

export function trustStep(call: NativeCall, RoleName: string, trust: JsonObject): Step {
  const input = { RoleName, PolicyDocument: JSON.stringify(trust) };
  return { call, send: (iam) => nothing(iam.send(new UpdateAssumeRolePolicyCommand(input))) };
}

export function makeProviderStep(call: NativeCall, audience: string): Step {
  const input = { Url: textIn(call.arguments, 'Url'), ClientIDList: [audience] };
  return { call, send: (iam) => nothing(iam.send(new CreateOpenIDConnectProviderCommand(input))) };
}

export function addAudienceStep(call: NativeCall, OpenIDConnectProviderArn: string, ClientID: string): Step {
  const input = { OpenIDConnectProviderArn, ClientID };
  return { call, send: (iam) => nothing(iam.send(new AddClientIDToOpenIDConnectProviderCommand(input))) };
}

export function makeRoleStep(call: NativeCall): Step {
  const { AssumeRolePolicyDocument, PermissionsBoundary } = call.arguments;
  const input = {
    RoleName: textIn(call.arguments, 'RoleName'),
    Path: textIn(call.arguments, 'Path'),
    AssumeRolePolicyDocument: JSON.stringify(AssumeRolePolicyDocument),
    ...(typeof PermissionsBoundary === 'string' ? { PermissionsBoundary } : {}),
  };
  return {
    call,
    send: async (iam) => (await iam.send(new CreateRoleCommand(input))).Role?.RoleId ?? '',
    settlingCodes: ['MalformedPolicyDocument', 'NoSuchEntity'],
  };
}

export function deleteRoleStep(call: NativeCall, RoleName: string): Step {
  return {
    call,
    send: (iam) => nothing(iam.send(new DeleteRoleCommand({ RoleName }))),
    settlingCodes: ['DeleteConflict'],
  };
}
