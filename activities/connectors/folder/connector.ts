/** The connector for a folder of files: JSON Lines, CSV and Parquet. */
import { rowId } from '../../record-formats/row-id.js';
import { fileOf, type ObjectStore } from '../../record-objects/object-store.js';
import { readAll, readOne } from '../../record-objects/read.js';
import { batchesOf, executeWrite, plannedCalls } from '../../record-objects/write.js';
import type { Connector } from '../connector.js';
import { folderCapabilities } from './capabilities.js';
import { folderChanges } from './changes.js';
import { standardLimits, type FolderConnectorOptions } from './config.js';
import { probeFolder } from './probe.js';
import { listFiles, openFolderFile, type OpenFolderFile } from './read.js';
import { copyFolder, putFile, putNewFile, withLock } from './write.js';

/** Touches the files with the first request only. */
export function createFolderConnector({ mesh, limits = {} }: FolderConnectorOptions): Connector {
  const store: ObjectStore<OpenFolderFile> = {
    files: mesh.files,
    limits: { ...standardLimits, ...limits },
    calls: { create: 'add row', update: 'change row', delete: 'remove row' },
    nameOf: ({ file }) => file,
    open: (file, wanted) => openFolderFile(mesh, file, wanted),
    put: (file, opened, copy) => putFile(mesh, file, opened, copy),
    list: (prefix, signal) => listFiles(mesh, prefix, signal),
    putNew: (file, like, copy) => putNewFile(mesh, file, like, copy),
    copyFolder: (file) => copyFolder(mesh, file),
    inTurn: (file, act) => withLock(mesh, file, act),
  };
  const changes = folderChanges(mesh, store);
  return {
    capabilities: folderCapabilities(mesh),
    probe: () => probeFolder(mesh, store),
    readAll: (request) => readAll(store, request),
    readOne: (type, id) => readOne(store, type, id),
    findTwin: async (type, after) => {
      const id = rowId(after, fileOf(mesh.files, type).key);
      return id === null ? null : readOne(store, type, id);
    },
    plannedCalls: (write) => plannedCalls(store, write),
    write: (write, announce) => executeWrite(store, write, announce),
    batches: batchesOf(store),
    ...(changes ? { changes } : {}),
  };
}
