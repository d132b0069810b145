/** `concordat demo`: three clouds, first contact, changes on all sides, agreement, and a proof of it, on this machine. */
import path from 'node:path';
import type { Command } from 'commander';
import { playDemo } from '../demo/demo.js';
import { action, defineCommand } from '../invocation.js';
import { checkPort, checkWhole } from '../option-numbers.js';

interface Options {
  readonly keep?: true;
  readonly people: number;
  readonly folder?: string;
  readonly port?: number;
  readonly uiPort?: number;
}

const teams = 12;

export function registerDemo(program: Command): void {
  defineCommand(program, {
    name: 'demo',
    description:
      'Show the whole of it in about a minute: three local stand-ins of clouds meet, change on their own and agree again, and the agreement is proved by other means. Needs no account; everything is stopped and removed at the end.',
    examples: [
      ['concordat demo', 'from nothing to a proof'],
      ['concordat demo --keep', 'and everything stays up until Ctrl-C, to look around'],
      ['concordat demo --json', 'one JSON summary on stdout, the story on stderr'],
    ],
  })
    .option('--keep', 'leave everything running until Ctrl-C')
    .option('--people <count>', 'how many people the clouds know', checkWhole(24, 5_000), 120)
    .option('--folder <folder>', 'leave federation, stores and logs here (default: a temporary folder, removed)')
    .option('--port <port>', 'of the Temporal server (default: any free one)', checkPort)
    .option('--ui-port <port>', 'of Temporal UI (default: any free one)', checkPort)
    .action(
      action<Options>(async (invocation, { keep, people, folder, port, uiPort }) => {
        await playDemo(invocation, {
          keep: keep === true,
          people,
          teams,
          ...(folder === undefined ? {} : { folder: path.resolve(invocation.workingFolder, folder) }),
          ...(port === undefined ? {} : { port }),
          ...(uiPort === undefined ? {} : { uiPort }),
        });
        return 0;
      }),
    );
}
