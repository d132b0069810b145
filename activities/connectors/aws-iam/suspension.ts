/**
 * A suspended user. IAM users have no switch, so two things are one here, and `mesh.suspension` says so by that name: the
 * access keys are inactive, and an inline policy of a fixed name denies everything. Password, MFA devices and other
 * credentials stay; under the policy they allow nothing.
 *
 * Which keys a suspension made inactive stands in a tag of the user, written before the first key is touched: only these
 * become active again. The tag is no part of the body. The policy is written last and taken away last but the tag, so a
 * user whose suspension stopped half way is `active` and is suspended anew.
 */
import {
  GetUserPolicyCommand,
  ListAccessKeysCommand,
  type ListAccessKeysCommandInput,
  type StatusType,
} from '@aws-sdk/client-iam';
import { byCodeUnit } from '../../../core/json.js';
import type { NativeCall } from '../connector.js';
import { given, type ShownUser, type Suspension } from './body.js';
import type { AwsIamClient } from './client.js';
import { denied, denyPolicyName, isDenyPolicy } from './deny-policy.js';
import { nextMarker } from './paging.js';

export const memoryTag = 'concordat:suspension';

export const denyDocument = JSON.stringify(denied);

/** `ending`: the keys are on their way back to active. */
interface Memory {
  readonly phase: 'suspended' | 'ending';
  readonly keys: readonly string[];
}

export function memoryText({ phase, keys }: Memory): string {
  return [phase, ...[...new Set(keys)].sort(byCodeUnit)].join(' ');
}

function memoryIn(tags: ShownUser['Tags']): Memory | null {
  const text = tags?.find(({ Key }) => Key === memoryTag)?.Value;
  const [phase, ...keys] = (text ?? '').split(' ');
  return phase === 'suspended' || phase === 'ending' ? { phase, keys } : null;
}

interface AccessKey {
  readonly id: string;
  readonly isActive: boolean;
}

async function accessKeys(client: AwsIamClient, userName: string): Promise<readonly AccessKey[]> {
  const keys: AccessKey[] = [];
  let marker: string | undefined;
  do {
    const input: ListAccessKeysCommandInput = {
      UserName: userName,
      ...(marker === undefined ? {} : { Marker: marker }),
    };
    const page = await client.read('iam:ListAccessKeys', (iam) => iam.send(new ListAccessKeysCommand(input)));
    for (const key of page.AccessKeyMetadata ?? [])
      keys.push({
        id: given(key.AccessKeyId, 'AccessKeyId'),
        isActive: key.Status !== ('Inactive' satisfies StatusType),
      });
    marker = nextMarker('iam:ListAccessKeys', page, marker);
  } while (marker !== undefined);
  return keys;
}

/** `policies`: what is written into the user. Looks at the keys of a user who has the policy, and of nobody else. */
export async function suspensionOf(
  client: AwsIamClient,
  user: ShownUser,
  policies: readonly { readonly name: string; readonly document: string }[],
): Promise<Suspension> {
  if (!policies.some(({ name, document }) => isDenyPolicy(name, document))) return { state: 'active' };
  if (memoryIn(user.Tags)?.phase === 'ending') return { state: 'suspended' };
  const active = (await accessKeys(client, given(user.UserName, 'UserName'))).filter(({ isActive }) => isActive).length;
  if (active === 0) return { state: 'suspended' };
  const reason = `half a suspension: the policy ${denyPolicyName} is there, and ${active} of its access keys ${active === 1 ? 'is' : 'are'} active`;
  return { state: 'suspended', opaque: reason };
}

/** The policy of the fixed name as it is now; none where there is none. */
export async function denyPolicyNow(client: AwsIamClient, userName: string) {
  const input = { UserName: userName, PolicyName: denyPolicyName };
  const shown = await client.readOrNull('iam:GetUserPolicy', (iam) => iam.send(new GetUserPolicyCommand(input)));
  return shown === null ? [] : [{ name: denyPolicyName, document: given(shown.PolicyDocument, 'PolicyDocument') }];
}

function call(action: string, UserName: string, detail: NativeCall['arguments']): NativeCall {
  return { call: `iam:${action}`, target: UserName, arguments: { UserName, ...detail } };
}

const putPolicy = (name: string): NativeCall =>
  call('PutUserPolicy', name, { PolicyName: denyPolicyName, PolicyDocument: denyDocument });
const dropPolicy = (name: string): NativeCall => call('DeleteUserPolicy', name, { PolicyName: denyPolicyName });
const remember = (name: string, memory: Memory): NativeCall =>
  call('TagUser', name, { Tags: { [memoryTag]: memoryText(memory) } });
const turn = (name: string, keys: readonly string[], Status: StatusType): readonly NativeCall[] =>
  keys.map((AccessKeyId) => call('UpdateAccessKey', name, { AccessKeyId, Status }));

/** What an approver sees: which keys there are is known when it is written. */
export function plannedSuspension(name: string, state: Suspension['state']): readonly NativeCall[] {
  const change = (Status: StatusType): NativeCall =>
    call(
      `UpdateAccessKey (${Status === 'Inactive' ? 'each active one' : 'each that the suspension made inactive'})`,
      name,
      { Status },
    );
  const note = (action: string): NativeCall => call(`${action} (where keys change)`, name, { TagKeys: [memoryTag] });
  return state === 'suspended'
    ? [note('TagUser'), change('Inactive'), putPolicy(name)]
    : [note('TagUser'), change('Active'), dropPolicy(name), note('UntagUser')];
}

/** For a new user, who has no keys yet. */
export function suspensionOfNew(name: string): readonly NativeCall[] {
  return [putPolicy(name)];
}

/** Before the deletion of a user, after everything else is gone: nothing is allowed in between. */
export function endOfDenial(name: string): readonly NativeCall[] {
  return [dropPolicy(name)];
}

export type SuspensionCalls =
  { readonly kind: 'ready'; readonly calls: readonly NativeCall[] } | { readonly kind: 'foreignPolicy' };

/** The calls that lead to the state from what the account shows now. `foreignPolicy`: somebody else's holds the name. */
export async function suspensionCalls(
  client: AwsIamClient,
  user: ShownUser,
  state: Suspension['state'],
  /** The name that the user has by the time of these calls. */
  name: string,
): Promise<SuspensionCalls> {
  const now = given(user.UserName, 'UserName');
  const policies = await denyPolicyNow(client, now);
  const isThere = policies.some((policy) => isDenyPolicy(policy.name, policy.document));
  if (policies.length > 0 && !isThere) return { kind: 'foreignPolicy' };
  const keys = await accessKeys(client, now);
  const memory = memoryIn(user.Tags);
  if (state === 'suspended') {
    const active = keys.filter(({ isActive }) => isActive).map(({ id }) => id);
    // What an attempt that stopped half way made inactive is remembered too.
    const before =
      memory?.phase === 'suspended' ? keys.filter(({ id }) => memory.keys.includes(id)).map(({ id }) => id) : [];
    const kept = [...before, ...active];
    return {
      kind: 'ready',
      calls: [
        // Also over what the end of an earlier one left behind.
        ...(kept.length === 0 && !memory ? [] : [remember(name, { phase: 'suspended', keys: kept })]),
        ...turn(name, active, 'Inactive'),
        putPolicy(name),
      ],
    };
  }
  const back = keys.filter(({ id, isActive }) => !isActive && memory?.keys.includes(id)).map(({ id }) => id);
  return {
    kind: 'ready',
    calls: [
      ...(back.length === 0 || !memory ? [] : [remember(name, { phase: 'ending', keys: memory.keys })]),
      ...turn(name, back, 'Active'),
      ...(isThere ? [dropPolicy(name)] : []),
      ...(memory ? [call('UntagUser', name, { TagKeys: [memoryTag] })] : []),
    ],
  };
}
