/**
 * What changed of tables of DynamoDB, by their streams. The stream says which items were touched; what they are now is read
 * by key, strongly consistent, in the words of every other read.
 *
 * HAZARD: a stream tells a change some time after it was made. What a run does not learn the next one does, and what this
 * authority wrote itself is read by key whether the stream tells it or not (`idWritten`), so that a new row never looks
 * deleted and an old value never looks like a change.
 */
import { z } from 'zod';
import { ConcordatError } from '../../../core/errors.js';
import type { NativeObject } from '../../../core/record.js';
import type { ChangeItem, ChangePosition, Changes } from '../connector.js';
import { describeTable, tableOf, type Table } from './catalog.js';
import type { DynamodbClient } from './client.js';
import type { DynamodbMesh } from './config.js';
import { keyNames, readOne } from './read.js';
import { rowId } from './row-id.js';
import { shardsToRead, type ReadShards, type Shard } from './shards.js';
import { sideBySide } from '../../side-by-side.js';
import { isUntold, type FromWhere, type StreamClient, type Untold } from './streams.js';
import { bodyOf } from './values.js';

/** Ids of touched items are held in memory; a stream of more of them is no smaller than the table is to most. */
const touchedMax = 200_000;
const shardsAtOnce = 8;
const itemsOfPage = 500;
/**
 * A stream keeps a day. HAZARD: whatever was told and trimmed between two reads may have left no trace in what is listed,
 * so a read that is nearly as old counts for nothing.
 */
const cursorAgeMaxMs = 23 * 3_600_000;
const requestsAtOnce = 25;

const Cursor = z.strictObject({
  /** Which table and stream, and how its items are read. */
  source: z.string(),
  readAtMs: z.int(),
  open: z.record(z.string(), z.string().nullable()),
  ended: z.array(z.string()),
});
type Cursor = z.infer<typeof Cursor>;

export interface DynamodbChangesOptions {
  readonly client: DynamodbClient;
  readonly streams: StreamClient;
  readonly mesh: DynamodbMesh;
  /** Milliseconds since the epoch; only tests give another clock. */
  readonly now?: () => number;
}

interface Followed {
  readonly table: Table;
  readonly stream: string;
  readonly source: string;
}

export function dynamodbChanges(options: DynamodbChangesOptions): Changes | undefined {
  const { mesh } = options;
  if (!mesh.changes) return undefined;
  return {
    fullReadEvery: mesh.changes.fullReadEvery,
    async positions(nativeTypes, signal) {
      const positions: Record<string, ChangePosition> = {};
      for (const type of nativeTypes) {
        const found = await positionOf(options, type, signal);
        positions[type] = isUntold(found) ? { kind: 'none', ...found } : { kind: 'cursor', cursor: found.cursor };
      }
      return positions;
    },
    async *changesSince(cursors, signal): AsyncGenerator<ChangeItem> {
      const next: Record<string, string> = {};
      for (const [nativeType, text] of Object.entries(cursors)) {
        const touched = await touchedSince(options, nativeType, text, signal);
        if (isUntold(touched)) {
          yield { kind: 'untold', nativeType, ...touched };
          continue;
        }
        yield* readTouched(options, nativeType, touched, signal);
        next[nativeType] = JSON.stringify(touched.cursor);
      }
      yield { kind: 'end', cursors: next };
    },
    release: () => Promise.resolve(),
    idWritten: (write) => (write.kind === 'create' ? rowId(write.after, tableOf(mesh, write.type).key) : write.id),
  };
}

async function follow(
  { client, mesh }: DynamodbChangesOptions,
  type: string,
  signal: AbortSignal | undefined,
): Promise<Followed | Untold> {
  let table: Table;
  try {
    table = await describeTable(client, mesh, type, signal);
  } catch (error) {
    if (error instanceof ConcordatError && error.code === 'scopeNotFound')
      return { why: 'doubtful', detail: error.message };
    throw error;
  }
  const { stream } = table;
  if (stream === null) return { why: 'notOffered', detail: `the table ${table.name} has no stream` };
  return { table, stream, source: JSON.stringify([table.tableId, stream, tableOf(mesh, type)]) };
}

async function positionOf(
  options: DynamodbChangesOptions,
  type: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly cursor: string } | Untold> {
  const readAtMs = (options.now ?? Date.now)();
  const followed = await follow(options, type, signal);
  if (isUntold(followed)) return followed;
  const { stream, source } = followed;
  const shards = await options.streams.shards(stream, signal);
  if (isUntold(shards)) return shards;
  // What closed shards told is in what is read now.
  const open = shards.filter(({ isClosed }) => !isClosed).map((shard) => ({ shard, from: 'oldest' as const }));
  const ended = shards.filter(({ isClosed }) => isClosed).map(({ id }) => id);
  const read = await readShards(options, stream, open, () => true, signal);
  if (isUntold(read)) return read;
  const cursor: Cursor = { source, readAtMs, open: { ...read.open }, ended: [...ended, ...read.ended] };
  return { cursor: JSON.stringify(cursor) };
}

/** Side by side; what is told between their ends is told again from here on. */
async function readShards(
  { streams }: DynamodbChangesOptions,
  stream: string,
  shards: readonly { readonly shard: Shard; readonly from: FromWhere }[],
  visit: Parameters<StreamClient['read']>[3],
  signal: AbortSignal | undefined,
): Promise<ReadShards | Untold> {
  const answers = await sideBySide(shards, shardsAtOnce, async ({ shard, from }) => ({
    shard,
    answer: await streams.read(stream, shard, from, visit, signal),
  }));
  const open: Record<string, string | null> = {};
  const ended: string[] = [];
  for (const { shard, answer } of answers) {
    if (isUntold(answer)) return answer;
    if (answer.isEnded) ended.push(shard.id);
    else open[shard.id] = answer.lastSequence;
  }
  return { open, ended };
}

interface Touched {
  readonly table: Table;
  readonly ids: readonly string[];
  readonly cursor: Cursor;
}

async function touchedSince(
  options: DynamodbChangesOptions,
  type: string,
  text: string,
  signal: AbortSignal | undefined,
): Promise<Touched | Untold> {
  const readAtMs = (options.now ?? Date.now)();
  const followed = await follow(options, type, signal);
  const cursor = cursorIn(text);
  // What was changed while it was switched off is told by nobody.
  if (isUntold(followed)) return followed.why === 'notOffered' ? { ...followed, why: 'doubtful' } : followed;
  const { table, stream, source } = followed;
  if (cursor?.source !== source)
    return { why: 'expired', detail: 'the last read was of another table or stream, or in another way' };
  if (Math.abs(readAtMs - cursor.readAtMs) > cursorAgeMaxMs)
    return { why: 'expired', detail: 'the last read is about a day old, and the stream keeps no more' };
  const shards = await options.streams.shards(stream, signal);
  if (isUntold(shards)) return shards;
  const wanted = shardsToRead(shards, cursor);
  if (wanted.kind === 'expired')
    return { why: 'expired', detail: 'a shard of the stream is gone that had more to tell' };
  if (wanted.kind === 'broken')
    return { why: 'doubtful', detail: 'the stream has a shard that comes from none of those that were read' };
  const ids = new Set<string>();
  let isStrange = false;
  const read = await readShards(
    options,
    stream,
    wanted.shards.map(({ shard, after }) => ({
      shard,
      from: after === null ? { at: shard.firstSequence } : { after },
    })),
    (key) => {
      const id = key && rowId(bodyOfKey(table, key), keyNames(table));
      if (id) ids.add(id);
      else isStrange = true;
      return ids.size <= touchedMax && !isStrange;
    },
    signal,
  );
  if (isStrange) return { why: 'doubtful', detail: 'the stream names an item that has not the key of its table' };
  if (isUntold(read)) return read;
  const listed = new Set(shards.map(({ id }) => id));
  const ended = [...cursor.ended.filter((id) => listed.has(id)), ...read.ended];
  return { table, ids: [...ids], cursor: { source, readAtMs, open: { ...read.open }, ended } };
}

function cursorIn(text: string): Cursor | undefined {
  try {
    return Cursor.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function bodyOfKey(table: Table, key: Parameters<Parameters<StreamClient['read']>[3]>[0] & object) {
  return Object.fromEntries(Object.entries(key).map(([name, value]) => [name, bodyOf(value, table.declared(name))]));
}

async function* readTouched(
  { client }: DynamodbChangesOptions,
  type: string,
  { table, ids }: Touched,
  signal: AbortSignal | undefined,
): AsyncGenerator<ChangeItem> {
  for (let from = 0; from < ids.length; from += itemsOfPage) {
    signal?.throwIfAborted();
    const page = ids.slice(from, from + itemsOfPage);
    const found = await sideBySide(page, requestsAtOnce, (id) => readOne(client, table, type, id));
    const objects = found.filter((object): object is NativeObject => object !== null);
    const there = new Set(objects.map(({ id }) => id));
    const gone = page.filter((id) => !there.has(id));
    if (objects.length > 0) yield { kind: 'objects', objects };
    if (gone.length > 0) yield { kind: 'gone', nativeType: type, ids: gone };
  }
}
