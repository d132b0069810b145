/** What blobs of Azure can do as a store of records, and the permissions it asks for. */
import { allOf } from '../../record-objects/object-store.js';
import { paceWords } from '../../pace.js';
import type { Capabilities } from '../connector.js';
import type { AzureBlobMesh } from './config.js';

export function azureBlobCapabilities({
  container,
  prefix,
  files,
  requestsPerSecond,
}: Pick<AzureBlobMesh, 'container' | 'prefix' | 'files' | 'requestsPerSecond'>): Capabilities {
  return {
    kind: 'azure-blob',
    nativeTypes: Object.entries(files).map(([type, file]) => ({
      type,
      // Files declare no further properties: what a row holds is what it has.
      properties: file.key,
      writes: file.format === 'parquet' ? [] : ['create', 'update', 'delete'],
      permissions: {
        // Listing is a part of it, where it is given for the container.
        read: [`blobs/read on ${container}/${prefix}${allOf(file)}`],
        write: file.format === 'parquet' ? [] : [`blobs/write on ${container}/${prefix}${allOf(file)}`],
      },
    })),
    absenceProvesDeletion: true,
    conditionalWrites: true,
    rateLimits: [
      ...paceWords(requestsPerSecond, 'requests', 'what the account gives'),
      'each write puts its blob anew',
    ],
    permissions: { read: [], write: [] },
  };
}
