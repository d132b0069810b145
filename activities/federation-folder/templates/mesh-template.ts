/** What `concordat init` writes for one kind of mesh. One file per kind beside this one. */
import type { Mesh } from '../../../core/federation/authority.js';

export interface MeshContext {
  /** The authority id. */
  readonly id: string;
  /** Whether the mesh is a local stand-in at a fixed port. */
  readonly sandbox: boolean;
  /** `CONCORDAT_AWS`, the beginning of the environment variables that move endpoints. */
  readonly variable: string;
}

export interface MeshTemplate {
  readonly kind: Mesh['kind'];
  /** In a sentence: "users and groups of an AWS account". */
  readonly describes: string;
  /** The lines under `mesh:`, indented by two. */
  mesh(context: MeshContext): string;
  /** The fields that this kind of mesh has a place for. */
  readonly surface: { readonly person: readonly string[]; readonly team: readonly string[] };
  /** The maps without their first line. */
  readonly person: string;
  readonly team: string;
}
