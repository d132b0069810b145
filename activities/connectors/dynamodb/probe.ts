/**
 * What `concordat doctor` learns: whose account this is, and which permissions on each table are held. Never throws.
 *
 * DynamoDB has no call that answers what one may do. A write whose condition contradicts itself can never take place, and
 * is refused before its condition is looked at where it is not allowed: it tells the one from the other and changes nothing.
 */
import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import type { ProbeResult } from '../connector.js';
import { describeTable, tableOf, type Table } from './catalog.js';
import { readActions, streamActions, writeActions } from './capabilities.js';
import type { DynamodbClient } from './client.js';
import type { DynamodbMesh } from './config.js';
import { isUntold, type StreamClient } from './streams.js';

const unreached: readonly ErrorCode[] = ['unreachable', 'throttled', 'providerFault', 'unexpectedAnswer'];
const unauthenticated: readonly ErrorCode[] = [...unreached, 'credentialsMissing', 'credentialsRejected'];

type Held = boolean | 'notChecked';
type Action = (typeof readActions)[number] | (typeof writeActions)[number];

interface ProbedTable {
  readonly type: string;
  readonly name: string;
  readonly identity: string | null;
  readonly held: Readonly<Record<Action, Held>>;
  /** What telling its changes needs. */
  readonly told?: ProbeResult['permissions'];
  readonly code?: ErrorCode;
  readonly detail?: string;
}

export async function probeDynamodb(
  client: DynamodbClient,
  streams: StreamClient,
  mesh: DynamodbMesh,
): Promise<ProbeResult> {
  const tables: ProbedTable[] = [];
  for (const type of Object.keys(mesh.tables)) tables.push(await probeTable(client, streams, mesh, type));
  const fault = tables.find(({ code }) => code !== undefined);
  const codes = tables.flatMap(({ code }) => code ?? []);
  const identity = tables.find((table) => table.identity !== null)?.identity ?? undefined;
  const has = (table: ProbedTable, actions: readonly Action[]): Held => {
    const held = actions.map((action) => table.held[action]);
    if (held.includes(false)) return false;
    return held.includes('notChecked') ? 'notChecked' : true;
  };
  return {
    reachable: !codes.some((code) => unreached.includes(code) || code === 'credentialsMissing'),
    authenticated: !codes.some((code) => unauthenticated.includes(code)),
    ...(identity === undefined ? {} : { identity }),
    permissions: tables.flatMap((table) => [
      ...[...readActions, ...writeActions].map((action) => ({
        permission: `${action} on ${table.name}`,
        held: table.held[action],
        ...(table.detail === undefined ? {} : { detail: table.detail }),
      })),
      ...(table.told ?? []),
    ]),
    nativeTypes: tables.map((table) => ({
      type: table.type,
      read: has(table, readActions) === true,
      write: has(table, writeActions),
      ...(table.detail === undefined ? {} : { detail: table.detail }),
    })),
    ...(fault?.code === undefined ? {} : { code: fault.code }),
    ...(fault?.detail === undefined ? {} : { detail: fault.detail }),
  };
}

const nothingChecked = Object.fromEntries([...readActions, ...writeActions].map((action) => [action, 'notChecked']));

async function probeTable(
  client: DynamodbClient,
  streams: StreamClient,
  mesh: DynamodbMesh,
  type: string,
): Promise<ProbedTable> {
  const { table: name } = tableOf(mesh, type);
  const held = { ...nothingChecked } as Record<Action, Held>;
  const found = { type, name, held };
  let table: Table;
  try {
    table = await describeTable(client, mesh, type);
    held['dynamodb:DescribeTable'] = true;
  } catch (error) {
    const code = error instanceof ConcordatError ? error.code : 'unexpectedAnswer';
    if (code === 'forbidden') held['dynamodb:DescribeTable'] = false;
    const detail = error instanceof ConcordatError ? error.message : 'the connector failed';
    return { ...found, identity: null, code, detail };
  }
  const [, , , region, account] = table.arn.split(':');
  const identity = `the account ${account ?? ''} in ${region ?? mesh.region}`;
  for (const action of readActions.slice(1)) held[action] = await mayRead(client, table, action);
  for (const action of writeActions) held[action] = await mayWrite(client, table, action);
  return { ...found, identity, ...(mesh.changes ? { told: await probeStream(streams, table) } : {}) };
}

/** A read that ends with the first record asks for all three permissions. */
async function probeStream(streams: StreamClient, { name, stream }: Table): Promise<ProbeResult['permissions']> {
  const of = (held: Held, detail?: string): ProbeResult['permissions'] =>
    streamActions.map((action) => ({
      permission: `${action} on the stream of ${name}`,
      held,
      ...(detail === undefined ? {} : { detail }),
    }));
  if (stream === null) return of('notChecked', `the table ${name} has no stream: every run reads all of it`);
  try {
    const shards = await streams.shards(stream);
    if (isUntold(shards)) return of(shards.why === 'notOffered' ? false : 'notChecked', shards.detail);
    const [shard] = shards;
    if (!shard) return of('notChecked');
    const read = await streams.read(stream, shard, 'oldest', () => false);
    return isUntold(read) && read.why !== 'many'
      ? of(read.why === 'notOffered' ? false : 'notChecked', read.detail)
      : of(true);
  } catch (error) {
    return of('notChecked', error instanceof ConcordatError ? error.message : 'the connector failed');
  }
}

function anyKey({ key }: Table): Record<string, AttributeValue> {
  return Object.fromEntries(
    key.map(({ name, type }) => [
      name,
      type === 'S' ? { S: 'concordat-probe' } : type === 'N' ? { N: '0' } : { B: new Uint8Array([0]) },
    ]),
  );
}

async function mayRead(client: DynamodbClient, table: Table, action: Action): Promise<Held> {
  try {
    await client.read<object>(action, (sdk) =>
      action === 'dynamodb:Scan'
        ? sdk.send(new ScanCommand({ TableName: table.name, Limit: 1, ConsistentRead: true }))
        : sdk.send(new GetItemCommand({ TableName: table.name, Key: anyKey(table), ConsistentRead: true })),
    );
    return true;
  } catch (error) {
    return error instanceof ConcordatError && error.code === 'forbidden' ? false : 'notChecked';
  }
}

async function mayWrite(client: DynamodbClient, table: Table, action: Action): Promise<Held> {
  const Key = anyKey(table);
  const [partition = ''] = Object.keys(Key);
  const never = {
    TableName: table.name,
    // HAZARD: it must never hold, whatever stands in the table.
    ConditionExpression: 'attribute_exists(#k) AND attribute_not_exists(#k)',
    ExpressionAttributeNames: { '#k': partition },
  };
  const answer = await client.writeOnce(
    action,
    (sdk) =>
      action === 'dynamodb:PutItem'
        ? sdk.send(new PutItemCommand({ ...never, Item: Key }))
        : action === 'dynamodb:UpdateItem'
          ? sdk.send(new UpdateItemCommand({ ...never, Key }))
          : sdk.send(new DeleteItemCommand({ ...never, Key })),
    { kind: 'conflict', code: 'expectationFailed', detail: '' },
  );
  if (answer?.kind === 'conflict') return true;
  return answer?.code === 'forbidden' ? false : 'notChecked';
}
