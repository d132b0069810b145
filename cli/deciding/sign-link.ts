/** A person's signed word on which records are, or are not, the same. */
import type { SignedLink } from '../../activities/authority/link-statement.js';
import type { PrivateKey } from '../../activities/keys/private-key.js';
import { signCompact } from '../../activities/keys/sign.js';
import type { LinkStatement } from '../../core/correlate.js';
import { linkStatementType } from '../../core/decision.js';
import { ConcordatError } from '../../core/errors.js';
import { isProvisional, type AuthorityId } from '../../core/record.js';
import type { CaseRecord, OpenCase } from '../reading/cases.js';

/**
 * An authority's people speak for their own records only: for the doubtful record, or for a candidate that no link joins
 * yet. Throws usage where the authority has neither.
 */
export function statementFor(
  kind: LinkStatement['kind'],
  { case: own }: OpenCase,
  candidate: CaseRecord,
  authority: AuthorityId,
): LinkStatement {
  if (authority === own.authority) return { kind, authority, type: own.type, record: own.record, to: candidate.key };
  if (authority === candidate.authority && isProvisional(candidate.key))
    return { kind, authority, type: own.type, record: candidate.key, to: own.record };
  throw new ConcordatError(
    'usage',
    `the case is about a record of ${own.authority}; its people decide, not those of ${authority}`,
  );
}

export async function signLink(link: SignedLink, key: PrivateKey): Promise<string> {
  return signCompact(link, { typ: linkStatementType, key });
}
