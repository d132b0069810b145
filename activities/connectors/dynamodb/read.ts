/**
 * Reading tables: parallel segments of a strongly consistent Scan, so that whatever is there from the beginning of the
 * read to its end is in it, once. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html
 *
 * The cursor holds where each segment goes on; it holds keys of items and lies in the private store of the authority.
 */
import { GetItemCommand, ScanCommand, type AttributeValue } from '@aws-sdk/client-dynamodb';
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import type { JsonObject } from '../../../core/json.js';
import type { NativeObject } from '../../../core/record.js';
import type { ReadItem, ReadRequest, ScopeEnd } from '../connector.js';
import { describeTable, type Table } from './catalog.js';
import type { DynamodbClient } from './client.js';
import type { DynamodbMesh } from './config.js';
import { keyOf, rowId } from './row-id.js';
import { pagesOfSegments } from './segments.js';
import { bodyOf } from './values.js';

/** Where a segment goes on: the id of its last item, or `true` where it is at its end, or `false` before its first item. */
type Place = string | boolean;

/** `places`: of each segment; null where the end of the type was told. */
interface Position {
  readonly type: string;
  readonly tableId: string;
  readonly places: readonly Place[] | null;
}

type Item = Readonly<Record<string, AttributeValue>>;

interface ScannedPage {
  readonly items: readonly Item[];
  readonly place: Place;
}

/** What a read of one table may meet and the reads of others need not. */
const ofOneTable: readonly ErrorCode[] = ['scopeNotFound', 'forbidden'];

/** A condition of 300 operators is the longest that DynamoDB takes; each attribute needs two. */
export const attributesMax = 140;
const tooMany = `it has more than ${attributesMax} attributes, more than the condition of a write can name`;

export const keyNames = ({ key }: Table): readonly string[] => key.map(({ name }) => name);

export function objectOf(table: Table, type: string, item: Item): NativeObject {
  const body: JsonObject = Object.fromEntries(
    Object.entries(item).map(([name, value]) => [name, bodyOf(value, table.declared(name))]),
  );
  const id = rowId(body, keyNames(table));
  if (id === null)
    throw new ConcordatError('unexpectedAnswer', `an item of ${table.name} has not the key of its table`);
  return { type, id, body, ...(Object.keys(body).length > attributesMax ? { opaque: tooMany } : {}) };
}

export async function* readAll(
  client: DynamodbClient,
  mesh: DynamodbMesh,
  pageSize: number,
  { cursor, nativeTypes, signal }: ReadRequest,
): AsyncGenerator<ReadItem> {
  const wanted = Object.keys(mesh.tables).filter((type) => nativeTypes === undefined || nativeTypes.includes(type));
  const start = cursor === undefined ? null : positionOf(cursor);
  const from = start === null ? 0 : wanted.indexOf(start.type);
  if (from === -1) throw new ConcordatError('cursorLost', 'the read was of other tables');
  for (const type of wanted.slice(start?.places === null ? from + 1 : from))
    yield* readTable(client, mesh, type, pageSize, start?.type === type ? start : null, signal);
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
  client: DynamodbClient,
  mesh: DynamodbMesh,
  type: string,
  pageSize: number,
  resumed: Position | null,
  signal: AbortSignal | undefined,
): AsyncGenerator<ReadItem> {
  let reason: ErrorCode | undefined;
  let tableId = '';
  let declares: ScopeEnd['declares'];
  try {
    const table = await describeTable(client, mesh, type, signal);
    tableId = table.tableId;
    // Of other attributes a table says nothing.
    declares = Object.fromEntries([...table.key.map((key) => [key.name, key.type] as const), ...table.indexed]);
    if (resumed && resumed.tableId !== tableId)
      throw new ConcordatError('cursorLost', `${table.name} is not the table that the read began with`);
    const places = [...(resumed?.places ?? Array<Place>(mesh.segments).fill(false))];
    const unfinished = [...places.keys()].filter((segment) => places[segment] !== true);
    // Where a segment asks on, which is ahead of `places` by the page that is on its way.
    const asked = [...places];
    const fetch = async (segment: number, abortSignal: AbortSignal): Promise<ScannedPage | null> => {
      const after = asked[segment] ?? false;
      if (after === true) return null;
      const page = await scan(client, table, { segment, segments: places.length, after, pageSize, abortSignal });
      asked[segment] = page.place;
      return page;
    };
    for await (const { segment, page } of pagesOfSegments(unfinished, fetch, signal)) {
      places[segment] = page.place;
      if (page.items.length === 0) continue;
      const objects = page.items.map((item) => objectOf(table, type, item));
      const cursor = JSON.stringify({ type, tableId, places } satisfies Position);
      yield { kind: 'objects', scope: type, objects, cursor };
    }
  } catch (error) {
    if (!(error instanceof ConcordatError) || !ofOneTable.includes(error.code)) throw error;
    reason = error.code;
  }
  const cursor = JSON.stringify({ type, tableId, places: null } satisfies Position);
  const told = { kind: 'scopeEnd', scope: type, nativeType: type, cursor, ...(declares && { declares }) } as const;
  yield reason === undefined ? { ...told, complete: true } : { ...told, complete: false, reason };
}

interface ScanRequest {
  readonly segment: number;
  readonly segments: number;
  readonly after: string | false;
  readonly pageSize: number;
  readonly abortSignal: AbortSignal;
}

async function scan(client: DynamodbClient, table: Table, request: ScanRequest): Promise<ScannedPage> {
  const { segment, segments, after, pageSize, abortSignal } = request;
  const start = after === false ? undefined : keyOf(after, table.key);
  if (start === null) throw new ConcordatError('cursorLost', `the cursor of ${table.name} holds no key of it`);
  const { Items = [], LastEvaluatedKey } = await client.read(
    'dynamodb:Scan',
    (sdk) =>
      sdk.send(
        new ScanCommand({
          TableName: table.name,
          ConsistentRead: true,
          Limit: pageSize,
          Segment: segment,
          TotalSegments: segments,
          ReturnConsumedCapacity: 'TOTAL',
          ...(start === undefined ? {} : { ExclusiveStartKey: start }),
        }),
        { abortSignal },
      ),
    abortSignal,
  );
  if (LastEvaluatedKey === undefined) return { items: Items, place: true };
  return { items: Items, place: objectOf(table, '', LastEvaluatedKey).id };
}

export async function readOne(
  client: DynamodbClient,
  table: Table,
  type: string,
  id: string,
): Promise<NativeObject | null> {
  const key = keyOf(id, table.key);
  if (!key) return null;
  const { Item: item } = await client.read('dynamodb:GetItem', (sdk) =>
    sdk.send(
      new GetItemCommand({ TableName: table.name, Key: key, ConsistentRead: true, ReturnConsumedCapacity: 'TOTAL' }),
    ),
  );
  return item === undefined ? null : objectOf(table, type, item);
}
