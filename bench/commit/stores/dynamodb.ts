/** DynamoDB at moto: BatchWriteItem of 25 items, which knows no conditions. */
import { BatchWriteItemCommand, CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createDynamodbConnector } from '../../../activities/connectors/dynamodb/connector.js';
import { startMoto } from '../../../test/support/systems/moto.js';
import { chunks, type BenchedStore } from './store.js';

const region = 'eu-west-3';

export const dynamodb: BenchedStore = {
  name: 'dynamodb',
  async start(type) {
    const system = await startMoto();
    if (system.kind === 'missing') throw new Error(system.reason);
    const { endpoint, environment } = system;
    const credentials = { accessKeyId: 'testing', secretAccessKey: 'testing' };
    const bare = new DynamoDBClient({ region, endpoint, credentials });
    await bare.send(
      new CreateTableCommand({
        TableName: 'parcels',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      }),
    );
    return {
      bareWritesBy: 'BatchWriteItem of 25 items, without conditions',
      connector: () =>
        createDynamodbConnector({
          environment,
          mesh: {
            kind: 'dynamodb',
            region,
            endpoint,
            segments: 3,
            tables: { [type]: { table: 'parcels', key: ['id'] } },
          },
        }),
      bareWriter: (bodies) => {
        const requests = bodies.map((body) => ({
          PutRequest: {
            Item: Object.fromEntries(Object.entries(body).map(([name, value]) => [name, { S: value }])),
          },
        }));
        return Promise.resolve(async () => {
          for (const chunk of chunks(requests, 25))
            await bare.send(new BatchWriteItemCommand({ RequestItems: { parcels: [...chunk] } }));
        });
      },
      stop: () => system.stop(),
    };
  },
};
