/** What the folder connector takes from the authority file. It needs nothing from the environment but rights on the files. */
import type { Mesh } from '../../../core/federation/authority.js';

export type FolderMesh = Extract<Mesh, { readonly kind: 'folder' }>;
export type FileMesh = FolderMesh['files'][string];

export interface FolderConnectorOptions {
  /** `path` is absolute. */
  readonly mesh: FolderMesh;
  /** Rows that a page holds. */
  readonly pageSize?: number;
}

export const defaultPageSize = 1_000;
