/** What the connector of records in Azure blobs takes from the authority file and from the environment of its worker. */
import type { Mesh } from '../../../core/federation/authority.js';
import type { Environment } from '../../azure-storage.js';
import type { MakePace } from '../../pace.js';
import { usualPartBytesMax, type ObjectLimits } from '../../record-objects/object-store.js';

export type AzureBlobMesh = Extract<Mesh, { readonly kind: 'azure-blob' }>;

/** Durations and sizes that tests shorten; production uses `standardLimits`. */
export interface Limits extends ObjectLimits {
  readonly requestTimeoutMs: number;
  readonly readAttemptsMax: number;
}

export const standardLimits: Limits = {
  pageSize: 1_000,
  listPageSize: 1_000,
  partBytesMax: usualPartBytesMax,
  requestTimeoutMs: 60_000,
  readAttemptsMax: 8,
  writeAttemptsMax: 20,
  backOffBaseMs: 50,
  backOffMaxMs: 10_000,
};

export interface AzureBlobConnectorOptions {
  readonly mesh: AzureBlobMesh;
  readonly environment: Environment;
  readonly limits?: Partial<Limits>;
  /** Only tests give another. */
  readonly makePace?: MakePace;
}
