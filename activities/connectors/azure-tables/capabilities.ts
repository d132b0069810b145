/** What Azure Tables can do, and the permissions it asks for. */
import { paceWords } from '../../pace.js';
import type { Capabilities } from '../connector.js';
import type { AzureTablesMesh } from './config.js';

export const readActions = ['entities/read'] as const;
export const writeActions = ['entities/add', 'entities/update', 'entities/delete'] as const;

export function azureTablesCapabilities({
  tables,
  requestsPerSecond,
}: Pick<AzureTablesMesh, 'tables' | 'requestsPerSecond'>): Capabilities {
  return {
    kind: 'azure-tables',
    nativeTypes: Object.entries(tables).map(([type, { table, key, properties = {} }]) => ({
      type,
      // Entities of a table share nothing but their two keys.
      properties: [...new Set([...key, ...Object.keys(properties)])],
      writes: ['create', 'update', 'delete'],
      permissions: {
        read: readActions.map((action) => `${action} on ${table}`),
        write: writeActions.map((action) => `${action} on ${table}`),
      },
    })),
    absenceProvesDeletion: true,
    conditionalWrites: true,
    rateLimits: paceWords(
      requestsPerSecond,
      'requests',
      'what the account gives, about 2,000 entities in a second of one partition',
    ),
    permissions: { read: [], write: [] },
  };
}
