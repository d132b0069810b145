/** The connector for a folder of files: JSON Lines, CSV and Parquet. */
import type { ObjectStore } from '../../record-objects/object-store.js';
import { rowsOfStore } from '../../record-objects/rows-of-store.js';
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
    ...rowsOfStore(store),
    ...(changes ? { changes } : {}),
  };
}
