/** What a PostgreSQL database can do, and the rights it asks for. */
import { paceWords } from '../../pace.js';
import type { Capabilities } from '../connector.js';
import type { PostgresqlMesh } from './config.js';

export function postgresqlCapabilities({
  schema,
  tables,
  rowsPerSecond,
}: Pick<PostgresqlMesh, 'schema' | 'tables' | 'rowsPerSecond'>): Capabilities {
  return {
    kind: 'postgresql',
    nativeTypes: Object.entries(tables).map(([type, { table, key }]) => ({
      type,
      // The catalogue knows the others, at each read.
      properties: key,
      writes: ['create', 'update', 'delete'],
      permissions: {
        read: [`SELECT on ${schema}.${table}`],
        write: ['INSERT', 'UPDATE', 'DELETE'].map((right) => `${right} on ${schema}.${table}`),
      },
    })),
    absenceProvesDeletion: true,
    conditionalWrites: true,
    rateLimits: [
      ...paceWords(rowsPerSecond, 'rows', 'what the server gives'),
      'max_connections of the server; at most 4 are used',
    ],
    permissions: { read: [`USAGE on the schema ${schema}`], write: [] },
  };
}
