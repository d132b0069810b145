/** Core cannot ask a connector what it can do, so it keeps a list; here the two are held together. */
import { expect, test } from 'vitest';
import { awsIamCapabilities } from '../../../activities/connectors/aws-iam/capabilities.js';
import { entraCapabilities } from '../../../activities/connectors/entra/capabilities.js';
import { keystoneCapabilities } from '../../../activities/connectors/keystone/capabilities.js';
import { folderCapabilities } from '../../../activities/connectors/folder/capabilities.js';
import type { FolderMesh } from '../../../activities/connectors/folder/config.js';
import { dynamodbCapabilities } from '../../../activities/connectors/dynamodb/capabilities.js';
import type { DynamodbMesh } from '../../../activities/connectors/dynamodb/config.js';
import { s3Capabilities } from '../../../activities/connectors/s3/capabilities.js';
import type { S3Mesh } from '../../../activities/connectors/s3/config.js';
import { postgresqlCapabilities } from '../../../activities/connectors/postgresql/capabilities.js';
import type { PostgresqlMesh } from '../../../activities/connectors/postgresql/config.js';
import { azureBlobCapabilities } from '../../../activities/connectors/azure-blob/capabilities.js';
import type { AzureBlobMesh } from '../../../activities/connectors/azure-blob/config.js';
import { azureTablesCapabilities } from '../../../activities/connectors/azure-tables/capabilities.js';
import type { AzureTablesMesh } from '../../../activities/connectors/azure-tables/config.js';
import { cosmosCapabilities } from '../../../activities/connectors/cosmos/capabilities.js';
import type { CosmosMesh } from '../../../activities/connectors/cosmos/config.js';
import { swiftCapabilities } from '../../../activities/connectors/swift/capabilities.js';
import type { SwiftMesh } from '../../../activities/connectors/swift/config.js';
import { Mesh } from '../../../core/federation/authority.js';
import {
  isRecordKind,
  nativeNamesOf,
  nativeTypes,
  hasColumns,
  readOnlyNatives,
  writesOf,
} from '../../../core/federation/native-types.js';

test.each([awsIamCapabilities, entraCapabilities({ groupPrefix: undefined }), keystoneCapabilities])(
  'core lists exactly the native types of the $kind connector, with what can be done to each',
  (capabilities) => {
    expect(isRecordKind(capabilities.kind) ? null : nativeTypes[capabilities.kind]).toEqual(
      Object.fromEntries(capabilities.nativeTypes.map(({ type, writes }) => [type, writes])),
    );
  },
);

const key = ['id'];
const folder = Mesh.parse({
  kind: 'folder',
  path: 'data',
  files: {
    parcel: { file: 'parcels.csv', format: 'csv', key },
    depot: { file: 'd/d.jsonl', format: 'jsonLines', key },
    price: { file: 'd/p.parquet', format: 'parquet', key },
  },
});
const postgresql = Mesh.parse({ kind: 'postgresql', tables: { parcel: { table: 'parcels', key } } });
const dynamodb = Mesh.parse({
  kind: 'dynamodb',
  region: 'eu-central-1',
  tables: { parcel: { table: 'parcels', key }, depot: { table: 'depots', key } },
});
const s3 = Mesh.parse({
  kind: 's3',
  region: 'eu-central-1',
  bucket: 'data',
  files: { parcel: { file: 'a/p.csv', format: 'csv', key } },
});
const azureTables = Mesh.parse({
  kind: 'azure-tables',
  account: 'harbour',
  tables: { parcel: { table: 'parcels', partition: 'all', key } },
});
const azureBlob = Mesh.parse({
  kind: 'azure-blob',
  account: 'harbour',
  container: 'data',
  files: { parcel: { file: 'a/p.csv', format: 'csv', key } },
});

const cosmos = Mesh.parse({
  kind: 'cosmos',
  account: 'harbour',
  database: 'data',
  containers: { parcel: { container: 'parcels', key }, pair: { container: 'pairs', key: ['left', 'id'] } },
});

const swift = Mesh.parse({
  kind: 'swift',
  endpoint: 'https://keystone.example/v3',
  project: 'p',
  container: 'data',
  files: { parcel: { file: 'a/p.csv', format: 'csv', key } },
});

test.each([
  [cosmos, (mesh: Mesh) => cosmosCapabilities(mesh as CosmosMesh)],
  [swift, (mesh: Mesh) => swiftCapabilities(mesh as SwiftMesh)],
  [azureTables, (mesh: Mesh) => azureTablesCapabilities(mesh as AzureTablesMesh)],
  [azureBlob, (mesh: Mesh) => azureBlobCapabilities(mesh as AzureBlobMesh)],
  [folder, (mesh: Mesh) => folderCapabilities(mesh as FolderMesh)],
  [postgresql, (mesh: Mesh) => postgresqlCapabilities(mesh as PostgresqlMesh)],
  [s3, (mesh: Mesh) => s3Capabilities(mesh as S3Mesh)],
  [dynamodb, (mesh: Mesh) => dynamodbCapabilities(mesh as DynamodbMesh)],
])(
  'a store of records has the native types that its authority declares, and peers allow each the same writes',
  (mesh, of) => {
    const capabilities = of(mesh);
    expect(capabilities.kind).toBe(mesh.kind);
    expect(capabilities.nativeTypes.map(({ type }) => type)).toEqual(nativeNamesOf(mesh));
    for (const { type, writes } of capabilities.nativeTypes)
      expect(readOnlyNatives(mesh).includes(type) ? [] : writesOf(mesh.kind, type)).toEqual(writes);
  },
);

test('a Parquet file is read and never written, and its neighbours are', () => {
  expect(readOnlyNatives(folder)).toEqual(['price']);
  expect(readOnlyNatives(postgresql)).toEqual([]);
});

test('a table, a CSV file and a Parquet file have columns, and what knows objects only has none', () => {
  expect(['price', 'parcel', 'depot'].map((native) => hasColumns(folder, native))).toEqual([true, true, false]);
  expect(hasColumns(postgresql, 'parcel')).toBe(true);
  for (const mesh of [s3, swift, azureBlob]) expect(hasColumns(mesh, 'parcel'), mesh.kind).toBe(true);
  for (const mesh of [dynamodb, azureTables, cosmos]) expect(hasColumns(mesh, 'parcel'), mesh.kind).toBe(false);
});

test('a cloud allows nothing for a native type that it does not have', () => {
  expect(writesOf('keystone', 'parcel')).toBeUndefined();
  expect(writesOf('keystone', 'toString')).toBeUndefined();
  expect(writesOf('keystone', 'system')).toEqual([]);
});
