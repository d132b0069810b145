/** `concordat accepted`: what people accepted, who answers for it and until when; and what is nobody's. */
import type { Command } from 'commander';
import { action, defineCommand } from '../invocation.js';
import { acceptedIn } from '../reading/accepted.js';
import { withFederation } from '../reading/federation-session.js';
import { chooseDataset } from '../reading/find-run.js';
import { acceptedText } from '../showing/accepted-text.js';

export function registerAccepted(program: Command): void {
  defineCommand(program, {
    name: 'accepted [dataset]',
    description:
      'List the differences that people accepted, with owner, reason and end, as the newest run found them, and the records that they ignored. One that ended or whose values moved is back in the plan.',
    examples: [
      ['concordat accepted', 'of the only dataset'],
      ['concordat accepted workforce --json', 'for scripts'],
    ],
  }).action(
    action<object, [dataset: string | undefined]>(async (invocation, _, named) =>
      withFederation<0>(invocation, { withinMs: 120_000 }, async (session) => {
        const found = await acceptedIn(session, chooseDataset(session.federation, named), Date.now());
        invocation.output.result(found, acceptedText(found, invocation.output.paint));
        return 0;
      }),
    ),
  );
}
