/** What became of a write with unknown effect, as a person says, or as a look at the object that they ask for shows. */
import { ConcordatError } from '../../core/errors.js';
import { datasetShape } from '../../core/federation/federation.js';
import { operationsOf } from '../../core/permit.js';
import { Plan } from '../../core/plan.js';
import type { SettleStatement, UnsettledWrite } from '../../core/unsettled.js';
import { getDocument } from '../exchange.js';
import { askedFor } from './asked-records.js';
import type { AuthorityContext } from './context.js';
import { inspectOperation } from './inspect-operation.js';
import { OwnRecords } from './own-records.js';
import { isTold, openWrites, settle, stateOf, type OpenWrite, type Settled } from './unsettled.js';

/** Throws notFound where no such write is open here, effectUntold where a look at the object does not tell. */
export async function settleByPerson(
  context: AuthorityContext,
  dataset: string,
  { operation, permit, verdict, reason }: SettleStatement,
  approver: string,
): Promise<UnsettledWrite> {
  const open = (await openWrites(context, dataset)).find(
    ({ write }) => write.operation === operation && write.permit === permit,
  );
  if (!open)
    throw new ConcordatError(
      'notFound',
      `${context.id} has no unsettled write ${operation.slice(0, 12)}: it is settled already, or its effect was never in doubt`,
    );
  const found = verdict === 'look' ? await look(context, dataset, open) : verdict;
  const by = verdict === 'look' ? 'read' : 'person';
  return settle(context, dataset, open, { verdict: found, by, approver, reason, run: null });
}

/** Reads the one object now. */
async function look(context: AuthorityContext, dataset: string, open: OpenWrite): Promise<Settled['verdict']> {
  const { write, inputs } = open;
  const plan = await getDocument(context.exchange, open.plan, Plan);
  const operation = operationsOf(plan).get(write.operation);
  const type = datasetShape(context.federation, dataset).types.find(({ taxonomy }) => taxonomy.type === write.type);
  if (!operation || !type) throw untold(`plan ${open.plan.sha256.slice(0, 12)} is not known here any more`);
  if (operation.changes.some(({ field }) => type.digests.includes(field)))
    throw untold('it writes a field that leaves as a digest only');
  const own = await OwnRecords.load(context, inputs, null, askedFor([operation]));
  const fields = await inspectOperation({ context, own, type }, operation);
  if (fields === 'untranslatable') throw untold('the object cannot be translated as it is now');
  if (!isTold(open, fields)) throw untold('a field that it writes could not be read');
  const state = stateOf(open, fields);
  if (state === open.leaves) return 'applied';
  if (state === open.expects) return 'notApplied';
  throw untold('the object shows neither what it held before nor what it should hold');
}

function untold(why: string): ConcordatError {
  return new ConcordatError('effectUntold', `a look at the object does not tell: ${why}`);
}
