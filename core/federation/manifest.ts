/** What an authority publishes and signs: its file without how its mesh is reached. */
import type { Authority, Mesh } from './authority.js';

export const manifestType = 'concordat-manifest+jws';

export type Manifest = Omit<Authority, 'mesh'> & { readonly mesh: { readonly kind: Mesh['kind'] } };

/** Endpoints, accounts, tenants and names of environment variables are nobody else's business. */
export function manifestOf(authority: Authority): Manifest {
  return { ...authority, mesh: { kind: authority.mesh.kind } };
}
