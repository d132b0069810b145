/** `concordat who-can`: who has a capability, in all meshes at once, by which grants, and what was not seen. */
import type { Command } from 'commander';
import { action, defineCommand } from '../invocation.js';
import { withFederation } from '../reading/federation-session.js';
import { whoCanAnswer } from '../reading/who-can.js';
import { whoCanLines } from '../showing/who-can-text.js';

interface Options {
  readonly on?: string;
  readonly dataset?: string;
}

export function registerWhoCan(program: Command): void {
  defineCommand(program, {
    name: 'who-can <capability>',
    description:
      'Say who has a capability of taxonomy/capabilities.yaml, in all meshes at once: each person or workload with the teams, grants and roles that give it, whether wholly, partly or under conditions, and what was not seen. Read from the newest snapshots that the authorities sealed; no mesh is asked.',
    examples: [
      ['concordat who-can "manage keys"', 'anywhere'],
      ['concordat who-can "manage keys" --on production', 'on one scope, by its name or the beginning of its key'],
      ['concordat who-can "read objects" --json', 'for scripts'],
    ],
  })
    .option('--on <scope>', 'only what counts on this scope: given there, inherited from above, or without any scope')
    .option('--dataset <name>', 'the dataset, where the federation has several')
    .action(
      action<Options, [capability: string]>(async (invocation, { on, dataset }, capability) =>
        withFederation<0>(invocation, { withinMs: 120_000 }, async (session) => {
          const answer = await whoCanAnswer(session, { capability, on, dataset });
          const { output } = invocation;
          output.result(answer, whoCanLines(answer, Date.now(), output.paint));
          return 0;
        }),
      ),
    );
}
