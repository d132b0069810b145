/** What a folder of files can do. */
import type { Capabilities } from '../connector.js';
import type { FolderMesh } from './config.js';

export function folderCapabilities({ files }: Pick<FolderMesh, 'files'>): Capabilities {
  return {
    kind: 'folder',
    nativeTypes: Object.entries(files).map(([type, { key, format }]) => ({
      type,
      // Files declare no further properties: what a row holds is what it has.
      properties: key,
      writes: format === 'parquet' ? [] : ['create', 'update', 'delete'],
    })),
    absenceProvesDeletion: true,
    conditionalWrites: false,
    rateLimits: ['none; each write copies its file'],
    permissions: { read: ['read the files'], write: ['write the folder in which each file lies'] },
  };
}
