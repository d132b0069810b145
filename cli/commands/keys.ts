/** `concordat keys`: signing keys of authorities and approvers, on this machine. */
import { Option, type Command } from 'commander';
import { generateKeys, type KeyReport, type KeySelection } from '../../activities/keys/generate.js';
import { readManifests } from '../../activities/manifests/read-manifests.js';
import { signFolder, type SignedFolder } from '../../activities/manifests/sign-folder.js';
import { algorithms, type Algorithm } from '../../core/public-key.js';
import { action, defineCommand } from '../invocation.js';
import { openFederation } from '../open-federation.js';
import { registerKeysOfAuthority } from './keys-of-authority.js';
import { registerKeysRotateDigest } from './keys-rotate-digest.js';
import { visibleText } from '../showing/value-text.js';

const stateWords: Readonly<Record<KeyReport['state'], string>> = {
  made: 'made',
  kept: 'was there',
  elsewhere: 'pinned; its private part is not on this machine',
};

export function registerKeys(program: Command): void {
  const keys = program.command('keys').description('Make, list, renew and revoke keys.');
  defineCommand(keys, {
    name: 'generate',
    description:
      'Make the keys that are missing, write the public ones into the federation files, sign the manifests of the authorities whose key is here and pin their peers for the first time. Never replaces a key.',
    examples: [
      ['concordat keys generate', 'all authorities and approvers of the folder, on this machine'],
      ['concordat keys generate --authority aws', 'on the machine of one authority'],
      ['concordat keys generate --approver ana', 'on the machine of one approver'],
      ['concordat keys generate --algorithm ES256', 'P-256 instead of Ed25519, where a policy asks for it'],
    ],
  })
    .option('--authority <id>', 'only the key of this authority')
    .option('--approver <id>', 'only the key of this approver, for every authority that lists them')
    .addOption(new Option('--algorithm <name>', 'of keys that are made').choices(algorithms).default('EdDSA'))
    .action(
      action<KeySelection & { readonly algorithm: Algorithm }>(
        async ({ federationFolder: folder, output }, selection) => {
          const reports = await generateKeys(folder, await openFederation(folder), selection);
          const federation = await openFederation(folder);
          const approverOnly = selection.approver !== undefined && selection.authority === undefined;
          const { signed, pinned }: SignedFolder = approverOnly
            ? { signed: [], pinned: [] }
            : await signFolder(folder, federation, selection.authority);
          const { faults: unsigned } = await readManifests(folder, federation);
          output.result({ folder, keys: reports, signed, pinned, unsigned }, [
            ...reports.map(
              ({ kind, id, state, thumbprint }) =>
                `${kind} ${output.paint.bold(id)}: ${stateWords[state]} ${output.paint.dim(thumbprint)}`,
            ),
            ...signed.map((id) => `manifest ${output.paint.bold(id)}: signed`),
            ...pinned.map(({ authority, peer }) => `peer ${output.paint.bold(peer)}: pinned by ${authority}`),
            ...unsigned.map(({ message }) => `${output.paint.yellow('not signed yet:')} ${visibleText(message)}`),
            ...(reports.some(({ state }) => state === 'made')
              ? ['Private keys are under keys/, for your eyes only; back them up.']
              : []),
          ]);
          return 0;
        },
      ),
    );
  registerKeysOfAuthority(keys);
  registerKeysRotateDigest(keys);
}
