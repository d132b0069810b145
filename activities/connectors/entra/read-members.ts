/** Who is in a group (https://learn.microsoft.com/en-us/graph/api/group-list-members): ids and kinds, no personal value. */
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import type { JsonObject } from '../../../core/json.js';
import type { Graph } from './client.js';
import { membersOf, pathOf, type Members } from './objects.js';
import { pageOf } from './odata.js';

export type MembersRead = { readonly members: Members } | { readonly reason: ErrorCode };

async function memberEntries(
  graph: Graph,
  id: string,
  select: string,
  signal?: AbortSignal,
): Promise<JsonObject[] | ErrorCode> {
  const entries: JsonObject[] = [];
  let next: string | undefined;
  do {
    const path = next ?? `${pathOf('group', id)}/members?$top=${graph.pageSize}${select}`;
    const { status, body } = await graph.read(path, { allow: [403, 404], signal });
    if (status === 403) return 'forbidden';
    // Deleted a moment ago, or not known yet to the replica that answered: not told as an empty list, nor as deleted.
    if (status === 404) return 'expectationFailed';
    const read = pageOf(body);
    if (next !== undefined && read.next === next)
      throw new ConcordatError('unexpectedAnswer', 'a nextLink of Graph leads to itself');
    entries.push(...read.value);
    next = read.next;
  } while (next !== undefined);
  return entries;
}

export async function readMembers(graph: Graph, id: string, signal?: AbortSignal): Promise<MembersRead> {
  // Graph annotates each member with its type also under $select=id; a server that does not is asked for whole members.
  for (const select of ['&$select=id', '']) {
    const entries = await memberEntries(graph, id, select, signal);
    if (typeof entries === 'string') return { reason: entries };
    const members = membersOf(entries);
    if (members) return { members };
  }
  throw new ConcordatError('unexpectedAnswer', 'Graph lists a member without saying of what type it is');
}
