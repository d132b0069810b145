/**
 * Delta queries of Microsoft Graph: which users or groups changed since a token was given.
 * https://learn.microsoft.com/graph/delta-query-overview
 *
 * Graph may tell the same twice, in any order, and some time after it was made. A token lasts about a week.
 */
import type { JsonObject, Json } from '../../../core/json.js';
import { isJsonObject } from '../../../core/json.js';
import type { UntoldReason } from '../connector.js';
import type { Graph } from './client.js';
import { collectionOf, type NativeType } from './objects.js';
import { idOf, pageOf } from './odata.js';

export interface Untold {
  readonly why: UntoldReason;
  readonly detail: string;
}

export function isUntold(value: object): value is Untold {
  return 'why' in value;
}

export interface Told {
  /** In the order in which Graph told them. */
  readonly entries: readonly JsonObject[];
  /** For what comes after; a deltaLink. */
  readonly link: string;
}

/** More objects than this are read whole with fewer calls: each that changed costs one or two. */
export const changesMax = 2_000;

/** From here on. Throws ConcordatError where Graph cannot be asked. */
export async function beginDelta(
  graph: Graph,
  type: NativeType,
  select: string,
  signal?: AbortSignal,
): Promise<Told | Untold> {
  return follow(graph, `${collectionOf[type]}/delta?$deltaToken=latest&${select}`, true, signal);
}

/** What came since the link was given. `expired` where Graph has forgotten it. */
export async function followDelta(graph: Graph, link: string, signal?: AbortSignal): Promise<Told | Untold> {
  return follow(graph, link, false, signal);
}

async function follow(
  graph: Graph,
  from: string,
  isFirst: boolean,
  signal: AbortSignal | undefined,
): Promise<Told | Untold> {
  const entries: JsonObject[] = [];
  const asked = new Set<string>();
  for (let path = from; ;) {
    if (asked.has(path)) return { why: 'doubtful', detail: 'a nextLink of the delta query leads to where it was' };
    asked.add(path);
    const { status, body } = await graph.read(path, { allow: [400, 403, 404, 410], signal });
    if (status !== 200) return refusedBecause(status, body, isFirst);
    const { value, next } = pageOf(body);
    entries.push(...value);
    if (entries.length > changesMax) return { why: 'many', detail: 'delta tells more changes than are looked at' };
    const link = body['@odata.deltaLink'];
    if (typeof link === 'string') return { entries, link };
    // HAZARD: without a link to go on from nobody knows whether that was all.
    if (next === undefined) return { why: 'doubtful', detail: 'a delta query ended without a deltaLink' };
    path = next;
  }
}

function refusedBecause(status: number, body: JsonObject, isFirst: boolean): Untold {
  const error = body['error'];
  const code = isJsonObject(error as Json) ? (error as JsonObject)['code'] : undefined;
  const words = `the delta query was answered with ${status}`;
  if (status === 403 || isFirst) return { why: 'notOffered', detail: words };
  const isForgotten = status === 410 || (typeof code === 'string' && /syncState|resync|expired/i.test(code));
  return isForgotten
    ? { why: 'expired', detail: 'Graph has forgotten what the last read had seen; it keeps it for about a week' }
    : { why: 'doubtful', detail: words };
}

/** Whether it says that the object is deleted, for a while or for good. */
export const isRemoved = (entry: JsonObject): boolean => isJsonObject((entry['@removed'] ?? null) as Json);

/** The last entry of each object. */
export function lastOf(entries: readonly JsonObject[]): ReadonlyMap<string, JsonObject> {
  return new Map(entries.map((entry) => [idOf(entry), entry]));
}
