/** Azure Tables at azurite: entity group transactions of a hundred entities, each under its ETag. */
import { TableClient, TableServiceClient, type TransactionAction } from '@azure/data-tables';
import { createAzureTablesConnector } from '../../../activities/connectors/azure-tables/connector.js';
import { startAzurite } from '../../../test/support/systems/azurite.js';
import { chunks, type BenchedStore } from './store.js';

const partition = 'harbour';

export const azureTables: BenchedStore = {
  name: 'azure-tables',
  async start(type) {
    const system = await startAzurite();
    if (system.kind === 'missing') throw new Error(system.reason);
    const { account, environment, tableEndpoint } = system;
    const connection = environment.AZURE_STORAGE_CONNECTION_STRING;
    const insecure = { allowInsecureConnection: true };
    await TableServiceClient.fromConnectionString(connection, insecure).createTable('parcels');
    const bare = TableClient.fromConnectionString(connection, 'parcels', insecure);
    return {
      bareWritesBy: 'submitTransaction of 100 entities, each with its ETag',
      connector: () =>
        createAzureTablesConnector({
          environment,
          mesh: {
            kind: 'azure-tables',
            account,
            endpoint: tableEndpoint,
            connectionFrom: 'AZURE_STORAGE_CONNECTION_STRING',
            tables: { [type]: { table: 'parcels', partition, key: ['id'] } },
          },
        }),
      bareWriter: async (bodies) => {
        const etags = new Map<string, string>();
        for await (const { rowKey, etag } of bare.listEntities()) etags.set(rowKey ?? '', etag);
        const actions = bodies.map(({ id, ...rest }): TransactionAction => {
          return ['update', { partitionKey: partition, rowKey: id, ...rest }, 'Replace', { etag: etags.get(id) ?? '' }];
        });
        return async () => {
          for (const chunk of chunks(actions, 100)) await bare.submitTransaction([...chunk]);
        };
      },
      stop: () => system.stop(),
    };
  },
};
