/** `concordat ignore`: a native record that is nobody's, such as a service account. */
import type { Command } from 'commander';
import { getDocument } from '../../activities/exchange.js';
import { Correlation } from '../../core/correlate.js';
import { ConcordatError } from '../../core/errors.js';
import { isProvisional, type AuthorityId } from '../../core/record.js';
import { findApprover } from '../deciding/approver.js';
import { giveStatement, requiredText } from '../deciding/sign-statement.js';
import { action, defineCommand } from '../invocation.js';
import { meant, planAgain, type PlannedAgain } from '../reading/explained.js';
import { withFederation, type FederationSession } from '../reading/federation-session.js';
import { visibleText } from '../showing/value-text.js';
import { listWords, shortDigest } from '../showing/words.js';

interface Options {
  readonly as: string;
  readonly reason: string;
  readonly run?: string;
  readonly authority?: string;
}

export function registerIgnore(program: Command): void {
  defineCommand(program, {
    name: 'ignore <key>',
    description:
      'Say, with your key, that a record of your authority is nobody: an account without an owner, a service account. It is joined with nothing, becomes no new record, and is neither written nor deleted; every plan lists it. It holds until you withdraw it, or until the native object is another one. Only a record that is not agreed on yet can be ignored.',
    examples: [
      [
        'concordat ignore 7d09c1aa42e0 --reason "backup service account" --as ana',
        'by the key that a plan or a case shows',
      ],
      ['concordat ignore svc-backup --reason "nobody" --as ana', 'by its whole name'],
    ],
  })
    .requiredOption('--as <key>', 'who signs: the id of an approver, or the path of a key file')
    .requiredOption('--reason <text>', 'why; shown wherever it is listed')
    .option('--run <run>', 'as this run saw it; the newest where left out')
    .option('--authority <id>', 'the authority whose record is meant, where several hold it')
    .action(
      action<Options, [key: string]>(async (invocation, options, word) => {
        const reason = requiredText('--reason', options.reason, 500);
        return withFederation<0>(invocation, { withinMs: 180_000 }, async (session) => {
          const { federation, layout } = session;
          const { workingFolder, output } = invocation;
          const approver = await findApprover(federation, layout, workingFolder, options.as, options.authority);
          const again = await planAgain(session, options.run ?? 'latest');
          const { type, key } = await meant(again.planInput, word, again.nameOf);
          const own = await unlinkedAt(session, again, type, key);
          const [only, ...more] = own.filter(({ authority }) =>
            approver.listings.some((listing) => listing.authority === authority),
          );
          if (!only || more.length > 0)
            throw unclear(
              own.map(({ authority }) => authority),
              type,
              key,
              more.length > 0,
            );
          const { authority, record } = only;
          const given = await giveStatement(session, approver, again.found.dataset, {
            kind: 'ignore',
            authority,
            type,
            record,
            reason,
          });
          const { id } = given.recorded;
          const name = (await again.nameOf(type, key)) ?? key.slice(0, 12);
          output.result({ dataset: again.found.dataset, authority, type, record, id, approver: given.approver }, [
            `${authority} has it from ${given.approver}: ${type} ${visibleText(name)} is nobody's (${shortDigest(id)})`,
            `the next run leaves it alone: concordat run ${again.found.dataset}`,
            `take it back with  concordat withdraw ${shortDigest(id)} --as KEY`,
          ]);
          return 0;
        });
      }),
    );
}

/** Under which provisional key which authority shows the record: as it is, or as this run joined or named it. */
async function unlinkedAt(
  { exchange }: FederationSession,
  { found, planInput }: PlannedAgain,
  type: string,
  key: string,
): Promise<readonly { readonly authority: AuthorityId; readonly record: string }[]> {
  const members = planInput.views[type]?.find((view) => view.key === key)?.members ?? {};
  const holders = Object.keys(members).filter((member) => members[member] !== undefined);
  if (isProvisional(key)) return holders.map((authority) => ({ authority, record: key }));
  const ref = (found.run?.result?.inputs ?? found.run?.progress?.inputs)?.correlation;
  if (!ref) return [];
  const { assignments } = await getDocument(exchange, ref, Correlation);
  return assignments
    .filter((one) => one.type === type && one.key === key && holders.includes(one.authority))
    .map(({ authority, from }) => ({ authority, record: from }));
}

function unclear(holders: readonly AuthorityId[], type: string, key: string, several: boolean): ConcordatError {
  const name = `${type} ${key.slice(0, 12)}`;
  if (several) return new ConcordatError('usage', `several authorities hold ${name}; name one with --authority`);
  return holders.length === 0
    ? new ConcordatError(
        'usage',
        `${name} is agreed on already: what is agreed is let go by deleting it, or left as it is with \`concordat accept\``,
      )
    : new ConcordatError('notAnApprover', `${name} is for the people of ${listWords(holders)}`);
}
