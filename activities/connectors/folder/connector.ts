/** The connector for a folder of files: JSON Lines and CSV. */
import { rowId } from '../../record-formats/row-id.js';
import type { Connector } from '../connector.js';
import { folderCapabilities } from './capabilities.js';
import { folderChanges } from './changes.js';
import { fileOf } from './client.js';
import { defaultPageSize, type FolderConnectorOptions } from './config.js';
import { probeFolder } from './probe.js';
import { createFolderReader } from './read.js';
import { executeWrite, executeWrites, plannedCalls } from './write.js';

/** The whole file is copied for each batch, so a batch is large. */
const rowsOfBatch = 10_000;

/** Touches the files with the first request only. */
export function createFolderConnector({ mesh, pageSize = defaultPageSize }: FolderConnectorOptions): Connector {
  const reader = createFolderReader(mesh, pageSize);
  const changes = folderChanges(mesh);
  return {
    capabilities: folderCapabilities(mesh),
    probe: () => probeFolder(mesh),
    readAll: (request) => reader.readAll(request),
    readOne: (type, id) => reader.readOne(type, id),
    findTwin: async (type, after) => {
      const id = rowId(after, fileOf(mesh, type).key);
      return id === null ? null : reader.readOne(type, id);
    },
    plannedCalls: (write) => plannedCalls(mesh, write),
    write: (write, announce) => executeWrite(mesh, write, announce),
    batches: {
      objectsMax: rowsOfBatch,
      readMany: (type, ids) => reader.readMany(type, ids),
      writeMany: (writes, watch = {}) => executeWrites(mesh, writes, watch),
    },
    ...(changes ? { changes } : {}),
  };
}
