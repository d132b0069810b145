/**
 * One dataset in a folder of CSV files, a table of PostgreSQL itself and a table of DynamoDB (moto), through Temporal: agreement,
 * drift in each of the three, and the way back. What the stores hold is read past the connectors.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  CreateTableCommand,
  DeleteItemCommand,
  DynamoDBClient,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { byCodeUnit } from '../../core/json.js';
import { readSnapshots } from '../../cli/reading/documents.js';
import { startFederation, type LocalFederation } from '../support/local-federation.js';
import { recordFederationFiles } from '../support/record-federation.js';
import { startMoto } from '../support/systems/moto.js';
import { startPostgresql, type PostgresqlSystem } from '../support/systems/postgresql.js';
import { missingWords, type System } from '../support/systems/system.js';

const [moto, postgresql]: readonly [System, PostgresqlSystem] = [await startMoto(), await startPostgresql()];
const missing = [moto, postgresql].flatMap((system) => (system.kind === 'missing' ? [missingWords(system)] : []));
for (const words of missing) process.stderr.write(`${words}\n`);

let local: LocalFederation | undefined;
let dynamodb: DynamoDBClient;
let connectionString = '';

/** Nearly all that DynamoDB takes of one item, and more than it takes. Each é has two bytes. */
const [long, tooLong] = ['é'.repeat(199_000), 'é'.repeat(204_800)];
const shortened = (text: string | undefined): string =>
  (text ?? '').replaceAll(tooLong, '(too long)').replaceAll(long, '(long)');

const file = (): string => path.join(local?.folder ?? '', '..', 'data', 'berlin', 'shipments.csv');
const readFolder = async (): Promise<string> => shortened(await readFile(file(), 'utf8'));

async function sql(text: string): Promise<readonly (readonly string[])[]> {
  const client = new Client({ connectionString, types: { getTypeParser: () => String }, options: '-c TimeZone=UTC' });
  await client.connect();
  try {
    return (await client.query<string[]>({ text, rowMode: 'array' })).rows;
  } finally {
    await client.end();
  }
}
async function readTable(): Promise<readonly (readonly (string | null)[])[]> {
  const rows: readonly (readonly (string | null)[])[] = await sql('SELECT * FROM envois ORDER BY numero');
  return rows.map((row) => row.map((value) => (value === null ? null : shortened(value))));
}

async function readItems(): Promise<readonly Record<string, AttributeValue>[]> {
  const { Items = [] } = await dynamodb.send(new ScanCommand({ TableName: 'sendinger', ConsistentRead: true }));
  return Items.toSorted((left, right) => byCodeUnit(left['nr']?.S ?? '', right['nr']?.S ?? '')).map((item) =>
    item['mottaker']?.S === undefined ? item : { ...item, mottaker: { S: shortened(item['mottaker'].S) } },
  );
}

beforeAll(async () => {
  if (moto.kind === 'missing' || postgresql.kind === 'missing') return;
  const environment = await postgresql.database('drifted');
  connectionString = environment['PGCONNECTION'] ?? '';
  await postgresql.sql(
    `CREATE TABLE envois (numero text PRIMARY KEY, destinataire text, poids numeric(20, 4), expedie timestamptz, fragile boolean, note text)`,
    'drifted',
  );
  await sql(
    `INSERT INTO envois VALUES ('S-1', 'Zoë', 1.5, '2024-05-01 11:00:00+00', true, 'à garder'),
       ('S-2', 'Ann', 0.2505, '2024-05-02 07:30:00+00', false, NULL)`,
  );
  await postgresql.sql('CREATE PUBLICATION concordat FOR TABLE envois', 'drifted');
  await postgresql.sql("SELECT pg_create_logical_replication_slot('concordat', 'pgoutput')", 'drifted');
  const { endpoint } = moto;
  const credentials = { accessKeyId: 'testing', secretAccessKey: 'testing' };
  dynamodb = new DynamoDBClient({ region: 'eu-north-1', endpoint, credentials });
  await dynamodb.send(
    new CreateTableCommand({
      TableName: 'sendinger',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'nr', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'nr', KeyType: 'HASH' }],
    }),
  );
  const put = (Item: Record<string, AttributeValue>) =>
    dynamodb.send(new PutItemCommand({ TableName: 'sendinger', Item }));
  await put({
    nr: { S: 'S-1' },
    mottaker: { S: 'Zoë' },
    vekt: { N: '1500' },
    sendt: { S: '2024-05-01T13:00:00+02:00' },
    skjor: { BOOL: true },
    hyller: { NS: ['4', '17'] },
  });
  await put({
    nr: { S: 'S-2' },
    mottaker: { S: 'Ann' },
    vekt: { N: '250.5' },
    sendt: { S: '2024-05-02T07:30:00Z' },
    skjor: { BOOL: false },
    bilde: { B: new Uint8Array([0, 255]) },
  });
  await put({
    nr: { S: 'S-3' },
    mottaker: { S: 'Léa' },
    vekt: { N: '9007199254740993' },
    sendt: { S: '1970-01-01T00:00:00Z' },
    skjor: { NULL: true },
  });
  const wholeFolder = recordFederationFiles({
    berlin: `{ kind: folder, path: ../data/berlin, files: { shipment: { file: shipments.csv, format: csv, delimiter: ';', key: [number] } } }`,
    lyon: `{ kind: postgresql, tables: { envoi: { table: envois, key: [numero] } }, changes: { slot: concordat, publication: concordat } }`,
    oslo: `{ kind: dynamodb, region: eu-north-1, endpoint: '${endpoint}', tables: { sending: { table: sendinger, key: [nr], attributes: { vekt: number } } } }`,
  });
  local = await startFederation({ wholeFolder, environmentOf: { lyon: environment, oslo: moto.environment } });
  await mkdir(path.dirname(file()), { recursive: true });
  await writeFile(
    file(),
    'number;receiver;grams;sent;fragile\nS-1;Zoë;1500;2024-05-01 12:00:00;yes\nS-2;Ann;250.50;2024-05-02 08:30:00;no\n',
  );
});
afterAll(async () => {
  await local?.stop();
  for (const system of [moto, postgresql]) if (system.kind === 'available') await system.stop();
});

test('three copies come to agreement, drift apart, and are brought back with everything that is no part of the dataset as it was', async ({
  skip,
}) => {
  if (!local) return skip(missing.join('\n'));
  // What only DynamoDB held is made in the two others; nothing that was equal is written.
  expect(await local.run()).toMatchObject({ outcome: 'agreed', left: 0, plan: { operations: 2 } });
  const agreed = await readItems();
  expect(await readTable()).toEqual([
    ['S-1', 'Zoë', '1.5000', '2024-05-01 11:00:00+00', 't', 'à garder'],
    ['S-2', 'Ann', '0.2505', '2024-05-02 07:30:00+00', 'f', null],
    ['S-3', 'Léa', '9007199254740.9930', '1970-01-01 00:00:00+00', null, null],
  ]);
  expect(await readFolder()).toBe(
    'number;receiver;grams;sent;fragile\nS-1;Zoë;1500;2024-05-01 12:00:00;yes\nS-2;Ann;250.50;2024-05-02 08:30:00;no\nS-3;Léa;9007199254740993;1970-01-01 01:00:00;\n',
  );
  const rest = await local.run();
  expect(rest).toMatchObject({ outcome: 'agreed', left: 0, plan: { operations: 0 } });
  // All that changed in PostgreSQL since the first run is what that run wrote.
  const readAtLyon = async (run: typeof rest) =>
    local && (await readSnapshots(local.federation, local.exchange, run.snapshots))['lyon']?.reads;
  expect(await readAtLyon(rest)).toEqual([{ type: 'shipment', read: 'increment', why: 'changes', objects: 1 }]);

  // Each store goes its own way: a weight in DynamoDB, a deletion and a row of nearly 400 kB in PostgreSQL, a new row in the file.
  await dynamodb.send(
    new UpdateItemCommand({
      TableName: 'sendinger',
      Key: { nr: { S: 'S-2' } },
      UpdateExpression: 'SET vekt = :v',
      ExpressionAttributeValues: { ':v': { N: '300.1' } },
    }),
  );
  await sql(`DELETE FROM envois WHERE numero = 'S-1'`);
  await sql(`INSERT INTO envois VALUES ('S-5', '${long}', 0.001, '2024-06-02 09:00:00+00', false, NULL)`);
  await writeFile(file(), `${await readFolder()}S-4;"Åse; Oslo";12.5;2024-06-01 10:00:00;no\n`);
  const drifted = await local.run();
  expect(drifted).toMatchObject({ outcome: 'agreed', left: 0, plan: { operations: 8 } });
  expect(await readAtLyon(drifted)).toEqual([{ type: 'shipment', read: 'increment', why: 'changes', objects: 2 }]);
  expect(await readFolder()).toBe(
    'number;receiver;grams;sent;fragile\nS-2;Ann;300.1;2024-05-02 08:30:00;no\nS-3;Léa;9007199254740993;1970-01-01 01:00:00;\nS-4;"Åse; Oslo";12.5;2024-06-01 10:00:00;no\nS-5;(long);1;2024-06-02 10:00:00;no\n',
  );
  expect(await readTable()).toEqual([
    ['S-2', 'Ann', '0.3001', '2024-05-02 07:30:00+00', 'f', null],
    ['S-3', 'Léa', '9007199254740.9930', '1970-01-01 00:00:00+00', null, null],
    ['S-4', 'Åse; Oslo', '0.0125', '2024-06-01 09:00:00+00', 'f', null],
    ['S-5', '(long)', '0.0010', '2024-06-02 09:00:00+00', 'f', null],
  ]);
  const [, second, third] = agreed;
  expect(await readItems()).toEqual([
    { ...second, vekt: { N: '300.1' } },
    third,
    {
      nr: { S: 'S-4' },
      mottaker: { S: 'Åse; Oslo' },
      vekt: { N: '12.5' },
      sendt: { S: '2024-06-01T09:00:00Z' },
      skjor: { BOOL: false },
    },
    {
      nr: { S: 'S-5' },
      mottaker: { S: '(long)' },
      vekt: { N: '1' },
      sendt: { S: '2024-06-02T09:00:00Z' },
      skjor: { BOOL: false },
    },
  ]);
  expect(await local.run()).toMatchObject({ outcome: 'agreed', left: 0, plan: { operations: 0 } });

  // A value that the map cannot read is held back with its record, and nothing is deleted for it. What is more than an item can
  // have reaches the file, and DynamoDB keeps what it has.
  await dynamodb.send(
    new UpdateItemCommand({
      TableName: 'sendinger',
      Key: { nr: { S: 'S-2' } },
      UpdateExpression: 'SET vekt = :v',
      ExpressionAttributeValues: { ':v': { S: 'heavy' } },
    }),
  );
  await dynamodb.send(new DeleteItemCommand({ TableName: 'sendinger', Key: { nr: { S: 'S-4' } } }));
  await sql(`UPDATE envois SET destinataire = '${tooLong}' WHERE numero = 'S-5'`);
  const held = await local.run();
  expect(held.plan).toMatchObject({ operations: 2 });
  expect(held.outcome).not.toBe('agreed');
  expect(await readTable()).toHaveLength(4);
  expect(await readFolder()).toContain('S-5;(too long);1;');
  expect((await readItems()).map(({ mottaker }) => mottaker?.S)).toEqual(['Ann', 'Léa', '(long)']);
});
