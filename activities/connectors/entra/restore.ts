/**
 * Brings a deleted user back from the directory's deleted items, under the id it had, and then to what the write says.
 * https://learn.microsoft.com/en-us/graph/api/directory-deleteditems-restore
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { NativeCall, NativeWrite, WriteAnswer } from '../connector.js';
import type { Graph, Reply } from './client.js';
import { readOne } from './read.js';
import { refusalAnswer } from './refusals.js';

type Creation = Extract<NativeWrite<'user' | 'group'>, { readonly kind: 'create' }>;

/** How long a restored user may be unknown to the replica that is asked. */
const readDelaysMs = [0, 250, 500, 1_000, 2_000];

/** Of users only: most groups are not kept (what comes back of workloads is theirs, access/). */
export function restorableId(write: Creation): string | undefined {
  return write.type === 'user' ? write.restores : undefined;
}

export function restoreCall(id: string): NativeCall {
  return { call: 'POST /directory/deletedItems/{id}/restore', target: id, arguments: {} };
}

const pathOfDeleted = (id: string): string => `/directory/deletedItems/${encodeURIComponent(id)}`;

function isRefusal(reply: Reply): boolean {
  return reply.kind === 'answered' && (reply.status === 404 || reply.status === 403);
}

/** Null where there is nothing to restore, or it may not be restored: then it is made anew. Nothing has happened by then. */
export async function restoreUser(
  graph: Graph,
  { after }: Creation,
  id: string,
  announce: (call: NativeCall) => Promise<void>,
  update: (write: Extract<NativeWrite<'user'>, { readonly kind: 'update' }>) => Promise<WriteAnswer>,
): Promise<WriteAnswer | null> {
  const kept = await graph.ask({ method: 'GET', path: `${pathOfDeleted(id)}?$select=id` });
  if (isRefusal(kept)) return null;
  if (kept.kind !== 'answered' || kept.status !== 200)
    return {
      kind: 'refused',
      code: 'providerFault',
      detail: 'Graph did not say whether it keeps the deleted user; nothing was sent',
    };
  await announce(restoreCall(id));
  const reply = await graph.ask({ method: 'POST', path: `${pathOfDeleted(id)}/restore` });
  if (isRefusal(reply)) return null;
  if (reply.kind !== 'answered' || reply.status >= 300) return refusalAnswer(reply);
  for (const delayMs of readDelaysMs) {
    await delay(delayMs);
    const found = await readOne(graph, 'user', id);
    if (found) return update({ kind: 'update', type: 'user', id, before: found.body, after });
  }
  return { kind: 'unknown', code: 'effectUnknown', detail: 'Graph restored the user and does not show it yet' };
}
