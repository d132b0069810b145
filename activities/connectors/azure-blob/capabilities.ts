/** What blobs of Azure can do as a store of records, and the permissions it asks for. */
import type { Capabilities } from '../connector.js';
import type { AzureBlobMesh } from './config.js';

export function azureBlobCapabilities({
  container,
  prefix,
  files,
}: Pick<AzureBlobMesh, 'container' | 'prefix' | 'files'>): Capabilities {
  return {
    kind: 'azure-blob',
    nativeTypes: Object.entries(files).map(([type, { file, key, format }]) => ({
      type,
      // Files declare no further properties: what a row holds is what it has.
      properties: key,
      writes: format === 'parquet' ? [] : ['create', 'update', 'delete'],
      permissions: {
        read: [`blobs/read on ${container}/${prefix}${file}`],
        write: format === 'parquet' ? [] : [`blobs/write on ${container}/${prefix}${file}`],
      },
    })),
    absenceProvesDeletion: true,
    conditionalWrites: true,
    rateLimits: ['each write puts its blob anew'],
    permissions: { read: [], write: [] },
  };
}
