/** Cosmos DB at cosmosdb-server, which has no batches: each item by itself under its ETag, as many at once as the connector has. */
import { CosmosClient } from '@azure/cosmos';
import { sideBySide } from '../../../activities/side-by-side.js';
import { createCosmosConnector } from '../../../activities/connectors/cosmos/connector.js';
import { startCosmosdbServer } from '../../../test/support/systems/cosmosdb-server.js';
import type { BenchedStore } from './store.js';

export const cosmos: BenchedStore = {
  name: 'cosmos',
  async start(type) {
    const system = await startCosmosdbServer();
    if (system.kind === 'missing') throw new Error(system.reason);
    await system.reset({ parcels: 'id' });
    const { endpoint, environment } = system;
    // The server names itself by https, and answers by http alone.
    const client = new CosmosClient({
      connectionString: environment.AZURE_COSMOS_CONNECTION_STRING,
      connectionPolicy: { enableEndpointDiscovery: false },
    });
    const bare = client.database('records').container('parcels');
    return {
      bareWritesBy: 'replace of one item with its ETag, 25 at once',
      connector: () =>
        createCosmosConnector({
          environment,
          mesh: {
            kind: 'cosmos',
            account: 'harbour',
            connectionFrom: 'AZURE_COSMOS_CONNECTION_STRING',
            endpoint,
            database: 'records',
            containers: { [type]: { container: 'parcels', key: ['id'] } },
          },
        }),
      bareWriter: async (bodies) => {
        const { resources } = await bare.items.readAll().fetchAll();
        const etags = new Map(resources.map(({ id, _etag }) => [id ?? '', _etag as string]));
        return async () => {
          await sideBySide(bodies, 25, async (body) => {
            const { id } = body;
            const condition = etags.get(id) ?? '';
            await bare.item(id, id).replace(body, { accessCondition: { type: 'IfMatch', condition } });
          });
        };
      },
      stop: () => system.stop(),
    };
  },
};
