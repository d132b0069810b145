/**
 * Carries out one write: everything that can be found out by reading is found out before the first call, then the calls
 * go out one by one, each once.
 *
 * HAZARD: IAM writes address a name, and a name may belong to another object by now. The id behind every name is
 * verified right before the first call; between that and the call IAM offers no protection (it has no conditional
 * writes), so the caller reads back afterwards.
 */
import { ConcordatError } from '../../../core/errors.js';
import type { ErrorCode } from '../../../core/errors.js';
import type { NativeCall, NativeWrite, WriteAnswer } from '../connector.js';
import { attachedToGroup, attachedToUser } from './attached.js';
import { given, nameProperty, textIn } from './body.js';
import type { NativeType } from './body.js';
import type { AwsIamClient, FailedWrite } from './client.js';
import type { Finder } from './find.js';
import type { Names } from './names.js';
import { memberIds, plannedCalls } from './planned-calls.js';
import { notRepresentable } from './representable.js';
import { sendCall } from './send-call.js';

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
    const problem = notRepresentable(write, pathPrefix);
    if (problem !== null) return failed('refused', 'valueNotRepresentable', problem);
    await confirmAccount();
    if (write.kind === 'delete') return prepareDeletion(write);
    const calls = plannedCalls(write, pathPrefix);
    if (write.type === 'user') {
      const target = write.kind === 'create' ? 'matches' : await verifyUser(write.id, textIn(write.before, 'UserName'));
      return target === 'matches' ? { kind: 'ready', calls, userNames: new Map() } : target;
    }
    return prepareGroup(write, calls);
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
    const blocking = attached.map(({ kind }) => kind).filter((kind) => !deletionMayRemove.includes(kind));
    if (blocking.length > 0) {
      const kinds = [...new Set(blocking)].map((kind) => `${blocking.filter((each) => each === kind).length} ${kind}`);
      const detail = `attached and not in deletionMayRemove: ${kinds.join(', ')}; nothing was removed`;
      return failed('refused', 'deletionBlocked', detail);
    }
    const last = plannedCalls({ ...write, deletionMayRemove: [] }, pathPrefix);
    return { kind: 'ready', calls: [...attached.flatMap(({ removal }) => removal), ...last], userNames: new Map() };
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
  return /^iam:(Tag|Untag|Add)/.test(call) ? ['NoSuchEntity'] : [];
}

function failed<K extends FailedWrite['kind']>(kind: K, code: ErrorCode, detail: string) {
  return { kind, code, detail };
}

function moved(type: NativeType): FailedWrite {
  const detail = `the ${type} of this id no longer has the name and path that were read; nothing was sent`;
  return failed('conflict', 'expectationFailed', detail);
}
