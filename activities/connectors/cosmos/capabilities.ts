/** What Cosmos DB can do, and the permissions it asks for. */
import { paceWords } from '../../pace.js';
import type { Capabilities } from '../connector.js';
import type { CosmosMesh } from './config.js';

/** https://learn.microsoft.com/azure/cosmos-db/nosql/security/reference-data-plane-actions */
export const readActions = ['readMetadata', 'executeQuery', 'items/read'] as const;
export const writeActions = ['items/create', 'items/replace', 'items/delete'] as const;

export function cosmosCapabilities({
  database,
  containers,
  unitsPerSecond,
}: Pick<CosmosMesh, 'database' | 'containers' | 'unitsPerSecond'>): Capabilities {
  return {
    kind: 'cosmos',
    nativeTypes: Object.entries(containers).map(([type, { container, key }]) => ({
      type,
      // Items of a container share nothing but their key.
      properties: key,
      writes: ['create', 'update', 'delete'],
      permissions: {
        read: readActions.map((action) => `${action} on ${database}/${container}`),
        write: writeActions.map((action) => `${action} on ${database}/${container}`),
      },
    })),
    absenceProvesDeletion: true,
    conditionalWrites: true,
    rateLimits: [
      ...paceWords(unitsPerSecond, 'request units', 'what the container gives'),
      'a request too many is answered with how long to wait',
    ],
    permissions: { read: [], write: [] },
  };
}
