/** A person's signed word on which records are, or are not, the same: verified and kept in the authority's standing. */
import { z } from 'zod';
import { LinkStatement } from '../../core/correlate.js';
import { linkStatementType } from '../../core/decision.js';
import { ConcordatError } from '../../core/errors.js';
import { verifyCompact } from '../keys/verify.js';
import { authorityOf, type AuthorityContext } from './context.js';
import { addToStanding } from './standing.js';

export const SignedLink = z.strictObject({
  federation: z.string(),
  dataset: z.string(),
  approver: z.string(),
  statement: LinkStatement,
  issuedAtMs: z.int(),
});
export type SignedLink = z.infer<typeof SignedLink>;

export async function recordLink(
  context: AuthorityContext,
  input: { readonly dataset: string; readonly jws: string },
): Promise<{ readonly statement: LinkStatement }> {
  const authority = authorityOf(context);
  const claimed = authority.approvers.flatMap(({ key }) => (key ? [key] : []));
  const { payload, kid: _kid } = await verifyCompact(input.jws, { typ: linkStatementType, keys: claimed });
  const parsed = SignedLink.safeParse(payload);
  if (!parsed.success)
    throw new ConcordatError('decisionMalformed', 'the signed link does not have the shape of this version');
  const { approver, statement, dataset, federation } = parsed.data;
  const key = authority.approvers.find(({ id }) => id === approver)?.key;
  if (!key) throw new ConcordatError('notAnApprover', `${context.id} lists no approver of that name with a key`);
  await verifyCompact(input.jws, { typ: linkStatementType, keys: [key] });
  if (
    statement.authority !== context.id ||
    dataset !== input.dataset ||
    federation !== context.federation.file.federation
  )
    throw new ConcordatError('decisionForOtherPlan', `the link is for ${statement.authority}, dataset ${dataset}`);
  await addToStanding(context, dataset, { links: [{ ...statement, approver, key: null }] });
  return { statement };
}
