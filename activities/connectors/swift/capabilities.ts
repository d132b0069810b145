/** What objects of Swift can do as a store of records, and the permissions it asks for. */
import { allOf } from '../../record-objects/object-store.js';
import { paceWords } from '../../pace.js';
import type { Capabilities } from '../connector.js';
import type { SwiftMesh } from './config.js';

export function swiftCapabilities({
  container,
  prefix,
  files,
  requestsPerSecond,
}: Pick<SwiftMesh, 'container' | 'prefix' | 'files' | 'requestsPerSecond'>): Capabilities {
  return {
    kind: 'swift',
    nativeTypes: Object.entries(files).map(([type, file]) => ({
      type,
      // Files declare no further properties: what a row holds is what it has.
      properties: file.key,
      writes: file.format === 'parquet' ? [] : ['create', 'update', 'delete'],
      permissions: {
        read: [
          `GET of ${container}/${prefix}${allOf(file)}`,
          ...('parts' in file ? [`GET of the list of ${container}`] : []),
        ],
        write: file.format === 'parquet' ? [] : [`PUT of ${container}/${prefix}${allOf(file)}, versions kept`],
      },
    })),
    absenceProvesDeletion: true,
    // It has no condition for a put: versions are compared before and after (versions.ts).
    conditionalWrites: false,
    rateLimits: [
      ...paceWords(requestsPerSecond, 'requests', 'what the store gives'),
      'each write puts its object anew',
    ],
    permissions: { read: [], write: [] },
  };
}
