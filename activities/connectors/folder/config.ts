/** What the folder connector takes from the authority file. It needs nothing from the environment but rights on the files. */
import type { Mesh } from '../../../core/federation/authority.js';
import { usualPartBytesMax, type ObjectLimits } from '../../record-objects/object-store.js';

export type FolderMesh = Extract<Mesh, { readonly kind: 'folder' }>;

export interface FolderConnectorOptions {
  /** `path` is absolute. */
  readonly mesh: FolderMesh;
  readonly limits?: Partial<ObjectLimits>;
}

export const standardLimits: ObjectLimits = {
  pageSize: 1_000,
  listPageSize: 1_000,
  partBytesMax: usualPartBytesMax,
  writeAttemptsMax: 20,
  backOffBaseMs: 10,
  backOffMaxMs: 1_000,
};
