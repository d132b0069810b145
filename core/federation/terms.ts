/** The terms of an authority as its peers see them: its file without how its mesh is reached. */
import { z } from 'zod';
import { digestOf, type Digest } from '../digest.js';
import { Authority, meshKinds } from './authority.js';

/** Endpoints, accounts, tenants and names of environment variables are nobody else's business. */
export const Terms = Authority.omit({ mesh: true }).extend({ mesh: z.strictObject({ kind: z.enum(meshKinds) }) });
export type Terms = z.infer<typeof Terms>;

export function termsOf(authority: Authority): Terms {
  return { ...authority, mesh: { kind: authority.mesh.kind } };
}

/** The authority as it counts now: its terms from what was accepted, the way to its mesh from its own file. */
export function withTerms(authority: Authority, terms: Terms): Authority {
  return { ...terms, mesh: authority.mesh };
}

export function termsDigest(terms: Terms): Digest {
  return digestOf(terms);
}
