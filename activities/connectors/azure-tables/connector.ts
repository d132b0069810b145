/** The connector for tables of an Azure storage account. */
import type { Connector } from '../connector.js';
import { azureTablesCapabilities } from './capabilities.js';
import { createAzureTablesClient } from './client.js';
import { tableOf, type AzureTablesConnectorOptions } from './config.js';
import { probeAzureTables } from './probe.js';
import { readAll, readOne } from './read.js';
import { rowId } from './row-id.js';
import { executeWrite, plannedCalls } from './write.js';
import { azureTablesBatches } from './write-many.js';

/** Connects with the first request only. Throws wrongAccount, and credentialsRejected where the connection string is none. */
export function createAzureTablesConnector(options: AzureTablesConnectorOptions): Connector {
  const { mesh } = options;
  const client = createAzureTablesClient(options);
  return {
    capabilities: azureTablesCapabilities(mesh),
    probe: () => probeAzureTables(client),
    readAll: (request) => readAll(client, request),
    readOne: (type, id) => readOne(client, type, id),
    findTwin: async (type, after) => {
      const id = rowId(after, tableOf(mesh, type).key);
      return id === null ? null : readOne(client, type, id);
    },
    plannedCalls: (write) => plannedCalls(mesh, write),
    write: (write, announce) => executeWrite(client, write, announce),
    batches: azureTablesBatches(client),
  };
}
