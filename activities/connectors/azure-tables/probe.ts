/**
 * What `concordat doctor` learns: which permissions on each table are held. Never throws.
 *
 * Azure has no call that answers what one may do. A write that can never take place is refused before it is looked at where
 * it is not allowed: it tells the one from the other and changes nothing.
 */
import type { TableClient } from '@azure/data-tables';
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import { answerOf } from '../../azure-storage.js';
import type { ProbeResult } from '../connector.js';
import { readActions, writeActions } from './capabilities.js';
import type { AzureTablesClient } from './client.js';
import { tableOf } from './config.js';

const unreached: readonly ErrorCode[] = ['unreachable', 'throttled', 'providerFault', 'unexpectedAnswer'];
const unauthenticated: readonly ErrorCode[] = [...unreached, 'credentialsMissing', 'credentialsRejected'];

type Held = boolean | 'notChecked';
type Action = (typeof readActions)[number] | (typeof writeActions)[number];

interface ProbedTable {
  readonly type: string;
  readonly name: string;
  readonly held: Readonly<Record<Action, Held>>;
  readonly code?: ErrorCode;
  readonly detail?: string;
}

export async function probeAzureTables(client: AzureTablesClient): Promise<ProbeResult> {
  const tables: ProbedTable[] = [];
  for (const type of Object.keys(client.mesh.tables)) tables.push(await probeTable(client, type));
  const fault = tables.find(({ code }) => code !== undefined);
  const codes = tables.flatMap(({ code }) => code ?? []);
  const detailOf = ({ detail }: ProbedTable) => (detail === undefined ? {} : { detail });
  const has = ({ held }: ProbedTable, actions: readonly Action[]): Held => {
    const all = actions.map((action) => held[action]);
    if (all.includes(false)) return false;
    return all.includes('notChecked') ? 'notChecked' : true;
  };
  return {
    reachable: !codes.some((code) => unreached.includes(code) || code === 'credentialsMissing'),
    authenticated: !codes.some((code) => unauthenticated.includes(code)),
    identity: `the storage account ${client.mesh.account}`,
    permissions: tables.flatMap((table) =>
      [...readActions, ...writeActions].map((action) => ({
        permission: `${action} on ${table.name}`,
        held: table.held[action],
        ...detailOf(table),
      })),
    ),
    nativeTypes: tables.map((table) => ({
      type: table.type,
      read: has(table, readActions) === true,
      write: has(table, writeActions),
      ...detailOf(table),
    })),
    ...(fault?.code === undefined ? {} : { code: fault.code }),
    ...(fault?.detail === undefined ? {} : { detail: fault.detail }),
  };
}

async function probeTable(client: AzureTablesClient, type: string): Promise<ProbedTable> {
  const { table: name } = tableOf(client.mesh, type);
  const nothing = {
    'entities/add': 'notChecked',
    'entities/update': 'notChecked',
    'entities/delete': 'notChecked',
  } as const;
  try {
    await client.read(type, 'QueryEntities', (sdk, abortSignal) =>
      sdk.listEntities({ abortSignal, disableTypeConversion: true }).byPage({ maxPageSize: 1 }).next(),
    );
  } catch (error) {
    const code = error instanceof ConcordatError ? error.code : 'unexpectedAnswer';
    const held = { ...nothing, 'entities/read': code === 'forbidden' ? false : 'notChecked' } as const;
    const detail =
      code === 'scopeNotFound'
        ? 'there is no such table'
        : error instanceof ConcordatError
          ? error.message
          : 'the connector failed';
    return { type, name, held, code, detail };
  }
  // HAZARD: no entity may ever have this ETag, nor a key with a slash.
  const etag = `W/"datetime'concordat-probe'"`;
  const entity = { partitionKey: 'concordat-probe', rowKey: 'concordat-probe' };
  const held = {
    'entities/read': true,
    'entities/add': await may(client, type, (sdk) => sdk.createEntity({ ...entity, rowKey: 'concordat/probe' })),
    'entities/update': await may(client, type, (sdk) => sdk.updateEntity(entity, 'Merge', { etag })),
    'entities/delete': await may(client, type, (sdk) => sdk.deleteEntity(entity.partitionKey, entity.rowKey, { etag })),
  } as const;
  return { type, name, held };
}

async function may(
  client: AzureTablesClient,
  type: string,
  call: (table: TableClient) => Promise<object>,
): Promise<Held> {
  let status: number | undefined;
  const noted = async (table: TableClient): Promise<object> => {
    try {
      return await call(table);
    } catch (error) {
      ({ status } = answerOf(error));
      throw error;
    }
  };
  const answer = await client.writeOnce(type, 'a write that cannot take place', noted, () => undefined);
  if (status === 400 || status === 404 || status === 412) return true;
  return answer !== null && answer.code === 'forbidden' ? false : 'notChecked';
}
