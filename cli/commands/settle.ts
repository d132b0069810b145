/** `concordat settle`: what became of a write whose effect nobody knows. */
import type { Command } from 'commander';
import { ConcordatError } from '../../core/errors.js';
import { findApprover } from '../deciding/approver.js';
import { giveStatement, requiredText } from '../deciding/sign-statement.js';
import { action, defineCommand } from '../invocation.js';
import { withFederation } from '../reading/federation-session.js';
import { chooseDataset, findRun } from '../reading/find-run.js';
import { reportRun, unsettledIn } from '../reading/run-report.js';
import { counted, listWords, shortDigest } from '../showing/words.js';
import { viewRun } from '../temporal/runs.js';

interface Options {
  readonly as: string;
  readonly applied?: true;
  readonly notApplied?: true;
  readonly reason?: string;
  readonly run?: string;
  readonly dataset?: string;
}

const verdictWords = { applied: 'had its effect', notApplied: 'had no effect' } as const;

export function registerSettle(program: Command): void {
  defineCommand(program, {
    name: 'settle <operation>',
    description:
      'Say, with your key, what became of a write to which the cloud gave no clear answer. Until then nothing is written to its record. Look at the object in its cloud first: --applied where the effect is there, --not-applied where it is not and will not come, and the operation may be written again under the approvals it has. Without either the worker reads the object now and goes by what it shows. A later run whose read shows the effect settles it by itself, and `concordat show` says so.',
    examples: [
      ['concordat settle 8c01d2aa90ff --as ana', 'let the worker look at the object'],
      ['concordat settle 8c01d2aa90ff --not-applied --reason "the ticket says so" --as ana', 'a person looked'],
    ],
  })
    .requiredOption('--as <key>', 'who signs: the id of an approver, or the path of a key file')
    .option('--applied', 'the write had its effect')
    .option('--not-applied', 'the write had no effect and will have none')
    .option('--reason <text>', 'how you know')
    .option('--run <run>', 'as this run shows it; the newest of the dataset where left out')
    .option('--dataset <name>', 'where the federation has several')
    .action(
      action<Options, [operation: string]>(async (invocation, options, word) => {
        if (options.applied && options.notApplied)
          throw new ConcordatError('usage', 'give one of --applied and --not-applied, not both');
        const verdict = options.applied ? 'applied' : options.notApplied ? 'notApplied' : 'look';
        const reason = options.reason === undefined ? null : requiredText('--reason', options.reason, 500);
        return withFederation<0>(invocation, { withinMs: 180_000 }, async (session) => {
          const { federation, layout, runs } = session;
          const approver = await findApprover(federation, layout, invocation.workingFolder, options.as, undefined);
          const selector = options.run ?? chooseDataset(federation, options.dataset);
          const report = await reportRun(session, await viewRun(runs, await findRun(runs, federation, selector)));
          const open = unsettledIn(report);
          const prefix = word.toLowerCase();
          const found = prefix.length < 4 ? [] : open.filter(({ operation }) => operation.startsWith(prefix));
          const [only, ...more] = found;
          if (!only || more.length > 0)
            throw new ConcordatError(
              'usage',
              only
                ? `${word} could be several; write more of the operation's digest`
                : `run ${report.run.runId.slice(0, 13)} shows no unsettled write ${word}: ${open.length === 0 ? 'it has none' : `it has ${listWords(open.map(({ operation }) => shortDigest(operation)))}`}`,
            );
          const { authority, operation, permit } = only;
          const given = await giveStatement(session, approver, report.run.dataset, {
            kind: 'settle',
            authority,
            operation,
            permit,
            verdict,
            reason,
          });
          const settled = given.recorded.settled?.settled ?? null;
          invocation.output.result({ dataset: report.run.dataset, authority, operation, permit, settled }, [
            `${authority} has it from ${given.approver}: operation ${shortDigest(operation)} ${verdictWords[settled?.verdict ?? 'applied']}${settled?.by === 'read' ? ', as a look at the object showed' : ''}`,
            ...(open.length > 1 ? [`${counted(open.length - 1, 'write')} more to settle`] : []),
            `the next run goes on: concordat run ${report.run.dataset}`,
          ]);
          return 0;
        });
      }),
    );
}
