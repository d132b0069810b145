/** DynamoDB (moto): numbers of 38 digits, sets that are never empty, null and absent as two values, texts with accents apart. */
import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DynamoDBClient,
  ScanCommand,
  UpdateItemCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import type { AvailableSystem } from '../../../support/systems/system.js';
import type { DriftingRegion } from './region.js';
import { inKilograms, inOrder, isAbsentToll, shifted, type Shipment } from './shipment.js';

type Item = Record<string, AttributeValue>;

export async function dynamodb({ endpoint, environment }: AvailableSystem): Promise<DriftingRegion> {
  const credentials = { accessKeyId: 'testing', secretAccessKey: 'testing' };
  const client = new DynamoDBClient({ region: 'eu-north-1', endpoint, credentials });
  await client.send(
    new CreateTableCommand({
      TableName: 'sendinger',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'nr', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'nr', KeyType: 'HASH' }],
    }),
  );
  const items = async (): Promise<readonly Item[]> => {
    const found: Item[] = [];
    let start: Item | undefined;
    do {
      const { Items = [], LastEvaluatedKey } = await client.send(
        new ScanCommand({
          TableName: 'sendinger',
          ConsistentRead: true,
          ...(start ? { ExclusiveStartKey: start } : {}),
        }),
      );
      found.push(...Items);
      start = LastEvaluatedKey;
    } while (start);
    return found;
  };
  const putItems = async (all: readonly Item[]): Promise<void> => {
    for (let from = 0; from < all.length; from += 25) {
      const requests = all.slice(from, from + 25).map((Item) => ({ PutRequest: { Item } }));
      await client.send(new BatchWriteItemCommand({ RequestItems: { sendinger: requests } }));
    }
  };
  const itemOf = (shipment: Shipment): Item => ({
    nr: { S: shipment.number },
    mottaker: { S: shipment.receiver.normalize('NFD') },
    vekt: { N: shipment.grams },
    sendt: { S: shipment.sent },
    skjor: { BOOL: shipment.fragile },
    ...(isAbsentToll(shipment)
      ? {}
      : { toll: shipment.toll === null ? { NULL: true as const } : { N: shipment.toll } }),
    ...(shipment.labels.length === 0 ? {} : { merker: { SS: [...shipment.labels] } }),
    hyller: { NS: ['4', '17'] },
  });
  let [receiver, isInKilograms] = ['mottaker', false];
  const set = (number: string, attribute: string, value: AttributeValue) =>
    client.send(
      new UpdateItemCommand({
        TableName: 'sendinger',
        Key: { nr: { S: number } },
        UpdateExpression: `SET ${attribute} = :v`,
        ExpressionAttributeValues: { ':v': value },
      }),
    );
  const numberOf = ({ nr }: Item): string => nr?.S ?? '';
  return {
    environment,
    mesh: `{ kind: dynamodb, region: eu-north-1, endpoint: '${endpoint}', tables: { sending: { table: sendinger, key: [nr], attributes: { vekt: number, toll: number, merker: textSet } } } }`,
    maps: {
      shipment: `native: sending
fields:
  number: { path: nr }
  receiver: { path: mottaker }
  weight: { path: vekt, through: [{ unit: g }] }
  sentAt: { path: sendt }
  fragile: { path: skjor }
  toll: { path: toll }
  labels: { path: merker, through: [{ set: true }] }
`,
    },
    holdsNo: [],
    fill: (shipments) => putItems(shipments.map(itemOf)),
    read: async () =>
      inOrder(
        (await items()).map((item) => ({
          number: numberOf(item),
          receiver: (item[receiver]?.S ?? '').normalize(),
          grams: shifted(item['vekt']?.N ?? '', isInKilograms ? 3 : 0),
          sent: item['sendt']?.S ?? '',
          fragile: item['skjor']?.BOOL === true,
          toll: item['toll']?.N ?? null,
          labels: (item['merker']?.SS ?? []).toSorted(),
        })),
      ),
    edit: async (number, change) => {
      if (change.receiver !== undefined) await set(number, receiver, { S: change.receiver });
      if (change.grams !== undefined)
        await set(number, 'vekt', { N: isInKilograms ? inKilograms(change.grams) : change.grams });
      if (change.fragile !== undefined) await set(number, 'skjor', { BOOL: change.fragile });
    },
    rest: async () =>
      Object.fromEntries(
        (await items()).map((item) => [
          numberOf(item),
          [
            item['hyller']?.NS?.toSorted().join(),
            item['toll']?.NULL ?? typeof item['toll'],
            item['merker'] === undefined,
            item[receiver]?.S?.normalize('NFD') === item[receiver]?.S,
          ],
        ]),
      ),
    drift: async () => {
      const before = await items();
      [receiver, isInKilograms] = ['kunde', true];
      await putItems(
        before.map(({ mottaker, vekt, ...same }) => ({
          ...same,
          kunde: mottaker ?? { NULL: true },
          vekt: { N: inKilograms(vekt?.N ?? '') },
          hast: { BOOL: false },
        })),
      );
    },
    blur: async (number) => void (await set(number, 'vekt', { S: 'heavy' })),
  };
}
