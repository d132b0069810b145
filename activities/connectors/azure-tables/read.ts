/**
 * Reading tables page by page, in the order of their keys: whatever is there from the beginning of the read to its end is in
 * it, once. The cursor holds the continuation token, in which there are keys; it lies in the private store of the authority.
 * https://learn.microsoft.com/rest/api/storageservices/query-timeout-and-pagination
 */
import { odata } from '@azure/data-tables';
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import type { Json } from '../../../core/json.js';
import type { NativeObject } from '../../../core/record.js';
import { answerOf } from '../../azure-storage.js';
import type { ReadItem, ReadRequest } from '../connector.js';
import type { AzureTablesClient } from './client.js';
import { tableOf, type TableMesh } from './config.js';
import { keyOf, namedKey, rowId, type EntityKey } from './row-id.js';
import { bodyOf } from './values.js';
import { entitiesOf, entityOf, type Entity } from './wire.js';

/** `token`: of the page that comes next, null where the end of the type was told. */
interface Position {
  readonly type: string;
  readonly token: string | null;
  readonly reason?: ErrorCode;
}

/** What a read of one table may meet and the reads of others need not. */
const ofOneTable: readonly ErrorCode[] = ['scopeNotFound', 'forbidden'];

/** The SDK takes them for the keys, ETag and timestamp of the entity, so they cannot be written. */
export const reservedNames: ReadonlySet<string> = new Set(['partitionKey', 'rowKey', 'etag', 'timestamp']);

/** Null where the entity is none that the authority file speaks of. */
export function objectOf(table: TableMesh, type: string, entity: Entity): NativeObject | null {
  const keys = namedKey(table, entity);
  const id = keys && rowId(keys, table.key);
  if (keys === null || id === null) return null;
  const { properties: declared = {} } = table;
  const body: Record<string, Json> = { ...keys };
  for (const name of Object.keys(declared)) body[name] ??= null;
  let opaque: string | undefined;
  for (const [name, edm] of entity.properties) {
    if (table.key.includes(name)) opaque = 'it has a property with the name of its key';
    else body[name] = bodyOf(edm, Object.hasOwn(declared, name) ? declared[name] : undefined);
    if (reservedNames.has(name)) opaque = 'it has a property that the client of Azure takes for one of its own';
  }
  return { type, id, body, ...(opaque === undefined ? {} : { opaque }) };
}

export async function* readAll(
  client: AzureTablesClient,
  { cursor, nativeTypes, signal }: ReadRequest,
): AsyncGenerator<ReadItem> {
  const wanted = Object.keys(client.mesh.tables).filter((type) => nativeTypes?.includes(type) ?? true);
  const start = cursor === undefined ? null : positionOf(cursor);
  const from = start === null ? 0 : wanted.indexOf(start.type);
  if (from === -1) throw new ConcordatError('cursorLost', 'the read was of other tables');
  for (const type of wanted.slice(start?.token === null ? from + 1 : from))
    yield* readTable(client, type, start?.type === type ? start : null, signal);
}

function positionOf(cursor: string): Position {
  try {
    // Written by this connector and kept in the authority's own store.
    return JSON.parse(cursor) as Position;
  } catch (error) {
    throw new ConcordatError('cursorLost', 'the cursor of the read is not one', { cause: error });
  }
}

async function* readTable(
  client: AzureTablesClient,
  type: string,
  resumed: Position | null,
  signal: AbortSignal | undefined,
): AsyncGenerator<ReadItem> {
  const table = tableOf(client.mesh, type);
  let reason = resumed?.reason;
  try {
    let token = resumed?.token ?? undefined;
    do {
      const page = await pageOf(client, type, table, token, signal);
      token = page.token;
      const objects: NativeObject[] = [];
      for (const entity of page.entities) {
        const object = objectOf(table, type, entity);
        if (object === null) reason = 'rowUnreadable';
        else objects.push(object);
      }
      // After the last page its token begins nothing: a read that goes on from it would begin the table again.
      if (objects.length === 0) continue;
      const next = token ?? end;
      const position = { type, token: next, ...(reason === undefined ? {} : { reason }) } satisfies Position;
      yield { kind: 'objects', scope: type, objects, cursor: JSON.stringify(position) };
    } while (token !== undefined && token !== end);
  } catch (error) {
    if (!(error instanceof ConcordatError) || !ofOneTable.includes(error.code)) throw error;
    reason = error.code;
  }
  const cursor = JSON.stringify({ type, token: null } satisfies Position);
  const told = { kind: 'scopeEnd', scope: type, nativeType: type, cursor } as const;
  yield reason === undefined ? { ...told, complete: true } : { ...told, complete: false, reason };
}

/** Instead of a token where there is no page more. */
const end = 'end';

interface Page {
  readonly entities: readonly Entity[];
  readonly token: string | undefined;
}

async function pageOf(
  client: AzureTablesClient,
  type: string,
  { partition }: TableMesh,
  token: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Page> {
  if (token === end) return { entities: [], token: undefined };
  const filter = partition === undefined ? undefined : odata`PartitionKey eq ${partition}`;
  return queried(client, type, { filter, token, pageSize: client.limits.pageSize, signal });
}

/** Up to `pageSize` entities of one partition, from one row key to another one, both with it. Throws ConcordatError. */
export async function readRange(
  client: AzureTablesClient,
  type: string,
  {
    partitionKey,
    from,
    to,
    pageSize,
  }: Readonly<Record<'partitionKey' | 'from' | 'to', string>> & { readonly pageSize: number },
): Promise<readonly Entity[]> {
  const filter = odata`PartitionKey eq ${partitionKey} and RowKey ge ${from} and RowKey le ${to}`;
  return (await queried(client, type, { filter, pageSize })).entities;
}

interface Query {
  readonly filter: string | undefined;
  readonly pageSize: number;
  readonly token?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

async function queried(
  client: AzureTablesClient,
  type: string,
  { filter, pageSize, token, signal }: Query,
): Promise<Page> {
  let text: string | null | undefined;
  const next = await client.read(
    type,
    'QueryEntities',
    async (sdk, abortSignal) => {
      const pages = sdk
        .listEntities({
          abortSignal,
          disableTypeConversion: true,
          onResponse: ({ bodyAsText }) => (text = bodyAsText),
          ...(filter === undefined ? {} : { queryOptions: { filter } }),
        })
        .byPage({
          maxPageSize: pageSize,
          ...(token === undefined ? {} : { continuationToken: token }),
        });
      const { value, done } = await pages.next();
      return done === true ? undefined : (value as { readonly continuationToken?: string }).continuationToken;
    },
    signal,
  );
  return { entities: entitiesOf(text), token: next };
}

/** With its ETag; null where it is not there. Throws ConcordatError. */
export async function readEntity(
  client: AzureTablesClient,
  type: string,
  { partitionKey, rowKey }: EntityKey,
): Promise<Entity | null> {
  let text: string | null | undefined;
  const isThere = await client.read(type, 'GetEntity', async (sdk, abortSignal) => {
    try {
      const onResponse = ({ bodyAsText }: { readonly bodyAsText?: string | null }) => (text = bodyAsText);
      await sdk.getEntity(partitionKey, rowKey, { abortSignal, disableTypeConversion: true, onResponse });
      return true;
    } catch (error) {
      const { status, code } = answerOf(error);
      if (status === 404 && code === 'ResourceNotFound') return false;
      throw error;
    }
  });
  return isThere ? entityOf(text) : null;
}

export async function readOne(client: AzureTablesClient, type: string, id: string): Promise<NativeObject | null> {
  const table = tableOf(client.mesh, type);
  const key = keyOf(id, table);
  const entity = key && (await readEntity(client, type, key));
  return entity && objectOf(table, type, entity);
}
