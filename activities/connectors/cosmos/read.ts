/**
 * Reading containers page by page. The cursor holds the continuation token of the query; it lies in the private store of the
 * authority. https://learn.microsoft.com/azure/cosmos-db/nosql/query/pagination
 */
import type { Container } from '@azure/cosmos';
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import type { JsonObject } from '../../../core/json.js';
import type { NativeObject } from '../../../core/record.js';
import type { ReadItem, ReadRequest } from '../connector.js';
import { answerOf } from './answers.js';
import type { CosmosRecordsClient } from './client.js';
import { containerOf, type ContainerMesh } from './config.js';
import { keyOf, rowId, type ItemKey } from './row-id.js';
import { bodyOf, hasMark } from './values.js';

/** `token`: of the page that comes next; null where the end of the type was told. */
interface Position {
  readonly type: string;
  readonly token: string | null;
  readonly reason?: ErrorCode;
}

/** What a read of one container may meet and the reads of others need not. */
const ofOneContainer: readonly ErrorCode[] = ['scopeNotFound', 'forbidden'];

/** Instead of a token where there is no page more. */
const end = 'end';

export interface Item {
  readonly object: NativeObject;
  readonly etag: string;
}

/** Null where its key is not as the authority file says. */
export function itemOf({ key }: ContainerMesh, type: string, told: JsonObject): Item | null {
  const called = key.at(-1) ?? 'id';
  const { id: itsId, ...others } = bodyOf(told);
  const body: JsonObject = { ...others, [called]: itsId ?? null };
  const id = rowId(body, key);
  const etag = told['_etag'];
  if (id === null || typeof etag !== 'string') return null;
  const opaque = Object.hasOwn(others, called)
    ? 'it has a property with the name of its key'
    : hasMark(body)
      ? 'it has a property $number, which stands for numbers here'
      : undefined;
  return { object: { type, id, body, ...(opaque === undefined ? {} : { opaque }) }, etag };
}

export async function* readAll(
  client: CosmosRecordsClient,
  { cursor, nativeTypes, signal }: ReadRequest,
): AsyncGenerator<ReadItem> {
  const wanted = Object.keys(client.mesh.containers).filter((type) => nativeTypes?.includes(type) ?? true);
  const start = cursor === undefined ? null : positionOf(cursor);
  const from = start === null ? 0 : wanted.indexOf(start.type);
  if (from === -1) throw new ConcordatError('cursorLost', 'the read was of other containers');
  for (const type of wanted.slice(start?.token === null ? from + 1 : from))
    yield* readContainer(client, type, start?.type === type ? start : null, signal);
}

function positionOf(cursor: string): Position {
  try {
    // Written by this connector and kept in the authority's own store.
    return JSON.parse(cursor) as Position;
  } catch (error) {
    throw new ConcordatError('cursorLost', 'the cursor of the read is not one', { cause: error });
  }
}

async function* readContainer(
  client: CosmosRecordsClient,
  type: string,
  resumed: Position | null,
  signal: AbortSignal | undefined,
): AsyncGenerator<ReadItem> {
  const container = containerOf(client.mesh, type);
  let reason = resumed?.reason;
  try {
    await requirePartition(client, type, signal);
    let token = resumed?.token ?? undefined;
    while (token !== end) {
      const page = await pageOf(client, type, token, resumed !== null, signal);
      token = page.token ?? end;
      const objects: NativeObject[] = [];
      for (const told of page.items) {
        const item = itemOf(container, type, told);
        if (item === null) reason = 'rowUnreadable';
        else objects.push(item.object);
      }
      if (objects.length === 0) continue;
      const position = { type, token, ...(reason === undefined ? {} : { reason }) } satisfies Position;
      yield { kind: 'objects', scope: type, objects, cursor: JSON.stringify(position) };
    }
  } catch (error) {
    if (!(error instanceof ConcordatError) || !ofOneContainer.includes(error.code)) throw error;
    reason = error.code;
  }
  const cursor = JSON.stringify({ type, token: null } satisfies Position);
  const told = { kind: 'scopeEnd', scope: type, nativeType: type, cursor } as const;
  yield reason === undefined ? { ...told, complete: true } : { ...told, complete: false, reason };
}

/** Throws scopeNotFound where the container is partitioned by something else than the authority file says. */
export async function requirePartition(client: CosmosRecordsClient, type: string, signal?: AbortSignal): Promise<void> {
  const { container: name, key } = containerOf(client.mesh, type);
  const wanted = key.length === 1 ? 'id' : (key[0] ?? '');
  const paths = await client.read(
    type,
    'ReadContainer',
    async (container, abortSignal) => (await container.read({ abortSignal })).resource?.partitionKey?.paths ?? [],
    signal,
  );
  if (paths.length !== 1 || paths[0]?.replace(/^\/"?|"$/g, '') !== wanted)
    throw new ConcordatError(
      'scopeNotFound',
      `the container ${name} is partitioned by ${paths.join(', ')}, and the key of the authority file says /${wanted}`,
    );
}

interface Page {
  readonly items: readonly JsonObject[];
  readonly token: string | undefined;
}

async function pageOf(
  client: CosmosRecordsClient,
  type: string,
  token: string | undefined,
  isResumed: boolean,
  signal: AbortSignal | undefined,
): Promise<Page> {
  return client.read(
    type,
    'ReadItems',
    async (container, abortSignal) => {
      const options = {
        abortSignal,
        maxItemCount: client.limits.pageSize,
        ...(token === undefined ? {} : { continuationToken: token }),
      };
      try {
        const { resources, continuationToken } = await container.items.readAll<JsonObject>(options).fetchNext();
        return { items: resources ?? [], token: continuationToken === '' ? undefined : continuationToken };
      } catch (error) {
        if (isResumed && token !== undefined && answerOf(error).status === 400)
          throw new ConcordatError('cursorLost', 'Cosmos DB does not know any more where the read was');
        throw error;
      }
    },
    signal,
  );
}

/** With its ETag; null where it is not there. Throws ConcordatError. */
export async function readItem(client: CosmosRecordsClient, type: string, key: ItemKey): Promise<JsonObject | null> {
  const told = await readItemUnlessGone(client, type, key);
  if (told === null) await requireContainer(client, type);
  return told;
}

/** HAZARD: null also where its whole container is not there, which requireContainer tells apart. Throws ConcordatError. */
export async function readItemUnlessGone(
  client: CosmosRecordsClient,
  type: string,
  { partition, id }: ItemKey,
): Promise<JsonObject | null> {
  return client.read(type, 'ReadItem', (container, abortSignal) => itemThere(container, partition, id, abortSignal));
}

/** Throws ConcordatError: scopeNotFound where there is no such container. */
export async function requireContainer(client: CosmosRecordsClient, type: string): Promise<void> {
  await client.read(type, 'ReadContainer', (container, abortSignal) => container.read({ abortSignal }));
}

async function itemThere(
  container: Container,
  partition: string,
  id: string,
  abortSignal: AbortSignal,
): Promise<JsonObject | null> {
  try {
    return (await container.item(id, partition).read<JsonObject>({ abortSignal })).resource ?? null;
  } catch (error) {
    if (answerOf(error).status === 404) return null;
    throw error;
  }
}

export async function readOne(client: CosmosRecordsClient, type: string, id: string): Promise<NativeObject | null> {
  const container = containerOf(client.mesh, type);
  const key = keyOf(id, container.key);
  const told = key && (await readItem(client, type, key));
  return told === null ? null : (itemOf(container, type, told)?.object ?? null);
}
