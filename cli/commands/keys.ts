/** `concordat keys`: signing keys of authorities and approvers, on this machine. */
import type { Command } from 'commander';
import { generateKeys, type KeyReport, type KeySelection } from '../../activities/keys/generate.js';
import { authorityKeyFile, readKeyFile } from '../../activities/keys/private-key.js';
import { signManifest } from '../../activities/keys/sign-manifest.js';
import { verifyManifests } from '../../activities/keys/verify-manifests.js';
import { action, defineCommand } from '../invocation.js';
import { openFederation } from '../open-federation.js';
import { terminalText } from '../output/terminal-text.js';

const stateWords: Readonly<Record<KeyReport['state'], string>> = {
  made: 'made',
  kept: 'was there',
  elsewhere: 'pinned; its private part is not on this machine',
};

export function registerKeys(program: Command): void {
  const keys = program.command('keys').description('Make and pin signing keys.');
  defineCommand(keys, {
    name: 'generate',
    description:
      'Make the keys that are missing, pin the public ones in the federation files, and sign the manifests of the authorities whose key is here. Never replaces a key.',
    examples: [
      ['concordat keys generate', 'all authorities and approvers of the folder, on this machine'],
      ['concordat keys generate --authority aws', 'on the machine of one authority'],
      ['concordat keys generate --approver ana', 'on the machine of one approver'],
    ],
  })
    .option('--authority <id>', 'only the key of this authority')
    .option('--approver <id>', 'only the key of this approver, for every authority that lists them')
    .action(
      action<KeySelection>(async ({ federationFolder: folder, output }, selection) => {
        const reports = await generateKeys(folder, await openFederation(folder), selection);
        const federation = await openFederation(folder);
        const signed: string[] = [];
        for (const { id } of federation.file.members) {
          const approverOnly = selection.approver !== undefined && selection.authority === undefined;
          const chosen = selection.authority === undefined || selection.authority === id;
          if (approverOnly || !chosen || !(await readKeyFile(authorityKeyFile(folder, id)))) continue;
          await signManifest(folder, federation, id);
          signed.push(id);
        }
        const unsigned = await verifyManifests(folder, federation);
        output.result({ folder, keys: reports, signed, unsigned }, [
          ...reports.map(
            ({ kind, id, state, thumbprint }) =>
              `${kind} ${output.paint.bold(id)}: ${stateWords[state]} ${output.paint.dim(thumbprint)}`,
          ),
          ...signed.map((id) => `manifest ${output.paint.bold(id)}: signed`),
          ...unsigned.map(({ message }) => `${output.paint.yellow('not signed yet:')} ${terminalText(message)}`),
          ...(reports.some(({ state }) => state === 'made')
            ? ['Private keys are under keys/, for your eyes only; back them up.']
            : []),
        ]);
        return 0;
      }),
    );
}
