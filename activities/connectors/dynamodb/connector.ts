/** The connector for tables of Amazon DynamoDB. */
import { ConcordatError } from '../../../core/errors.js';
import { sideBySide } from '../../side-by-side.js';
import type { BatchAnswer, BatchWatch, Connector, NativeWrite } from '../connector.js';
import { dynamodbCapabilities } from './capabilities.js';
import { dynamodbChanges } from './changes.js';
import { describeTable, tableOf, type Table } from './catalog.js';
import { createDynamodbClient } from './client.js';
import { standardLimits, type DynamodbConnectorOptions } from './config.js';
import { probeDynamodb } from './probe.js';
import { readAll, readOne } from './read.js';
import { rowId } from './row-id.js';
import { createStreamClient } from './streams.js';
import { executeWrite, plannedCalls, writeItem } from './write.js';

const itemsOfBatch = 500;
/** Half of the connections that the SDK keeps open. */
const requestsAtOnce = 25;

/** Connects with the first request only. Throws credentialsMissing for half a key pair. */
export function createDynamodbConnector(options: DynamodbConnectorOptions): Connector {
  const { mesh } = options;
  const pageSize = options.limits?.pageSize ?? mesh.pageSize ?? standardLimits.pageSize;
  const client = createDynamodbClient(options);
  // The key of a table never changes, and DescribeTable has a limit of its own: single reads and writes ask once.
  const described = new Map<string, Promise<Table>>();
  const tableNamed = async (type: string): Promise<Table> => {
    const known = described.get(type) ?? describeTable(client, mesh, type);
    described.set(type, known);
    try {
      return await known;
    } catch (error) {
      described.delete(type);
      throw error;
    }
  };
  const readById = async (type: string, id: string) => readOne(client, await tableNamed(type), type, id);
  /** By `execute`, where there is such a table. */
  const written = async <Answer>(
    execute: (...given: Parameters<typeof executeWrite>) => Promise<Answer>,
    write: NativeWrite,
    announce?: Parameters<Connector['write']>[1],
  ) => {
    let table: Table;
    try {
      table = await tableNamed(write.type);
    } catch (error) {
      if (error instanceof ConcordatError) return { kind: 'refused', code: error.code, detail: error.message } as const;
      throw error;
    }
    return execute(client, mesh, table, write, announce);
  };
  const writeMany = async (
    writes: readonly NativeWrite[],
    { announce, mayGoOn = () => true }: BatchWatch = {},
  ): Promise<readonly BatchAnswer[]> => {
    let isOver = false;
    return sideBySide(writes, requestsAtOnce, async (one): Promise<BatchAnswer> => {
      if (isOver || !mayGoOn()) return { kind: 'notSent' };
      const answer = await written(writeItem, one, announce);
      // Nothing more is sent once an effect is unknown; what is on its way is waited for.
      if (answer.kind === 'unknown') isOver = true;
      return answer;
    });
  };
  const streams = createStreamClient(options);
  const changes = dynamodbChanges({ client, streams, mesh });
  return {
    capabilities: dynamodbCapabilities(mesh),
    probe: () => probeDynamodb(client, streams, mesh),
    readAll: (request) => readAll(client, mesh, pageSize, request),
    readOne: readById,
    findTwin: async (type, after) => {
      const id = rowId(after, tableOf(mesh, type).key);
      return id === null ? null : readById(type, id);
    },
    plannedCalls: (write) => plannedCalls(mesh, write),
    write: (write, announce) => written(executeWrite, write, announce),
    batches: {
      objectsMax: itemsOfBatch,
      readMany: async (type, ids) => {
        const table = await tableNamed(type);
        const objects = await sideBySide([...new Set(ids)], requestsAtOnce, (id) => readOne(client, table, type, id));
        return new Map(objects.flatMap((object) => (object === null ? [] : [[object.id, object]])));
      },
      writeMany,
    },
    ...(changes ? { changes } : {}),
  };
}
