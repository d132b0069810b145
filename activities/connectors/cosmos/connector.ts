/** The connector for containers of Azure Cosmos DB for NoSQL. */
import type { Connector } from '../connector.js';
import { cosmosCapabilities } from './capabilities.js';
import { cosmosChanges } from './changes.js';
import { createCosmosRecordsClient } from './client.js';
import { containerOf, type CosmosConnectorOptions } from './config.js';
import { probeCosmos } from './probe.js';
import { readAll, readOne } from './read.js';
import { rowId } from './row-id.js';
import { executeWrite, plannedCalls } from './write.js';
import { cosmosBatches } from './write-many.js';

/** Connects with the first request only. Throws wrongAccount, and credentialsRejected where the connection string is none. */
export function createCosmosConnector(options: CosmosConnectorOptions): Connector {
  const { mesh } = options;
  const client = createCosmosRecordsClient(options);
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
    batches: cosmosBatches(client),
    ...(changes ? { changes } : {}),
  };
}
