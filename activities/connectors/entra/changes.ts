/**
 * What changed of users and groups, by delta queries. Delta says which objects to look at; what they are is asked of each by
 * its id, in the words of every other read.
 *
 * HAZARD: Graph answers from replicas. What is read is held against what delta told; where it is not (yet) like it, the cursor
 * stays where it was and the change is told again in the next run.
 *
 * HAZARD: nobody tells a group that a member of it was deleted or restored, for the membership itself did not change. So with
 * the cursor of groups the users are followed too: a restored or new one is asked for its groups; a deleted one cannot be asked,
 * and then the groups are read whole. The same for a group within groups.
 */
import { z } from 'zod';
import { isJsonObject, type Json, type JsonObject } from '../../../core/json.js';
import { sameJson } from '../../../core/lens/same-json.js';
import type { NativeObject } from '../../../core/record.js';
import type { ChangeItem, ChangePosition, Changes } from '../connector.js';
import type { Graph } from './client.js';
import type { EntraMesh } from './config.js';
import { beginDelta, followDelta, isRemoved, isUntold, lastOf, type Untold } from './delta.js';
import { nativeObject, pathOf, selectOf, type Members, type NativeType } from './objects.js';
import { idOf, pageOf, underPrefix } from './odata.js';
import { readMembers } from './read-members.js';

/** Well within what the smallest tenant may read in a second. */
const readsAtOnce = 8;

const Cursor = z.strictObject({
  /** Which tenant, and how its objects are read. */
  source: z.string(),
  link: z.string(),
  /** With groups: of users, for those that are deleted or restored. */
  users: z.string().optional(),
});
type Cursor = z.infer<typeof Cursor>;

export interface EntraChangesOptions {
  readonly graph: () => Graph;
  readonly mesh: EntraMesh;
}

export function entraChanges({ graph, mesh }: EntraChangesOptions): Changes | undefined {
  if (!mesh.changes) return undefined;
  return {
    fullReadEvery: mesh.changes.fullReadEvery,
    async positions(nativeTypes, signal) {
      const positions: Record<string, ChangePosition> = {};
      for (const type of nativeTypes) {
        const found: Cursor | Untold = isFollowed(type)
          ? await positionOf(graph(), type, signal)
          : { why: 'notOffered', detail: `Graph has no delta query for ${type}` };
        positions[type] = isUntold(found)
          ? { kind: 'none', ...found }
          : { kind: 'cursor', cursor: JSON.stringify(found) };
      }
      return positions;
    },
    async *changesSince(cursors, signal): AsyncGenerator<ChangeItem> {
      const next: Record<string, string> = {};
      for (const [nativeType, text] of Object.entries(cursors)) {
        const told = yield* tellType(graph(), nativeType, text, signal);
        if (isUntold(told)) yield { kind: 'untold', nativeType, ...told };
        else next[nativeType] = JSON.stringify(told);
      }
      yield { kind: 'end', cursors: next };
    },
    release: () => Promise.resolve(),
    // Of a new object nobody knows the id before the answer: it has a link by then, and is asked for where nobody shows it.
    idWritten: (write) => (write.kind !== 'create' && isFollowed(write.type) ? write.id : null),
  };
}

function isFollowed(type: string): type is NativeType {
  return type === 'user' || type === 'group';
}

const selectForDelta = (type: NativeType): string => `${selectOf(type)}${type === 'group' ? ',members' : ''}`;
/** Of users that are followed for their groups only: nothing but that they came or went is told. */
const selectComing = '$select=id';

function sourceOf({ config }: Graph, type: NativeType): string {
  return JSON.stringify([config.tenant, config.graph, type === 'group' ? (config.groupPrefix ?? null) : null, type]);
}

export async function positionOf(graph: Graph, type: NativeType, signal?: AbortSignal): Promise<Cursor | Untold> {
  const source = sourceOf(graph, type);
  const users = type === 'group' ? await beginDelta(graph, 'user', selectComing, signal) : null;
  if (users && isUntold(users)) return users;
  const begun = await beginDelta(graph, type, selectForDelta(type), signal);
  if (isUntold(begun)) return begun;
  return { source, link: begun.link, ...(users ? { users: users.link } : {}) };
}

async function* tellType(
  graph: Graph,
  type: string,
  text: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<ChangeItem, Cursor | Untold> {
  if (!isFollowed(type)) return { why: 'notOffered', detail: `Graph has no delta query for ${type}` };
  const cursor = cursorIn(text);
  if (cursor?.source !== sourceOf(graph, type) || (type === 'group' && cursor.users === undefined))
    return { why: 'expired', detail: 'the last read was of another tenant, or in another way' };
  const told = await followDelta(graph, cursor.link, signal);
  if (isUntold(told)) return told;
  const last = new Map<string, JsonObject | null>(lastOf(told.entries));
  let users: string | undefined;
  if (type === 'group') {
    if ([...last.values()].some((entry) => entry !== null && isRemoved(entry)))
      return { why: 'doubtful', detail: 'a group was deleted, and nobody tells which groups it was in' };
    // Behind the groups: a membership of somebody who is deleted meanwhile is then known to be in doubt.
    const coming = await followDelta(graph, cursor.users ?? '', signal);
    if (isUntold(coming)) return coming;
    const groups = await groupsOfComing(graph, lastOf(coming.entries), signal);
    if (isUntold(groups)) return groups;
    for (const id of groups) if (!last.has(id)) last.set(id, null);
    users = coming.link;
  }
  const items: ChangeItem[] = [];
  const reading = readTold(graph, type, last, signal);
  let step = await reading.next();
  for (; step.done !== true; step = await reading.next()) items.push(step.value);
  if (isUntold(step.value)) return step.value;
  // HAZARD: none of it then. Who was made after the cursor and is deleted before the next run need not be told again.
  if (!step.value.all) return cursor;
  yield* items;
  return { source: cursor.source, link: told.link, ...(users === undefined ? {} : { users }) };
}

function cursorIn(text: string): Cursor | undefined {
  try {
    return Cursor.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The groups that users are in who are new or back. */
async function groupsOfComing(
  graph: Graph,
  users: ReadonlyMap<string, JsonObject>,
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<string> | Untold> {
  if ([...users.values()].some(isRemoved))
    return { why: 'doubtful', detail: 'a user was deleted, and nobody tells which groups it was in' };
  const groups = new Set<string>();
  const ask = async (id: string): Promise<Untold | null> => {
    let path: string | undefined = `${pathOf('user', id)}/memberOf?$select=id&$top=${graph.pageSize}`;
    while (path !== undefined) {
      const { status, body } = await graph.read(path, { allow: [403, 404], signal });
      // Gone again, or not yet known to the replica that answered.
      if (status !== 200) return { why: 'doubtful', detail: 'a user is new, and cannot be asked for its groups' };
      const page = pageOf(body);
      for (const raw of page.value) if (isGroup(raw)) groups.add(idOf(raw));
      if (page.next === path) return { why: 'doubtful', detail: 'a nextLink of Graph leads to itself' };
      path = page.next;
    }
    return null;
  };
  const ids = [...users.keys()];
  for (let from = 0; from < ids.length; from += readsAtOnce) {
    const answers = await Promise.all(ids.slice(from, from + readsAtOnce).map(ask));
    const untold = answers.find((answer) => answer !== null);
    if (untold) return untold;
  }
  return groups;
}

/** Directory roles and administrative units are no groups; what does not say what it is may be one. */
const isGroup = (raw: JsonObject): boolean => {
  const type = raw['@odata.type'];
  return typeof type !== 'string' || type === '#microsoft.graph.group';
};

/** Tells the objects as they are. `entry` null: it may have changed in what delta does not tell. */
async function* readTold(
  graph: Graph,
  type: NativeType,
  told: ReadonlyMap<string, JsonObject | null>,
  signal: AbortSignal | undefined,
): AsyncGenerator<ChangeItem, { readonly all: boolean } | Untold> {
  let all = true;
  const entries = [...told];
  for (let from = 0; from < entries.length; from += readsAtOnce) {
    signal?.throwIfAborted();
    const page = await Promise.all(
      entries.slice(from, from + readsAtOnce).map(async ([id, entry]) => ({
        id,
        entry,
        read: await readNow(graph, type, id, signal),
      })),
    );
    const unread = page.find(({ read }) => read === 'membersUnread');
    if (unread) return { why: 'doubtful', detail: 'the members of a group that changed cannot be read' };
    const objects: NativeObject[] = [];
    const gone: string[] = [];
    for (const { id, entry, read } of page) {
      if (read === 'membersUnread') continue;
      if (entry && !isLike(type, entry, read)) all = false;
      // A group that was renamed out of the prefix is in no list.
      if (read === null || (type === 'group' && !underPrefix(read.raw['displayName'], graph.config.groupPrefix)))
        gone.push(id);
      else objects.push(nativeObject(type, read.raw, read.members));
    }
    if (objects.length > 0) yield { kind: 'objects', objects };
    if (gone.length > 0) yield { kind: 'gone', nativeType: type, ids: gone };
  }
  return { all };
}

interface Read {
  readonly raw: JsonObject;
  readonly members?: Members;
}

async function readNow(
  graph: Graph,
  type: NativeType,
  id: string,
  signal: AbortSignal | undefined,
): Promise<Read | 'membersUnread' | null> {
  const { status, body } = await graph.read(`${pathOf(type, id)}?${selectOf(type)}`, { allow: [404], signal });
  if (status === 404) return null;
  if (type === 'user') return { raw: body };
  const read = await readMembers(graph, id, signal);
  return 'members' in read ? { raw: body, members: read.members } : 'membersUnread';
}

/** Whether what was read has what delta told of it: its properties, who came and who left. */
function isLike(type: NativeType, entry: JsonObject, read: Read | null): boolean {
  if (isRemoved(entry) || read === null) return isRemoved(entry) && read === null;
  const [told, now] = [nativeObject(type, entry).body, nativeObject(type, read.raw).body];
  if (Object.entries(told).some(([property, value]) => !sameJson(value, now[property] ?? null))) return false;
  const members = entry['members@delta'];
  if (!Array.isArray(members)) return true;
  const there = new Set([...(read.members?.users ?? []), ...(read.members?.others ?? []).map(({ id }) => id)]);
  const lastSaid = new Map((members as readonly Json[]).filter(isJsonObject).map((one) => [one['id'], isRemoved(one)]));
  return [...lastSaid].every(([id, isGone]) => typeof id === 'string' && there.has(id) !== isGone);
}
