/** Signs what a person says beside decisions, and hands it to the authority that it is for. */
import { signCompact } from '../../activities/keys/sign.js';
import { ConcordatError } from '../../core/errors.js';
import type { AuthorityId } from '../../core/record.js';
import { standingStatementType, type SignedStatement, type StandingStatement } from '../../core/standing-statement.js';
import type { RecordedStatement } from '../../workflows/activity-types.js';
import type { FederationSession } from '../reading/federation-session.js';
import { listWords } from '../showing/words.js';
import { sendStatement } from '../temporal/authority-workflows.js';
import type { Approver } from './approver.js';

export interface GivenStatement {
  readonly authority: AuthorityId;
  readonly approver: string;
  readonly recorded: RecordedStatement;
}

export async function giveStatement(
  { connection, name }: Pick<FederationSession, 'connection' | 'name'>,
  approver: Approver,
  dataset: string,
  statement: StandingStatement,
): Promise<GivenStatement> {
  const { authority } = statement;
  const listing = approver.listings.find((one) => one.authority === authority);
  if (!listing)
    throw new ConcordatError(
      'notAnApprover',
      `that is for the people of ${authority}; this key signs for ${listWords(approver.listings.map((one) => one.authority))}`,
    );
  const signed: SignedStatement = {
    federation: name,
    dataset,
    approver: listing.approver,
    statement,
    issuedAtMs: Date.now(),
  };
  const jws = await signCompact(signed, { typ: standingStatementType, key: approver.key });
  const recorded = await sendStatement({ connection, federation: name, authority, withinMs: 60_000 }, { dataset, jws });
  return { authority, approver: listing.approver, recorded };
}

/** What a person gives as a reason, an owner and the like. Throws usage where it is empty or too long. */
export function requiredText(option: string, text: string, charactersMax: number): string {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.length > charactersMax)
    throw new ConcordatError('usage', `${option} must have from 1 to ${charactersMax} characters`);
  return trimmed;
}
