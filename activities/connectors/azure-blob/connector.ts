/** The connector for records in blobs of Azure storage: JSON Lines, CSV and Parquet. */
import { callsOf, type ObjectStore } from '../../record-objects/object-store.js';
import { objectChanges, orNull } from '../../record-objects/changes.js';
import { rowsOfStore } from '../../record-objects/rows-of-store.js';
import type { Connector } from '../connector.js';
import { azureBlobCapabilities } from './capabilities.js';
import { createAzureBlobClient, nameOf } from './client.js';
import type { AzureBlobConnectorOptions } from './config.js';
import { probeAzureBlob } from './probe.js';
import { listBlobs, openBlob, versionOf, type OpenBlob } from './read.js';
import { putNewBlob, putBlob } from './write.js';

/** Connects with the first request only. Throws wrongAccount, and credentialsRejected where the connection string is none. */
export function createAzureBlobConnector(options: AzureBlobConnectorOptions): Connector {
  const { mesh } = options;
  const client = createAzureBlobClient(options);
  const store: ObjectStore<OpenBlob> = {
    files: mesh.files,
    limits: client.limits,
    calls: callsOf('PutBlob'),
    nameOf: (file) => nameOf(mesh, file),
    open: (file, wanted) => openBlob(client, file, wanted),
    put: (file, opened, copy) => putBlob(client, file, opened, copy),
    list: (prefix, signal) => listBlobs(client, prefix, signal),
    putNew: (file, like, copy) => putNewBlob(client, file, like, copy),
  };
  const { changes } = mesh;
  return {
    capabilities: azureBlobCapabilities(mesh),
    probe: () => probeAzureBlob(client, store),
    ...rowsOfStore(store),
    consequencesOf: () => ['the blob is put anew: its snapshots stay, and a lease on it forbids the write'],
    ...(changes
      ? {
          changes: objectChanges({
            ...store,
            fullReadEvery: changes.fullReadEvery,
            versionOf: (file, signal) => orNull(() => versionOf(client, file, signal)),
          }),
        }
      : {}),
  };
}
