/** `concordat inbox`: all that waits for an approver, in all their authorities and datasets. */
import type { Command } from 'commander';
import { findApprover } from '../deciding/approver.js';
import { action, defineCommand } from '../invocation.js';
import { withFederation } from '../reading/federation-session.js';
import { readInbox } from '../reading/inbox.js';
import { eraseCommand, inboxLines, nextCommand, waitsForThem } from '../showing/inbox-text.js';

interface Options {
  readonly as: string;
  readonly authority?: string;
}

export function registerInbox(program: Command): void {
  defineCommand(program, {
    name: 'inbox',
    description:
      'Show all that waits for an approver: reviews of plans, cases, and requests to erase a record, over all datasets, oldest first, with their age, their deadline, what is missing and what to type. Ends with 2 where something waits, with 0 where nothing does, and with 1 where that cannot be told.',
    examples: [
      ['concordat inbox --as ana', 'in every authority that lists ana'],
      ['concordat inbox --as ana --authority aws --json', 'in one, for scripts'],
    ],
  })
    .requiredOption('--as <key>', 'for whom: the id of an approver, or the path of a key file')
    .option('--authority <id>', 'in this authority only')
    .action(
      action<Options>(async (invocation, options) =>
        withFederation(invocation, { withinMs: 120_000 }, async (session) => {
          const { federation, layout } = session;
          const { output, workingFolder } = invocation;
          const approver = await findApprover(federation, layout, workingFolder, options.as, options.authority);
          const inbox = await readInbox(session, approver, Date.now());
          output.result(
            {
              reviews: inbox.reviews.map((review) => ({
                authority: review.authority,
                approver: review.approver,
                hasSpoken: review.hasSpoken,
                isOutdated: review.isOutdated,
                ...review.status,
                next: nextCommand(review, options.as),
              })),
              cases: inbox.cases.map((found) => ({ ...found, next: `concordat cases ${found.dataset}` })),
              erasures: inbox.erasures.map((one) => ({ ...one, next: eraseCommand(one, options.as) })),
              hidden: inbox.hidden,
            },
            inboxLines(inbox, options.as, output.paint, new Date()),
          );
          const isAsked = inbox.reviews.some(waitsForThem) || inbox.erasures.some(({ hasAsked }) => !hasAsked);
          if (isAsked || inbox.cases.length > 0) return 2;
          return inbox.hidden.length > 0 ? 1 : 0;
        }),
      ),
    );
}
