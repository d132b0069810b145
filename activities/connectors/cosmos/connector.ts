/** The connector for containers of Azure Cosmos DB for NoSQL. */
import { sideBySide } from '../../side-by-side.js';
import type { BatchAnswer, BatchWatch, Connector, NativeWrite } from '../connector.js';
import { cosmosCapabilities } from './capabilities.js';
import { cosmosChanges } from './changes.js';
import { createCosmosRecordsClient } from './client.js';
import { containerOf, type CosmosConnectorOptions } from './config.js';
import { probeCosmos } from './probe.js';
import { readAll, readOne } from './read.js';
import { rowId } from './row-id.js';
import { executeWrite, plannedCalls } from './write.js';

const itemsOfBatch = 500;
const requestsAtOnce = 25;

/** Connects with the first request only. Throws wrongAccount, and credentialsRejected where the connection string is none. */
export function createCosmosConnector(options: CosmosConnectorOptions): Connector {
  const { mesh } = options;
  const client = createCosmosRecordsClient(options);
  const writeMany = async (
    writes: readonly NativeWrite[],
    { announce, mayGoOn = () => true }: BatchWatch = {},
  ): Promise<readonly BatchAnswer[]> => {
    let isOver = false;
    return sideBySide(writes, requestsAtOnce, async (one): Promise<BatchAnswer> => {
      if (isOver || !mayGoOn()) return { kind: 'notSent' };
      const answer = await executeWrite(client, one, announce);
      // Nothing more is sent once an effect is unknown; what is on its way is waited for.
      if (answer.kind === 'unknown') isOver = true;
      return answer;
    });
  };
  const changes = cosmosChanges({ client });
  return {
    capabilities: cosmosCapabilities(mesh),
    probe: () => probeCosmos(client),
    readAll: (request) => readAll(client, request),
    readOne: (type, id) => readOne(client, type, id),
    findTwin: async (type, after) => {
      const id = rowId(after, containerOf(mesh, type).key);
      return id === null ? null : readOne(client, type, id);
    },
    plannedCalls: (write) => plannedCalls(mesh, write),
    write: (write, announce) => executeWrite(client, write, announce),
    // Each item keeps its own condition: a transactional batch would take all back for one of them.
    batches: {
      objectsMax: itemsOfBatch,
      readMany: async (type, ids) => {
        const objects = await sideBySide([...new Set(ids)], requestsAtOnce, (id) => readOne(client, type, id));
        return new Map(objects.flatMap((object) => (object === null ? [] : [[object.id, object]])));
      },
      writeMany,
    },
    ...(changes ? { changes } : {}),
  };
}
