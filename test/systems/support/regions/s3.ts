/** Objects of S3 (moto): shipments in CSV, which has texts and nothing else, and readings in Parquet, which nobody writes. */
import { readFile } from 'node:fs/promises';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { AvailableSystem } from '../../../support/systems/system.js';
import type { DriftingRegion } from './region.js';
import { inKilograms, inOrder, shifted, type Shipment } from './shipment.js';

const readings = new URL('../../../activities/record-formats/samples/every-type.parquet', import.meta.url);

/** No cell needs quotes. */
type Row = Readonly<Record<string, string>>;

export async function s3({ endpoint, environment }: AvailableSystem): Promise<DriftingRegion> {
  const credentials = { accessKeyId: 'testing', secretAccessKey: 'testing' };
  const client = new S3Client({ region: 'eu-north-1', endpoint, credentials, forcePathStyle: true });
  await client.send(
    new CreateBucketCommand({ Bucket: 'sendinger', CreateBucketConfiguration: { LocationConstraint: 'eu-north-1' } }),
  );
  const put = (Key: string, Body: string | Uint8Array) =>
    client.send(new PutObjectCommand({ Bucket: 'sendinger', Key: `daily/${Key}`, Body }));
  await put('readings.parquet', await readFile(readings));
  const rows = async (): Promise<readonly Row[]> => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: 'sendinger', Key: 'daily/sendinger.csv' }));
    const [header = '', ...lines] = ((await Body?.transformToString()) ?? '').trimEnd().split('\n');
    const columns = header.split(',');
    return lines.map((line) => {
      const cells = line.split(',');
      return Object.fromEntries(columns.map((column, at) => [column, cells[at] ?? 'missing']));
    });
  };
  const putRows = async (all: readonly Row[]): Promise<void> => {
    const lines = [Object.keys(all[0] ?? {}), ...all.map((row) => Object.values(row))];
    await put('sendinger.csv', lines.map((cells) => `${cells.join(',')}\n`).join(''));
  };
  let [receiver, isInKilograms] = ['mottaker', false];
  const change = async (number: string, cells: Row): Promise<void> =>
    putRows((await rows()).map((row) => (row['nr'] === number ? { ...row, ...cells } : row)));
  return {
    environment,
    mesh: `{ kind: s3, region: eu-north-1, endpoint: '${endpoint}', bucket: sendinger, prefix: daily/, files: { sending: { file: sendinger.csv, format: csv, key: [nr] }, reading: { file: readings.parquet, format: parquet, key: [id] } } }`,
    maps: {
      shipment: `native: sending
fields:
  number: { path: nr }
  receiver: { path: mottaker }
  weight: { path: vekt, through: [{ unit: g }] }
  sentAt: { path: sendt }
  fragile: { path: skjor, through: [{ enum: { j: true, n: false } }] }
  toll: { path: toll }
ignore: [hyller]
`,
      reading: `native: reading
fields:
  id: { path: id }
  text: { path: text }
  amount: { path: wide }
  long: { path: long }
  seenAt: { path: micros }
  day: { path: day }
  flag: { path: flag }
  raw: { path: raw }
  amounts: { path: amounts }
  labels: { path: labels }
  level: { path: double }
  peak: { path: single }
ignore: [unsigned, small, byte, price, cents, millis, nanos, local, time, fixed, tags, place, lines]
`,
    },
    readOnly: ['reading'],
    holdsNo: ['labels'],
    fill: (shipments) =>
      putRows(
        shipments.map((shipment: Shipment) => ({
          nr: shipment.number,
          mottaker: shipment.receiver.normalize('NFD'),
          vekt: Number(shipment.grams).toFixed(2),
          sendt: shipment.sent,
          skjor: shipment.fragile ? 'j' : 'n',
          toll: shipment.toll ?? '',
          hyller: '4 17',
        })),
      ),
    read: async () =>
      inOrder(
        (await rows()).map((row) => ({
          number: row['nr'] ?? '',
          receiver: (row[receiver] ?? '').normalize(),
          grams: shifted(row['vekt'] ?? '', isInKilograms ? 3 : 0),
          sent: row['sendt'] ?? '',
          fragile: row['skjor'] === 'j',
          toll: row['toll'] === '' ? null : (row['toll'] ?? ''),
        })),
      ),
    edit: (number, { receiver: name, grams, fragile }) =>
      change(number, {
        ...(name === undefined ? {} : { [receiver]: name }),
        ...(grams === undefined ? {} : { vekt: isInKilograms ? inKilograms(grams) : grams }),
        ...(fragile === undefined ? {} : { skjor: fragile ? 'j' : 'n' }),
      }),
    rest: async () =>
      Object.fromEntries(
        (await rows()).map((row) => [
          row['nr'] ?? '',
          [row['hyller'], row[receiver]?.normalize('NFD') === row[receiver]],
        ]),
      ),
    drift: async () => {
      const before = await rows();
      [receiver, isInKilograms] = ['kunde', true];
      await putRows(
        before.map(({ mottaker = '', vekt = '', ...same }) => ({
          ...same,
          kunde: mottaker,
          vekt: inKilograms(vekt),
          hast: 'n',
        })),
      );
    },
    blur: (number) => change(number, { vekt: 'heavy' }),
  };
}
