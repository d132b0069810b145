/** The connector for records in objects of S3: JSON Lines and CSV. */
import { rowId } from '../../record-formats/row-id.js';
import type { Connector } from '../connector.js';
import { s3Capabilities } from './capabilities.js';
import { createS3RecordsClient, fileOf } from './client.js';
import type { S3ConnectorOptions } from './config.js';
import { probeS3 } from './probe.js';
import { readAll, readOne } from './read.js';
import { executeWrite, plannedCalls } from './write.js';

/** Connects with the first request only. Throws credentialsMissing for half a key pair. */
export function createS3Connector(options: S3ConnectorOptions): Connector {
  const { mesh } = options;
  const client = createS3RecordsClient(options);
  return {
    capabilities: s3Capabilities(mesh),
    probe: () => probeS3(client),
    readAll: (request) => readAll(client, request),
    readOne: (type, id) => readOne(client, type, id),
    findTwin: async (type, after) => {
      const id = rowId(after, fileOf(mesh, type).key);
      return id === null ? null : readOne(client, type, id);
    },
    plannedCalls: (write) => plannedCalls(mesh, write),
    consequencesOf: () => [
      'the object is put anew: its tags and access list become those of a new object of the bucket',
    ],
    write: (write, announce) => executeWrite(client, write, announce),
  };
}
