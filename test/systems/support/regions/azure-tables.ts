/** Azure Tables (azurite): no null, no lists, weights as binary fractions. */
import { TableClient, TableServiceClient } from '@azure/data-tables';
import type { Azurite } from '../../../support/systems/azurite.js';
import type { Region } from './region.js';
import { asBerlinWrites, inOrder, inUtc, type Shipment } from './shipment.js';

interface TypedProperty {
  readonly type: string;
  readonly value: string;
}

export async function azureTables({ account, environment }: Azurite): Promise<Region> {
  const connection = environment.AZURE_STORAGE_CONNECTION_STRING;
  const options = { allowInsecureConnection: true };
  await TableServiceClient.fromConnectionString(connection, options).createTable('shipments');
  const table = TableClient.fromConnectionString(connection, 'shipments', options);
  const entities = async (): Promise<readonly Readonly<Record<string, TypedProperty>>[]> => {
    const found: Record<string, TypedProperty>[] = [];
    for await (const entity of table.listEntities<Record<string, TypedProperty>>({ disableTypeConversion: true }))
      found.push(entity as unknown as Record<string, TypedProperty>);
    return found;
  };
  const numberOf = ({ rowKey }: Readonly<Record<string, TypedProperty>>): string => rowKey as unknown as string;
  const double = (value: string) => ({ type: 'Double', value }) as const;
  return {
    environment,
    mesh: `{ kind: azure-tables, account: ${account}, tables: { shipment: { table: shipments, partition: north, key: [number], properties: { receiver: text, grams: double, sent: text, fragile: text, toll: text } } } }`,
    maps: {
      shipment: `native: shipment
fields:
  number: { path: number }
  receiver: { path: receiver }
  weight: { path: grams, through: [{ unit: g }] }
  sentAt: { path: sent, through: [{ zone: '+01:00' }] }
  fragile: { path: fragile, through: [{ enum: { yes: true, no: false } }] }
  toll: { path: toll }
`,
    },
    holdsNo: ['labels'],
    fill: async (shipments) => {
      const entityOf = ({ number, receiver, grams, sent, fragile, toll }: Shipment) => ({
        partitionKey: 'north',
        rowKey: number,
        receiver,
        grams: double(grams),
        sent: asBerlinWrites(sent),
        fragile: fragile ? 'yes' : 'no',
        ...(toll === null ? {} : { toll }),
        shelves: 3,
        photo: new Uint8Array([0, 255]),
      });
      for (let from = 0; from < shipments.length; from += 100)
        await table.submitTransaction(
          shipments.slice(from, from + 100).map((shipment) => ['create', entityOf(shipment)]),
        );
    },
    read: async () =>
      inOrder(
        (await entities()).map((entity) => ({
          number: numberOf(entity),
          receiver: entity['receiver']?.value ?? '',
          grams: String(Number(entity['grams']?.value)),
          sent: inUtc(`${entity['sent']?.value ?? ''}+01:00`),
          fragile: entity['fragile']?.value === 'yes',
          toll: entity['toll']?.value ?? null,
        })),
      ),
    edit: async (rowKey, { grams, fragile, ...same }) => {
      const change = {
        ...same,
        ...(grams === undefined ? {} : { grams: double(grams) }),
        ...(fragile === undefined ? {} : { fragile: fragile ? 'yes' : 'no' }),
      };
      await table.updateEntity({ partitionKey: 'north', rowKey, ...change }, 'Merge');
    },
    rest: async () =>
      Object.fromEntries(
        (await entities()).map((entity) => [
          numberOf(entity),
          [entity['shelves']?.value, entity['photo']?.value, entity['toll'] === undefined],
        ]),
      ),
  };
}
