/** The connector for tables of one PostgreSQL database. */
import type { Connector } from '../connector.js';
import { postgresqlCapabilities } from './capabilities.js';
import { postgresqlChanges } from './changes.js';
import { tableOf } from './catalog.js';
import { createClient } from './client.js';
import { defaultPageSize, type PostgresqlConnectorOptions } from './config.js';
import { probePostgresql } from './probe.js';
import { readAll, readLines, readOne } from './read.js';
import { rowId } from './row-id.js';
import { executeWrite, plannedCalls } from './write.js';
import { executeWrites, readMany } from './write-many.js';

/** Five times as many were a tenth faster in one measurement, and hold the locks of their rows five times as long. */
const rowsOfBatch = 1_000;

/** Connects with the first request only; connections that rest do not keep a process alive. */
export function createPostgresqlConnector(options: PostgresqlConnectorOptions): Connector {
  const { mesh, pageSize = defaultPageSize } = options;
  const client = createClient(options);
  const changes = postgresqlChanges(client, mesh, pageSize);
  return {
    capabilities: postgresqlCapabilities(mesh),
    probe: () => probePostgresql(client, mesh),
    readAll: (request) => readAll(client, mesh, pageSize, request),
    readLines: (request) => readLines(client, mesh, pageSize, request),
    readOne: (type, id) => readOne(client, mesh, type, id),
    findTwin: async (type, after) => {
      const id = rowId(after, tableOf(mesh, type).key);
      return id === null ? null : readOne(client, mesh, type, id);
    },
    plannedCalls: (write) => plannedCalls(mesh, write),
    consequencesOf: ({ kind }) =>
      kind === 'delete' ? ['rows of other tables that refer to it with ON DELETE CASCADE go with it'] : [],
    write: (write, announce) => executeWrite(client, mesh, write, announce),
    batches: {
      objectsMax: rowsOfBatch,
      readMany: (type, ids) => readMany(client, mesh, type, ids),
      writeMany: (writes, watch = {}) => executeWrites(client, mesh, writes, watch),
    },
    ...(changes ? { changes } : {}),
  };
}
