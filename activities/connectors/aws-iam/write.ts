/**
 * Carries out one write: everything that can be found out by reading is found out before the first call, then the calls
 * go out one by one, each once.
 *
 * HAZARD: IAM writes address a name, and a name may belong to another object by now. The id behind every name is
 * verified right before the first call; between that and the call IAM offers no protection (it has no conditional
 * writes), so the caller reads back afterwards.
 */
import { GetUserCommand } from '@aws-sdk/client-iam';
import { ConcordatError } from '../../../core/errors.js';
import type { ErrorCode } from '../../../core/errors.js';
import type { JsonObject } from '../../../core/json.js';
import type { NativeCall, NativeWrite, WriteAnswer } from '../connector.js';
import { attachedToGroup, attachedToUser } from './attached.js';
import { given, nameProperty, textIn } from './body.js';
import type { NativeType } from './body.js';
import type { AwsIamClient, FailedWrite } from './client.js';
import type { Finder } from './find.js';
import type { Names } from './names.js';
import { memberIds, plannedCalls, stateChange } from './planned-calls.js';
import { notRepresentable } from './representable.js';
import { sendCall } from './send-call.js';
import { denyPolicyName, isDenyPolicy } from './deny-policy.js';
import { denyPolicyNow, endOfDenial, suspensionCalls } from './suspension.js';

/** The calls to send, with the verified user names that membership calls need. */
type Prepared =
  | { readonly kind: 'ready'; readonly calls: readonly NativeCall[]; readonly userNames: ReadonlyMap<string, string> }
  | FailedWrite;

export type Writer = (
  write: NativeWrite<NativeType>,
  announce?: (call: NativeCall) => Promise<void>,
) => Promise<WriteAnswer>;

export function createWriter(
  client: AwsIamClient,
  names: Names,
  finder: Finder,
  confirmAccount: () => Promise<void>,
): Writer {
  const { pathPrefix } = client.config.mesh;

  async function prepare(write: NativeWrite<NativeType>): Promise<Prepared> {
    const problem = notRepresentable(write, client.config.mesh);
    if (problem !== null) return failed('refused', 'valueNotRepresentable', problem);
    await confirmAccount();
    if (write.kind === 'delete') return prepareDeletion(write);
    const calls = plannedCalls(write, pathPrefix);
    if (write.type === 'user') {
      if (write.kind === 'create') return { kind: 'ready', calls, userNames: new Map() };
      const target = await verifyUser(write.id, textIn(write.before, 'UserName'));
      return target === 'matches' ? withSuspension(write, calls) : target;
    }
    return prepareGroup(write, calls);
  }

  /** The calls of a suspension depend on which keys there are; all others stay as planned. */
  async function withSuspension(
    { before, after }: { readonly before: JsonObject; readonly after: JsonObject },
    planned: readonly NativeCall[],
  ): Promise<Prepared> {
    const to = stateChange(before, after);
    if (to === undefined) return { kind: 'ready', calls: planned, userNames: new Map() };
    const { State: _, ...others } = after;
    const rest = plannedCalls({ kind: 'update', type: 'user', id: '', before, after: others }, pathPrefix);
    const former = textIn(before, 'UserName');
    const shown = await client.read('iam:GetUser', (iam) => iam.send(new GetUserCommand({ UserName: former })));
    const name = to === 'suspended' ? former : textIn(after, 'UserName');
    const found = await suspensionCalls(client, shown.User ?? {}, to, name);
    if (found.kind === 'foreignPolicy') {
      const detail = `an inline policy of the user is named ${denyPolicyName} and says something else; rename it, nothing was sent`;
      return failed('refused', 'valueNotRepresentable', detail);
    }
    const calls = to === 'suspended' ? [...found.calls, ...rest] : [...rest, ...found.calls];
    return { kind: 'ready', calls, userNames: new Map() };
  }

  async function verifyUser(id: string, name: string): Promise<'matches' | FailedWrite> {
    const found = name === '' ? null : await finder.userNamed(name);
    return found?.id === id && textIn(found.body, 'Path').startsWith(pathPrefix) ? 'matches' : moved('user');
  }

  async function groupAt(id: string, name: string) {
    const found = name === '' ? null : await finder.groupNamed(name);
    return found?.group.GroupId === id && given(found.group.Path, 'Path').startsWith(pathPrefix) ? found : null;
  }

  async function prepareGroup(
    write: Exclude<NativeWrite<NativeType>, { kind: 'delete' }>,
    planned: readonly NativeCall[],
  ): Promise<Prepared> {
    const userNames = new Map<string, string>();
    let calls = planned;
    if (write.kind === 'update') {
      const found = await groupAt(write.id, textIn(write.before, 'GroupName'));
      if (found === null) return moved('group');
      for (const user of found.users) userNames.set(given(user.UserId, 'UserId'), given(user.UserName, 'UserName'));
      // whoever left meanwhile need not be removed
      calls = planned.filter(
        ({ call, arguments: detail }) => call !== 'iam:RemoveUserFromGroup' || userNames.has(textIn(detail, 'UserId')),
      );
    }
    for (const id of memberIds(write.after)) {
      if (userNames.has(id)) continue;
      const user = await finder.readOne('user', id);
      if (user === null || !textIn(user.body, 'Path').startsWith(pathPrefix)) {
        return failed('refused', 'dependencyNotMet', `the account holds no user ${id} under the path prefix`);
      }
      userNames.set(id, textIn(user.body, 'UserName'));
    }
    return { kind: 'ready', calls, userNames };
  }

  async function prepareDeletion(write: Extract<NativeWrite<NativeType>, { kind: 'delete' }>): Promise<Prepared> {
    const { type, id, before, deletionMayRemove } = write;
    const name = textIn(before, nameProperty[type]);
    let attached;
    if (type === 'user') {
      const target = await verifyUser(id, name);
      if (target !== 'matches') return target;
      attached = await attachedToUser(client, name);
    } else {
      const found = await groupAt(id, name);
      if (found === null) return moved('group');
      attached = await attachedToGroup(client, name, found);
    }
    // The policy of a suspension is ours, and goes last: the map need not allow it.
    const denial = type === 'user' && client.config.mesh.suspension ? await denialOf(name) : [];
    if (denial.length > 0)
      attached = attached.filter(
        ({ removal }) => !removal.some((each) => each.arguments['PolicyName'] === denyPolicyName),
      );
    const blocking = attached.map(({ kind }) => kind).filter((kind) => !deletionMayRemove.includes(kind));
    if (blocking.length > 0) {
      const kinds = [...new Set(blocking)].map((kind) => `${blocking.filter((each) => each === kind).length} ${kind}`);
      const detail = `attached and not in deletionMayRemove: ${kinds.join(', ')}; nothing was removed`;
      return failed('refused', 'deletionBlocked', detail);
    }
    const { State: _, ...bare } = before;
    const last = plannedCalls({ ...write, before: bare, deletionMayRemove: [] }, pathPrefix);
    const removals = attached.flatMap(({ removal }) => removal);
    return { kind: 'ready', calls: [...removals, ...denial, ...last], userNames: new Map() };
  }

  async function denialOf(name: string): Promise<readonly NativeCall[]> {
    const policies = await denyPolicyNow(client, name);
    return policies.some((policy) => isDenyPolicy(policy.name, policy.document)) ? endOfDenial(name) : [];
  }

  return async (write, announce) => {
    let prepared: Prepared;
    try {
      prepared = await prepare(write);
    } catch (error) {
      // nothing was sent yet, so even a cloud out of reach leaves no doubt about the effect
      if (error instanceof ConcordatError) return failed('refused', error.code, `${error.message}; nothing was sent`);
      throw error;
    }
    if (prepared.kind !== 'ready') return prepared;
    const { calls, userNames } = prepared;
    const userNameOf = (id: string): string => given(userNames.get(id), 'UserName');
    let id = write.kind === 'create' ? undefined : write.id;

    for (const [index, call] of calls.entries()) {
      await announce?.(call);
      const sent = await client.writeOnce(
        call.call,
        (iam) => sendCall(iam, call, userNameOf),
        settlingCodes(call, index),
      );
      if (sent.kind === 'failed') {
        if (write.kind === 'delete' && sent.awsCode === 'NoSuchEntity' && index < calls.length - 1) continue; // gone already
        if (index === 0) return sent.answer;
        return {
          ...sent.answer,
          detail: `${sent.answer.detail}; ${index} of ${calls.length} calls were made before it`,
        };
      }
      if (write.kind === 'create' && index === 0) {
        const { madeId } = sent.output;
        if (!madeId) return failed('unknown', 'effectUnknown', `${call.call} answered without an id`);
        id = madeId;
        names.noteMade(write.type, id, call.target);
      }
    }
    if (id === undefined) return failed('unknown', 'effectUnknown', 'no call told the id of what was made');
    if (write.kind === 'delete') names.noteDeleted(id);
    if (write.kind === 'update') {
      names.learn(write.type, id, textIn(write.after, nameProperty[write.type]));
    }
    return { kind: 'applied', id };
  };
}

/** What IAM may still answer because it has not heard everywhere of the calls that this write made before. */
function settlingCodes({ call }: NativeCall, index: number): readonly string[] {
  if (index === 0) return [];
  if (call === 'iam:DeleteUser' || call === 'iam:DeleteGroup') return ['DeleteConflict'];
  return /^iam:(Tag|Untag|Add|Put)/.test(call) ? ['NoSuchEntity'] : [];
}

function failed<K extends FailedWrite['kind']>(kind: K, code: ErrorCode, detail: string) {
  return { kind, code, detail };
}

function moved(type: NativeType): FailedWrite {
  const detail = `the ${type} of this id no longer has the name and path that were read; nothing was sent`;
  return failed('conflict', 'expectationFailed', detail);
}
