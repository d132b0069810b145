/** `concordat taxonomy`: where a store is no longer shaped as its map was written for, and the word of a person that this is meant. */
import type { Command } from 'commander';
import { ConcordatError } from '../../core/errors.js';
import { findApprover } from '../deciding/approver.js';
import { giveStatement, requiredText } from '../deciding/sign-statement.js';
import { action, defineCommand } from '../invocation.js';
import { schemasSeen } from '../reading/drifts.js';
import { withFederation } from '../reading/federation-session.js';
import { driftConsequence, driftLine, driftWords } from '../showing/drift-text.js';
import { counted, listWords, shortDigest } from '../showing/words.js';
import { registerPropose } from './taxonomy-propose.js';

interface Options {
  readonly run?: string;
  readonly dataset?: string;
}

interface ApproveOptions extends Options {
  readonly as: string;
  readonly reason?: string;
}

export function registerTaxonomy(program: Command): void {
  const taxonomy = program
    .command('taxonomy')
    .description('How stores are shaped, against what their maps were written for.');
  defineCommand(taxonomy, {
    name: 'diff',
    description:
      'Show where the schema of a table or file is no longer the one of the last agreement, as the newest run saw it: properties gained, lost and renamed, values of another kind, unit or choice, many more empty ones, and columns that the store declares of another type. What a dataset holds because of it (`drift` in its file) is untold until the map is changed or a person of that authority approves. Exit code 2 where anything is held.',
    examples: [
      ['concordat taxonomy diff', 'of the newest run'],
      ['concordat taxonomy diff --run 3f2a91c0 --json', 'of one run, for scripts'],
    ],
  })
    .option('--run <run>', 'as this run saw it; the newest of the dataset where left out')
    .option('--dataset <name>', 'where the federation has several')
    .action(
      action<Options, []>(async (invocation, options) =>
        withFederation<0 | 2>(invocation, { withinMs: 120_000 }, async (session) => {
          const { dataset, drifts } = await schemasSeen(session, options);
          const held = drifts.filter(({ action: asked }) => asked !== 'report');
          const { paint } = invocation.output;
          invocation.output.result(
            {
              dataset,
              drifts: drifts.map((drift) => ({ ...drift, words: driftWords(drift), follows: driftConsequence(drift) })),
            },
            drifts.length === 0
              ? [`every table and file of ${dataset} is shaped as it was agreed on`]
              : [
                  ...drifts.map((drift) => `${drift.authority}  ${driftLine(drift, paint)}`),
                  ...(held.length === 0
                    ? []
                    : [
                        `change maps/<authority>.<type>.yaml where the map is wrong now, or say that it is meant: concordat taxonomy approve ${shortDigest(held[0]?.id ?? '')} --as KEY`,
                      ]),
                ],
          );
          return held.length > 0 ? 2 : 0;
        }),
      ),
    );
  defineCommand(taxonomy, {
    name: 'approve <drift>',
    description:
      'Say, with your key, that a drifted schema of your own store is meant. From the next run on the fields that were held are told again as they are, so that what follows from it is planned, and approved by everybody concerned like any other change.',
    examples: [['concordat taxonomy approve 8c01d2aa --as ana --reason "the column was dropped on purpose"', '']],
  })
    .requiredOption('--as <key>', 'who signs: the id of an approver, or the path of a key file')
    .option('--reason <text>', 'why')
    .option('--run <run>', 'as this run saw it; the newest of the dataset where left out')
    .option('--dataset <name>', 'where the federation has several')
    .action(
      action<ApproveOptions, [drift: string]>(async (invocation, options, word) => {
        const reason = options.reason === undefined ? null : requiredText('--reason', options.reason, 500);
        return withFederation<0>(invocation, { withinMs: 120_000 }, async (session) => {
          const { federation, layout } = session;
          const approver = await findApprover(federation, layout, invocation.workingFolder, options.as, undefined);
          const { dataset, drifts } = await schemasSeen(session, options);
          const held = drifts.filter(({ action: asked }) => asked !== 'report');
          const prefix = word.toLowerCase();
          const [only, ...more] = prefix.length < 4 ? [] : held.filter(({ id }) => id.startsWith(prefix));
          if (!only || more.length > 0)
            throw new ConcordatError(
              'usage',
              only
                ? `${word} could be several; write more of the digest`
                : `no held drift ${word}: ${held.length === 0 ? 'there is none' : `there is ${listWords(held.map(({ id }) => shortDigest(id)))}`}`,
            );
          const { authority, id } = only;
          const given = await giveStatement(session, approver, dataset, {
            kind: 'drift',
            authority,
            drift: id,
            reason,
          });
          invocation.output.result({ dataset, authority, drift: id, approver: given.approver }, [
            `${authority} has it from ${given.approver}: ${driftWords(only)}, and that is meant`,
            `${counted(only.fields.length, 'field')} told again from the next run on: concordat run ${dataset}`,
          ]);
          return 0;
        });
      }),
    );
  registerPropose(taxonomy);
}
