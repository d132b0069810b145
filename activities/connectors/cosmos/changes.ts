/**
 * What changed of containers of Cosmos DB, by their change feed. The feed says which items were touched; what they are now
 * is read by key, in the words of every other read.
 *
 * HAZARD: an account may answer a read from a replica that is behind the feed (every consistency but strong and bounded). So
 * what is read is held against the ETag that the feed told last: where they differ the feed is asked again, and in the
 * end the cursor stays where it was, so that the change is told once more in the next run.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { ConcordatError } from '../../../core/errors.js';
import type { NativeObject } from '../../../core/record.js';
import { sideBySide } from '../../side-by-side.js';
import type { ChangeItem, ChangePosition, Changes } from '../connector.js';
import type { CosmosRecordsClient } from './client.js';
import { containerOf } from './config.js';
import { isUntold, readFeed, ridOf, type LastTold, type Untold } from './feed.js';
import { itemOf, readItem } from './read.js';
import { keyOf, rowId } from './row-id.js';

/** Changes of one answer that are looked at; beyond them reading all costs no more. */
const changesMax = 200_000;
const itemsOfPage = 500;
const requestsAtOnce = 25;
const roundsMax = 3;

const Cursor = z.strictObject({
  /** Which container, and how its items are read. */
  source: z.string(),
  token: z.string(),
});
type Cursor = z.infer<typeof Cursor>;

export interface CosmosChangesOptions {
  readonly client: CosmosRecordsClient;
  /** Before the feed is asked again because a read is not as it told. */
  readonly settleMs?: number;
}

export function cosmosChanges(options: CosmosChangesOptions): Changes | undefined {
  const { client } = options;
  const { changes } = client.mesh;
  if (!changes) return undefined;
  return {
    fullReadEvery: changes.fullReadEvery,
    async positions(nativeTypes, signal) {
      const positions: Record<string, ChangePosition> = {};
      for (const type of nativeTypes) {
        const found = await positionOf(client, type, signal);
        positions[type] = isUntold(found)
          ? { kind: 'none', ...found }
          : { kind: 'cursor', cursor: JSON.stringify(found) };
      }
      return positions;
    },
    async *changesSince(cursors, signal): AsyncGenerator<ChangeItem> {
      const next: Record<string, string> = {};
      for (const [nativeType, text] of Object.entries(cursors)) {
        const cursor = yield* tellType(options, nativeType, text, signal);
        if (isUntold(cursor)) yield { kind: 'untold', nativeType, ...cursor };
        else next[nativeType] = JSON.stringify(cursor);
      }
      yield { kind: 'end', cursors: next };
    },
    release: () => Promise.resolve(),
    idWritten: (write) =>
      write.kind === 'create' ? rowId(write.after, containerOf(client.mesh, write.type).key) : write.id,
  };
}

/** A container that is gone or is another one now has no changes to tell. */
async function sourceOf(
  client: CosmosRecordsClient,
  type: string,
  signal: AbortSignal | undefined,
): Promise<string | Untold> {
  try {
    return JSON.stringify([await ridOf(client, type, signal), containerOf(client.mesh, type)]);
  } catch (error) {
    if (error instanceof ConcordatError && error.code === 'scopeNotFound')
      return { why: 'doubtful', detail: error.message };
    throw error;
  }
}

export async function positionOf(
  client: CosmosRecordsClient,
  type: string,
  signal?: AbortSignal,
): Promise<Cursor | Untold> {
  const source = await sourceOf(client, type, signal);
  if (typeof source !== 'string') return source;
  const { pageSize } = client.limits;
  const read = await readFeed(client, type, null, new Map(), { changesMax, pageSize }, signal);
  return isUntold(read) ? read : { source, token: read.token };
}

async function* tellType(
  { client, settleMs = 200 }: CosmosChangesOptions,
  type: string,
  text: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<ChangeItem, Cursor | Untold> {
  const source = await sourceOf(client, type, signal);
  if (typeof source !== 'string') return source;
  const cursor = cursorIn(text);
  if (cursor?.source !== source)
    return { why: 'expired', detail: 'the last read was of another container, or in another way' };
  let { token } = cursor;
  let told: LastTold = new Map();
  for (let round = 1; ; round += 1) {
    const read = await readFeed(client, type, token, told, { changesMax, pageSize: client.limits.pageSize }, signal);
    if (isUntold(read)) return read;
    ({ token } = read);
    const unlike = yield* readTold(client, type, told, signal);
    if (isUntold(unlike)) return unlike;
    if (unlike.size === 0) return { source, token };
    if (round === roundsMax) return cursor;
    told = unlike;
    await delay(settleMs, undefined, signal ? { signal } : {});
  }
}

function cursorIn(text: string): Cursor | undefined {
  try {
    return Cursor.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Tells the items as they are; what is not as the feed told it comes back. */
async function* readTold(
  client: CosmosRecordsClient,
  type: string,
  told: LastTold,
  signal: AbortSignal | undefined,
): AsyncGenerator<ChangeItem, LastTold | Untold> {
  const unlike: LastTold = new Map();
  const all = [...told];
  for (let from = 0; from < all.length; from += itemsOfPage) {
    signal?.throwIfAborted();
    const page = await sideBySide(all.slice(from, from + itemsOfPage), requestsAtOnce, async ([id, etag]) => {
      const read = await readNow(client, type, id);
      if (read !== 'unreadable' && (read?.etag ?? null) !== etag) unlike.set(id, etag);
      return { id, read };
    });
    if (page.some(({ read }) => read === 'unreadable'))
      return { why: 'doubtful', detail: 'an item that changed has not the key of its container' };
    const objects = page.flatMap(({ read }) => (read === null || read === 'unreadable' ? [] : [read.object]));
    const gone = page.flatMap(({ id, read }) => (read === null ? [id] : []));
    if (objects.length > 0) yield { kind: 'objects', objects };
    if (gone.length > 0) yield { kind: 'gone', nativeType: type, ids: gone };
  }
  return unlike;
}

async function readNow(
  client: CosmosRecordsClient,
  type: string,
  id: string,
): Promise<{ readonly object: NativeObject; readonly etag: string } | 'unreadable' | null> {
  const container = containerOf(client.mesh, type);
  const key = keyOf(id, container.key);
  if (!key) return 'unreadable';
  const told = await readItem(client, type, key);
  return told === null ? null : (itemOf(container, type, told) ?? 'unreadable');
}
