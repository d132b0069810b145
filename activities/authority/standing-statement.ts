/** What a person says for their authority beside decisions: verified here, and kept until it ends or is withdrawn. */
import { digestOf } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { SignedStatement, standingStatementType } from '../../core/standing-statement.js';
import type { RecordedStatement } from '../../workflows/activity-types.js';
import { verifyCompact } from '../keys/verify.js';
import { authorityOf, type AuthorityContext } from './context.js';
import { approveDrift } from './schema-seen.js';
import { addToStanding, withdrawFromStanding } from './standing.js';
import { settleByPerson } from './settle-by-person.js';

/** Words that were signed for a clock ahead of ours by more than this are not ours to keep yet. */
const clockToleranceMs = 60_000;

/**
 * Throws decisionMalformed, notAnApprover and decisionForOtherPlan like a decision; statementEnded where its end has come
 * or it was withdrawn; notFound where it is about nothing that stands here.
 */
export async function recordStatement(
  context: AuthorityContext,
  input: { readonly dataset: string; readonly jws: string },
): Promise<RecordedStatement> {
  const signed = await verified(context, input.jws);
  const { statement, dataset, approver } = signed;
  if (
    statement.authority !== context.id ||
    dataset !== input.dataset ||
    signed.federation !== context.federation.file.federation
  )
    throw new ConcordatError(
      'decisionForOtherPlan',
      `the statement is for ${statement.authority}, dataset ${dataset}, and this is ${context.id}`,
    );
  if (!context.federation.datasets[dataset]?.members.includes(context.id))
    throw new ConcordatError('notFound', `${context.id} is no member of a dataset ${dataset}`);
  if (signed.issuedAtMs > context.now() + clockToleranceMs)
    throw new ConcordatError('decisionMalformed', 'the statement is dated in the future');
  const id = digestOf(signed);
  switch (statement.kind) {
    case 'accept': {
      const { kind, ...acceptance } = statement;
      requireType(context, dataset, acceptance.type, acceptance.field);
      if (acceptance.untilMs <= context.now())
        throw new ConcordatError('statementEnded', 'the acceptance has ended already; give it an end that lies ahead');
      await addToStanding(context, dataset, { acceptances: [{ ...acceptance, id, approver }] });
      return { id, kind };
    }
    case 'ignore': {
      const { kind, ...ignore } = statement;
      requireType(context, dataset, ignore.type, null);
      await addToStanding(context, dataset, { ignored: [{ ...ignore, id, approver }] });
      return { id, kind };
    }
    case 'withdraw':
      await withdrawFromStanding(context, dataset, statement.statement);
      return { id: statement.statement, kind: statement.kind };
    case 'drift':
      await approveDrift(context, dataset, statement.drift);
      return { id: statement.drift, kind: statement.kind };
    case 'settle':
      return {
        id: statement.operation,
        kind: statement.kind,
        settled: await settleByPerson(context, dataset, statement, approver),
      };
  }
}

async function verified(context: AuthorityContext, jws: string): Promise<SignedStatement> {
  const authority = authorityOf(context);
  const keys = authority.approvers.flatMap(({ key }) => (key ? [key] : []));
  const { payload } = await verifyCompact(jws, { typ: standingStatementType, keys });
  const parsed = SignedStatement.safeParse(payload);
  if (!parsed.success)
    throw new ConcordatError('decisionMalformed', 'the signed statement does not have the shape of this version');
  const key = authority.approvers.find(({ id }) => id === parsed.data.approver)?.key;
  if (!key) throw new ConcordatError('notAnApprover', `${context.id} lists no approver of that name with a key`);
  await verifyCompact(jws, { typ: standingStatementType, keys: [key] });
  return parsed.data;
}

function requireType(context: AuthorityContext, dataset: string, type: string, field: string | null): void {
  const isHeld = context.federation.datasets[dataset]?.types.includes(type) === true;
  const fields = context.federation.taxonomy[type]?.fields ?? {};
  if (!isHeld || (field !== null && !Object.hasOwn(fields, field)))
    throw new ConcordatError(
      'decisionMalformed',
      isHeld ? `${type} has no field of that name` : `dataset ${dataset} holds no type of that name`,
    );
}
