/** The connector for records in objects of S3: JSON Lines, CSV and Parquet. */
import { callsOf, type ObjectStore } from '../../record-objects/object-store.js';
import { objectChanges, orNull } from '../../record-objects/changes.js';
import { rowsOfStore } from '../../record-objects/rows-of-store.js';
import type { Connector } from '../connector.js';
import { s3Capabilities } from './capabilities.js';
import { createS3RecordsClient, nameOf } from './client.js';
import type { S3ConnectorOptions } from './config.js';
import { probeS3 } from './probe.js';
import { listObjects, openObject, versionOf, type OpenS3Object } from './read.js';
import { putNewObject, putObject } from './write.js';

/** Connects with the first request only. Throws credentialsMissing for half a key pair. */
export function createS3Connector(options: S3ConnectorOptions): Connector {
  const { mesh } = options;
  const client = createS3RecordsClient(options);
  const store: ObjectStore<OpenS3Object> = {
    files: mesh.files,
    limits: client.limits,
    calls: callsOf('s3:PutObject'),
    nameOf: (file) => nameOf(mesh, file),
    open: (file, wanted) => openObject(client, file, wanted),
    put: (file, opened, copy) => putObject(client, file, opened, copy),
    list: (prefix, signal) => listObjects(client, prefix, signal),
    putNew: (file, like, copy) => putNewObject(client, file, like, copy),
  };
  const { changes } = mesh;
  return {
    capabilities: s3Capabilities(mesh),
    probe: () => probeS3(client, store),
    ...rowsOfStore(store),
    consequencesOf: () => [
      'the object is put anew: its tags and access list become those of a new object of the bucket',
    ],
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
