/** Making the calls of a write to users and groups, each once (https://learn.microsoft.com/en-us/graph/api/group-upsert). */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { JsonObject } from '../../../core/json.js';
import type { NativeCall, NativeWrite, WriteAnswer } from '../connector.js';
import type { Graph, Reply } from './client.js';
import { pathOf, type NativeType } from './objects.js';
import { literal } from './odata.js';
import { refusalAnswer } from './refusals.js';
import { restorableId, restoreCall, restoreUser } from './restore.js';
import { newObject, obstacleTo, stepsOf, type Step } from './steps.js';

/** How long a new group may be unknown to the replica that takes its members. */
const newGroupDelaysMs = [250, 500, 1_000, 2_000, 4_000];

export function plannedCalls(write: NativeWrite<NativeType>): readonly NativeCall[] {
  const shown = stepsOf(write).map((step) => step.shown);
  const former = write.kind === 'create' ? restorableId(write) : undefined;
  if (former === undefined) return shown;
  const { call } = restoreCall(former);
  return [
    { ...restoreCall(former), call: `${call} (where it is kept)` },
    ...shown.map((each) => ({ ...each, call: `${each.call} (else; what differs is changed)` })),
  ];
}

const unknown = (detail: string): WriteAnswer => ({ kind: 'unknown', code: 'effectUnknown', detail });

/** A member who is there already, or a membership that is gone already: what was wanted. */
function alreadySo(step: Step, reply: Reply): boolean {
  if (reply.kind !== 'answered') return false;
  if (step.kind === 'addMember')
    return reply.status === 400 && /added object references already exist/i.test(reply.refusal?.message ?? '');
  return step.kind === 'removeMember' && reply.status === 404;
}

/** Kinds of characters that any password policy of Entra asks for, and 256 bits of chance. */
function withPassword(body: JsonObject): JsonObject {
  const password = `aA1!${randomBytes(32).toString('base64url')}`;
  return { ...body, passwordProfile: { forceChangePasswordNextSignIn: true, password } };
}

async function send(graph: Graph, step: Step, id: string): Promise<Reply> {
  const shared = step.body?.(graph.config.graph);
  const body = shared && step.kind === 'create' && step.path(id) === '/users' ? withPassword(shared) : shared;
  return graph.ask({
    method: step.method,
    path: step.path(id),
    ...(body ? { body } : {}),
    ...(step.headers ? { headers: step.headers } : {}),
  });
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The id of the object that a create has made, or why it cannot be told. */
async function madeId(
  graph: Graph,
  write: NativeWrite<NativeType>,
  reply: Extract<Reply, { kind: 'answered' }>,
): Promise<string | undefined> {
  const id = textOf(reply.body?.['id']);
  if (id !== undefined || write.kind !== 'create') return id;
  // An upsert of a group that was there answers 204 and names no id.
  const uniqueName = textOf(write.after['uniqueName']);
  if (write.type !== 'group' || uniqueName === undefined) return undefined;
  const found = await graph.ask({ method: 'GET', path: `/groups(uniqueName=${literal(uniqueName)})?$select=id` });
  return found.kind === 'answered' && found.status === 200 ? textOf(found.body?.['id']) : undefined;
}

/**
 * Adds a member to a group that this same write has made. Until the new group has reached every replica Graph answers 404
 * and names the group's id: it did nothing then, and only then the call is repeated.
 */
async function addToNewGroup(graph: Graph, step: Step, group: string): Promise<Reply> {
  for (const delayMs of newGroupDelaysMs) {
    const known = await graph.ask({ method: 'GET', path: `${pathOf('group', group)}?$select=id` });
    const reply = known.kind === 'answered' && known.status === 404 ? known : await send(graph, step, group);
    const unseen = reply.kind === 'answered' && reply.status === 404;
    if (!unseen || (reply !== known && !(reply.refusal?.message ?? '').includes(group))) return reply;
    await delay(delayMs);
  }
  return send(graph, step, group);
}

/** Never throws for what Graph or the network did; an error of `announce` passes through. */
export async function write(
  graph: Graph,
  order: NativeWrite<NativeType>,
  announce: (call: NativeCall) => Promise<void> = () => Promise.resolve(),
): Promise<WriteAnswer> {
  const obstacle = obstacleTo(order, graph.config);
  if (obstacle) return obstacle;
  const former = order.kind === 'create' ? restorableId(order) : undefined;
  if (order.kind === 'create' && former !== undefined) {
    const back = await restoreUser(graph, order, former, announce, (rest) => write(graph, rest, announce));
    if (back !== null) return back;
  }
  let id = order.kind === 'create' ? newObject : order.id;
  const steps = stepsOf(order);
  for (const [index, step] of steps.entries()) {
    await announce(step.shown.target === newObject && id !== newObject ? { ...step.shown, target: id } : step.shown);
    const isNew = order.kind === 'create' && step.kind === 'addMember';
    const reply = isNew ? await addToNewGroup(graph, step, id) : await send(graph, step, id);
    const succeeded = reply.kind === 'answered' && reply.status >= 200 && reply.status < 300;
    if (!succeeded && !alreadySo(step, reply)) {
      const answer = refusalAnswer(reply);
      return index === 0
        ? answer
        : { ...answer, detail: `${answer.detail}; ${index} of ${steps.length} calls were made before` };
    }
    if (step.kind === 'create' || step.kind === 'upsert') {
      const made = reply.kind === 'answered' ? await madeId(graph, order, reply) : undefined;
      if (made === undefined) return unknown('Graph made the object but did not say under which id');
      id = made;
    }
  }
  return { kind: 'applied', id };
}
