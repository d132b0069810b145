/** `concordat withdraw`: ends an acceptance, or an ignored record, before its time. */
import type { Command } from 'commander';
import { ConcordatError } from '../../core/errors.js';
import { findApprover } from '../deciding/approver.js';
import { giveStatement } from '../deciding/sign-statement.js';
import { action, defineCommand } from '../invocation.js';
import { acceptedIn } from '../reading/accepted.js';
import { withFederation } from '../reading/federation-session.js';
import { chooseDataset } from '../reading/find-run.js';

interface Options {
  readonly as: string;
  readonly dataset?: string;
  readonly authority?: string;
}

export function registerWithdraw(program: Command): void {
  defineCommand(program, {
    name: 'withdraw <id>',
    description:
      'Take back, with your key, an acceptance, or the word by which a record is ignored. Give the id that `concordat accepted` or `concordat accept` printed: its whole digest, or its beginning where the newest run knows it.',
    examples: [['concordat withdraw 8c01d2aa90ff --as ana', 'the next run asks about it again']],
  })
    .requiredOption('--as <key>', 'who signs: the id of an approver, or the path of a key file')
    .option('--dataset <name>', 'where the federation has several')
    .option('--authority <id>', 'for an id that no run has seen yet: the authority that holds it')
    .action(
      action<Options, [id: string]>(async (invocation, options, word) =>
        withFederation<0>(invocation, { withinMs: 180_000 }, async (session) => {
          const { federation, layout } = session;
          const dataset = chooseDataset(federation, options.dataset);
          const approver = await findApprover(
            federation,
            layout,
            invocation.workingFolder,
            options.as,
            options.authority,
          );
          const { authority, id } = await meantStatement(session, dataset, word.toLowerCase(), approver.listings);
          const given = await giveStatement(session, approver, dataset, { kind: 'withdraw', authority, statement: id });
          invocation.output.result({ dataset, authority, approver: given.approver, withdrawn: id }, [
            `${authority} has it from ${given.approver}: ${id.slice(0, 12)} holds no more`,
            `the next run goes without it: concordat run ${dataset}`,
          ]);
          return 0;
        }),
      ),
    );
}

async function meantStatement(
  session: Parameters<typeof acceptedIn>[0],
  dataset: string,
  word: string,
  listings: readonly { readonly authority: string }[],
): Promise<{ readonly authority: string; readonly id: string }> {
  const [listing, ...others] = listings;
  // What was signed a moment ago no run has published yet.
  if (/^[0-9a-f]{64}$/.test(word) && listing && others.length === 0) return { authority: listing.authority, id: word };
  const { accepted, ignored } = await acceptedIn(session, dataset, Date.now());
  const found = word.length < 4 ? [] : [...accepted, ...ignored].filter(({ id }) => id.startsWith(word));
  const [only, ...more] = found;
  if (only && more.length === 0) return only;
  throw new ConcordatError(
    'usage',
    only
      ? `${word} could be several; write more of the id`
      : `the newest run knows nothing under ${word}; see \`concordat accepted\`, or give the whole id with --authority`,
  );
}
