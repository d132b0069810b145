/** The connector for tables of one PostgreSQL database. */
import { pacesOf } from '../../pace.js';
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
  const { mesh, pageSize = mesh.pageSize ?? defaultPageSize } = options;
  const client = createClient(options);
  // HAZARD: a turn is waited for where no transaction of ours holds a lock. That of a read holds what it sees.
  const paces = pacesOf(mesh.rowsPerSecond, options.makePace);
  const paging = { pageSize, pace: paces.read };
  const changes = postgresqlChanges(client, mesh, paging);
  const one = async (type: string, id: string) => {
    await paces.read.turn(1);
    return readOne(client, mesh, type, id);
  };
  return {
    capabilities: postgresqlCapabilities(mesh),
    probe: () => probePostgresql(client, mesh),
    readAll: (request) => readAll(client, mesh, paging, request),
    readLines: (request) => readLines(client, mesh, paging, request),
    readOne: one,
    findTwin: async (type, after) => {
      const id = rowId(after, tableOf(mesh, type).key);
      return id === null ? null : one(type, id);
    },
    plannedCalls: (write) => plannedCalls(mesh, write),
    consequencesOf: ({ kind }) =>
      kind === 'delete' ? ['rows of other tables that refer to it with ON DELETE CASCADE go with it'] : [],
    write: async (write, announce) => {
      await paces.write.turn(1);
      return executeWrite(client, mesh, write, announce);
    },
    batches: {
      objectsMax: rowsOfBatch,
      readMany: async (type, ids) => {
        await paces.read.turn(ids.length);
        return readMany(client, mesh, type, ids);
      },
      writeMany: async (writes, watch = {}) => {
        await paces.write.turn(writes.length);
        return executeWrites(client, mesh, writes, watch);
      },
    },
    ...(changes ? { changes } : {}),
  };
}
