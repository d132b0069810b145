/** Items of Cosmos DB (cosmosdb-server): weights as binary fractions, moments as milliseconds, lists, null and absent as two values. */
import { byCodeUnit } from '../../../../core/json.js';
import type { CosmosdbServer } from '../../../support/systems/cosmosdb-server.js';
import type { Region } from './region.js';
import { inOrder, inUtc, isAbsentToll, type Shipment } from './shipment.js';

interface Item {
  readonly id: string;
  readonly receiver: string;
  readonly grams: number;
  readonly sent: number;
  readonly fragile: boolean;
  readonly toll?: string | null;
  readonly labels: readonly string[];
  readonly shelf?: object;
}

/** What the service puts into each item. */
const ofTheService = new Set(['_rid', '_self', '_etag', '_ts', '_attachments']);

export async function cosmos(
  server: CosmosdbServer,
): Promise<Region & { readonly readings: () => Promise<readonly object[]> }> {
  await server.reset({ shipments: 'id', readings: 'id' });
  const database = server.administrator.database('records');
  const container = database.container('shipments');
  const items = async (): Promise<readonly Item[]> => (await container.items.readAll<Item>().fetchAll()).resources;
  const itemOf = (shipment: Shipment): Item => ({
    id: shipment.number,
    receiver: shipment.receiver,
    grams: Number(shipment.grams),
    sent: Date.parse(shipment.sent),
    fragile: shipment.fragile,
    ...(isAbsentToll(shipment) ? {} : { toll: shipment.toll }),
    labels: [...shipment.labels, ...shipment.labels],
    shelf: { level: 3, lit: null },
  });
  return {
    environment: server.environment,
    mesh: `{ kind: cosmos, account: harbour, endpoint: '${server.endpoint}', database: records, containers: { shipment: { container: shipments, key: [number] }, reading: { container: readings, key: [id] } } }`,
    maps: {
      shipment: `native: shipment
fields:
  number: { path: number }
  receiver: { path: receiver }
  weight: { path: grams, through: [{ number: json }, { unit: g }] }
  sentAt: { path: sent, through: [{ epoch: millisecond }] }
  fragile: { path: fragile }
  toll: { path: toll }
  labels: { path: labels, through: [{ set: true }] }
`,
      reading: `native: reading
fields:
  id: { path: id }
  text: { path: text }
  amount: { path: amount }
  long: { path: long }
  seenAt: { path: at }
  day: { path: day }
  flag: { path: flag }
  raw: { path: raw, through: [{ bytes: hex }] }
  amounts: { path: amounts }
  labels: { path: labels }
  level: { path: level, through: [{ special: { NaN: ['n/a'] } }, { number: json }] }
  peak: { path: peak }
`,
    },
    holdsNo: [],
    fill: async (shipments) => {
      await Promise.all(shipments.map((shipment) => container.items.create(itemOf(shipment))));
    },
    read: async () =>
      inOrder(
        (await items()).map(({ id, receiver, grams, sent, fragile, toll = null, labels }): Shipment => {
          const sorted = [...new Set(labels)].toSorted();
          return { number: id, receiver, grams: String(grams), sent: inUtc(sent), fragile, toll, labels: sorted };
        }),
      ),
    edit: async (number, { grams, ...same }) => {
      const { resource } = await container.item(number, number).read<Item>();
      await container
        .item(number, number)
        .replace({ ...resource, ...same, ...(grams === undefined ? {} : { grams: Number(grams) }) });
    },
    rest: async () =>
      Object.fromEntries((await items()).map(({ id, toll, labels, shelf }) => [id, { toll, labels, shelf }])),
    readings: async () => {
      const { resources } = await database.container('readings').items.readAll<{ readonly id: string }>().fetchAll();
      const sorted = resources.toSorted((left, right) => byCodeUnit(left.id, right.id));
      return sorted.map((item) => Object.fromEntries(Object.entries(item).filter(([name]) => !ofTheService.has(name))));
    },
  };
}
