/** Reading and writing rows as every connector of objects does it, whatever keeps the objects. */
import { rowId } from '../record-formats/row-id.js';
import type { Connector } from '../connectors/connector.js';
import { fileOf, type ObjectStore, type OpenObject } from './object-store.js';
import { readAll, readOne } from './read.js';
import { batchesOf, executeWrite, plannedCalls } from './write.js';

type RowMethods = 'readAll' | 'readOne' | 'findTwin' | 'plannedCalls' | 'write' | 'batches';

export function rowsOfStore<Opened extends OpenObject>(store: ObjectStore<Opened>): Pick<Connector, RowMethods> {
  return {
    readAll: (request) => readAll(store, request),
    readOne: (type, id) => readOne(store, type, id),
    findTwin: async (type, after) => {
      const id = rowId(after, fileOf(store.files, type).key);
      return id === null ? null : readOne(store, type, id);
    },
    plannedCalls: (write) => plannedCalls(store, write),
    write: (write, announce) => executeWrite(store, write, announce),
    batches: batchesOf(store),
  };
}
