/** `concordat approve`: signs an approval for every authority that this person speaks for. */
import type { Command } from 'commander';
import { decide } from '../deciding/decide.js';
import { action, defineCommand } from '../invocation.js';

interface Options {
  readonly as: string;
  readonly authority?: string;
  readonly only?: readonly string[];
  readonly choose?: readonly string[];
  readonly yes?: true;
  readonly for?: string;
  readonly onlyThisPlan?: true;
}

export function registerApprove(program: Command): void {
  defineCommand(program, {
    name: 'approve <plan>',
    description:
      'Sign an approval of a plan with your key, for every authority that lists you and waits. Operations and conflicts go by the numbers that `concordat plan` prints, or the beginning of their digests.',
    examples: [
      ['concordat approve latest --as ana', 'everything that waits for ana'],
      ['concordat approve 3f2a91c0 --as ana --authority aws', 'for one authority only'],
      ['concordat approve 3f2a91c0 --as ana --only 1 4-7', 'some operations; the rest stays open'],
      ['concordat approve 3f2a91c0 --as ana --choose 1=2', 'everything, and of conflict 1 candidate 2'],
      ['concordat approve 3f2a91c0 --as ana --only none --choose 1=2', 'the choice and nothing else'],
      ['concordat approve latest --as ana --only-this-plan', 'and ask again if another plan has the same'],
      ['concordat approve latest --as ana --for ben', "with ben's voice, which he delegated to ana"],
      ['concordat approve latest --as ./ana.key.json --yes', 'with a key file, and without a question'],
    ],
  })
    .requiredOption('--as <key>', 'who signs: the id of an approver, or the path of a key file')
    .option('--authority <id>', 'sign for this authority only')
    .option(
      '--only <operations...>',
      'these operations only, and with `v1` the new types or maps of these numbers; the others stay open. `none` for choices alone',
    )
    .option('--choose <conflict=candidate...>', 'accept a value for a conflict')
    .option('--for <approver>', 'speak with the voice that this approver delegated to you')
    .option('--only-this-plan', 'do not let it stand for identical operations of later plans')
    .option('-y, --yes', 'do not ask before signing')
    .action(
      action<Options, [plan: string]>(async (invocation, options, plan) =>
        decide(invocation, plan, {
          as: options.as,
          authority: options.authority,
          only: options.only ?? [],
          choose: options.choose ?? [],
          yes: options.yes === true,
          verdict: { kind: 'approve' },
          onlyThisPlan: options.onlyThisPlan === true,
          for: options.for,
        }),
      ),
    );
}
