/** `concordat cases`: records that could be the same, for a person to decide. */
import type { Command } from 'commander';
import { action, defineCommand } from '../invocation.js';
import { openCases } from '../reading/cases.js';
import { withFederation } from '../reading/federation-session.js';
import { chooseDataset } from '../reading/find-run.js';
import { caseLines } from '../showing/case-text.js';

export function registerCases(program: Command): void {
  defineCommand(program, {
    name: 'cases [dataset]',
    description:
      'Show records that could be the same and that no rule could tell apart: their fields side by side, the rule that met the doubt, and what to type to decide.',
    examples: [
      ['concordat cases', 'of the only dataset'],
      ['concordat cases workforce --json', 'for scripts'],
    ],
  }).action(
    action<object, [dataset: string | undefined]>(async (invocation, _, named) =>
      withFederation(invocation, { withinMs: 120_000 }, async (session) => {
        const open = await openCases(session, chooseDataset(session.federation, named));
        invocation.output.result(open, caseLines(open, invocation.output.paint));
        return open.cases.length > 0 ? 2 : 0;
      }),
    ),
  );
}
