/** `concordat dev`: Temporal, stand-ins of clouds and all workers of a federation on this machine. */
import path from 'node:path';
import { existsSync } from 'node:fs';
import { Option, type Command } from 'commander';
import { federationFileName } from '../../core/federation/files.js';
import { runDev } from '../dev/dev.js';
import { exampleNames, type SandboxExample } from '../examples.js';
import { action, defineCommand, type Invocation } from '../invocation.js';
import { checkPort, checkWhole } from '../option-numbers.js';

interface Options {
  readonly folder?: string;
  readonly people: number;
  readonly example: SandboxExample;
  readonly sandbox: boolean;
  readonly temporalAddress?: string;
  readonly temporalPort?: number;
  readonly uiPort?: number;
}

export function registerDev(program: Command): void {
  defineCommand(program, {
    name: 'dev',
    description:
      'Run a federation on this machine until Ctrl-C: a Temporal server with its UI, stand-ins of the clouds, the worker of the federation and one for each authority. Makes a folder over stand-ins where there is none. Data stays in .concordat in the folder.',
    examples: [
      ['concordat dev', 'the folder that is here, else a new one in ./federation'],
      ['concordat dev --folder /tmp/try', 'a folder to try things in'],
      ['concordat dev --no-sandbox', 'with the clouds that the folder names, and credentials from this terminal'],
      ['concordat dev --temporal-address 127.0.0.1:7233', 'with a server that runs already'],
    ],
  })
    .option('--folder <folder>', 'the federation folder; the same as --federation')
    .option('--people <count>', 'how many people new stand-ins know', checkWhole(24, 20_000), 120)
    .addOption(
      new Option('--example <name>', 'what new stand-ins hold: roles goes with the folder of examples/02-roles')
        .choices(exampleNames)
        .default('workforce'),
    )
    .option('--no-sandbox', 'the clouds themselves; each worker gets the variables of its kind of cloud')
    .option('--temporal-address <host:port>', 'a server without TLS that runs already (default: $TEMPORAL_ADDRESS)')
    .option('--temporal-port <port>', 'of the server that is started (default: 7233, or any free one)', checkPort)
    .option('--ui-port <port>', 'of Temporal UI (default: 8233, or any free one)', checkPort)
    .action(
      action<Options>(
        async (invocation, { folder, people, example, sandbox, temporalAddress, temporalPort, uiPort }) => {
          const given = temporalAddress ?? invocation.environment['TEMPORAL_ADDRESS'];
          await runDev(invocation, {
            folder: folder === undefined ? defaultFolder(invocation) : path.resolve(invocation.workingFolder, folder),
            people,
            example,
            sandbox,
            ...(given === undefined || given === '' || temporalPort !== undefined ? {} : { temporalAddress: given }),
            ...(temporalPort === undefined ? {} : { port: temporalPort }),
            ...(uiPort === undefined ? {} : { uiPort }),
          });
          return 0;
        },
      ),
    );
}

/** A new federation never goes loose into the working folder. */
function defaultFolder({ federationFolder, workingFolder }: Invocation): string {
  const isLoose = federationFolder === workingFolder && !existsSync(path.join(federationFolder, federationFileName));
  return isLoose ? path.join(workingFolder, 'federation') : federationFolder;
}
