/**
 * Reading users, groups and members (https://learn.microsoft.com/en-us/graph/api/user-list, group-list, group-list-members).
 *
 * Guests are users and are read. An object may come twice where the tenant changes while it is paged; the later one is newer.
 */
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import type { JsonObject } from '../../../core/json.js';
import type { NativeObject } from '../../../core/record.js';
import type { ReadItem, ReadRequest } from '../connector.js';
import { collections, type Reading } from './access/collections.js';
import { Principals } from './access/principals.js';
import { accessStep, collectionOf as listOf } from './access/read-lists.js';
import type { Graph } from './client.js';
import {
  cursorOf,
  positionOf,
  type AccessPosition,
  type GroupsPosition,
  type Position,
  type UntoldScope,
} from './cursor.js';
import { collectionOf, nativeObject, pathOf, selectOf, type NativeType } from './objects.js';
import { idOf, literal, pageOf, underPrefix, type RawPage } from './odata.js';
import { readMembers } from './read-members.js';

/** Lists of members that are read at once: well within 350 lists a second that the smallest tenant may read. */
const memberListsAtOnce = 8;

async function page(
  graph: Graph,
  path: string,
  next: string | undefined,
  signal?: AbortSignal,
): Promise<RawPage | null> {
  const resumed = next !== undefined;
  const { status, body } = await graph.read(next ?? path, { allow: resumed ? [400, 403, 410] : [403], signal });
  if (status === 403) return null;
  // A $skiptoken lives for a while only.
  if (status !== 200) throw new ConcordatError('cursorLost', 'Graph no longer knows the nextLink of this read');
  const read = pageOf(body);
  if (resumed && read.next === next)
    throw new ConcordatError('unexpectedAnswer', 'a nextLink of Graph leads to itself');
  return read;
}

function groupsPath({ config: { groupPrefix }, pageSize }: Graph): string {
  const filter = groupPrefix === undefined ? '' : `&$filter=startswith(displayName,${literal(groupPrefix)})`;
  return `/groups?${selectOf('group')}&$top=${pageSize}${filter}`;
}

const ended = (reason: ErrorCode | undefined): { complete: boolean; reason?: ErrorCode } =>
  reason === undefined ? { complete: true } : { complete: false, reason };

/** One step: what to tell, if anything, and where the read then stands. */
interface Step {
  readonly item?: ReadItem;
  readonly position: Position;
}

function objectsStep(scope: string, objects: readonly NativeObject[], position: Position): Step {
  return { item: { kind: 'objects', scope, objects, cursor: cursorOf(position) }, position };
}

function endStep(scope: string, nativeType: string, reason: ErrorCode | undefined, position: Position): Step {
  return { item: { kind: 'scopeEnd', scope, nativeType, ...ended(reason), cursor: cursorOf(position) }, position };
}

async function usersStep(graph: Graph, next: string | undefined, signal?: AbortSignal): Promise<Step> {
  const read = await page(graph, `/users?${selectOf('user')}&$top=${graph.pageSize}`, next, signal);
  if (!read) return { position: { at: 'usersEnd', reason: 'forbidden' } };
  const position: Position = read.next === undefined ? { at: 'usersEnd' } : { at: 'users', next: read.next };
  return objectsStep(
    'users',
    read.value.map((raw) => nativeObject('user', raw)),
    position,
  );
}

const groupsStart: GroupsPosition = { at: 'groups', last: false, pending: [], untold: [] };

/** Groups of the page last read, by id. Lost with the process: a resumed read asks for each pending group again. */
type HeldGroups = Map<string, JsonObject>;

async function groupPageStep(graph: Graph, at: GroupsPosition, held: HeldGroups, signal?: AbortSignal): Promise<Step> {
  const read = await page(graph, groupsPath(graph), at.next, signal);
  if (!read) return { position: { at: 'groupsEnd', reason: 'forbidden' } };
  held.clear();
  for (const raw of read.value) if (underPrefix(raw['displayName'], graph.config.groupPrefix)) held.set(idOf(raw), raw);
  const { next: _, ...rest } = at;
  const link = read.next === undefined ? {} : { next: read.next };
  return { position: { ...rest, ...link, last: read.next === undefined, pending: [...held.keys()] } };
}

async function groupsStep(reading: Reading, at: GroupsPosition, held: HeldGroups): Promise<Step> {
  const { graph, signal, principals } = reading;
  const [untold, ...untoldRest] = at.untold;
  if (untold) {
    const position: Position = { ...at, untold: untoldRest };
    return endStep(`groups/${untold.group}/members`, 'group', untold.reason, position);
  }
  if (at.pending.length === 0)
    return at.last
      ? { position: { at: 'groupsEnd', ...(at.reason === undefined ? {} : { reason: at.reason }) } }
      : groupPageStep(graph, at, held, signal);

  const ids = at.pending.slice(0, memberListsAtOnce);
  const objects: NativeObject[] = [];
  const incomplete: UntoldScope[] = [];
  let reason = at.reason;
  const reads = await Promise.all(
    ids.map(async (id) => {
      const raw = held.get(id) ?? (await readRaw(graph, 'group', id, signal));
      return { id, raw, read: raw === null ? null : await readMembers(graph, id, signal) };
    }),
  );
  for (const { id, raw, read } of reads) {
    if (raw === null || read === null) {
      // It was listed before the read was interrupted. Deleted or not, this list cannot prove that anything is absent.
      reason = 'cursorLost';
    } else if ('members' in read) {
      principals.remember(raw, read.members);
      objects.push(nativeObject('group', raw, read.members));
    } else {
      principals.remember(raw, undefined);
      objects.push(nativeObject('group', raw));
      incomplete.push({ group: id, reason: read.reason });
    }
  }
  const position: Position = {
    ...at,
    pending: at.pending.slice(ids.length),
    untold: incomplete,
    ...(reason === undefined ? {} : { reason }),
  };
  return objects.length === 0 ? { position } : objectsStep('groups', objects, position);
}

/** The position at which each list starts, in the order in which they are read. */
const starts: readonly { readonly nativeType: string; readonly position: Position }[] = [
  { nativeType: 'user', position: { at: 'users' } },
  { nativeType: 'group', position: groupsStart },
  ...collections.map(({ nativeType, scope }) => ({
    nativeType,
    position: { at: 'access', scope, part: 0 } as const,
  })),
];

/** Where the lists that somebody asked for go on after one of them; `at` names it, and its scope for those of access/. */
function following(wanted: readonly string[], position: Position | undefined): Position {
  const kindOf = (each: Position): string => (each.at === 'access' ? each.scope : each.at);
  const done = position === undefined ? -1 : starts.findIndex((start) => kindOf(start.position) === kindOf(position));
  return starts.slice(done + 1).find(({ nativeType }) => wanted.includes(nativeType))?.position ?? { at: 'done' };
}

/** Only lists of native types that are asked for. A scope that Graph forbids ends incomplete, and the read goes on; any other failure is thrown. */
export async function* readAll(graph: Graph, request: ReadRequest): AsyncGenerator<ReadItem> {
  const { signal, nativeTypes = ['user', 'group'] } = request;
  const held: HeldGroups = new Map();
  const reading: Reading = { graph, signal, principals: new Principals(graph, signal) };
  let position = positionOf(request.cursor, following(nativeTypes, undefined));
  while (position.at !== 'done') {
    signal?.throwIfAborted();
    let step: Step;
    switch (position.at) {
      case 'users':
        step = await usersStep(graph, position.next, signal);
        break;
      case 'usersEnd':
        step = endStep('users', 'user', position.reason, following(nativeTypes, { at: 'users' }));
        break;
      case 'groups':
        step = await groupsStep(reading, position, held);
        break;
      case 'groupsEnd':
        step = endStep('groups', 'group', position.reason, following(nativeTypes, groupsStart));
        break;
      case 'access':
        step = await listStep(reading, position, nativeTypes);
        break;
    }
    if (step.item) yield step.item;
    position = step.position;
  }
}

async function listStep(reading: Reading, at: AccessPosition, nativeTypes: readonly string[]): Promise<Step> {
  const { objects, position, ended } = await accessStep(reading, at);
  const { scope, nativeType } = listOf(at.scope);
  if (ended) return endStep(scope, nativeType, position.reason, following(nativeTypes, at));
  return objects.length === 0 ? { position } : objectsStep(scope, objects, position);
}

async function readRaw(graph: Graph, type: NativeType, id: string, signal?: AbortSignal): Promise<JsonObject | null> {
  const { status, body } = await graph.read(`${pathOf(type, id)}?${selectOf(type)}`, { allow: [404], signal });
  return status === 404 ? null : body;
}

async function withMembers(graph: Graph, type: NativeType, raw: JsonObject): Promise<NativeObject> {
  if (type === 'user') return nativeObject('user', raw);
  const read = await readMembers(graph, idOf(raw));
  return nativeObject('group', raw, 'members' in read ? read.members : undefined);
}

/** Graph may answer from a replica that has not seen a write of a moment ago: whoever waits for a write asks again. */
export async function readOne(graph: Graph, type: NativeType, id: string): Promise<NativeObject | null> {
  const raw = await readRaw(graph, type, id);
  return raw === null ? null : withMembers(graph, type, raw);
}

/** The names that a create is known by, the first one given decides. Only userPrincipalName and uniqueName are unique in Entra. */
const twinNames: Readonly<Record<NativeType, readonly string[]>> = {
  user: ['userPrincipalName'],
  group: ['uniqueName', 'mailNickname', 'displayName'],
};

/**
 * By userPrincipalName; of a group by uniqueName, else mailNickname, else displayName. The last two may be held by several
 * groups: then nobody can say which one is meant, and `nameTaken` is thrown, because "none" would let a second one be made.
 */
export async function findTwin(graph: Graph, type: NativeType, after: JsonObject): Promise<NativeObject | null> {
  const name = twinNames[type].find((property) => typeof after[property] === 'string' && after[property] !== '');
  if (name === undefined) return null;
  const value = literal(after[name] as string);
  if (name === 'uniqueName') {
    // An alternate key, which Graph answers from the directory itself.
    const { status, body } = await graph.read(`/groups(uniqueName=${value})?${selectOf('group')}`, { allow: [404] });
    return status === 404 ? null : withMembers(graph, 'group', body);
  }
  const { body } = await graph.read(`${collectionOf[type]}?${selectOf(type)}&$top=2&$filter=${name}%20eq%20${value}`);
  const [twin, ...more] = pageOf(body).value;
  if (more.length > 0)
    throw new ConcordatError('nameTaken', `several groups of this tenant have the ${name} of the new one`);
  return twin === undefined ? null : withMembers(graph, type, twin);
}
