/** What objects of S3 can do as a store of records, and the permissions it asks for. */
import { allOf } from '../../record-objects/object-store.js';
import { paceWords } from '../../pace.js';
import type { Capabilities } from '../connector.js';
import type { S3Mesh } from './config.js';

export function s3Capabilities({
  bucket,
  prefix,
  files,
  requestsPerSecond,
}: Pick<S3Mesh, 'bucket' | 'prefix' | 'files' | 'requestsPerSecond'>): Capabilities {
  return {
    kind: 's3',
    nativeTypes: Object.entries(files).map(([type, file]) => ({
      type,
      // Files declare no further properties: what a row holds is what it has.
      properties: file.key,
      writes: file.format === 'parquet' ? [] : ['create', 'update', 'delete'],
      permissions: {
        read: [
          `s3:GetObject on ${bucket}/${prefix}${allOf(file)}`,
          ...('parts' in file ? [`s3:ListBucket on ${bucket}`] : []),
        ],
        write: file.format === 'parquet' ? [] : [`s3:PutObject on ${bucket}/${prefix}${allOf(file)}`],
      },
    })),
    absenceProvesDeletion: true,
    conditionalWrites: true,
    rateLimits: [
      ...paceWords(requestsPerSecond, 'requests', 'what the bucket gives'),
      'each write puts its object anew',
    ],
    permissions: { read: [], write: [] },
  };
}
