/** The connector for records in objects of OpenStack Swift: JSON Lines, CSV and Parquet. */
import { objectChanges } from '../../record-objects/changes.js';
import { callsOf, type ObjectStore } from '../../record-objects/object-store.js';
import { rowsOfStore } from '../../record-objects/rows-of-store.js';
import type { Connector } from '../connector.js';
import { swiftCapabilities } from './capabilities.js';
import { createSwiftClient, nameOf } from './client.js';
import type { SwiftConnectorOptions } from './config.js';
import { probeSwift } from './probe.js';
import { listObjects, openObject, seenVersion, type OpenSwiftObject } from './read.js';
import { putNewObject, putObject } from './write.js';

/** Connects with the first request only. */
export function createSwiftConnector(options: SwiftConnectorOptions): Connector {
  const { mesh } = options;
  const client = createSwiftClient(options);
  const store: ObjectStore<OpenSwiftObject> = {
    files: mesh.files,
    limits: client.limits,
    calls: callsOf('PUT of the object'),
    nameOf: (file) => nameOf(mesh, file),
    open: (file, wanted) => openObject(client, file, wanted),
    put: (file, opened, copy) => putObject(client, file, opened, copy),
    list: (prefix, signal) => listObjects(client, prefix, signal),
    putNew: (file, like, copy) => putNewObject(client, file, like, copy),
  };
  const { changes } = mesh;
  return {
    capabilities: swiftCapabilities(mesh),
    probe: () => probeSwift(client, store),
    ...rowsOfStore(store),
    consequencesOf: () => ['the object is put anew, and the container keeps the version before'],
    ...(changes
      ? {
          changes: objectChanges({
            ...store,
            fullReadEvery: changes.fullReadEvery,
            versionOf: (file, signal) => seenVersion(client, file, signal),
          }),
        }
      : {}),
  };
}
