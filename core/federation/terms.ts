/** The terms of an authority as its peers see them: its file without how its mesh is reached. */
import { z } from 'zod';
import { approvalDefaults, publishedApproval, PublishedApproval } from '../approval/terms.js';
import { digestOf, type Digest } from '../digest.js';
import { Approver, Authority, meshKinds } from './authority.js';
import { normalSurface, PublishedTypeSurface } from './surface.js';

/** Endpoints, accounts, tenants and names of environment variables are nobody else's business. */
export const Terms = Authority.omit({ mesh: true, approval: true }).extend({
  surface: z.record(z.string(), PublishedTypeSurface),
  mesh: z.strictObject({ kind: z.enum(meshKinds) }),
  approval: PublishedApproval.default(approvalDefaults),
  // Nobody, where an authority took all its approvers away and its peers have not accepted new ones.
  approvers: z.array(Approver),
});
export type Terms = z.infer<typeof Terms>;

export function termsOf(authority: Authority): Terms {
  const surface = Object.fromEntries(
    Object.entries(authority.surface).map(([type, written]) => [type, normalSurface(written)]),
  );
  return {
    ...authority,
    surface,
    mesh: { kind: authority.mesh.kind },
    approval: publishedApproval(authority.approval),
  };
}

/** The authority as it counts now: its terms from what was accepted, the ways to its mesh and its people from its own file. */
export function withTerms(authority: Authority, terms: Terms): Authority {
  const { webhookFrom } = authority.approval;
  return {
    ...terms,
    mesh: authority.mesh,
    approval: { ...terms.approval, ...(webhookFrom === undefined ? {} : { webhookFrom }) },
  };
}

export function termsDigest(terms: Terms): Digest {
  return digestOf(terms);
}
